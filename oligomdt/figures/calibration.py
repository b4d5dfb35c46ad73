"""How often the intervals of the ensembles hold the truth, in simulated trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.figures import measurement, style
from oligomdt.figures.measurement import FIDELITIES, VARIANTS

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
ROW, HEAD = 0.42, 0.85
STEP = 0.22
COUNTS = ["trials", "failed", "draws"]


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
        that hold the truth), `trials`, `failed` and `draws` (of the ensemble of each arm).
    """
    if results is None:
        results = measurement.committed("calibration", "coverage")
    frame = results.melt(
        ["fidelity", "variant", *COUNTS],
        list(QUANTITIES),
        var_name="quantity",
        value_name="coverage",
    ).dropna(subset="coverage")
    frame["coverage"] = 100 * frame["coverage"]
    cell = {"fidelity": FIDELITIES, "variant": VARIANTS, "quantity": QUANTITIES}
    return measurement.in_order(frame, cell)[[*cell, "coverage", *COUNTS]]


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
    label = "% of the 95 % intervals that hold the truth"
    figure, panels = measurement.panels(frame, head=HEAD, row=ROW, label=label)
    low = min(80.0, 10 * (frame["coverage"].min() // 10))
    for axes, own in panels:
        axes.set_xlim(low, 100.5)
        axes.set_xticks(np.arange(low, 101, 5 if low > 60 else 10))
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.axvspan(*BAND, color=style.LIGHT, alpha=0.4, linewidth=0)
        axes.axvline(TARGET, color=style.GREY, linewidth=1, linestyle="dotted")
        for row in own.to_dict("records"):
            _draw_mark(axes, measurement.middle_of(own, row["variant"]), row)
    note = f"dotted: target, {TARGET:.0f} %; shaded: {BAND[0]:.0f} to {BAND[1]:.0f} %"
    looks = {name: (marker, colour) for name, marker, colour in QUANTITIES.values()}
    measurement.legend(figure, looks, note)
    return figure


def _draw_mark(axes: Axes, middle: float, row: dict[str, Any]) -> None:
    _, marker, colour = QUANTITIES[row["quantity"]]
    place = list(QUANTITIES).index(row["quantity"]) - (len(QUANTITIES) - 1) / 2
    gid = f"{row['fidelity']} {row['variant']} {row['quantity']}"
    look = {"color": colour, "markersize": 6, "clip_on": False, "gid": gid}
    axes.plot([row["coverage"]], [middle + STEP * place], marker, **look)


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

    def words(row: dict[str, Any]) -> str:
        return f"{QUANTITIES[row['quantity']][0]} {decimals(row['coverage'], 1)}"

    return (
        "Percent of the nominal 95 % intervals of the ensembles that hold the truth in "
        f"simulated trials. {measurement.by_cell(frame, words)}."
    )
