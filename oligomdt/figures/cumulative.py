"""Pooled hazard ratio of each histology as trials are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_cumulative", "cumulative_data", "draw_cumulative"]

LAYOUT = rows_of.Layout(2.2, 1.62, 0.38, 0.85, 0.32)
LOW, HIGH = 0.09, 3.4


def cumulative_data(accumulation: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure, from top to bottom.

    Parameters
    ----------
    accumulation : pandas.DataFrame
        As from `analysis.accumulation`.

    Returns
    -------
    pandas.DataFrame
        `group`, `added`, `year`, `k`, `hr`, `low`, `high` (95 %), `interval`, `checked`.
    """
    columns = ["group", "added", "year", "k", "hr", "low", "high", "interval", "checked"]
    return accumulation[columns].reset_index(drop=True)


@style.styled
def draw_cumulative(frame: pd.DataFrame) -> Figure:
    """Draw one row per trial under a heading for each histology.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `cumulative_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(frame) + frame["group"].nunique()
    figure, axes = rows_of.place_axes(LAYOUT, rows, LOW, HIGH)
    position = 0
    for group, own in frame.groupby("group", sort=False):
        colour = style.GROUPS.get(group, style.GREY)
        title = TITLES.get(group, group)
        heading = {"weight": "bold", "color": colour}
        rows_of.left(axes, LAYOUT, position + 0.55, title, **heading)
        position += 1
        for row in own.to_dict("records"):
            look = {"color": colour, "filled": row["interval"] == "credible", "size": 45}
            rows_of.interval(axes, position + 0.4, row, f"{group} {row['k']}", **look)
            rows_of.left(axes, LAYOUT, position + 0.4, f"  {_name(row)}")
            rows_of.right(axes, LAYOUT, position + 0.4, _numbers(row))
            position += 1
    height = figure.get_size_inches()[1]
    figure.text(0.98, 1 - 0.1 / height, "HR (95 %)", weight="bold", va="top", ha="right")
    note = "Hollow: one trial, confidence interval; filled: pooled, credible"
    figure.text(0.02, 0.06 / height, note, va="bottom")
    return figure


def _name(row: dict[str, Any]) -> str:
    return row["added"] if row["k"] == 1 else f"+ {row['added']}"


def _numbers(row: dict[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])}){dagger}"


def alt_cumulative(frame: pd.DataFrame) -> str:
    """Say in words how the pooled hazard ratios moved.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `cumulative_data`.

    Returns
    -------
    str
    """
    parts = []
    for group, own in frame.groupby("group", sort=False):
        texts = [f"{_name(row)} {_numbers(row)}" for row in own.to_dict("records")]
        parts.append(f"{TITLES.get(group, group)}: {'; '.join(texts)}")
    unread = f" {DAGGER} rests on a value not read in its source."
    return (
        "Hazard ratio with 95 % limits of the first trial, then pooled as each further trial "
        f"is added in order of its report. {'. '.join(parts)}."
        f"{'' if frame['checked'].all() else unread}"
    )
