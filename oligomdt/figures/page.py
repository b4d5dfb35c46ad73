"""What a chapter puts on its page in one call: a table, a figure, a list of sentences."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from oligomdt.figures.picture import picture
from oligomdt.figures.tables import save, table

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

__all__ = ["draw", "listed", "show"]


def show(frame: pd.DataFrame, caption: str, name: str) -> Styler:
    """Save a table of texts for download and return it as the page shows it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Texts; its columns are the headings.
    caption : str
        What the table shows.
    name : str
        Name of the CSV file without its ending, unique in the book.

    Returns
    -------
    pandas.io.formats.style.Styler
    """
    save(frame, name)
    return table(frame, caption, name, columns={column: column for column in frame})


def draw(figure: str, frame: pd.DataFrame, name: str) -> Any:
    """Save the data of a figure for download and return the figure with its alt text.

    Parameters
    ----------
    figure : str
        Module of `oligomdt.figures`: ``"forest"``, ``"km"``, ...
    frame : pandas.DataFrame
        As from that module's ``FIGURE_data``.
    name : str
        Name of the CSV file without its ending, unique in the book.

    Returns
    -------
    IPython.display.SVG
    """
    module = importlib.import_module(f"oligomdt.figures.{figure}")
    save(frame, name)
    drawing = getattr(module, f"draw_{figure}")(frame)
    return picture(drawing, getattr(module, f"alt_{figure}")(frame))


def listed(sentences: Iterable[str] | Mapping[str, Iterable[str]]) -> Any:
    """Sentences as a bulleted list for a page, under headings where they are given by heading.

    Parameters
    ----------
    sentences : iterable of str, or mapping of heading to iterable of str
        Where there are none the page says so.

    Returns
    -------
    IPython.display.Markdown
    """
    from IPython.display import Markdown

    if not isinstance(sentences, Mapping):
        lines = [f"- {text}" for text in sentences]
    else:
        lines = []
        for heading, texts in sentences.items():
            lines += [f"- **{heading}**", *(f"  - {text}" for text in texts)]
    return Markdown("\n".join(lines) or "None found.")
