"""Colours of the lines of the arms in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from oligomdt.digitize import coverage
from oligomdt.digitize.handle import Handle

HALF_WIDTHS = (2, 4, 7)
"""Pixels to either side of the middle of a line at which it must have ended, thin to thick."""
ALIKE = 40.0
"""Colours nearer than this (in red, green and blue) are one."""


@dataclass(frozen=True)
class Look:
    """What an arm looks like."""

    colour: tuple
    style: str
    handle: Handle | None = None


ORDER = {"solid": 0, "dashed": 1, "dotted": 2}
"""Styles as arms of one colour are followed: each takes its ink from the next."""


def told_looks(field, settings) -> list[Look]:
    """What the user or the legend says that the arms look like; empty if neither does."""
    if settings.colours is not None:
        return [Look(colour, _style_of(field, colour)) for colour in settings.colours]
    colours = [one.colour for one in field.handles]
    return [Look(_full(field, one.colour, colours), one.style, one) for one in field.handles]


def _full(field, colour, colours) -> tuple:
    """The colour of a line whose sample in the legend is thinned with the paper.

    A thin sample that lies between two rows of pixels fills neither. Elsewhere the line does.
    """
    if max(colour) - min(colour) < 40:
        return colour  # a grey may be black or another grey
    way = np.asarray(colour, float) - field.paper
    away = field.pixels - field.paper
    share = away @ way / float(way @ way)
    alike = np.sqrt(((away - share[..., None] * way) ** 2).sum(axis=2)) < 15
    deeper = alike & (share > 1.15) & ~field.clutter
    if deeper.any(axis=0).mean() < 0.2:
        return colour
    full = tuple(int(value) for value in np.percentile(field.pixels[deeper], 25, axis=0))
    others = [other for other in colours if other != colour]
    return colour if any(colour_distance(full, other) < ALIKE for other in others) else full


def _style_of(field, colour) -> str:
    near = [h for h in field.handles if colour_distance(h.colour, colour) < ALIKE]
    return near[0].style if near else "solid"


def colour_distance(one, other) -> float:
    """Largest difference of two colours in red, green or blue."""
    return float(np.abs(np.subtract(one, other)).max())


def colours_of_lines(field) -> list[tuple]:
    """Colours of lines that run over a good part of the panel, thin ones first."""
    away = np.abs(field.pixels - field.paper).max(axis=2)
    found = []
    for d in HALF_WIDTHS:
        middle, edge = away[d:-d], np.maximum(away[: -2 * d], away[2 * d :])
        ridge = np.zeros(away.shape, bool)
        ridge[d:-d] = (middle > 60) & (middle - edge > 25)
        if d > 2:
            # Well inside a thick line: its fringe has a colour of its own.
            ridge[d:-d] &= np.minimum(away[d - 1 : -d - 1], away[d + 1 : 1 - d]) > 0.8 * middle
        thinner = tuple(found)
        for colour in _frequent(field.pixels, ridge & ~field.clutter):
            fringe = any(
                coverage.tint(colour, other, field.paper) is not None
                or colour_distance(colour, other) < ALIKE
                for other in thinner
            )
            tint = any(_is_tint(colour, other, field.paper) for other in found)
            if not (fringe or tint or _fills(field.pixels, colour)):
                found.append(colour)
    return found


def _fills(pixels, colour) -> bool:
    """Whether a colour fills areas wider than any line: a confidence band or where two meet."""
    alike = np.abs(pixels - np.array(colour)).max(axis=2) < 30
    size = 2 * HALF_WIDTHS[-1] + 1
    filled = ndimage.binary_opening(alike, np.ones((size, size)))
    return bool(filled.sum() > 0.3 * alike.sum())


def _frequent(pixels, chosen) -> list[tuple]:
    """The most frequent colours of chosen pixels that stand in many columns."""
    rows, columns = np.nonzero(chosen)
    values, width = pixels[rows, columns], pixels.shape[1]
    found = []
    for _ in range(10):
        if len(values) < 0.03 * width:
            break
        codes = (values // 24).astype(int) @ np.array([10000, 100, 1])
        names, counts = np.unique(codes, return_counts=True)
        centre = np.median(values[codes == names[counts.argmax()]], axis=0)
        near = np.abs(values - centre).max(axis=1) < 36
        if len(np.unique(columns[near])) > 0.12 * width:
            found.append(tuple(int(v) for v in np.median(values[near], axis=0)))
        values, columns = values[~near], columns[~near]
    return found


def _is_tint(colour, other, paper) -> bool:
    """Whether a colour is another one thinned with the paper: a band or the edge of a line."""
    if max(other) - min(other) < 40:
        return False
    return coverage.tint(colour, other, paper) is not None
