"""Hazard ratio over time in each reconstructed trial."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.km import month_ticks
from oligomdt.figures.rmst_forest import bases

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_hr_over_time", "draw_hr_over_time", "hr_over_time_data"]

COLUMNS, CELL, HEAD, BELOW, LINE = 2, 1.75, 0.18, 0.55, 0.225
# Letters of a line.
LETTERS = 66
LOW, HIGH = 0.05, 10.0
TICKS = (0.1, 0.3, 1, 3)


def hr_over_time_data(lines: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per trial and time.

    Parameters
    ----------
    lines : pandas.DataFrame
        As from `analysis.hr_over_time`.

    Returns
    -------
    pandas.DataFrame
        Its columns: `group`, `label`, `time` (months), `hr`, `low`, `high` (95 %),
        `within_low`, `within_high`, `share`, `constant`, `basis`, `checked`.
    """
    return lines.reset_index(drop=True)


@style.styled
def draw_hr_over_time(frame: pd.DataFrame) -> Figure:
    """Draw one small panel per trial.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `hr_over_time_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = frame["label"].unique()
    rows = -(-len(labels) // COLUMNS)
    lines = [
        f"HR over months, {bases(frame)}. Dotted: constant HR.",
        "Bands: 95 %; the inner one without the uncertainty",
        "of the reconstruction.",
        *_cut_words(frame),
    ]
    head = HEAD + LINE * len(lines)
    figure = style.figure(head + rows * (CELL + BELOW))
    width, height = figure.get_size_inches()
    cell = (width - 0.15) / COLUMNS
    for place, (_, own) in enumerate(frame.groupby("label", sort=False)):
        row, column = divmod(place, COLUMNS)
        bottom = height - head - CELL - row * (CELL + BELOW) + 0.2
        box = (
            (0.55 + column * cell) / width,
            bottom / height,
            (cell - 0.7) / width,
            (CELL - 0.4) / height,
        )
        _draw_trial(figure.add_axes(box), own)
    for i, text in enumerate(lines):
        figure.text(0.02, 1 - (0.05 + LINE * i) / height, text, va="top", color=style.GREY)
    return figure


def _cut_words(frame: pd.DataFrame) -> list[str]:
    """Says which bands reach beyond the axis."""
    below, above = frame["low"] < LOW, frame["high"] > HIGH
    found = []
    for label in dict.fromkeys(frame.loc[below | above, "label"]):
        own = frame["label"] == label
        edges = [f"{LOW:g}"] * bool(below[own].any()) + [f"{HIGH:g}"] * bool(above[own].any())
        found.append(f"{label} at {' and '.join(edges)}")
    return textwrap.wrap(f"Band cut: {'; '.join(found)}.", LETTERS) if found else []


def _draw_trial(axes: Axes, own: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    first = own.iloc[0]
    colour = style.GROUPS.get(first["group"], style.GREY)
    for low, high, name in (("low", "high", "band"), ("within_low", "within_high", "within")):
        limits = (np.clip(own[column], LOW, HIGH) for column in (low, high))
        look = {"color": colour, "alpha": 0.16, "linewidth": 0}
        axes.fill_between(own["time"], *limits, gid=f"{name} {first['label']}", **look)
    axes.plot(own["time"], own["hr"], color=colour, linewidth=2, gid=f"hr {first['label']}")
    constant = {"color": colour, "linestyle": "dotted", "linewidth": 1.4}
    axes.axhline(first["constant"], gid=f"constant {first['label']}", **constant)
    axes.axhline(1, color=style.GREY, linewidth=1, zorder=0)
    axes.set_yscale("log")
    axes.set_ylim(LOW, HIGH)
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    longest = own["time"].max()
    axes.set_xlim(0, longest * 1.03)
    axes.set_xticks(month_ticks(longest))
    axes.set_title(f"{first['label']}{'' if first['checked'] else DAGGER}")


def alt_hr_over_time(frame: pd.DataFrame) -> str:
    """Say in words how the hazard ratio of each trial moves.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `hr_over_time_data`.

    Returns
    -------
    str
    """
    parts = []
    for label, own in frame.groupby("label", sort=False):
        ends = (own.iloc[0], own.iloc[-1])
        texts = [
            f"{row['time']:g} months {ratio(row['hr'])} "
            f"({_limit(row['low'])} to {_limit(row['high'])})"
            for row in ends
        ]
        dagger = "" if own["checked"].iloc[0] else DAGGER
        constant = f"constant hazard ratio {ratio(own['constant'].iloc[0])}"
        parts.append(f"{label}{dagger}, {', '.join(texts)}, {constant}")
    return (
        "Hazard ratio over time of reconstructed patients, linear in the logarithm of time, "
        f"with 95 % limits. {' '.join([*_cut_words(frame), '; '.join(parts)])}."
    )


def _limit(value: float) -> str:
    """A limit as text; what lies beyond the axis is said to be beyond it."""
    if value > HIGH:
        return f"above {HIGH:g}"
    return ratio(value) if value >= 0.01 else "near 0"
