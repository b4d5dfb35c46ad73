"""Pooled hazard ratios without each trial in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_influence", "draw_influence", "influence_data"]

LAYOUT = rows_of.Layout(2.62, 1.72, 0.55, 1.08, 0.32)
LINE = 0.23
LOW, HIGH = 0.09, 3.4
WHOLE = "all trials"


def influence_data(influence: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure from top to bottom.

    Parameters
    ----------
    influence : pandas.DataFrame
        As from `analysis.influence_of_trials`.

    Returns
    -------
    pandas.DataFrame
        `set`, `group`, `k` (trials pooled in this row), `label` ("all trials", then
        "without ..."), `hr`, `low`, `high` (95 %) and `checked`.
    """
    import pandas as pd

    numbers = ("hr", "low", "high", "checked")
    rows = []
    for name, own in influence.groupby("set", sort=False):
        first = own.iloc[0]
        same = {"set": name, "group": first["group"]}
        whole = {key: first[key] for key in numbers}
        rows.append(same | {"k": first["k"], "label": WHOLE} | whole)
        for row in own.to_dict("records"):
            without = {key: row[f"{key}_without"] for key in numbers}
            named = {"k": row["k"] - 1, "label": f"without {row['label']}"}
            rows.append(same | named | without)
    return pd.DataFrame(rows)


@style.styled
def draw_influence(frame: pd.DataFrame) -> Figure:
    """Draw a block per set: the pooled hazard ratio of all trials, then without each.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `influence_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    sets = frame["set"].unique()
    figure, axes = rows_of.place_axes(LAYOUT, len(frame) + len(sets), LOW, HIGH)
    position = 0
    for name, own in frame.groupby("set", sort=False):
        colour = style.GROUPS.get(own["group"].iloc[0], style.GREY)
        heading = TITLES.get(name, name)
        rows_of.left(axes, LAYOUT, position + 0.55, heading, weight="bold", color=colour)
        whole = own[own["label"] == WHOLE].iloc[0]
        band = {"color": colour, "alpha": 0.1, "linewidth": 0}
        span = (position + 0.95, position + 1 + len(own))
        axes.fill_betweenx(span, whole["low"], whole["high"], gid=f"all {name}", **band)
        position += 1
        for row in own.to_dict("records"):
            _draw_row(axes, position + 0.45, row, colour)
            position += 1
    height = figure.get_size_inches()[1]
    figure.text(0.98, 1 - 0.1 / height, "HR (95 %)", weight="bold", va="top", ha="right")
    top = {"va": "bottom", "color": style.GREY}
    axes.text(0.94, 0.02, "favours MDT", ha="right", **top)
    axes.text(1.07, 0.02, "favours control", ha="left", **top)
    notes = ["Shaded: limits of all trials of the block"]
    if not frame["checked"].all():
        notes.append(f"{DAGGER} rests on a value that was not read in its source")
    for line, note in enumerate(reversed(notes)):
        figure.text(0.02, (0.06 + LINE * line) / height, note, va="bottom")
    return figure


def _draw_row(axes: Axes, y: float, row: dict[str, Any], colour: str) -> None:
    whole = row["label"] == WHOLE
    look = {"color": colour, "marker": "D" if whole else "s", "filled": whole}
    gid = f"{row['set']}, {row['label']}"
    rows_of.interval(axes, y, row, gid, size=55 if whole else 40, **look)
    rows_of.left(axes, LAYOUT, y, f"  {row['label']}")
    rows_of.right(axes, LAYOUT, y, _numbers(row))


def _numbers(row: dict[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])}){dagger}"


def alt_influence(frame: pd.DataFrame) -> str:
    """Say in words how the pooled hazard ratios move.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `influence_data`.

    Returns
    -------
    str
    """
    parts = []
    for name, own in frame.groupby("set", sort=False):
        texts = [f"{row['label']} {_numbers(row)}" for row in own.to_dict("records")]
        parts.append(f"{TITLES.get(name, name)}: {', '.join(texts)}")
    return (
        "Pooled hazard ratio with 95 % limits of all trials and without each trial in turn. "
        f"{'; '.join(parts)}. {DAGGER}: rests on values that were not read in their source."
    )
