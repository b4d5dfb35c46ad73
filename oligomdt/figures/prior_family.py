"""Pooled results under several families of the prior on tau."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import percent, ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES
from oligomdt.figures.prior import FOOTNOTE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_prior_family", "draw_prior_family", "prior_family_data"]

PRIMARY = 0.5
LAYOUT = rows_of.Layout(1.5, 2.2, 0.45, 0.85, 0.28)
LOW, HIGH = 0.09, 3.4
RATIO_TITLE = "Ratio, NSCLC / breast"


def prior_family_data(families: pd.DataFrame, scale: float = PRIMARY) -> pd.DataFrame:
    """Rows of the figure: one per result and family of the prior.

    Parameters
    ----------
    families : pandas.DataFrame
        As from `analysis.prior_families`.
    scale : float
        Scale of the half-normal prior whose median all of them share.

    Returns
    -------
    pandas.DataFrame
        `group`, `family`, `prior`, `prior_median`, `prior_95`, `hr`, `low`, `high` (95 %
        credible), `p_benefit`, `p_relevant`, `checked`.

    Raises
    ------
    ValueError
        Where there is no row at this scale.
    """
    own = families[np.isclose(families["matched_scale"], scale)]
    if own.empty:
        known = ", ".join(f"{value:g}" for value in families["matched_scale"].unique())
        raise ValueError(f"scale is {scale:g}; it must be one of {known}")
    columns = ["group", "family", "prior", "prior_median", "prior_95"]
    columns += ["hr", "low", "high", "p_benefit", "p_relevant", "checked"]
    return own[columns].reset_index(drop=True)


@style.styled
def draw_prior_family(frame: pd.DataFrame) -> Figure:
    """Draw one row per family under a heading for each result.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prior_family_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = frame["group"].unique()
    figure, axes = rows_of.place_axes(LAYOUT, len(frame) + len(groups), LOW, HIGH)
    axes.set_xlabel("HR or ratio (log scale)")
    position = 0
    for group, block in frame.groupby("group", sort=False):
        colour = style.GROUPS.get(group, style.GREY)
        look = {"weight": "bold", "color": colour}
        rows_of.left(axes, LAYOUT, position + 0.55, _title(group, block), **look)
        position += 1
        for row in block.to_dict("records"):
            y, gid = position + 0.4, f"{group} {row['family']}"
            rows_of.interval(axes, y, row, gid, size=40, color=colour)
            rows_of.left(axes, LAYOUT, y, f"  {row['family']}")
            rows_of.right(axes, LAYOUT, y, f"{_numbers(row)}  {_chance(row)}")
            position += 1
    height = figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.1 / height, "Prior on tau", weight="bold", va="top")
    heading = "95 % limits  P(below 1)"
    figure.text(0.98, 1 - 0.1 / height, heading, weight="bold", va="top", ha="right")
    if not frame["checked"].all():
        figure.text(0.02, 0.06 / height, FOOTNOTE, va="bottom")
    return figure


def _title(group: str, own: pd.DataFrame) -> str:
    return TITLES.get(group, RATIO_TITLE) + ("" if own["checked"].all() else DAGGER)


def _chance(row: dict[str, Any]) -> str:
    text = percent(row["p_benefit"]).replace("more than ", "> ").replace("less than ", "< ")
    return f"{text} %"


def _numbers(row: dict[str, Any]) -> str:
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])})"


def alt_prior_family(frame: pd.DataFrame) -> str:
    """Say in words how the family of the prior moves the results.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prior_family_data`.

    Returns
    -------
    str
    """
    parts = []
    for group, own in frame.groupby("group", sort=False):
        texts = [f"{row['family']} {_numbers(row)}" for row in own.to_dict("records")]
        parts.append(f"{_title(group, own)}: {', '.join(texts)}")
    median = ratio(frame["prior_median"].iloc[0])
    note = "" if frame["checked"].all() else f" {FOOTNOTE}."
    return (
        "Pooled hazard ratios and their ratio with 95 % credible limits under six families of "
        f"the prior on tau, all with the median {median}. {'; '.join(parts)}.{note}"
    )
