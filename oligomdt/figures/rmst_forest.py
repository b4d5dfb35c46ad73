"""Differences in restricted mean survival time, by trial and pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import BASES, TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_rmst_forest", "bases", "draw_rmst_forest", "rmst_forest_data"]

LAYOUT = rows_of.Layout(2.4, 1.5, 0.62, 0.4, 0.34)
# Inches: of the heading of a block, and of a block beside its rows.
HEADING, BLOCK = 0.36, 0.78
# Months between two ticks.
STEPS = (0.5, 1, 2, 5, 10, 20, 50)
Z = 1.959963984540054


def rmst_forest_data(estimates: pd.DataFrame, synthesis: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure from top to bottom.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `analysis.ipd_estimates`.
    synthesis : pandas.DataFrame
        As from `analysis.ipd_synthesis`; no pooled row for a group of one trial.

    Returns
    -------
    pandas.DataFrame
        `kind` ("trial" or "pooled"), `group`, `label`, `horizon` (months), `difference`
        (months, above 0 favours MDT), `low`, `high` (95 %), `within_low`, `within_high` (of a
        trial, without the uncertainty of the reconstruction), `share_percent` (of the variance
        that the reconstruction adds), `basis` (of a trial), `checked`.
    """
    import pandas as pd

    rows = []
    own = estimates[(estimates["estimand"] == "rmst") & estimates["estimate"].notna()]
    for group, trials in own.groupby("group", sort=False):
        for row in trials.to_dict("records"):
            value, se, within = row["estimate"], row["se"], row["within_se"]
            rows.append(
                {
                    "kind": "trial",
                    "group": group,
                    "label": row["label"],
                    "horizon": row["option"],
                    "difference": value,
                    "low": value - Z * se,
                    "high": value + Z * se,
                    "within_low": value - Z * within,
                    "within_high": value + Z * within,
                    "share_percent": 100 * row["share"],
                    "basis": row["basis"],
                    "checked": bool(row["checked"]),
                }
            )
        pooled = synthesis[(synthesis["group"] == group) & (synthesis["estimand"] == "rmst")]
        for row in pooled[pooled["k"] > 1].to_dict("records"):
            same = {name: row[name] for name in ("low", "high", "checked")}
            named = {"kind": "pooled", "group": group, "label": f"{row['k']} trials, pooled"}
            rows.append(
                named
                | {"horizon": trials["option"].iloc[0], "difference": row["estimate"]}
                | same
                | {"share_percent": 100 * row["share"], "basis": ""}
            )
    return pd.DataFrame(rows)


@style.styled
def draw_rmst_forest(frame: pd.DataFrame) -> Figure:
    """Draw each difference with its interval, on a scale of its own for each horizon.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `rmst_forest_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    blocks = list(frame.groupby("group", sort=False))
    inches = [BLOCK + LAYOUT.row * len(own) for _, own in blocks]
    height = LAYOUT.top + sum(inches) + LAYOUT.bottom
    figure = style.figure(height)
    top = height - LAYOUT.top
    for (group, own), tall in zip(blocks, inches, strict=True):
        _draw_group(_place(figure, own, top), group, own)
        top -= tall
    figure.axes[-1].set_xlabel("difference in RMST, months\n(above 0 favours MDT)")
    figure.text(0.02, 1 - 0.08 / height, bases(frame).capitalize(), va="top")
    heading = {"weight": "bold", "va": "top", "ha": "right"}
    figure.text(0.98, 1 - 0.08 / height, "months (95 %)", **heading)
    note = "Thick: without the uncertainty of the reconstruction"
    figure.text(0.02, 1 - 0.31 / height, note, va="top", color=style.GREY)
    return figure


def _place(figure: Figure, own: pd.DataFrame, top: float) -> Axes:
    """The axes of one horizon, under its heading; each horizon has a scale of its own."""
    width, height = figure.get_size_inches()
    tall = LAYOUT.row * len(own)
    inside = (width - LAYOUT.left - LAYOUT.right) / width
    box = (LAYOUT.left / width, (top - HEADING - tall) / height, inside, tall / height)
    axes = figure.add_axes(box)
    ends = [min(0, own["low"].min()), max(0, own["high"].max())]
    step = next(one for one in STEPS if ends[1] - ends[0] < 4 * one)
    low, high = step * np.floor(ends[0] / step), step * np.ceil(ends[1] / step)
    axes.set_xlim(low, high)
    axes.set_xticks(np.arange(low, high + step / 2, step))
    axes.set_ylim(len(own), 0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.axvline(0, color=style.GREY, linewidth=1, zorder=0)
    return axes


def _draw_group(axes: Axes, group: str, own: pd.DataFrame) -> None:
    colour = style.GROUPS.get(group, style.GREY)
    text = f"{TITLES.get(group, group)}, to {own['horizon'].iloc[0]:g} months"
    above = -0.6 * HEADING / LAYOUT.row
    rows_of.left(axes, LAYOUT, above, text, weight="bold", color=colour)
    for place, row in enumerate(own.to_dict("records")):
        y, gid = place + 0.5, f"{row['group']} {row['label']}"
        look = {"color": colour, "marker": "D" if row["kind"] == "pooled" else "s"}
        rows_of.interval(axes, y, row | {"hr": row["difference"]}, gid, size=45, **look)
        if row["kind"] == "trial":
            inner = [row["within_low"], row["within_high"]]
            thick = {"color": colour, "linewidth": 4.5, "solid_capstyle": "butt"}
            axes.plot(inner, [y, y], gid=f"within {gid}", **thick)
        rows_of.left(axes, LAYOUT, y, f"  {row['label']}")
        rows_of.right(axes, LAYOUT, y, _numbers(row))


def bases(frame: pd.DataFrame) -> str:
    """What the patients of a frame rest on, in words."""
    return ", ".join(BASES[name] for name in frame["basis"].unique() if name)


def _numbers(row: dict[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    low, high = decimals(row["low"], 1), decimals(row["high"], 1)
    return f"{decimals(row['difference'], 1)} ({low} to {high}){dagger}"


def alt_rmst_forest(frame: pd.DataFrame) -> str:
    """Say in words what the differences are and how much of them is reconstruction.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `rmst_forest_data`.

    Returns
    -------
    str
    """
    parts = []
    for group, own in frame.groupby("group", sort=False):
        texts = [
            f"{row['label']} {_numbers(row)}, {decimals(row['share_percent'], 1)} % of the "
            "variance from the reconstruction"
            for row in own.to_dict("records")
        ]
        horizon = f"{own['horizon'].iloc[0]:g} months"
        parts.append(f"{TITLES.get(group, group)}, to {horizon}: {'; '.join(texts)}")
    return (
        "Difference in restricted mean progression-free survival time of reconstructed "
        f"patients, MDT minus control, months with 95 % limits. {'. '.join(parts)}."
    )
