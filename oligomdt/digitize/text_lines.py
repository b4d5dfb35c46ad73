"""Lines of text of an image: where letters stand.

Letters are the small connected pieces of ink. Pieces beside each other are a line of text;
pieces above each other are text that runs upwards, as other people's figures hold it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from oligomdt.digitize import limits

CONTRAST = 60
"""Least difference of ink from the paper, of 255, in one of three colours."""
FAINT = 35
"""The same for lettering that has no darker part."""


@dataclass(frozen=True)
class Line:
    """The box of a line of letters, in pixels, and whether it reads upwards."""

    x0: int
    y0: int
    x1: int
    y1: int
    upright: bool = False


def ink(image: np.ndarray) -> np.ndarray:
    """Which pixels are not paper: unlike every colour that fills a good part of the image."""
    distance = np.full(image.shape[:2], 255, np.int16)
    for paper in papers(image):
        distance = np.minimum(distance, np.abs(image.astype(np.int16) - paper).max(axis=2))
    dark = distance > CONTRAST
    labels, count = ndimage.label(distance > FAINT, np.ones((3, 3), int))
    if count:
        # Grey lettering, but not the fringes of black lettering, which would join letters.
        mixed = np.zeros(count + 1, bool)
        mixed[labels[dark]] = True
        dark |= (labels > 0) & ~mixed[labels]
    return dark


def papers(image: np.ndarray) -> list[np.ndarray]:
    """Colours that fill at least a twelfth of the image, the most frequent first."""
    coarse = (image[::2, ::2].reshape(-1, 3) >> 3).astype(np.int32)
    codes = coarse[:, 0] << 10 | coarse[:, 1] << 5 | coarse[:, 2]
    values, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts)[:3]
    chosen = [values[k] for k in order if counts[k] >= len(codes) / 12] or [values[order[0]]]
    flat = image[::2, ::2].reshape(-1, 3)
    return [np.median(flat[codes == code], axis=0).astype(np.int16) for code in chosen]


def lines(image: np.ndarray) -> list[Line]:
    """Boxes of the lines of text of an image."""
    labels, count = ndimage.label(ink(image), np.ones((3, 3), int))
    if not count:
        return []
    slices = ndimage.find_objects(labels)
    boxes = np.array([(cols.start, rows.start, cols.stop, rows.stop) for rows, cols in slices])
    size = min(image.shape[:2])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    small = (np.maximum(width, height) <= max(16, 0.35 * size)) & (
        np.minimum(width, height) <= max(14, 0.07 * size)
    )
    letter = small & (height >= 4) & (width <= 12 * height) & (height <= 12 * width)
    typical = _typical(height[letter])
    small &= np.maximum(width, height) > 1
    for k in np.flatnonzero(small & (width > 1.15 * typical)):
        small[k] = not _is_key(labels[slices[k]] == k + 1)
    narrow = small & (width < 1.5 * typical) & (width >= 0.15 * typical) & (height < 2 * width)
    columns = _columns(boxes, np.flatnonzero(narrow), np.flatnonzero(small), typical)
    taken = np.zeros(len(boxes), bool)
    for group in columns:
        taken[group] = True
    tall = small & (height >= 0.45 * typical) & ~taken
    hyphen = small & (height < 0.45 * typical) & (width > height) & (width < 0.7 * typical)
    core = np.flatnonzero(tall | (hyphen & ~taken))
    found = [_line(boxes[group], True) for group in columns]
    groups = [core[group] for group in _groups(boxes[core], typical)]
    level = [_line(boxes[group], False) for group in groups if tall[group].any()]
    dots = small & (np.maximum(width, height) < 0.45 * typical) & ~taken
    return found + _pointed(level, boxes[dots])


def _pointed(found, dots) -> list[Line]:
    """Lines of text with the two sides of a decimal point as one.

    In lettering of fixed width a point has as much room as a digit, and its sides stand apart.
    """
    found = sorted(found, key=lambda line: line.x0)
    for x0, y0, x1, y1 in dots[np.argsort(dots[:, 0])]:
        left = [k for k, a in enumerate(found) if _stands(a, y0, y1) and x0 - a.x1 >= 0]
        right = [k for k, b in enumerate(found) if _stands(b, y0, y1) and b.x0 - x1 >= 0]
        if not left or not right:
            continue
        k, j = max(left, key=lambda k: found[k].x1), min(right, key=lambda j: found[j].x0)
        a, b = found[k], found[j]
        size = max(a.y1 - a.y0, b.y1 - b.y0)
        alike = abs(a.y0 - b.y0) + abs(a.y1 - b.y1) <= max(2, 0.2 * size)
        if alike and max(x0 - a.x1, b.x0 - x1) < 0.6 * size:
            found[k] = Line(a.x0, min(a.y0, b.y0), b.x1, max(a.y1, b.y1))
            del found[j]
    return found


def _stands(line, y0, y1) -> bool:
    """Whether a point stands at the foot of a line of text."""
    size = line.y1 - line.y0
    return y0 > line.y0 + 0.6 * size and abs(y1 - line.y1) <= max(1.5, 0.15 * size)


def _is_key(piece) -> bool:
    """Whether a piece is the sample of a legend: a bar, a wide cross or a filled box."""
    if piece.mean() > 0.85:
        return True
    full = piece.mean(axis=1) > 0.8
    if not full.any():
        return False
    rows = np.flatnonzero(full)
    if np.ptp(rows) + 1 > 0.5 * len(piece):
        return False
    rest = piece.copy()
    edge = max(1, round(0.08 * len(piece)))
    rest[max(rows[0] - edge, 0) : rows[-1] + 1 + edge] = False
    columns = np.flatnonzero(rest.any(axis=0))
    if not len(columns):
        return True
    middle = (columns[0] + columns[-1] + 1) / 2 / piece.shape[1]
    both = rest[: rows[0]].any() and rest[rows[-1] + 1 :].any()
    return both and np.ptp(columns) < 0.3 * piece.shape[1] and 0.35 < middle < 0.65


def _typical(heights) -> float:
    """Height of most of the lettering by area: the dashes of curves are many but small."""
    if not len(heights):
        return 8.0
    heights = np.sort(heights).astype(float)
    share = np.cumsum(heights**2)
    return float(heights[np.searchsorted(share, share[-1] / 2)])


def _columns(boxes, pool, every, typical) -> list[np.ndarray]:
    """Pieces that stand above each other and not beside others: text that runs upwards."""
    if not len(pool):
        return []
    turned = boxes[pool][:, [1, 0, 3, 2]]
    beside = np.zeros(len(boxes), int)
    for group in _groups(boxes[every], typical):
        part = every[group]
        beside[part] = (boxes[part, 3] - boxes[part, 1] > 0.3 * typical).sum()
    found = []
    for group in _groups(turned, typical):
        part = boxes[pool[group]]
        tall = part[:, 3].max() - part[:, 1].min()
        wide = part[:, 2].max() - part[:, 0].min()
        letters = (part[:, 2] - part[:, 0] >= 0.45 * typical).sum()
        alone = np.mean(beside[pool[group]] <= 1)
        # Two digits above each other are two rows of a table unless they lie on their side.
        lying = (part[:, 2] - part[:, 0] >= part[:, 3] - part[:, 1]).all()
        if len(part) == 2 and not lying:
            continue
        if len(part) <= limits.ARMS and _tabular(part, boxes[every], typical):
            continue
        if letters >= 2 and tall > 1.3 * wide and wide < 1.6 * typical and alone > 0.6:
            found.append(pool[group])
    return found


def _tabular(column, boxes, typical) -> bool:
    """Whether each piece of a column stands in a row with others: digits of a table."""
    for x0, y0, x1, y1 in column:
        away = (boxes[:, 0] > x1 + 2 * typical) | (boxes[:, 2] < x0 - 2 * typical)
        level = np.abs(boxes[:, 3] - y1) <= max(1.0, 0.1 * typical)
        alike = np.abs(boxes[:, 1] - y0) <= max(1.0, 0.1 * typical)
        if (away & level & alike).sum() < 2:
            return False
    return True


def _line(boxes, upright) -> Line:
    x0, y0 = boxes[:, :2].min(axis=0)
    x1, y1 = boxes[:, 2:].max(axis=0)
    return Line(int(x0), int(y0), int(x1), int(y1), upright)


def _groups(boxes, typical) -> list[np.ndarray]:
    """Pieces that follow each other from left to right in one line."""
    parent = np.arange(len(boxes))

    def root(k):
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    order = np.argsort(boxes[:, 0], kind="stable")
    start = boxes[order, 0]
    size = boxes[:, 3] - boxes[:, 1]
    for place, i in enumerate(order):
        last = np.searchsorted(start, boxes[i, 2] + 3 * max(size[i], typical), side="right")
        near = order[place + 1 : last]
        overlap = np.minimum(boxes[i, 3], boxes[near, 3]) - np.maximum(
            boxes[i, 1], boxes[near, 1]
        )
        gap = boxes[near, 0] - boxes[i, 2]
        large = np.maximum(size[i], size[near])
        least = np.minimum(size[i], size[near])
        dashed = least < 0.45 * typical
        room = np.where(dashed, 0.45 * large, 0.75 * np.maximum(large, 0.9 * typical))
        joined = (overlap >= 0.4 * least) & (gap < room)
        # Letters of one line are of one size.
        joined &= (large < 2.6 * least) | dashed
        for j in near[joined]:
            parent[root(j)] = root(i)
    roots = np.array([root(k) for k in range(len(boxes))], int)
    return [np.flatnonzero(roots == k) for k in np.unique(roots)]


def letter_colour(image, line):
    """The colour of the letters: the strongest ink of the box."""
    part = image[line.y0 : line.y1, line.x0 : line.x1].reshape(-1, 3).astype(int)
    paper = np.median(np.concatenate([part[:1], _border(image, line)]).reshape(-1, 3), axis=0)
    away = np.abs(part - paper).sum(axis=1)
    if away.max() < FAINT:
        return None
    strong = part[away >= 0.85 * away.max()]
    return tuple(int(v) for v in np.median(strong, axis=0))


def _border(image, line):
    y0, y1 = max(line.y0 - 1, 0), min(line.y1, image.shape[0] - 1)
    return np.concatenate([image[y0, line.x0 : line.x1], image[y1, line.x0 : line.x1]]).astype(
        int
    )
