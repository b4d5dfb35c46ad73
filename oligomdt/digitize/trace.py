"""Curves of an image: the path of an arm through the columns of the panel.

A curve is the falling path from (0, 1) with most ink on it: a dynamic programme over the
columns, in which a level without ink and a drop without ink cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GAP = {"solid": 1.0, "dashed": 0.4, "dotted": 0.14}
"""Cost of a column without ink, by the style of the line; a column with ink earns 1."""
HIDDEN = 0.1
"""Cost of a column in which something else is drawn over the line."""
DROP = 0.8
"""Cost of a step."""
AT_ONCE = 0.25
"""Largest drop at time 0 that an axis or a grid line may hide, as a share of the panel."""


@dataclass(frozen=True, eq=False)
class Trace:
    """A curve in pixels of the image, from left to right.

    Attributes
    ----------
    points : array of shape (m, 2)
        Corners of the step line: its start, then before and after each drop, and its end.
    colour : tuple of int
        Of the line.
    style : str
        'solid', 'dashed' or 'dotted'.
    width : float
        Of the line, in pixels.
    seen : float
        Share of its columns that show ink of its own.
    rows : array of shape (n,)
        Row of its level in each column of the panel from `left` on.
    left : int
        First column.
    """

    points: np.ndarray
    colour: tuple[int, int, int]
    style: str
    width: float
    seen: float
    rows: np.ndarray
    left: int

    @property
    def end(self) -> float:
        """Its right end."""
        return float(self.points[-1, 0])

    def level(self, x):
        """Height of its level at x (page units), a number or an array."""
        k = np.searchsorted(self.points[:, 0], x, side="right") - 1
        return self.points[np.clip(k, 0, len(self.points) - 1), 1]


def path(cover, hidden, start_row, style):
    """The falling path with most ink from the left edge, and where it ends.

    Parameters
    ----------
    cover : array of shape (height, width)
        Ink of the arm.
    hidden : array of bool, shape (height, width)
        Where something else may cover the line.
    start_row : float
        Row of survival 1.
    style : str
        'solid', 'dashed' or 'dotted'.

    Returns
    -------
    rows : array of int, shape (n,) or None
        Row of the level in each column up to the end; None if nothing starts there.
    worth : float
        Ink less costs.
    """
    height, width = cover.shape
    gap = GAP[style]
    level, upright = _whole(cover)
    gain = np.where(level >= 0.35, level, np.where(hidden, -HIDDEN, -gap * (1 - level)))
    bare = 1 - np.maximum(upright, np.pad(upright, ((0, 0), (1, 0)))[:, :width])
    cost = np.where(hidden, 0.2, 1.0) * gap * bare - 0.05 * (bare < 0.4)
    total = np.cumsum(cost, axis=0)
    first = np.abs(np.arange(height) + 0.5 - start_row) <= 1.6
    worth = np.where(first, 0.0, -np.inf)
    came = np.empty((width, height), np.int32)
    index = np.arange(height)
    best, best_at = -np.inf, None
    for x in range(width):
        reach = worth + total[:, x]
        top = np.maximum.accumulate(reach)
        where = np.maximum.accumulate(np.where(reach >= top, index, 0))
        dropped = top - total[:, x] - DROP
        stays = worth >= dropped
        came[x] = np.where(stays, index, where)
        worth = np.where(stays, worth, dropped) + gain[:, x]
        row = int(np.argmax(worth))
        if worth[row] > best:
            best, best_at = float(worth[row]), (x, row)
    if best_at is None or best <= 0:
        return None, 0.0
    end, row = best_at
    rows = np.empty(end + 1, int)
    for x in range(end, -1, -1):
        rows[x] = row
        row = came[x, row]
    fall = slice(int(max(start_row, 0)), rows[0])
    blank = (bare[fall, 0] > 0.6) & ~hidden[fall, 0]
    unseen = (bare[fall, 0] > 0.6).sum()
    if blank.sum() > max(4, 0.5 * (rows[0] - start_row)) or unseen > AT_ONCE * height:
        return None, 0.0
    return rows, best


def _whole(cover):
    """Ink of level and of upright lines that share their width between two pixels.

    Only of lines thinner than a pixel or two: thicker ones fill a pixel anyway.
    """
    inked = cover[cover > 0.25]
    if not len(inked) or np.percentile(inked, 75) > 0.9:
        return cover, cover
    padded = np.pad(cover, 1)
    beside = np.maximum(padded[:-2, 1:-1], padded[2:, 1:-1])
    before = np.maximum(padded[1:-1, :-2], padded[1:-1, 2:])
    return np.minimum(cover + beside, 1), np.minimum(cover + before, 1)


def window(cover, rows, half):
    """Rows around the path, column by column; nothing beyond the image."""
    padded = np.pad(cover, ((half, half), (0, 0)))
    columns = np.arange(len(rows))
    return np.stack([padded[rows + k, columns] for k in range(2 * half + 1)])


def ribbon(shape, trace: Trace, pad) -> np.ndarray:
    """Pixels of which more than half lies within half a line's width and `pad` of a curve.

    Beside a drop twice that: its time is less sure than its levels.
    """
    inside = np.zeros(shape, bool)
    half = trace.width / 2 + pad
    for (x0, y0), (x1, y1) in zip(trace.points, trace.points[1:], strict=False):
        wide = half + (pad if x0 == x1 else 0)
        a, b = max(round(min(y0, y1) - half), 0), max(round(max(y0, y1) + half), 0)
        c, d = max(round(min(x0, x1) - wide), 0), max(round(max(x0, x1) + wide), 0)
        inside[a:b, c:d] = True
    return inside


def band_around(shape, trace: Trace, pad) -> np.ndarray:
    """Pixels within half a line's width and `pad` of a curve, even in part."""
    band = np.zeros(shape, bool)
    half = trace.width / 2 + pad
    for (x0, y0), (x1, y1) in zip(trace.points, trace.points[1:], strict=False):
        a, b = max(int(min(y0, y1) - half), 0), int(max(y0, y1) + half + 1)
        c, d = max(int(min(x0, x1) - half), 0), int(max(x0, x1) + half + 1)
        band[a:b, c:d] = True
    return band
