"""Censoring marks of an image: short upright strokes across the lines of the arms."""

from dataclasses import dataclass

import numpy as np

from oligomdt.digitize import tick
from oligomdt.digitize.tick import Tick
from oligomdt.digitize.trace import Trace, ribbon

FAINT = 0.2
"""Ink of a pixel that may be part of a mark."""

LONGEST = 60
"""Pixels from a line to the tip of the largest mark."""

BESIDE = 1.6
"""Pixels to either side from where a mark may have its level: it is wider than a point."""


@dataclass(frozen=True, eq=False)
class Line:
    """One arm as its marks are looked for.

    Attributes
    ----------
    ink : array of shape (height, width)
        Ink in the colour of the arm, its confidence band taken off.
    hidden : array of bool, shape (height, width)
        Where something else is drawn, the other arms included.
    trace : Trace
        Its curve, in pixels of `ink`.
    """

    ink: np.ndarray
    hidden: np.ndarray
    trace: Trace


def shape(lines) -> Tick | None:
    """What one mark of the figure looks like; None if it has none."""
    reach = _reach(lines)
    if reach is None:
        return None
    profiles = [profile(line, reach) for line in lines]
    inks, sure = (np.concatenate(part) for part in zip(*profiles, strict=True))
    return tick.learnt(inks, sure, reach)


MOST = 12
"""Bars on the lines to one that stands free; where there are more they are corners of steps."""

FEW = 15
"""Bars that are too few to judge by that."""


def free(lines, one: Tick) -> bool:
    """Whether enough bars stand free of steps for what was learnt to be a mark."""
    bars = 0
    for line in lines:
        inked, _ = profile(line, one.reach)
        bars += sum(inked[a:b].max() > 0.25 for a, b in tick.runs(inked > tick.BLANK))
    return bars <= max(FEW, MOST * sum(len(_clear(line)) for line in lines))


def marks(line: Line, one: Tick) -> tuple[np.ndarray, int]:
    """Places of the marks of one arm along the time axis, in pixels of its ink.

    Returns
    -------
    places : array of shape (c,)
        From left to right.
    merged : int
        How many of them stand in runs in which single marks cannot be told apart.
    """
    return tick.places(*profile(line, one.reach), one)


# -- reach


def _reach(lines) -> float | None:
    """From the middle of a line to the tip of a mark: the weighted median of clear marks."""
    found = [pair for line in lines for pair in _clear(line)]
    if not found:
        return None
    values, weights = np.array(sorted(found)).T
    total = np.cumsum(weights)
    return float(values[np.searchsorted(total, total[-1] / 2)])


def _clear(line) -> list[tuple[float, float]]:
    """Reach and ink of bars that stand out alike above and below a level, away from drops."""
    up, down, ink = _heights(line)
    both = np.minimum(up, down)
    found = []
    for a, b in tick.runs(both > 0):
        k = a + int(np.argmax(1000 * both[a:b] + ink[a:b]))
        beyond = both[k] - line.trace.width / 2
        dark = beyond * ink[a:b].max()
        if b - a > 40 or beyond < 0.8 or dark < 0.6:
            continue
        if abs(up[k] - down[k]) <= max(2, 0.3 * both[k]):
            found.append((float(up[k] + down[k]) / 2, float(dark)))
    return found


def _heights(line):
    """How far ink runs up and down from the middle of the line by column, and how dark."""
    cover, hidden, trace = line.ink, line.hidden, line.trace
    half, count = trace.width / 2, cover.shape[1]
    drops = trace.points[1:-1:2, 0]
    up, down, ink = np.zeros(count), np.zeros(count), np.zeros(count)
    for x in range(max(int(trace.points[0, 0] + half), 0), min(int(trace.end + half), count)):
        if len(drops) and np.abs(drops - x - 0.5).min() < half + 1.5:
            continue
        level = float(trace.level(x + 0.5))
        top, foot = max(int(round(level - half - 0.5)), 0), int(round(level + half + 0.5))
        if hidden[max(top - 3, 0) : top, x].any() or hidden[foot : foot + 3, x].any():
            continue
        above, dark = _length(cover[:top, x][::-1])
        below, dark_below = _length(cover[foot:, x])
        if above and below:
            up[x], down[x] = level - top + above, foot - level + below
            ink[x] = min(dark, dark_below)
    return up, down, ink


def _length(ink) -> tuple[float, float]:
    """Length of a stroke from a line outwards, its tip as a part of a pixel, and its ink."""
    gone = np.flatnonzero(ink[:LONGEST] < FAINT)
    part = ink[: gone[0]] if len(gone) else ink[:LONGEST]
    if not len(part):
        return 0.0, 0.0
    return float(part.sum() / part.max()), float(part.mean())


# -- profile


def profile(line, reach) -> tuple[np.ndarray, np.ndarray]:
    """How much of a mark's height is inked in every column, and how sure that is (0 to 1)."""
    trace = line.trace
    own = ribbon(line.ink.shape, trace, 0.6)
    count = line.ink.shape[1]
    inked, sure = np.zeros(count), np.zeros(count)
    last = min(int(trace.end + trace.width / 2 + max(reach, 3)), count - 1)
    for x in range(max(int(trace.points[0, 0]), 0), last + 1):
        column = line.ink[:, x], line.hidden[:, x], own[:, x]
        beside = x + 0.5 + np.array([0.0, -BESIDE, BESIDE])
        levels = dict.fromkeys(float(level) for level in trace.level(beside))
        found = [_at(column, level, trace.width / 2, reach) for level in levels]
        inked[x], sure[x] = max(found, key=lambda pair: pair[0])
    return inked, sure


def _at(column, level, half, reach) -> tuple[float, float]:
    """Ink of a mark that would cross the line at one level, and how sure it is."""
    above = _half(column, level - reach, level - half - 0.5)
    below = _half(column, level + half + 0.5, level + reach)
    top, foot = int(level - reach - 1.6), int(level + reach + 1.6)
    if above is not None and below is not None:
        inked = min(above[0], below[0])
        # A line that goes on at both ends is none of its marks.
        on = _goes_on(column, top, inked) and _goes_on(column, foot, inked)
        return (0.0 if on else inked), 1.0
    one = above or below
    if one is None or one[1] < 2:
        return 0.0, 0.0
    # Half a mark is one only if it ends where marks end.
    on = _goes_on(column, top if above is not None else foot, one[0])
    return (0.0 if on else one[0]), 0.7


def _goes_on(column, row, inked) -> bool:
    """Whether a stroke is still there beyond its tip."""
    ink, hidden, own = column
    if not 0 <= row < len(ink) or hidden[row] or own[row]:
        return False
    return bool(ink[row] > inked / 2)


def _half(column, start, end):
    """Ink of one half of a mark and its pixels; None if too few of them can be seen."""
    ink, hidden, own = column
    a, b = max(int(np.ceil(start - 0.25)), 0), min(int(end + 0.25), len(ink))
    clear = ~(hidden[a:b] | own[a:b])
    if b <= a or clear.sum() < max(1, 0.34 * (b - a)):
        return None
    # Nearly all of a mark is inked, while a step or the bar of a cross is a few pixels.
    place = 0.4 * (clear.sum() - 1)
    ordered, low = np.sort(ink[a:b][clear]), int(place)
    high = min(low + 1, len(ordered) - 1)
    inked = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return float(inked), len(ordered)
