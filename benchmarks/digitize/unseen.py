"""Score the digitiser on figures in looks drawn at random, which nobody chose.

    python benchmarks/digitize/unseen.py [--first 3000 --figures 150] [--out look]

Patients, lines, lettering, legends, grids, bands, marks, annotations, resolution and kind of
file are drawn at random with the number of the figure as seed, and each figure is read without
any option. Texts may run over curves and over each other: that is left as it falls. Writes
`unseen.csv` beside this file, one row per figure.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm

from oligomdt.digitize import DigitizeError, digitize

HERE = Path(__file__).parent
NAMES = (
    ("SBRT + SOC", "SOC alone", "Observation"),
    ("Experimental", "Control", "Placebo"),
    ("MDT arm", "No MDT", "Delayed MDT"),
    ("Nivolumab", "Docetaxel", "Chemotherapy"),
    ("Low risk", "High risk", "Intermediate"),
)
COLOURS = (
    ("#1f77b4", "#ff7f0e", "#2ca02c"),
    ("#E7B800", "#2E9FDF", "#FC4E07"),
    ("#BC3C29", "#0072B5", "#20854E"),
    ("black", "red", "blue"),
    ("#374E55", "#DF8F44", "#00A1D5"),
    ("black", "#777777", "#bbbbbb"),
    ("navy", "darkorange", "purple"),
)
# The label of the axis, and its units to a month.
UNITS = (
    ("Months", 1.0),
    ("Time (months)", 1.0),
    ("Months since randomization", 1.0),
    ("Years", 1 / 12),
    ("Time since randomisation (years)", 1 / 12),
    ("Days", 30.4),
    ("Follow-up (weeks)", 4.35),
)
COLUMNS = (
    "figure", "kind", "dpi", "arms", "refused", "found", "wrong", "error", "warnings",
    "names_right", "names_exchanged", "cells", "cells_right", "cells_false", "marks",
    "marks_read", "marks_right", "seconds",
)  # fmt: skip
LEGENDS = ("plain", "framed", "beside", "none")
WRONG = 0.05
MARK_REACH = 0.005
"""How far from a true mark one that was read may be, as a share of the time axis."""


@dataclass
class Arm:
    """The true curve of one arm and its patients."""

    name: str
    times: np.ndarray
    levels: np.ndarray
    patients: np.ndarray
    censored: np.ndarray

    @property
    def end(self):
        """Last time of a patient."""
        return self.patients.max()

    def surv(self, t):
        """Survival at times t."""
        return self.levels[np.searchsorted(self.times, t, side="right") - 1]

    def at_risk(self, t):
        """Patients at risk just before time t."""
        return int((self.patients >= t - 1e-9).sum())


def random_arm(rng, name, scale) -> Arm:
    n = int(rng.integers(20, 250))
    event_time = rng.weibull(rng.choice([0.8, 1, 1.4]), n) * rng.uniform(6, 40)
    limit = np.minimum(rng.uniform(6, 60, n), rng.exponential(150, n))
    time = np.maximum(np.minimum(event_time, limit), 0.02)
    event = event_time <= limit
    if rng.random() < 0.3:
        time = np.ceil(time * 4) / 4
    time = time * scale
    times, levels = [0.0], [1.0]
    for t in np.unique(time[event]):
        levels.append(levels[-1] * (1 - (event & (time == t)).sum() / (time >= t).sum()))
        times.append(t)
    return Arm(name, np.array(times), np.array(levels), time, np.unique(time[~event]))


def random_look(rng, arms) -> dict:
    """Everything about a figure but its patients."""
    return {
        "dpi": int(rng.choice([90, 110, 150, 200, 300])),
        "size": (rng.uniform(4, 8), rng.uniform(3, 5.5)),
        "factor": 100 if rng.random() < 0.5 else 1,
        "ground": str(rng.choice(["white", "grid", "grey"], p=[0.7, 0.2, 0.1])),
        "bands": bool(rng.random() < 0.2),
        "marks": str(rng.choice(["|", "+", "none"], p=[0.5, 0.3, 0.2])),
        "width": float(rng.uniform(0.8, 2.4)),
        "font": str(rng.choice(["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"])),
        "font_size": float(rng.uniform(7, 12)),
        "table": bool(rng.random() < 0.5),
        "legend": str(
            rng.choice(["plain", "framed", "beside", "none"], p=[0.4, 0.3, 0.15, 0.15])
        )
        if arms > 1
        else "none",
        "open": bool(rng.random() < 0.5),
        "lowest": float(rng.choice([0, 0, 0, 0, 0.2, 0.4])),
        "annotated": bool(rng.random() < 0.4),
        "kind": str(rng.choice(["png", "jpg", "pdf", "svg"], p=[0.45, 0.25, 0.15, 0.15])),
        "quality": int(rng.choice([60, 80, 92])),
        "dashes": bool(rng.random() < 0.15),
        "ticks": str(rng.choice(["out", "in"], p=[0.8, 0.2])),
        "margin": bool(rng.random() < 0.5),
        "minor": bool(rng.random() < 0.15),
        "titled": bool(rng.random() < 0.4),
        "median": bool(rng.random() < 0.15),
        "colours": COLOURS[rng.integers(len(COLOURS))],
    }


def draw(rng, arms, look, unit, file):
    """Draw a figure into a file; return the times of the ticks."""
    settings = {
        "font.family": look["font"],
        "font.size": look["font_size"],
        "xtick.direction": look["ticks"],
        "ytick.direction": look["ticks"],
    }
    with plt.rc_context(settings):
        figure, axes = plt.subplots(figsize=look["size"])
        _curves(axes, arms, look)
        ticks = _axes(rng, axes, arms, look, unit)
        _texts(axes, arms, look)
        if look["table"]:
            figure.subplots_adjust(bottom=0.32, left=0.22)
            _table(axes, arms, look, ticks)
        else:
            figure.tight_layout()
        more = {"pil_kwargs": {"quality": look["quality"]}} if look["kind"] == "jpg" else {}
        tight = "tight" if look["table"] else None
        figure.savefig(file, dpi=look["dpi"], bbox_inches=tight, **more)
        plt.close(figure)
    return ticks


def _curves(axes, arms, look):
    axes.set_axisbelow(True)
    if look["ground"] != "white":
        axes.set_facecolor("#ebebeb" if look["ground"] == "grey" else "white")
        axes.grid(color="white" if look["ground"] == "grey" else "#dddddd")
    for arm, chosen, dashes in zip(arms, look["colours"], ("-", "--", ":"), strict=False):
        colour = "black" if look["dashes"] else chosen
        x, y = np.append(arm.times, arm.end), np.append(arm.levels, arm.levels[-1])
        axes.step(
            x, y * look["factor"], where="post", color=colour, lw=look["width"], label=arm.name,
            ls=dashes if look["dashes"] else "-",
        )  # fmt: skip
        if look["bands"] and not look["dashes"]:
            low, high = np.clip(y - 0.08, 0, 1), np.clip(y + 0.08, 0, 1)
            axes.fill_between(
                x, low * look["factor"], high * look["factor"], step="post", color=colour,
                alpha=0.15, lw=0,
            )  # fmt: skip
        if look["marks"] != "none":
            axes.plot(
                arm.censored, arm.surv(arm.censored) * look["factor"], ls="", color=colour,
                marker=look["marks"], ms=0.6 * look["font_size"], mew=0.6 * look["width"],
            )  # fmt: skip


def _axes(rng, axes, arms, look, unit):
    last = max(arm.end for arm in arms)
    low = look["lowest"] if min(arm.levels.min() for arm in arms) > look["lowest"] + 0.05 else 0
    below, above = (0.02, 1.03) if look["margin"] else (0, 1)
    axes.set_ylim((low - below) * look["factor"], above * look["factor"])
    axes.set_xlim(-0.02 * last if look["margin"] else 0, 1.04 * last)
    axes.set_xlabel(unit)
    proportions = ["Progression-free survival", "Survival probability", "Proportion alive"]
    percent = look["factor"] == 100
    axes.set_ylabel("Survival (%)" if percent else str(rng.choice(proportions)))
    if look["open"]:
        axes.spines[["top", "right"]].set_visible(False)
    if look["minor"]:
        axes.minorticks_on()
    if look["median"]:
        axes.axhline(0.5 * look["factor"], color="grey", ls="--", lw=0.8)
    axes.figure.canvas.draw()
    return [t for t in axes.get_xticks() if 0 <= t <= 1.04 * last]


def _texts(axes, arms, look):
    if look["titled"]:
        axes.set_title("Progression-free survival")
    if look["legend"] in ("plain", "framed"):
        axes.legend(frameon=look["legend"] == "framed", loc="best")
    elif look["legend"] == "beside":
        for arm, chosen in zip(arms, look["colours"], strict=False):
            x = 0.5 * arm.end
            colour = "black" if look["dashes"] else chosen
            axes.text(x, (arm.surv(x) + 0.04) * look["factor"], arm.name, color=colour)
    if look["annotated"]:
        said = "HR 0.61 (95% CI 0.40-0.93)\nP = 0.02"
        axes.text(0.55, 0.85, said, transform=axes.transAxes)


def _table(axes, arms, look, ticks):
    size, line = 0.85 * look["font_size"], 0.27 / look["size"][1]
    axes.text(-0.02, -0.24, "No. at risk", transform=axes.transAxes, fontsize=size)
    for k, arm in enumerate(arms):
        y = -0.31 - line * k
        axes.text(-0.08, y, arm.name, transform=axes.transAxes, ha="right", fontsize=size)
        for t in ticks:
            axes.text(
                t, y, str(arm.at_risk(t)), transform=axes.get_xaxis_transform(), ha="center",
                fontsize=size,
            )  # fmt: skip


def error(arm, time, surv) -> float:
    """Mean distance in survival from a curve that was read, over the time of the true one."""
    grid = np.linspace(0, arm.end, 400, endpoint=False)
    place = np.searchsorted(time, grid, side="right") - 1
    return float(np.abs(np.where(place < 0, 1.0, surv[place]) - arm.surv(grid)).mean())


def compare(read, arms, look, ticks) -> dict:
    """Row of a figure that was read."""
    points = read.points()
    curves = [
        (name, own["time"].to_numpy(float), own["survival"].to_numpy(float))
        for name, own in points.groupby("arm", sort=False)
    ]
    errors = np.array([[error(arm, time, surv) for _, time, surv in curves] for arm in arms])
    pairs = list(zip(*linear_sum_assignment(errors), strict=True))
    found = {arms[i].name: curves[j][0] for i, j in pairs}
    far = [errors[i, j] for i, j in pairs]
    row = {
        "found": len(curves),
        "wrong": int(sum(value >= WRONG for value in far)) + len(arms) - len(pairs),
        "error": max(far, default=np.nan),
        "warnings": len(read.warnings),
    }
    if look["table"] or look["legend"] != "none":
        row["names_right"] = sum(true == named for true, named in found.items())
        row["names_exchanged"] = sum(
            true != named and named in {arm.name for arm in arms}
            for true, named in found.items()
        )
    if look["table"]:
        row |= _cells(read.risk(), arms, found, ticks)
    return row | _marks(read.censor(), arms, found, look)


def _cells(table, arms, found, ticks) -> dict:
    right = false = 0
    for arm in arms:
        own = table[table["arm"] == found.get(arm.name)]
        for t in ticks:
            cell = own.loc[np.isclose(own["time"], t, atol=1e-3 * max(1.0, t)), "n_risk"]
            right += len(cell) == 1 and int(cell.iloc[0]) == arm.at_risk(t)
            false += len(cell) == 1 and int(cell.iloc[0]) != arm.at_risk(t)
    return {"cells": len(arms) * len(ticks), "cells_right": right, "cells_false": false}


def _marks(table, arms, found, look) -> dict:
    reach = MARK_REACH * max(arm.end for arm in arms)
    right = 0
    for arm in arms:
        true = arm.censored if look["marks"] != "none" else []
        left = sorted(table.loc[table["arm"] == found.get(arm.name), "time"])
        for t in true:
            near = [k for k, other in enumerate(left) if abs(other - t) <= reach]
            if near:
                right += 1
                left.pop(min(near, key=lambda k, t=t: abs(left[k] - t)))
    drawn = sum(len(arm.censored) for arm in arms) if look["marks"] != "none" else 0
    return {"marks": drawn, "marks_read": len(table), "marks_right": right}


def run(number, folder) -> dict:
    """Draw and read one figure; its row."""
    rng = np.random.default_rng(number)
    unit, scale = UNITS[rng.integers(len(UNITS))]
    names = NAMES[rng.integers(len(NAMES))][: int(rng.choice([1, 2, 2, 2, 3]))]
    arms = [random_arm(rng, name, scale) for name in names]
    look = random_look(rng, len(arms))
    file = folder / f"{number}.{look['kind']}"
    ticks = draw(rng, arms, look, unit, file)
    row = {"figure": number, "kind": look["kind"], "dpi": look["dpi"], "arms": len(arms)}
    start = time.process_time()
    try:
        read = digitize(file)
    except DigitizeError as refusal:
        return row | {"refused": str(refusal)}
    seconds = round(time.process_time() - start, 2)
    return row | compare(read, arms, look, ticks) | {"seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=3000, help="number of the first figure")
    parser.add_argument("--figures", type=int, default=150)
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.figures)
    arguments.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = [run(number, Path(folder)) for number in tqdm(numbers, unit="figure")]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame.to_csv(arguments.out / "unseen.csv", index=False, float_format="%.4g")
    print(f"{len(frame)} figures, {frame['refused'].notna().sum()} refused")


if __name__ == "__main__":
    main()
