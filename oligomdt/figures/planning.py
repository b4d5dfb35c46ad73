"""What one more trial must show: maps of its hazard ratio by its number of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES
from oligomdt.figures.prior import FOOTNOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "alt_planning",
    "draw_planning",
    "planning_data",
    "range_text",
    "set_title",
    "today_text",
]

LOWEST, HIGHEST = 0.1, 10.0
COLUMNS = [
    "group", "k", "checked", "today", "events",
    "mdt_low", "mdt_high", "control_low", "control_high", "common_mdt", "common_control",
]  # fmt: skip
SIDES = {
    "mdt": (style.ARMS["experimental"]["color"], "interval below 1"),
    "control": (style.ARMS["control"]["color"], "interval above 1"),
}
ONE_TRIAL = " (one trial)"
SAID = (100.0, 400.0)
HR_TICKS, EVENT_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10), (20, 50, 100, 200, 500, 1000)


def planning_data(lines: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per set of trials and number of events of a new trial.

    Parameters
    ----------
    lines : pandas.DataFrame
        As from `analysis.tipping_lines`.

    Returns
    -------
    pandas.DataFrame
        `group`, `k`, `checked`, `today`, `events`, `mdt_low`, `mdt_high`, `control_low`,
        `control_high`, `common_mdt`, `common_control`.
    """
    return lines[COLUMNS].reset_index(drop=True)


@style.styled
def draw_planning(frame: pd.DataFrame) -> Figure:
    """Draw one map per set of trials: where the answer is clear once a new trial is added.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `planning_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = frame["group"].unique()
    rows = int(np.ceil(len(groups) / 2))
    height = 0.95 + 2.75 * rows
    figure = style.figure(height)
    for i, (group, own) in enumerate(frame.groupby("group", sort=False)):
        column, row = i % 2, i // 2
        bottom = (1.15 + 2.75 * (rows - 1 - row)) / height
        axes = figure.add_axes((0.11 + 0.465 * column, bottom, 0.375, 1.95 / height))
        _draw_map(axes, group, own)
        axes.tick_params(labelleft=column == 0)
        if column == 0:
            axes.set_ylabel("HR of the new trial")
        if row == rows - 1:
            axes.set_xlabel("events of the new trial")
    note = f"{_legend(frame)}\ndashed: limits of the common-effect model"
    if not frame["checked"].all():
        note += f"; {FOOTNOTE.replace('rests on a value that was ', '')}"
    figure.text(0.02, 0.0, note, va="bottom")
    return figure


def _legend(frame: pd.DataFrame) -> str:
    """What the colours mean, of those that are there."""
    words = ["blue: 95 % interval then below 1"]
    if frame["control_low"].notna().any():
        words.append("orange: above 1")
    return "; ".join([*words, "no colour: open"])


def _draw_map(axes: Axes, group: str, own: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(own["events"].min(), own["events"].max())
    axes.set_ylim(LOWEST, HIGHEST)
    for axis, ticks in ((axes.xaxis, EVENT_TICKS), (axes.yaxis, HR_TICKS)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    for side, (colour, _) in SIDES.items():
        low, high = own[f"{side}_low"], own[f"{side}_high"]
        look = {"color": colour, "alpha": 0.3, "linewidth": 0}
        axes.fill_between(own["events"], low, high, gid=f"{side} {group}", **look)
        for name in (f"{side}_low", f"{side}_high", f"common_{side}"):
            dash = (0, (5, 1.6)) if name.startswith("common") else "solid"
            look = {"color": colour, "linewidth": 1.4, "linestyle": dash}
            axes.plot(own["events"], own[name], gid=f"{name} {group}", **look)
    axes.axhline(1, color=style.GREY, linewidth=0.8, zorder=0)
    today = today_text(own.iloc[0]).removesuffix(ONE_TRIAL)
    axes.set_title(f"{_title(own)}\n{today}", fontsize=style.FONT)


def set_title(group: str, checked: bool) -> str:
    """A set of trials as a reader reads it; a dagger where a value was not read."""
    first, *rest = group.split(" ", 1)
    text = " ".join([TITLES.get(first, first), *rest])
    return text + ("" if checked else DAGGER)


def today_text(row: Mapping[str, Any]) -> str:
    """The answer of today; of one trial it is about the average over trials, not its own."""
    if row["k"] > 1:
        return f"today: {row['today']}"
    return f"average over trials: {row['today']}{ONE_TRIAL}"


def _title(own: pd.DataFrame) -> str:
    return set_title(own["group"].iloc[0], bool(own["checked"].iloc[0]))


def range_text(low: float, high: float) -> str:
    """A range of hazard ratios; its end at 0.1 or 10 is the end of the search, not of it."""
    if np.isnan(low):
        return "none"
    if low <= LOWEST and high >= HIGHEST:
        return "any"
    if low <= LOWEST:
        return f"up to {ratio(high)}"
    return f"from {ratio(low)}" if high >= HIGHEST else f"{ratio(low)} to {ratio(high)}"


def alt_planning(frame: pd.DataFrame) -> str:
    """Say in words what a new trial must show.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `planning_data`.

    Returns
    -------
    str
    """
    parts = []
    for _, own in frame.groupby("group", sort=False):
        shown = own[own["events"].isin(SAID)].to_dict("records")
        texts = [f"with {row['events']:.0f} events {_said(row)}" for row in shown]
        parts.append(f"{_title(own)}, {today_text(own.iloc[0])}; {', '.join(texts)}")
    note = "" if frame["checked"].all() else f" {FOOTNOTE}."
    return (
        "Maps of the hazard ratio of one new trial by its number of events: where the 95 % "
        "credible interval of the pooled hazard ratio would then leave out 1, looked for from "
        f"{LOWEST:g} to {HIGHEST:g}. {'. '.join(parts)}.{note}"
    )


def _said(row: dict[str, Any]) -> str:
    texts = []
    for side, (_, meaning) in SIDES.items():
        low, high = row[f"{side}_low"], row[f"{side}_high"]
        if not np.isnan(low):
            texts.append(f"{meaning} for a hazard ratio {range_text(low, high)}")
    common = f"(common effect: {SIDES['mdt'][1]} up to {ratio(row['common_mdt'])})"
    return f"{' and '.join(texts) or 'no hazard ratio gives a clear answer'} {common}"
