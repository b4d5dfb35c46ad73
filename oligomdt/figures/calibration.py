"""How often the intervals of the ensembles hold the truth, in simulated trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.figures import style
from oligomdt.figures.benchmark import FIDELITIES, VARIANTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BAND", "TARGET", "alt_calibration", "calibration_data", "draw_calibration"]

TARGET, BAND = 95.0, (92.0, 97.0)
# Columns of the results file: name, marker and colour.
QUANTITIES = {
    "log_hr": ("log hazard ratio", "o", "#0072B2"),
    "median": ("medians", "s", "#B84A00"),
    "surv": ("survival", "^", "#5A5A5A"),
}
ROW, HEAD, GAP, FOOT = 0.42, 0.85, 0.42, 0.6
STEP = 0.22


def calibration_data(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of the figure: one per fidelity, variant and quantity.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/calibration/coverage.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        `fidelity`, `variant`, `quantity`, `coverage` (percent of the nominal 95 % intervals
        that hold the truth), `trials` and `failed`.
    """
    import pandas as pd

    if results is None:
        folder = Path(__file__).resolve().parents[2] / "benchmarks" / "calibration"
        results = pd.read_csv(folder / "coverage.csv")
    frame = results.melt(
        ["fidelity", "variant", "trials", "failed"],
        list(QUANTITIES),
        var_name="quantity",
        value_name="coverage",
    )
    frame["coverage"] = 100 * frame["coverage"]
    cell = {"fidelity": FIDELITIES, "variant": VARIANTS, "quantity": QUANTITIES}
    for name, values in cell.items():
        frame[name] = pd.Categorical(frame[name], list(values))
    frame = frame.dropna(subset=[*cell, "coverage"]).sort_values(list(cell))
    frame = frame.astype(dict.fromkeys(cell, str))
    return frame[[*cell, "coverage", "trials", "failed"]].reset_index(drop=True)


@style.styled
def draw_calibration(frame: pd.DataFrame) -> Figure:
    """Draw the coverages, a panel per fidelity, with the target and the band around it.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `calibration_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fidelities = frame["fidelity"].unique()
    panel = ROW * frame["variant"].nunique()
    figure = style.figure(HEAD + FOOT + len(fidelities) * (panel + GAP) - GAP)
    width, height = figure.get_size_inches()
    low = min(80.0, 10 * (frame["coverage"].min() // 10))
    for place, fidelity in enumerate(fidelities):
        bottom = height - HEAD - panel - place * (panel + GAP)
        axes = figure.add_axes(
            (1.6 / width, bottom / height, (width - 1.8) / width, panel / height)
        )
        axes.set_xlim(low, 100.5)
        axes.set_xticks(np.arange(low, 101, 5 if low > 60 else 10))
        axes.xaxis.set_major_formatter("{x:.0f}")
        _draw_panel(axes, frame[frame["fidelity"] == fidelity])
        axes.set_title(FIDELITIES[fidelity])
        if place < len(fidelities) - 1:
            axes.set_xticklabels([])
        else:
            axes.set_xlabel("% of the 95 % intervals that hold the truth")
    _legend(figure)
    return figure


def _draw_panel(axes: Axes, own: pd.DataFrame) -> None:
    variants = list(own["variant"].unique())
    axes.set_ylim(len(variants), 0)
    axes.set_yticks(
        [i + 0.5 for i in range(len(variants))], [VARIANTS[name] for name in variants]
    )
    axes.tick_params(axis="y", length=0)
    axes.axvspan(*BAND, color=style.LIGHT, alpha=0.4, linewidth=0)
    axes.axvline(TARGET, color=style.GREY, linewidth=1, linestyle="dotted")
    for line in range(1, len(variants)):
        axes.axhline(line, color=style.LIGHT, linewidth=0.5)
    for row in own.to_dict("records"):
        _, marker, colour = QUANTITIES[row["quantity"]]
        place = list(QUANTITIES).index(row["quantity"]) - (len(QUANTITIES) - 1) / 2
        y = variants.index(row["variant"]) + 0.5 + STEP * place
        gid = f"{row['fidelity']} {row['variant']} {row['quantity']}"
        look = {"color": colour, "markersize": 6, "clip_on": False, "gid": gid}
        axes.plot([row["coverage"]], [y], marker, **look)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle="none", label=name)
        for name, marker, colour in QUANTITIES.values()
    ]
    figure.legend(
        handles=handles, loc="upper left", ncols=3, columnspacing=1, handletextpad=0.2,
        bbox_to_anchor=(0, 1), borderaxespad=0.2,
    )  # fmt: skip
    height = figure.get_size_inches()[1]
    note = f"dotted: target, {TARGET:.0f} %; shaded: {BAND[0]:.0f} to {BAND[1]:.0f} %"
    figure.text(0.02, 1 - 0.34 / height, note, va="top", color=style.GREY)


def alt_calibration(frame: pd.DataFrame) -> str:
    """Say in words how often the intervals hold the truth.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `calibration_data`.

    Returns
    -------
    str
    """
    parts = []
    for (fidelity, variant), own in frame.groupby(["fidelity", "variant"], sort=False):
        texts = [
            f"{QUANTITIES[row['quantity']][0]} {decimals(row['coverage'], 1)}"
            for row in own.to_dict("records")
        ]
        parts.append(f"{FIDELITIES[fidelity]}, {VARIANTS[variant]}: {', '.join(texts)}")
    return (
        "Percent of the nominal 95 % intervals of the ensembles that hold the truth in "
        f"simulated trials. {'; '.join(parts)}."
    )
