"""A small figure of a public data set, drawn by the tests, and a data folder that it fits.

The remissions of 42 children with acute leukaemia, 6-MP against placebo (`load_leukemia` of
lifelines).
"""

import numpy as np
import pandas as pd
from lifelines.datasets import load_leukemia
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oligomdt.survival.kaplan_meier import curve

ARMS = {"6-MP": (0, "#1f77b4"), "Placebo": (1, "#d62728")}
TIMES = range(0, 36, 5)
WEEK = 7 / 30.4375

TRIAL = """
id: Remission
name: Remission of acute leukaemia
registration: none
setting: an example
sources: {article: data set}
design:
  phase: not reported
  randomisation: not reported
  sites: not reported
  accrual_start: not reported
  accrual_end: not reported
  randomised: 42
  eligibility: not reported
  experimental: 6-MP
  control: placebo
  stratification: []
  primary_endpoint: remission
  pfs_definition: not reported
  analysis_set: not reported
  stopping: not reported
  software: not reported
reports:
  "1990":
    label: data set
    year: 1990
    cite: someone1963
    followup: not reported
cohorts:
  whole:
    label: all patients
    histology: leukaemia
    group: null
    primary: "1990"
    primary_reason: the only one
    results:
      "1990":
        id: Remission-1990
        arms:
          control:
            {name: placebo, n: 21, events: 21, progressions: not reported,
             withdrawals: not reported, median: 1.8, median_ci: not reported}
          experimental:
            {name: 6-MP, n: 21, events: 9, progressions: not reported,
             withdrawals: not reported, median: 5.3, median_ci: not reported,
             landmarks: [{time: 4.0, surv: 0.63}]}
        hr: not reported
        p: not reported
        test: not reported
        km_ci_transform: unknown
        km_ci_transform_reason: not stated
"""
SOURCES = """
article: {tier: primary, seen: data set, ref: an example, cite: someone1963}
other: {tier: secondary, seen: data set, ref: another example}
"""


def patients():
    """Time in weeks, event and arm of the true patients."""
    data = load_leukemia()
    arm = np.where(data["Rx"] == 0, "experimental", "control")
    return pd.DataFrame({"time": data["t"].astype(float), "event": data["status"], "arm": arm})


def draw(names=("6-MP", "Placebo"), title="Time (weeks)"):
    """The figure, with its numbers at risk."""
    data = load_leukemia()
    figure = Figure(figsize=(6, 4.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.2, 0.3, 0.76, 0.64))
    for row, (shown, (group, colour)) in enumerate(zip(names, ARMS.values(), strict=True)):
        own = data[data["Rx"] == group]
        km = curve(own["t"].to_numpy(float), own["status"].to_numpy())
        time, surv = np.r_[0, km.time], np.r_[1, km.surv]
        axes.step(time, surv, where="post", color=colour, lw=1.3, label=shown)
        marks = own.loc[own["status"] == 0, "t"]
        at = surv[np.searchsorted(time, marks, side="right") - 1]
        axes.plot(marks, at, "|", color=colour, ms=8)
        y = -0.28 - 0.09 * row
        axes.text(-3.5, y, shown, ha="right", va="center", fontsize=8)
        for month in TIMES:
            text = str(int((own["t"] >= month).sum()))
            axes.text(month, y, text, ha="center", va="center", fontsize=8)
    axes.text(0, -0.2, "Number at risk", fontsize=8, ha="center")
    axes.set(xlim=(0, 36), ylim=(0, 1.03), xlabel=title, ylabel="Remission-free survival")
    axes.set_xticks(list(TIMES))
    axes.legend(frameon=False)
    return figure


def data_folder(root):
    """A data folder with the trial."""
    (root / "trials").mkdir(parents=True)
    (root / "trials" / "remission.yaml").write_text(TRIAL, encoding="utf-8")
    (root / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    return root
