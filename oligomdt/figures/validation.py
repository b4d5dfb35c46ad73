"""Reconstruction from statistics alone against data sets whose patients are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals, percent
from oligomdt.figures import measurement, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_validation", "draw_validation", "simulated_coverage", "validation_data"]

ROW, HEAD, FOOT, LEFT = 0.5, 0.4, 0.95, 2.5
NUMBERS = ("coverage", "band_width", "log_hr_error")
RMST = ("rmst_true", "rmst_median", "rmst_low", "rmst_high")
# Quantities of a simulated trial, each with the column of its true value.
HELD = {"rmst": "rmst_true", "events": "events", "log_hr": "log_hr"}
ROUNDED = 1e-6  # of the numbers in the file


def validation_data(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of the figure: one per data set.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/statistics/results.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        `data`, `n`, `events`, `coverage` (share of S(t) inside the 95 % band), `band_width`,
        `log_hr_error`, and `rmst_true`, `rmst_median`, `rmst_low`, `rmst_high`: the difference
        of restricted mean survival as a share of its horizon. A data set for which no patients
        were found has nan.
    """
    if results is None:
        results = measurement.committed("statistics", "results")
    frame = results[["data", "n", "events", *NUMBERS]].copy()
    for name in RMST:
        frame[name] = results[name] / results["rmst_tau"]
    return frame.reset_index(drop=True)


def simulated_coverage(results: pd.DataFrame | None = None) -> dict[str, float]:
    """How often the 95 % ranges of the draws hold the truth, in simulated trials.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/statistics/simulated.csv, which is the default.

    Returns
    -------
    dict
        `trials`; `failed`: trials without draws, which the rest leaves out; `surv`: share of
        the times at which the band holds the true survival, mean over the trials, and
        `surv_error`, 1.96 standard errors of it; the same as `scans` of the trials whose
        progressions were found at scans and `at_once` of the others; `rmst`, `events`,
        `log_hr`: number of trials whose true value lies in the range of the draws.

    Examples
    --------
    >>> simulated_coverage()["trials"]
    60
    """
    if results is None:
        results = measurement.committed("statistics", "simulated")
    drawn = results.dropna(subset=["coverage"])
    found = {"trials": len(results), "failed": len(results) - len(drawn)}
    at_scans = drawn["scan_months"] > 0
    parts = {"surv": drawn, "scans": drawn[at_scans], "at_once": drawn[~at_scans]}
    for name, own in parts.items():
        found[name] = float(own["coverage"].mean())
        found[f"{name}_error"] = float(1.96 * own["coverage"].sem())
    for name, true in HELD.items():
        low, high = drawn[f"{name}_low"] - ROUNDED, drawn[f"{name}_high"] + ROUNDED
        found[name] = int(drawn[true].between(low, high).sum())
    return found


@style.styled
def draw_validation(frame: pd.DataFrame) -> Figure:
    """Draw the coverage of the band and the difference of restricted mean survival.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `validation_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(frame)
    figure = style.figure(HEAD + rows * ROW + FOOT)
    width, height = figure.get_size_inches()
    each = (width - LEFT - 0.75) / 2
    panels = []
    for place in range(2):
        left = LEFT + place * (each + 0.5)
        box = (left / width, FOOT / height, each / width, rows * ROW / height)
        axes = figure.add_axes(box)
        axes.set_ylim(rows, 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        panels.append(axes)
    _draw_coverage(panels[0], frame)
    _draw_rmst(panels[1], frame)
    figure.text(0.02, 0.16 / height, "Right: \u25cb and line reconstructed, x true")
    for y, row in enumerate(frame.to_dict("records")):
        _name(figure, 1 - (HEAD + (y + 0.5) * ROW) / height, row)
    return figure


def _name(figure: Figure, y: float, row: dict[str, Any]) -> None:
    height = figure.get_size_inches()[1]
    figure.text(0.02, y + 0.11 / height, row["data"], va="center")
    found = not np.isnan(row["coverage"])
    text = f"n {row['n']}, events {row['events']}" if found else "no patient data found"
    figure.text(0.02, y - 0.11 / height, text, va="center", color=style.GREY)


def _draw_coverage(axes: Axes, frame: pd.DataFrame) -> None:
    axes.set_title("Inside the band", fontweight="normal", fontsize=style.FONT)
    axes.axvline(0.95, color=style.GREY, linewidth=1, linestyle="dotted")
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.5, 0.95], ["0", "50", "95"])
    axes.set_xlabel("% of the curve")
    for y, row in enumerate(frame.to_dict("records")):
        if not np.isnan(row["coverage"]):
            look = {"color": style.ARMS["experimental"]["color"], "clip_on": False}
            axes.plot([0, row["coverage"]], [y + 0.5] * 2, linewidth=1.2, **look)
            gid = f"coverage {row['data']}"
            axes.plot([row["coverage"]], [y + 0.5], "o", markersize=7, gid=gid, **look)


def _draw_rmst(axes: Axes, frame: pd.DataFrame) -> None:
    axes.set_title("RMST difference", fontweight="normal", fontsize=style.FONT)
    axes.axvline(0, color=style.GREY, linewidth=1)
    axes.set_xlabel("share of horizon")
    ends = frame[list(RMST)].to_numpy()
    first, last = np.floor(np.nanmin(ends) / 0.2), np.ceil(np.nanmax(ends) / 0.2)
    ticks = 0.2 * np.arange(min(first, 0), last + 1)
    axes.set_xlim(ticks[0], ticks[-1])
    axes.set_xticks(ticks[[0, -1]], [f"{tick:.1f}" for tick in ticks[[0, -1]]])
    for y, row in enumerate(frame.to_dict("records")):
        if np.isnan(row["rmst_true"]):
            continue
        colour = style.ARMS["experimental"]["color"]
        ends = [row["rmst_low"], row["rmst_high"]]
        axes.plot(ends, [y + 0.5] * 2, color=colour, linewidth=2, gid=f"rmst {row['data']}")
        look = {"color": colour, "markerfacecolor": "white", "markersize": 7}
        axes.plot([row["rmst_median"]], [y + 0.5], "o", **look)
        look = {"color": style.ARMS["control"]["color"], "markersize": 8, "markeredgewidth": 2}
        axes.plot([row["rmst_true"]], [y + 0.5], "x", gid=f"true {row['data']}", **look)


def alt_validation(frame: pd.DataFrame) -> str:
    """Say in words how near the reconstruction comes to the truth.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `validation_data`.

    Returns
    -------
    str
    """
    parts = []
    for row in frame.to_dict("records"):
        if np.isnan(row["coverage"]):
            parts.append(f"{row['data']}: no patients found that meet every statement")
            continue
        parts.append(
            f"{row['data']}: {percent(row['coverage'])} % of the true curve inside the band, "
            f"RMST difference {decimals(row['rmst_median'], 3)} "
            f"({decimals(row['rmst_low'], 3)} to {decimals(row['rmst_high'], 3)}), "
            f"true {decimals(row['rmst_true'], 3)}"
        )
    return (
        "Reconstruction from statistics alone against known patients; differences of "
        "restricted mean survival time (RMST) as a share of its horizon. "
        f"{'; '.join(parts)}."
    )
