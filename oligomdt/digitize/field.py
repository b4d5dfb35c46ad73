"""The part of an image that holds the curves, and what in it is no curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from oligomdt.digitize import coverage, panel, text_lines
from oligomdt.digitize.axis import number
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.handle import handles


def of_survival(places):
    """Panels whose upright axis can be survival; not the axis of a table of counts."""
    return [
        place
        for place in places
        if max(label.value for label in place.y_labels) <= 105 and len(place.y_labels) > 2
    ] or [p for p in places if max(label.value for label in p.y_labels) <= 105]


@dataclass(eq=False)
class Field:
    """The part of the image that holds the curves."""

    pixels: np.ndarray
    paper: np.ndarray
    left: int
    top: int
    start: float
    one: float
    zero: float
    clutter: np.ndarray
    handles: list
    behind: np.ndarray | None = None

    def grounds(self) -> list:
        """Colours that fill a good part of it, the most frequent first: paper and bands."""
        flat = self.pixels[::2, ::2].reshape(-1, 3)
        codes = (flat // 8).astype(int) @ np.array([10000, 100, 1])
        values, counts = np.unique(codes, return_counts=True)
        order = [k for k in np.argsort(-counts)[:24] if counts[k] > 0.004 * len(codes)]
        return [np.median(flat[codes == values[k]], axis=0) for k in order]

    def ground(self) -> np.ndarray:
        """What lies behind the lines at each pixel: the median of its surroundings."""
        if self.behind is None:
            small = ndimage.median_filter(self.pixels[::3, ::3], size=(7, 7, 1))
            large = small.repeat(3, axis=0).repeat(3, axis=1)
            self.behind = large[: self.pixels.shape[0], : self.pixels.shape[1]]
        return self.behind

    def cover(self, colour, others=()):
        """Ink of lines of a colour, without what is in the way."""
        cover = coverage.coverage(self.pixels, self.paper, colour, others)
        return np.where(self.clutter, 0, cover)

    def ink(self, colour, others=()):
        """The same with areas, less the tint of a confidence band of that colour."""
        ink = coverage.ink(self.pixels, self.paper, colour, others)
        tints = [coverage.tint(ground, colour, self.paper) for ground in self.grounds()]
        band = max(
            (share + 0.02 for share in tints if share is not None and share < 0.5), default=0
        )
        return np.where(self.clutter, 0, np.clip((ink - band) / (1 - band), 0, 1))


def read_field(drawing, place, box, x_axis, y_axis, rows) -> Field:
    """The field of a panel; a DigitizeError if it is too small."""
    image = drawing.image
    x_ticks = [position for position, _ in x_axis.ticks]
    left = max(int(x_axis.position(0.0)), 0)
    right = int(min(max(box.x1, *x_ticks) + 3, image.shape[1]))
    one, zero = float(y_axis.position(1.0)), float(y_axis.position(0.0))
    lowest = max(position for position, _ in y_axis.ticks)
    top = max(int(one) - 12, 0)
    bottom = int(min(max(box.y1, lowest) + 3, image.shape[0]))
    bottom = min(bottom, int(max(zero, lowest)) + 4)
    if right - left < 30 or bottom - top < 30:
        raise DigitizeError("the axes are too small to read curves; give their --box")
    pixels = image[top:bottom, left:right].astype(float)
    paper = text_lines.papers(image[top:bottom, left:right])[0].astype(float)
    taken = {id(lab.text) for lab in (*place.x_labels, *place.y_labels)}
    taken |= {id(drawing.texts[k]) for row in rows for k in row.texts}
    words = [text for text in _own(drawing, place) if id(text) not in taken]
    found = handles(image, words)
    clutter = np.zeros(pixels.shape[:2], bool)
    for text in drawing.texts:
        letters = sum(letter.isalnum() for letter in text.text)
        if letters >= 3 and text.confidence > 0.8 and number(text.text) is None:
            _blot(clutter, text.x0 - left, text.y0 - top, text.x1 - left, text.y1 - top, 2)
    for one_handle in found:
        h = one_handle
        pad = 0.5 * h.text.height
        _blot(clutter, h.x0 - left, h.y - top - pad, h.x1 - left, h.y - top + pad, 1)
    clutter |= _rules(pixels, paper)
    return Field(
        pixels,
        paper,
        left,
        top,
        float(x_axis.position(0.0)) - left,
        one - top,
        zero - top,
        clutter,
        found,
    )


def _own(drawing, place) -> list:
    """Texts that do not stand inside another panel of the page."""
    others = [o.panel for o in of_survival(panel.find(drawing)) if o.panel != place.panel]
    return [
        text
        for text in drawing.texts
        if not any(o.x0 < text.x < o.x1 and o.y0 < text.y < o.y1 for o in others)
    ]


def _rules(pixels, paper) -> np.ndarray:
    """Pixels of lines that run all the way: axes, frame and grid, where nothing covers them."""
    away = np.abs(pixels - paper).max(axis=2)
    found = np.zeros(away.shape, bool)
    for axis in (1, 0):
        lines = np.median(pixels, axis=axis, keepdims=True)
        full = (away > 12).mean(axis=axis, keepdims=True) > 0.94
        full &= np.abs(lines - paper).max(axis=2) > 12
        found |= full & (np.abs(pixels - lines).max(axis=2) < 30)
    return found


def _blot(clutter, x0, y0, x1, y1, pad):
    height, width = clutter.shape
    a, b = max(int(y0 - pad), 0), min(int(y1 + pad), height)
    c, d = max(int(x0 - pad), 0), min(int(x1 + pad), width)
    if a < b and c < d:
        clutter[a:b, c:d] = True
