"""A picture to check by eye: the page, with what was read drawn over it."""

import io

import numpy as np

from oligomdt.digitize.figure import Digitised

INK = ("#c2185b", "#00695c", "#4527a0", "#e65100", "#1565c0", "#558b2f", "#6d4c41", "#37474f")
"""One colour for each arm, unlike those of most figures."""

RED = "#b00020"

ROW = 0.045
"""Height of a row of numbers at risk below the page, as a share of the panel's."""


def png(read: Digitised) -> bytes:
    """The picture as a PNG file.

    Parameters
    ----------
    read : Digitised
        With its drawing.

    Returns
    -------
    bytes
        Of the file.
    """
    buffer = io.BytesIO()
    draw(read).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(read: Digitised):
    """The page around the panel, pale, and over it what was read.

    Curves are drawn in one colour for each arm with its name, censoring marks as rings, ticks
    as red crosses with the value that was read, and numbers at risk in the colour of their arm.

    Parameters
    ----------
    read : Digitised
        With its drawing.

    Returns
    -------
    matplotlib.figure.Figure
        Not tied to a window.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, top, right, bottom = area(read)
    wide = 9.0
    figure = Figure(figsize=(wide, wide * (bottom - top) / (right - left)), dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.axis("off")
    points = 72 * wide / (right - left)  # of the picture, for one unit of the page
    _page(axes, read.drawing, points)
    _curves(axes, read)
    _axes(axes, read)
    _numbers(axes, read, bottom)
    return figure


def area(read) -> tuple:
    """The part of the page to show: the panel, its labels and numbers at risk."""
    panel, page = read.panel, read.drawing
    width, height = panel.x1 - panel.x0, panel.y1 - panel.y0
    return (
        max(0.0, panel.x0 - 0.45 * width),
        max(0.0, panel.y0 - 0.25 * height),
        min(page.width, panel.x1 + 0.25 * width),
        min(page.height, panel.y1 + 0.7 * height) + ROW * height * (_rows(read) + 0.5),
    )


def _rows(read) -> int:
    return 0 if read.risk_table is None else len(read.risk_table.counts)


def _page(axes, drawing, points) -> None:
    if drawing.image is not None:
        extent = (0, drawing.width, drawing.height, 0)
        axes.imshow(drawing.image, extent=extent, alpha=0.5, aspect="auto")
    for stroke in drawing.strokes:
        ink = tuple(c / 255 for c in stroke.colour)
        if stroke.filled:
            axes.fill(*stroke.points.T, color=ink, alpha=0.35 * stroke.opacity, lw=0)
            continue
        corners = (
            stroke.points
            if not stroke.closed
            else np.vstack([stroke.points, stroke.points[:1]])
        )
        width = max(stroke.width * points, 0.2)
        axes.plot(*corners.T, color=ink, lw=width, alpha=0.35 * stroke.opacity)
    if drawing.image is None:
        for text in drawing.texts:
            upright = 45 < text.angle % 180 < 135
            size = min(text.width if upright else text.height, 9) * points
            axes.text(text.x, text.y, text.text.replace("$", r"\$"), fontsize=max(size, 3),
                      rotation=text.angle, ha="center", va="center", color="#777777",
                      parse_math=False)  # fmt: skip


def _curves(axes, read) -> None:
    for arm, ink in zip(read.arms, INK, strict=False):
        x, y = read.x_axis.position(arm.time), read.y_axis.position(arm.surv)
        axes.step(x, y, where="post", color=ink, lw=0.9)
        axes.text(x[-1], y[-1], arm.name, color=ink, fontsize=8, va="bottom", ha="right",
                  parse_math=False)  # fmt: skip
        at = read.y_axis.position(arm.censor_surv)
        axes.plot(read.x_axis.position(arm.censor_time), at, "o", ms=4, mfc="none", mec=ink,
                  mew=0.6)  # fmt: skip


def _axes(axes, read) -> None:
    panel = read.panel
    for position, value in read.x_axis.ticks:
        axes.plot(position, panel.y1, "+", color=RED, ms=7, mew=0.8)
        axes.text(position, panel.y1, f"{value:g} ", color=RED, fontsize=6, ha="right",
                  va="bottom")  # fmt: skip
    for position, value in read.y_axis.ticks:
        axes.plot(panel.x0, position, "+", color=RED, ms=7, mew=0.8)
        axes.text(panel.x0, position, f" {value:g}", color=RED, fontsize=6, ha="left",
                  va="bottom")  # fmt: skip
    x = [panel.x0, panel.x1, panel.x1, panel.x0, panel.x0]
    y = [panel.y0, panel.y0, panel.y1, panel.y1, panel.y0]
    axes.plot(x, y, color=RED, lw=0.4, ls=":")


def _numbers(axes, read, bottom) -> None:
    """Numbers at risk as they were read, at the foot of the picture."""
    if read.risk_table is None:
        return
    rows = read.risk_table.counts
    step = ROW * (read.panel.y1 - read.panel.y0)
    for k, (arm, counts) in enumerate(rows.items()):
        names = [one.name for one in read.arms]
        ink = INK[names.index(arm) % len(INK)] if arm in names else RED
        y = bottom - step * (len(rows) - k)
        axes.text(read.panel.x0 - 15, y, arm, color=ink, fontsize=7, ha="right", va="center",
                  parse_math=False)  # fmt: skip
        for time, count in zip(read.risk_table.time, counts, strict=True):
            shown = "?" if count is None else str(count)
            axes.text(float(read.x_axis.position(time)), y, shown, color=ink, fontsize=7,
                      ha="center", va="center")  # fmt: skip
