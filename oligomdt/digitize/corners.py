"""Corners of a step line between pixels.

Levels and times are measured on the upper and the lower edge of the line, which anti-aliasing
places to a fraction of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from oligomdt.digitize.trace import window

BLANK = 0.12
"""Ink of a pixel that no line covers."""
THICK = 6
"""Pixels to either side of a path in which a line of usual width lies."""
WIDEST = 14
"""Width of the thickest line, in pixels."""


@dataclass(frozen=True, eq=False)
class _Edges:
    """Upper and lower edge of the line in each column; nan where they cannot be seen."""

    top: np.ndarray
    bottom: np.ndarray
    inked: np.ndarray


def thickness(cover, rows, share=40) -> float:
    """Width of a line along its path, in pixels: that which `share` per cent stay below."""
    columns = np.arange(len(rows))
    good = cover[rows, columns] > 0.5
    level = np.r_[0, np.diff(rows)] == 0
    still = ndimage.uniform_filter1d(level.astype(float), 9) > 0.99
    chosen = good & still if (good & still).sum() >= 5 else good
    if not chosen.any():
        return 1.5
    width = np.percentile(window(cover, rows, THICK).sum(axis=0)[chosen], share)
    if width > THICK:
        # The path may run along the edge of a thick line: all ink that is joined to it counts.
        width = np.percentile(_joined(window(cover, rows, WIDEST))[chosen], share)
    return float(np.clip(width, 0.7, WIDEST))


def _joined(around):
    """Ink of the middle row and of what is joined to it in every column."""
    middle = len(around) // 2
    inked = around > BLANK
    up = np.cumprod(inked[middle::-1], axis=0)[::-1]
    down = np.cumprod(inked[middle:], axis=0)
    return (around * np.vstack([up, down[1:]])).sum(axis=0)


@dataclass(frozen=True)
class Bars:
    """Censoring marks as they lengthen the columns of a line.

    Attributes
    ----------
    reach : float
        From the middle of the line to their tips, in pixels.
    faint : float
        Ink that still belongs to one.
    """

    reach: float
    faint: float


def corners(cover, hidden, rows, width, bars: Bars | None = None):
    """Corners of the step line along a path, between pixels.

    Parameters
    ----------
    cover : array of shape (height, width)
        Ink of the arm.
    hidden : array of bool, shape (height, width)
        Where something else may cover the line.
    rows : array of int, shape (n,)
        The path.
    width : float
        Of the line, in pixels.
    bars : Bars, optional
        Where marks stand so dense that the line cannot be seen, their tips tell its level.

    Returns
    -------
    array of shape (m, 2)
        Column and row of every corner, in pixels of `cover`.
    """
    rows, foot = _without_foot(rows, width)
    edges = _without_bumps(_edges(cover, hidden, rows, width))
    if bars is not None:
        edges = _through_marks(edges, cover, hidden, rows, width, bars)
    fitted = _stairs(edges, rows, width)
    starts = np.r_[0, np.flatnonzero(np.diff(fitted)) + 1]
    ends = np.r_[starts[1:], len(rows)]
    levels = _levels(edges, fitted[starts], starts, ends, width)
    levels, starts, ends = _fused(levels, starts, ends)
    levels, starts, ends = _without_smears(levels, starts, ends)
    times = [_time(edges, levels, starts, ends, k, width) for k in range(1, len(levels))]
    times = np.maximum.accumulate(np.array(times)) if times else np.empty(0)
    times, levels = _gathered(times, np.array(levels))
    end = _end(cover, rows, width)
    points = [(0.0, levels[0])]
    for time, before, after in zip(times, levels, levels[1:], strict=False):
        points += [(time, before), (time, after)]
    points.append((max(end, points[-1][0]), levels[-1]))
    low = foot if foot is not None else _last_drop(cover, rows, width)
    if low is not None and low > levels[-1] + 1.5:
        points[-1] = (max(points[-1][0] - width / 2, points[-2][0]), levels[-1])
        points.append((points[-1][0], low))
    return np.array(points)


def _without_foot(rows, width):
    """The path without a drop at its very end, and how far down that goes."""
    breaks = np.flatnonzero(np.diff(rows)) + 1
    if not len(breaks):
        return rows, None
    last = int(breaks[-1])
    if len(rows) - last > width + 2 or rows[-1] - rows[last - 1] < width + 2 or last < 3:
        return rows, None
    return rows[:last], float(rows[-1]) + 0.5


def _gathered(times, levels):
    """Drops within a pixel of time as one, at their mean by size: they cannot be told apart."""
    kept_times, kept_levels, k = [], [levels[0]], 0
    while k < len(times):
        last = k
        while last + 1 < len(times) and times[last + 1] - times[k] <= 1.0:
            last += 1
        sizes = np.diff(levels[k : last + 2])
        kept_times.append(float(np.average(times[k : last + 1], weights=sizes)))
        kept_levels.append(levels[last + 1])
        k = last + 1
    return np.array(kept_times), np.array(kept_levels)


def _edges(cover, hidden, rows, width) -> _Edges:
    """Edges by the ink above and below the path, as far as the path was or will be."""
    count, half = len(rows), width / 2
    reach, shift = int(np.ceil(half + 1.5)), int(np.ceil(width)) + 2
    before = rows[np.maximum(np.arange(count) - shift, 0)] - reach
    after = rows[np.minimum(np.arange(count) + shift, count - 1)] + reach
    top, bottom = np.full(count, np.nan), np.full(count, np.nan)
    inked = np.zeros(count, bool)
    height = len(cover)
    for x in range(count):
        r = rows[x]
        column = cover[:, x]
        if column[max(r - 1, 0) : r + 2].max() < 0.25:
            continue
        r = max(r - 1, 0) + int(np.argmax(column[max(r - 1, 0) : r + 2]))
        inked[x] = True
        up = column[max(before[x], 0) : r + 1][::-1]
        down = column[r : min(after[x] + 1, height)]
        over, far_up = _run(up)
        under, far_down = _run(down)
        first, last = r - far_up + 1, r + far_down
        upper, lower = r + 1 - over, r + under
        if last - first <= width + 3:
            # One level alone: its middle is the centre of its ink.
            ink = column[first:last]
            middle = float((ink * (np.arange(first, last) + 0.5)).sum() / ink.sum())
            upper, lower = middle - ink.sum() / 2, middle + ink.sum() / 2
        if not hidden[max(first - 2, 0) : first, x].any():
            top[x] = upper
        if not hidden[last : last + 2, x].any():
            bottom[x] = lower
    thin = bottom - top < 0.55 * width
    top[thin], bottom[thin] = np.nan, np.nan
    return _Edges(top, bottom, inked)


NEAR = 8
"""Columns over which edges are compared."""
BUMP = 0.7
"""Pixels that an edge may go back: more is a censoring mark."""


def _without_bumps(edges) -> _Edges:
    """Without columns where an edge goes up, which only a mark on the line does."""
    top, bottom = edges.top, edges.bottom
    before, after = np.full(len(top), -np.inf), np.full(len(top), np.inf)
    for k in range(1, min(NEAR, len(top) - 1) + 1):
        before[k:] = np.fmax(before[k:], top[:-k])
        after[:-k] = np.fmin(after[:-k], bottom[k:])
    bump = (top < before - BUMP) | (bottom > after + BUMP)
    return _Edges(np.where(bump, np.nan, top), np.where(bump, np.nan, bottom), edges.inked)


SPARE = 2.0
"""Pixels that a column reaches beyond the line at least where marks hide it."""


def _through_marks(edges, cover, hidden, rows, width, bars) -> _Edges:
    """Edges where marks hide the line over more columns than a drop takes: by their tips."""
    top, bottom = edges.top.copy(), edges.bottom.copy()
    high, low = _tips(cover, hidden, rows, bars.faint)
    long = low - high >= 2 * bars.reach - 1.2
    # In a steep part of the curve the line itself is that long.
    aside, count = int(np.ceil(width / 2)) + 1, len(rows)
    start = rows[np.maximum(np.arange(count) - aside, 0)] - width / 2
    end = rows[np.minimum(np.arange(count) + aside, count - 1)] + width / 2
    long &= (start - high > SPARE) | (low - end > SPARE)
    changes = np.flatnonzero(np.diff(np.r_[False, long, False].astype(int)))
    for a, b in zip(changes[::2], changes[1::2], strict=True):
        if b - a > NEAR + width / 2:
            inner = slice(a + 1, b - 1)
            top[inner] = high[inner] + bars.reach - width / 2
            bottom[inner] = low[inner] - bars.reach + width / 2
    return _Edges(top, bottom, edges.inked)


def _tips(cover, hidden, rows, faint):
    """Ends of the ink around the path in every column; nan where they cannot be seen."""
    high, low = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for x, row in enumerate(rows):
        column = cover[:, x]
        near = column[max(row - 1, 0) : row + 2]
        if near.max() < 0.25:
            continue
        row = max(row - 1, 0) + int(np.argmax(near))
        above = np.flatnonzero(column[: row + 1] < faint)
        below = np.flatnonzero(column[row:] < faint)
        first = int(above[-1]) + 1 if len(above) else 0
        last = row + int(below[0]) if len(below) else len(column)
        if not hidden[max(first - 2, 0) : first, x].any():
            high[x] = first
        if not hidden[last : last + 2, x].any():
            low[x] = last
    return high, low


FINE = 4
"""Levels to a pixel in the first fit of the steps."""
CHANGE = 0.8
"""Cost of a step in that fit, in pixels of misfit."""
FAR = 1.5
"""Misfit of a column that counts no further, in pixels: censoring marks and other lines."""


def _stairs(edges, rows, width):
    """The falling steps that fit both edges best, in each column (L1, with a cost per step)."""
    count, half = len(rows), width / 2
    x = np.arange(count)
    upper = _shifted(edges.top, half) + half
    lower = _shifted(edges.bottom, -half) - half
    low, high = rows.min() - 3, rows.max() + 4
    grid = np.arange(low * FINE, high * FINE + 1) / FINE
    index = np.arange(len(grid))
    worth = np.zeros(len(grid))
    came = np.empty((count, len(grid)), np.int32)
    for k in x:
        best = np.minimum.accumulate(worth)
        where = np.maximum.accumulate(np.where(worth <= best, index, 0))
        stays = worth <= best + CHANGE
        came[k] = np.where(stays, index, where)
        worth = np.where(stays, worth, best + CHANGE)
        for value in (upper[k], lower[k]):
            if value == value:
                worth = worth + np.minimum(np.abs(grid - value), FAR)
        worth = worth + 0.02 * np.minimum(np.abs(grid - rows[k] - 0.5), 20)
    at = int(np.argmin(worth))
    fitted = np.empty(count)
    for k in range(count - 1, -1, -1):
        fitted[k] = grid[at]
        at = came[k, at]
    return fitted


def _shifted(values, by):
    """Values at x + by, between columns where both neighbours are known."""
    count = len(values)
    place = np.arange(count) + by
    low = np.floor(place).astype(int)
    share = place - low
    inside = (low >= 0) & (low < count)
    a = np.where(inside, values[np.clip(low, 0, count - 1)], np.nan)
    b = np.where(low + 1 < count, values[np.clip(low + 1, 0, count - 1)], np.nan)
    if share[0] < 1e-9:
        return a
    return np.where(
        share < 0.5, np.where(np.isnan(b), a, a + share * (b - a)), a + share * (b - a)
    )


def _run(ink):
    """Ink from the path outwards up to the first blank pixel, and the pixels that took."""
    blank = np.flatnonzero(ink < BLANK)
    length = int(blank[0]) if len(blank) else len(ink)
    return float(ink[:length].sum()), length


def _middles(edges, start, end, width):
    """Middles of the line over the columns of one level, away from its neighbours."""
    half = width / 2
    top = edges.top[int(np.ceil(start + half)) : int(end + half)]
    bottom = edges.bottom[max(int(np.ceil(start - half)), 0) : max(int(end - half), 1)]
    return top[~np.isnan(top)], bottom[~np.isnan(bottom)]


def _levels(edges, fitted, starts, ends, width):
    levels = []
    for start, end, first in zip(starts, ends, fitted, strict=True):
        margin = int(np.ceil(width / 2)) + 1
        inner = slice(start + margin, end - margin)
        middles = (edges.top[inner] + edges.bottom[inner]) / 2
        thick = edges.bottom[inner] - edges.top[inner]
        good = ~np.isnan(middles) & (np.abs(thick - width) < 0.35 * width + 0.4)
        if good.sum() >= 3:
            level = float(np.median(middles[good]))
        else:
            top, bottom = _middles(edges, start, end, width)
            guesses = [float(np.median(top)) + width / 2] if len(top) else []
            guesses += [float(np.median(bottom)) - width / 2] if len(bottom) else []
            guesses = [guess for guess in guesses if abs(guess - first) < 0.6]
            level = float(np.mean(guesses)) if guesses else first
        levels.append(level if abs(level - first) < 0.8 else first)
    return np.array(levels)


SMALLEST = 0.3
"""Pixels of the smallest step."""


def _fused(levels, starts, ends):
    """Without steps that are too small or go up."""
    levels, starts, ends = list(levels), list(starts), list(ends)
    while len(levels) > 1:
        drops = np.diff(levels)
        k = int(np.argmin(drops))
        if drops[k] >= SMALLEST:
            break
        weights = np.array([ends[k] - starts[k], ends[k + 1] - starts[k + 1]], float)
        levels[k] = float(np.average(levels[k : k + 2], weights=weights))
        ends[k] = ends[k + 1]
        del levels[k + 1], starts[k + 1], ends[k + 1]
    return levels, starts, ends


def _without_smears(levels, starts, ends):
    """Without levels of one or two columns in the middle of one drop.

    A drop that falls between two columns darkens both in part, and that looks like a level.
    Longer runs of short levels are a steep part of the curve and stay.
    """
    short = np.array(ends) - np.array(starts) <= 1
    drop = np.diff(levels)
    keep = np.ones(len(levels), bool)
    k = 1
    while k < len(levels) - 1:
        last = k
        while last < len(levels) - 1 and short[last]:
            last += 1
        if 0 < last - k <= 2 and (drop[k - 1 : last] > 2).all():
            keep[k:last] = False
        k = max(last, k + 1)
    chosen = np.flatnonzero(keep)
    return [[values[i] for i in chosen] for values in (levels, starts, ends)]


def _time(edges, levels, starts, ends, k, width) -> float:
    """Where the line falls from one level to the next: the mean of both edges."""
    at, half, drop = starts[k], width / 2, levels[k] - levels[k - 1]
    reach = width + 3
    low = max((starts[k - 1] + ends[k - 1]) / 2, at - reach)
    high = min((starts[k] + ends[k]) / 2, at + reach)
    found = []
    for edge, side in ((edges.top, 1), (edges.bottom, -1)):
        a = max(int(round(low + side * half)), 0)
        b = min(int(round(high + side * half)) + 1, len(edge))
        part = edge[a:b]
        known = ~np.isnan(part)
        if b - a < 2 or known.sum() < 2:
            continue
        part = np.interp(np.arange(a, b), np.arange(a, b)[known], part[known])
        after = levels[k] - side * half
        left = np.clip((after - part) / drop, 0, 1)
        found.append(a + float(left.sum()) - side * half)
    found = [x for x in found if abs(x - at) < reach]
    return float(np.mean(found)) if found else float(at)


def _end(cover, rows, width) -> float:
    """Right end of the last level, without the half width that a line reaches beyond it."""
    last, row = len(rows), rows[-1]
    half = int(np.ceil(width / 2))
    part = cover[max(row - half, 0) : row + half + 1, max(last - 4, 0) : last + 4]
    ink = part.max(axis=0) if part.size else np.zeros(1)
    return max(last - 4, 0) + float(ink.sum())


def _last_drop(cover, rows, width):
    """Row to which the line falls at its very end; None if it does not."""
    x = min(len(rows), cover.shape[1]) - 1
    reach = int(np.ceil(width)) + 1
    below = cover[rows[-1] + 1 :, max(x - reach, 0) : x + reach + 1].max(axis=1)
    gone = np.flatnonzero(below < 0.35)
    length = int(gone[0]) if len(gone) else len(below)
    above = cover[: rows[-1], max(x - reach, 0) : x + reach + 1].max(axis=1)[::-1]
    gone = np.flatnonzero(above < 0.35)
    mark = (int(gone[0]) if len(gone) else len(above)) > 0.6 * length
    if length < width + 2 or mark:
        return None
    return float(rows[-1] + 1 + below[:length].sum() + below[length : length + 1].sum())
