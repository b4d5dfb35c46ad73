"""One look for all figures: sizes, fonts, colours, axes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ARMS", "GREY", "GROUPS", "SETTINGS", "figure", "log_axis", "styled"]

# Narrow, so that the smallest text stays legible where a phone shrinks the figure.
WIDTH = 5.8
FONT = 11

# Okabe and Ito's colours, which most colour-blind readers tell apart; line styles differ too.
ARMS = {
    "control": {"color": "#B84A00", "linestyle": (0, (5, 1.6)), "label": "control"},
    "experimental": {"color": "#0072B2", "linestyle": "solid", "label": "MDT added"},
}
GROUPS = {"NSCLC": "#0072B2", "breast": "#A3396E", "mixed": "#5A5A5A"}
GREY, LIGHT = "#4D4D4D", "#BBBBBB"

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": FONT,
    "axes.titlesize": FONT + 1,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "legend.fontsize": FONT,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    # The same numbers give the same bytes.
    "svg.hashsalt": "oligomdt",
    "svg.fonttype": "path",
}
HR_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20)


def figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, inches, that belongs to no window and needs no closing."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def log_axis(axes: Any, low: float, high: float, ticks: tuple[float, ...] = HR_TICKS) -> None:
    """Make the x axis logarithmic with plainly written ticks between its limits."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a drawing function use the project's settings, wherever it is called."""

    @functools.wraps(draw)
    def drawn(frame: pd.DataFrame) -> Figure:
        import matplotlib

        if frame.empty:
            raise ValueError(f"{draw.__name__}: the frame has no row; there is nothing to draw")
        with matplotlib.rc_context(SETTINGS):
            return draw(frame)

    return drawn
