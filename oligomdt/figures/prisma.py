"""The flow of trials as far as it was recorded."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_prisma", "draw_prisma", "prisma_data", "prisma_table"]

# Inches: of one box, between two, of the column of stages, at the top and bottom.
BOX, GAP, STAGE, EDGE = 0.5, 0.16, 1.3, 0.08
LETTERS = 48


def prisma_data(flow: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per box.

    Parameters
    ----------
    flow : pandas.DataFrame
        As from `analysis.prisma_flow`.

    Returns
    -------
    pandas.DataFrame
        `stage`, `what`, `count` (text: a number, or what was not done).
    """
    return flow[["stage", "what", "count"]].reset_index(drop=True)


@style.styled
def draw_prisma(frame: pd.DataFrame) -> Figure:
    """Draw a box for each count, dashed where a step was not done.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prisma_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.patches import Rectangle

    step = BOX + GAP
    tall = 2 * EDGE + step * len(frame)
    figure = style.figure(tall)
    width = figure.get_size_inches()[0]
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(tall, 0)
    axes.axis("off")
    previous = ""
    for place, row in enumerate(frame.to_dict("records")):
        top = EDGE + place * step
        known = row["count"].isdigit()
        look = {"facecolor": "white", "edgecolor": style.GREY if known else style.LIGHT}
        line = "solid" if known else "dashed"
        corner = (STAGE, top)
        size = (width - STAGE - 0.1, BOX)
        axes.add_patch(Rectangle(corner, *size, linestyle=line, gid=row["what"], **look))
        text = textwrap.fill(f"{row['what']}: {row['count']}", LETTERS)
        axes.text(STAGE + 0.1, top + BOX / 2, text, va="center")
        if row["stage"] != previous:
            axes.text(0.05, top + BOX / 2, row["stage"], va="center", weight="bold")
        previous = row["stage"]
    return figure


def alt_prisma(frame: pd.DataFrame) -> str:
    """Say in words what each box holds.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prisma_data`.

    Returns
    -------
    str
    """
    parts = [
        f"{stage}: "
        + ", ".join(f"{row['what']} {row['count']}" for row in own.to_dict("records"))
        for stage, own in frame.groupby("stage", sort=False)
    ]
    return f"Flow of trials as far as it was recorded. {'; '.join(parts)}."


def prisma_table(checklist: pd.DataFrame) -> pd.DataFrame:
    """The checklist as a table of texts.

    Parameters
    ----------
    checklist : pandas.DataFrame
        As from `analysis.prisma`.

    Returns
    -------
    pandas.DataFrame
        One row per item.
    """
    shown = checklist.assign(where=checklist["where"].replace("", "\u2013"))
    names = {"item": "Item", "topic": "Topic", "status": "Status"}
    names |= {"where": "Pages", "reason": "How, or why not"}
    return shown.rename(columns=names)[list(names.values())]
