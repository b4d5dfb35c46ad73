"""A drawn figure as an SVG that carries its own alt text."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oligomdt.figures.style import SETTINGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["picture", "save", "svg"]

MINIMUM = 20


def picture(figure: Figure, alt: str) -> Any:
    """Turn a figure into an SVG with its alt text as the description.

    The book reads the description back as the alt text of the image, so that the numbers in
    it come from the same frame as the figure's.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the figure shows, in words.

    Returns
    -------
    IPython.display.SVG

    Raises
    ------
    ValueError
        If the alt text says next to nothing.
    """
    from IPython.display import SVG

    return SVG(svg(figure, alt))


def svg(figure: Figure, alt: str) -> str:
    """The text of the SVG; the same figure gives the same text (see `picture`)."""
    import matplotlib

    if len(alt) <= MINIMUM:
        raise ValueError(f"alt: {alt!r} is too short; say what the figure shows")
    file = io.StringIO()
    with matplotlib.rc_context(SETTINGS):
        metadata = {"Description": alt, "Date": None}
        figure.savefig(file, format="svg", bbox_inches="tight", metadata=metadata)
    # Spaces at the ends of lines, which matplotlib leaves, have no meaning.
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def save(figure: Figure, alt: str, path: str | Path) -> None:
    """Write the SVG into a file (see `picture`)."""
    Path(path).write_text(svg(figure, alt), encoding="utf-8")
