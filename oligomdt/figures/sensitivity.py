"""Pooled hazard ratio of one histology under each change of the analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES
from oligomdt.figures.prior import FOOTNOTE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_sensitivity", "draw_sensitivity", "sensitivity_data"]

LAYOUT = rows_of.Layout(2.62, 1.62, 0.5, 1.05, 0.3)
LOW, HIGH = 0.09, 3.4
SHORT = {
    "primary analysis": "Primary analysis",
    "estimator": "Other estimator",
    "prior": "Other prior on tau",
    "report": "Other report of a trial",
    "CI level": "Deliberate mistake",
    "unchecked values": "Unchecked values",
    "reading of a trial": "Other reading of a trial",
    "adjusted": "Adjusted hazard ratio",
    "leave one out": "Leave one trial out",
    "trial added": "Trial added",
    "reconstructed": "Reconstructed patients",
}
# A scenario is named in at most this many characters, which is what fits beside the axes.
WIDEST = 32


def sensitivity_data(sensitivity: pd.DataFrame, group: str) -> pd.DataFrame:
    """Rows of the figure for one histology, from top to bottom.

    Parameters
    ----------
    sensitivity : pandas.DataFrame
        As from `analysis.sensitivity`.
    group : str
        The histology.

    Returns
    -------
    pandas.DataFrame
        `group`, `kind`, `scenario`, `k`, `hr`, `low`, `high`, `interval`, `mistake`,
        `checked`; without scenarios that could not be estimated.

    Raises
    ------
    ValueError
        Where there is no row of the group.
    """
    own = sensitivity[(sensitivity["group"] == group) & sensitivity["hr"].notna()]
    if own.empty:
        known = ", ".join(sensitivity["group"].unique())
        raise ValueError(f"group {group!r} has no scenario; it must be one of {known}")
    columns = ["group", "kind", "scenario", "k", "hr", "low", "high", "interval", "mistake"]
    return own[[*columns, "checked"]].reset_index(drop=True)


@style.styled
def draw_sensitivity(frame: pd.DataFrame) -> Figure:
    """Draw one row per scenario under a heading for each kind of change.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `sensitivity_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    kinds = frame["kind"].unique()
    rows = len(frame) + len(kinds)
    figure, axes = rows_of.place_axes(LAYOUT, rows, LOW, HIGH)
    main = frame[frame["kind"] == "primary analysis"].iloc[0]
    colour = style.GROUPS.get(main["group"], style.GREY)
    axes.axvspan(main["low"], main["high"], color=colour, alpha=0.1, linewidth=0, gid="primary")
    position = 0
    for kind, block in frame.groupby("kind", sort=False):
        heading = SHORT.get(kind, kind)
        rows_of.left(axes, LAYOUT, position + 0.55, heading, weight="bold")
        position += 1
        for row in block.to_dict("records"):
            _draw_row(axes, position + 0.4, row, colour)
            position += 1
    height = figure.get_size_inches()[1]
    title = TITLES.get(main["group"], main["group"])
    figure.text(0.02, 1 - 0.1 / height, title, weight="bold", va="top", color=colour)
    figure.text(0.98, 1 - 0.1 / height, "HR (95 %)", weight="bold", va="top", ha="right")
    note = "Filled: credible, hollow: confidence interval; shaded: primary"
    if not frame["checked"].all():
        note = f"{FOOTNOTE}\n{note}"
    figure.text(0.02, 0.06 / height, note, va="bottom")
    return figure


def _draw_row(axes: Axes, y: float, row: dict[str, Any], colour: str) -> None:
    credible = row["interval"] == "credible"
    look = {"color": style.ARMS["control"]["color"] if row["mistake"] else colour}
    marker = {"marker": "X" if row["mistake"] else "s", "filled": credible}
    rows_of.interval(axes, y, row, row["scenario"], size=40, **marker, **look)
    rows_of.left(axes, LAYOUT, y, f"  {_name(row)}")
    rows_of.right(axes, LAYOUT, y, _numbers(row))


def _name(row: dict[str, Any]) -> str:
    name = row["scenario"]
    if row["kind"] == "primary analysis":
        name = f"published HRs, {row['k']} trial{'s' if row['k'] > 1 else ''}"
    name = name.replace("Bayes half-normal ", "half-normal scale ").replace(
        " hazard ratio", " HR"
    )
    return name if len(name) <= WIDEST else name[: WIDEST - 1] + "\u2026"


def _numbers(row: dict[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])}){dagger}"


def alt_sensitivity(frame: pd.DataFrame) -> str:
    """Say in words how the pooled hazard ratio moves.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `sensitivity_data`.

    Returns
    -------
    str
    """
    main = frame[frame["kind"] == "primary analysis"].iloc[0]
    others = frame[frame["kind"] != "primary analysis"].to_dict("records")
    texts = [f"{row['scenario']} {_numbers(row)}" for row in others]
    note = "" if frame["checked"].all() else f" {FOOTNOTE}."
    return (
        f"Pooled hazard ratio in {main['group']} with 95 % limits when one choice is changed. "
        f"Primary analysis {_numbers(main.to_dict())}; {'; '.join(texts)}.{note}"
    )
