"""Censoring marks of an image: short upright strokes across the line of an arm."""

import numpy as np

from oligomdt.digitize.trace import Trace

LEAST = 0.65
"""Pixels that a mark rises over its line at least."""


def marks(cover, hidden, trace: Trace) -> tuple[np.ndarray, float]:
    """Places of the marks of one arm along the time axis, in pixels of `cover`.

    Parameters
    ----------
    cover : array of shape (height, width)
        Ink in the colour of the marks.
    hidden : array of bool, shape (height, width)
        Where something else is drawn.
    trace : Trace
        The curve, in pixels of `cover`.

    Returns
    -------
    places : array of shape (c,)
        From left to right.
    reach : float
        From the middle of a mark to its tip, in pixels; 0 if there is none.
    """
    up, down, near_drop = _heights(cover, hidden, trace)
    both = np.minimum(up, down)
    size = _size(both, near_drop)
    if size is None:
        return np.empty(0), 0.0
    height = np.where(near_drop, np.maximum(up, down), both)
    height = np.where(np.maximum(up, down) > 1.8 * size + 1, 0, height)
    return _places(height, size), size + trace.width / 2


def _heights(cover, hidden, trace):
    """Ink that runs up and down from the line in every column, and where the line drops."""
    x = np.arange(cover.shape[1])
    points, half = trace.points, trace.width / 2
    last = min(int(trace.end + half + 1), len(x) - 1)
    levels = trace.level(x + 0.5)
    drops = points[1:-1:2, 0] if len(points) > 2 else np.empty(0)
    near = np.zeros(len(x), bool)
    up, down = np.zeros(len(x)), np.zeros(len(x))
    high, low = levels.copy(), levels.copy()
    for place in drops:
        k = int(np.searchsorted(points[:, 0], place, side="left"))
        y1, y2 = points[k, 1], points[min(k + 1, len(points) - 1), 1]
        a, b = max(int(place - half - 1.2), 0), min(int(place + half + 1.2), last)
        near[a : b + 1] |= y2 - y1 > 1.0
        high[a : b + 1] = np.minimum(high[a : b + 1], y1)
        low[a : b + 1] = np.maximum(low[a : b + 1], y2)
    for column in range(max(int(points[0, 0] + half), 0), last + 1):
        top = int(round(high[column] - half - 0.6))
        foot = int(round(low[column] + half + 0.6))
        up[column] = _run(cover[: max(top, 0), column][::-1])
        down[column] = _run(cover[max(foot, 0) :, column])
    return up, down, near


def _run(ink) -> float:
    part = ink[:40]
    blank = np.flatnonzero(part < 0.3)
    return float(part[: blank[0]].sum()) if len(blank) else float(part.sum())


def _size(both, near_drop):
    """How far the marks reach over the line: the usual height of clear peaks."""
    clear = np.where(near_drop, 0, both)
    peaks = [clear[a:b].max() for a, b in _runs(clear >= LEAST) if b - a <= 12]
    peaks = [peak for peak in peaks if peak >= LEAST]
    if not peaks:
        return None
    return float(np.median(peaks))


def _runs(flags):
    changes = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(int)))
    return list(zip(changes[::2], changes[1::2], strict=True))


def _places(height, size) -> np.ndarray:
    tall = np.clip(height / size, 0, 1)
    groups = _runs(tall >= 0.35)
    groups = [(a, b) for a, b in groups if tall[a:b].max() >= 0.65]
    widths = [float(tall[a:b].sum()) for a, b in groups]
    if not widths:
        return np.empty(0)
    usual = max(float(np.percentile(widths, 25)), 0.8)
    found = []
    for (a, b), wide in zip(groups, widths, strict=True):
        if wide > (30 if size > 2 else 5) * usual:
            continue
        weights = tall[a:b]
        middle = float((weights * (np.arange(a, b) + 0.5)).sum() / weights.sum())
        spare = wide - usual
        if spare < 0.7:
            found.append(middle)
            continue
        # Marks that run together: as many as just touch.
        count = max(2, int(round(spare / max(0.8 * usual, 1.2))) + 1)
        found += list(np.linspace(middle - spare / 2, middle + spare / 2, count))
    return np.sort(np.array(found))
