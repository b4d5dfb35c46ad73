"""Kaplan-Meier curves of all comparisons side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.km import (
    ARMS,
    BAND,
    BASES,
    draw_curves,
    km_data,
    numbers_at_risk,
    survival_words,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_km_panel", "draw_km_panel", "km_panel_data"]

COLUMNS, CELL, HEAD, BELOW = 2, 2.05, 0.8, 0.75
# Months at which the alt text gives survival.
TIMES = (6, 12)
UNREAD = f"{DAGGER} its hazard ratio, or the limits of it, was not read in its source"


def km_panel_data(reconstructions: Iterable[Any]) -> pd.DataFrame:
    """Curves of several results, one under the other.

    Parameters
    ----------
    reconstructions : iterable of Reconstruction
        One of each result, in the order of the panels.

    Returns
    -------
    pandas.DataFrame
        As `km_data`, without stated landmarks, and `checked`: whether the hazard ratio behind
        the curves was read in its source.

    Raises
    ------
    ValueError
        Where nothing is given, or a result occurs twice.
    """
    import pandas as pd

    frames = [
        km_data(one).assign(checked=not one.result.hr or one.result.hr.checked)
        for one in reconstructions
    ]
    if not frames:
        raise ValueError("km_panel_data needs at least one reconstruction")
    frame = pd.concat(frames, ignore_index=True)
    results = [one["result"].iloc[0] for one in frames]
    for name in results:
        if results.count(name) > 1:
            raise ValueError(f"km_panel_data: {name} is given twice; give each result once")
    return frame[frame["kind"] != "stated landmark"].reset_index(drop=True)


@style.styled
def draw_km_panel(frame: pd.DataFrame) -> Figure:
    """Draw one small panel per result.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `km_panel_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    results = frame["result"].unique()
    rows = -(-len(results) // COLUMNS)
    head = HEAD + 0.225 * (not frame["checked"].all())
    figure = style.figure(head + rows * (CELL + BELOW) - 0.1)
    width, height = figure.get_size_inches()
    cell = (width - 0.15) / COLUMNS
    for place, (_, own) in enumerate(frame.groupby("result", sort=False)):
        row, column = divmod(place, COLUMNS)
        left = 0.55 + column * cell
        bottom = height - head - CELL - row * (CELL + BELOW) + 0.2
        box = (left / width, bottom / height, (cell - 0.7) / width, (CELL - 0.45) / height)
        axes = figure.add_axes(box)
        draw_curves(axes, own, marker=6)
        axes.set_title(_title(own))
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        numbers_at_risk(axes, own, heading="", drop=28)
    _head(figure, frame)
    return figure


def _title(own: pd.DataFrame) -> str:
    return own["label"].iloc[0] + ("" if own["checked"].all() else DAGGER)


def _head(figure: Figure, frame: pd.DataFrame) -> None:
    height = figure.get_size_inches()[1]
    bases = ", ".join(f"{BASES[b]}" for b in frame.loc[frame["basis"] != "", "basis"].unique())
    lines = [
        f"PFS over months; {bases}.",
        BAND,
    ]
    if not frame["checked"].all():
        lines.append(UNREAD)
    for i, text in enumerate(lines):
        y = 1 - (0.05 + 0.225 * i) / height
        figure.text(0.02, y, text, va="top", color=style.GREY)
    x = 0.02
    for arm in reversed(ARMS):
        mark = "\u2014" if arm == "experimental" else "- -"
        text = f"{mark} {style.ARMS[arm]['label']} (numbers: at risk)"
        y = 1 - (0.05 + 0.225 * len(lines)) / height
        figure.text(x, y, text, va="top", color=style.ARMS[arm]["color"])
        x += 0.5


def alt_km_panel(frame: pd.DataFrame) -> str:
    """Say in words what the panels show, with their numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `km_panel_data`.

    Returns
    -------
    str
    """
    parts = ["Kaplan-Meier curves of progression-free survival, one panel per comparison."]
    for _, own in frame.groupby("result", sort=False):
        curves = own[own["kind"] == "curve"]
        arms = [
            f"{style.ARMS[arm]['label']}: {survival_words(rows, TIMES)}"
            for arm, rows in curves.groupby("arm", sort=False)
        ]
        basis = BASES[curves["basis"].iloc[0]]
        parts.append(f"{_title(own)}, {basis}; {'; '.join(arms)}.")
    unread = [] if frame["checked"].all() else [f"{UNREAD}."]
    return " ".join([*parts, BAND, *unread])
