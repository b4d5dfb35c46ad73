"""Rows of a plot of hazard ratios: text to the left, interval, numbers to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import ratio
from oligomdt.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Layout", "interval", "left", "limits", "place_axes", "right"]

MARGIN = 0.02 * style.WIDTH


@dataclass(frozen=True)
class Layout:
    """Inches to the left and right of the axes, above and below it, and of one row."""

    left: float
    right: float
    top: float
    bottom: float
    row: float


def place_axes(layout: Layout, rows: float, low: float, high: float) -> tuple[Figure, Axes]:
    """A figure with one axes of hazard ratios, `rows` high, the first row on top."""
    height = layout.top + rows * layout.row + layout.bottom
    figure = style.figure(height)
    width = figure.get_size_inches()[0]
    inside = (width - layout.left - layout.right) / width
    box = (layout.left / width, layout.bottom / height, inside, rows * layout.row / height)
    axes = figure.add_axes(box)
    narrow = width * inside < 2.5
    ticks = (0.1, 0.2, 0.5, 1, 2, 5) if narrow else (0.1, 0.2, 0.3, 0.5, 1, 2, 5)
    style.log_axis(axes, low, high, ticks)
    axes.set_ylim(rows, 0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.axvline(1, color=style.GREY, linewidth=1, zorder=0)
    axes.set_xlabel("hazard ratio (log scale)")
    return figure, axes


def left(axes: Axes, layout: Layout, y: float, text: str, **look: Any) -> None:
    """Write text at the left edge of the figure, at the height of a row."""
    _beside(axes, 0, 72 * (MARGIN - layout.left), y, text, **look)


def right(axes: Axes, layout: Layout, y: float, text: str, **look: Any) -> None:
    """Write text that ends at the right edge of the figure, at the height of a row."""
    _beside(axes, 1, 72 * (layout.right - MARGIN), y, text, ha="right", **look)


def _beside(axes: Axes, x: float, points: float, y: float, text: str, **look: Any) -> None:
    axes.annotate(
        text,
        (x, y),
        xycoords=("axes fraction", "data"),
        xytext=(points, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **look,
    )


def interval(
    axes: Axes,
    y: float,
    row: dict[str, Any],
    gid: str,
    *,
    color: str,
    marker: str = "s",
    size: float = 60.0,
    filled: bool = True,
    linestyle: Any = "solid",
) -> None:
    """Draw an estimate with its limits; an arrow where a limit lies beyond the axis.

    Parameters
    ----------
    axes : Axes
    y : float
        Height in rows.
    row : dict
        `hr`, `low` and `high`.
    gid : str
        Names the artists: "ci GID" and "hr GID".
    color, marker, size, filled, linestyle
        The look; `size` is the area of the marker.
    """
    edge_low, edge_high = axes.get_xlim()
    ends = [max(row["low"], edge_low), min(row["high"], edge_high)]
    look = {"color": color, "linewidth": 1.6, "solid_capstyle": "butt", "linestyle": linestyle}
    axes.plot(ends, [y, y], gid=f"ci {gid}", **look)
    beyond = {"color": color, "markersize": 7, "clip_on": False}
    if row["low"] < edge_low:
        axes.plot([edge_low], [y], marker="<", **beyond)
    if row["high"] > edge_high:
        axes.plot([edge_high], [y], marker=">", **beyond)
    face = color if filled else "white"
    axes.scatter(
        [row["hr"]],
        [y],
        s=size,
        marker=marker,
        facecolor=face,
        edgecolor=color,
        linewidth=0 if filled else 1.6,
        zorder=3,
        gid=f"hr {gid}",
    )


def limits(low: float, high: float, between: str = "\u2013") -> str:
    """Two limits as text."""
    return f"{ratio(low)}{between}{ratio(high)}"
