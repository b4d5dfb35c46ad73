"""What the figures of the benchmarks share: committed files, names, panels and legend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FIDELITIES",
    "VARIANTS",
    "by_cell",
    "cell_name",
    "committed",
    "in_order",
    "legend",
    "middle_of",
    "panels",
]

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
FIDELITIES = {
    "vector": "Exact corners of a vector figure",
    "fine": "600 x 400 pixels",
    "coarse": "300 x 200 pixels, clicked by hand",
}
VARIANTS = {
    "risk+ev": "risk table, events",
    "risk": "risk table",
    "n+ev": "n, events",
    "n": "n only",
}
# Inches: left of the panels for the names of the rows, between two panels, under the last.
LEFT, GAP, FOOT = 1.6, 0.42, 0.6


def committed(benchmark: str, name: str) -> pd.DataFrame:
    """Table NAME.csv of a folder of `benchmarks`."""
    import pandas as pd

    return pd.read_csv(FOLDER / benchmark / f"{name}.csv")


def in_order(frame: pd.DataFrame, shown: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Rows of a frame whose values are all shown, in the order in which they are.

    Parameters
    ----------
    frame : pandas.DataFrame
    shown : mapping of column to its values
        The first column sorts first.

    Returns
    -------
    pandas.DataFrame
        Its first columns are those of `shown`, as texts.
    """
    import pandas as pd

    columns = list(shown)
    frame = frame.copy()
    for name, values in shown.items():
        frame[name] = pd.Categorical(frame[name], list(values))
    frame = frame.dropna(subset=columns).sort_values(columns, kind="stable")
    frame = frame.astype(dict.fromkeys(columns, str))
    return frame[[*columns, *frame.columns.difference(columns, sort=False)]].reset_index(
        drop=True
    )


def cell_name(fidelity: str, variant: str) -> str:
    """Name of a kind of figure and what was known besides, as in "600 x 400 pixels, n only"."""
    return f"{FIDELITIES[fidelity]}, {VARIANTS[variant]}"


def by_cell(frame: pd.DataFrame, words: Callable[[dict[str, Any]], str]) -> str:
    """All rows in words, those of one fidelity and variant together."""
    parts = []
    for cell, own in frame.groupby(["fidelity", "variant"], sort=False):
        texts = ", ".join(words(row) for row in own.to_dict("records"))
        parts.append(f"{cell_name(*cell)}: {texts}")
    return "; ".join(parts)


def panels(
    frame: pd.DataFrame, *, head: float, row: float, label: str
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """Make a panel for each fidelity of a frame, with a row for each of its variants.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `fidelity` and `variant`.
    head, row : float
        Height above the panels and of one row, inches.
    label : str
        What the x axis shows; only the lowest panel has it and the numbers.

    Returns
    -------
    figure, list of (axes, rows of the frame)
    """
    own_rows = [own for _, own in frame.groupby("fidelity", sort=False)]
    panel = row * frame["variant"].nunique()
    figure = style.figure(head + FOOT + len(own_rows) * (panel + GAP) - GAP)
    width, height = figure.get_size_inches()
    found = []
    for place, own in enumerate(own_rows):
        bottom = height - head - panel - place * (panel + GAP)
        box = (LEFT / width, bottom / height, (width - LEFT - 0.2) / width, panel / height)
        axes = figure.add_axes(box)
        axes.set_title(FIDELITIES[own["fidelity"].iloc[0]])
        _name_rows(axes, own)
        axes.tick_params(axis="x", labelbottom=place == len(own_rows) - 1)
        found.append((axes, own))
    found[-1][0].set_xlabel(label)
    return figure, found


def _name_rows(axes: Axes, own: pd.DataFrame) -> None:
    names = [VARIANTS[variant] for variant in own["variant"].unique()]
    axes.set_ylim(len(names), 0)
    axes.set_yticks([line + 0.5 for line in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    for line in range(1, len(names)):
        axes.axhline(line, color=style.LIGHT, linewidth=0.5)


def middle_of(own: pd.DataFrame, variant: str) -> float:
    """Height of the middle of a variant's row in its panel."""
    return list(own["variant"].unique()).index(variant) + 0.5


def legend(figure: Figure, looks: Mapping[str, tuple[str, str]], note: str) -> None:
    """Name markers and their colours at the top, three in a line, and a note under them."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle="none", label=name)
        for name, (marker, colour) in looks.items()
    ]
    figure.legend(
        handles=handles, loc="upper left", ncols=3, columnspacing=1, handletextpad=0.2,
        bbox_to_anchor=(0, 1), borderaxespad=0.2,
    )  # fmt: skip
    lines = -(-len(looks) // 3)
    height = figure.get_size_inches()[1]
    figure.text(0.02, 1 - (0.12 + 0.22 * lines) / height, note, va="top", color=style.GREY)
