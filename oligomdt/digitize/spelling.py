"""Spaces and case of a line of text, put right by the places and heights of its letters.

A recogniser knows words, and reads 'SoC alone' for 'SOC alone' and 'Lowrisk' for 'Low risk'.
The ink tells: words stand apart, and an o is lower than an O.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

TWINS = frozenset("cosuvwxzCOSUVWXZ")
"""Letters whose two cases have one shape."""

TALL = frozenset("ABDEFGHIJKLMNPQRTYbdfhkl0123456789")
LOW = frozenset("aemnrgpqy")

SPACE = 0.34
"""Least space between two words, in heights of a capital."""

FIXED = 0.55
"""The same beside slim letters of fixed width, which have room around them."""

SLIM = frozenset("fijlrtIJ1")


@dataclass(frozen=True)
class _Ink:
    """The pieces of ink of a line, from left to right, and their foot."""

    x0: np.ndarray
    x1: np.ndarray
    top: np.ndarray
    foot: float

    @property
    def capital(self) -> float:
        """Height of the tallest letter."""
        return float(self.foot - self.top.min())


def corrected(text: str, places, part: np.ndarray) -> str:
    """A text with spaces and case as the ink has them.

    Parameters
    ----------
    text : str
        As it was read.
    places : sequence of float
        Where each of its letters stands, in columns of the ink.
    part : array of shape (height, width), bool
        The ink of the line.

    Returns
    -------
    str
        The same text where the ink does not clearly tell something else.
    """
    if len(places) != len(text) or sum(letter.isalpha() for letter in text) < 2:
        return text
    ink = _pieces(part)
    if ink is None:
        return text
    letters = [_not_a_call(text, k, places[k], part) for k in range(len(text))]
    letters = _cased(letters, places, ink, part)
    return _spaced(letters, places, part, ink)


def _pieces(part) -> _Ink | None:
    """Pieces as tall as letters; dots and what is above a letter are left out."""
    labels, _ = ndimage.label(part, np.ones((3, 3), int))
    boxes = np.array(
        [(c.start, c.stop, r.start, r.stop) for r, c in ndimage.find_objects(labels)]
    ).reshape(-1, 4)
    tall = boxes[:, 3] - boxes[:, 2] >= 0.4 * len(part)
    boxes = boxes[tall][np.argsort(boxes[tall, 0])]
    if not len(boxes):
        return None
    return _Ink(boxes[:, 0], boxes[:, 1], boxes[:, 2], float(np.median(boxes[:, 3])))


def _not_a_call(text, k, place, part) -> str:
    """A letter l in place of an exclamation mark that has no gap above its dot."""
    if text[k] != "!" or not (k and text[k - 1].isalpha()):
        return text[k]
    at = int(np.clip(place, 0, part.shape[1] - 1))
    near = part[:, max(at - 2, 0) : at + 3].any(axis=1)
    rows = np.flatnonzero(near)
    whole = len(rows) > 0.7 * len(part) and near[rows[0] : rows[-1] + 1].all()
    return "l" if whole else text[k]


def _cased(letters, places, ink, part) -> list[str]:
    """Letters with the case that their height tells, if it is clear."""
    heights = [_height(places, k, ink, part) for k in range(len(letters))]
    alone = [h for h, touching in heights if h and not touching]
    pairs = list(zip(heights, letters, strict=True))
    tall = [h for (h, _), letter in pairs if h and letter in TALL]
    low = [h for (h, _), letter in pairs if h and letter in LOW]
    if not tall and not low:
        tall, low = _two_sizes(alone)
    capital = float(np.median(tall)) if tall else None
    small = float(np.median(low)) if low else None
    chosen = list(letters)
    for k, letter in enumerate(letters):
        height, touching = heights[k]
        if letter not in TWINS or height is None:
            continue
        share = _share(height, capital, small)
        # A taller letter that touches it may make a small letter of a word look tall.
        within = touching and k > 0 and chosen[k - 1].islower()
        if share is not None and share > 0.55 and not within:
            chosen[k] = letter.upper()
        elif share is not None and share < 0.45:
            chosen[k] = letter.lower()
    return chosen


def _two_sizes(heights) -> tuple[list, list]:
    """The tallest and the lowest letter, where they are clearly of two cases."""
    if not heights or min(heights) > 0.82 * max(heights) or max(heights) - min(heights) < 2:
        return [], []
    return [max(heights)], [min(heights)]


def _share(height, capital, small) -> float | None:
    """How far a letter is on the way from small letters to capitals; None if not known."""
    if capital is None and small is None:
        return None
    # Small letters of most faces are about three quarters as tall as capitals; an l is taller.
    small = 0.74 * capital if small is None else small
    capital = small / 0.74 if capital is None else min(capital, small / 0.74)
    if capital - small < 1.5:
        return None
    return (height - small) / (capital - small)


def _height(places, k, ink, part) -> tuple[float | None, bool]:
    """Height of one letter above the foot of the line, and whether it touches another."""
    place = places[k]
    around = np.flatnonzero((ink.x0 - 1.5 <= place) & (place <= ink.x1 + 1.5))
    if not len(around):
        return None, False
    piece = around[np.argmin(np.abs((ink.x0 + ink.x1)[around] / 2 - place))]
    x0, x1 = ink.x0[piece], ink.x1[piece]
    inside = [other for other in places if x0 < other < x1 and other != place]
    if not inside and x1 - x0 < 1.5 * ink.capital:
        return float(ink.foot - ink.top[piece]), False
    # Letters that touch: the middle of what lies between the places of its neighbours.
    left = max((other for other in inside if other < place), default=2 * x0 - place)
    right = min((other for other in inside if other > place), default=2 * x1 - place)
    a, b = round(place - 0.3 * (place - left)), round(place + 0.3 * (right - place)) + 1
    rows = np.flatnonzero(part[:, max(a, 0) : b].any(axis=1))
    wide = right - left > 2.5 * ink.capital
    return (None if wide or not len(rows) else float(ink.foot - rows[0])), True


def _spaced(letters, places, part, ink) -> str:
    """The text with a space wherever the ink has a gap as wide as one between words."""
    middle, gaps = _gaps(part)
    least = max(SPACE * ink.capital, 3.0)
    narrow = gaps[gaps < least]
    least = max(least, 1.6 * float(np.median(narrow)) if len(narrow) else 0.0)
    free = gaps >= least
    for k in range(1, len(letters) - 1):
        near = np.abs(middle - places[k]) < 1.2 * ink.capital
        if letters[k] == " " and (near & free).any():
            own = int(np.argmin(np.where(near & free, np.abs(middle - places[k]), np.inf)))
            free[own] = False
            # Some letters stand far apart, but words still further.
            least = max(least, 0.7 * gaps[own])
    free &= gaps >= least
    room = FIXED * ink.capital if _fixed(ink) else 0.0
    chosen = list(letters[:1])
    for k in range(1, len(letters)):
        pair = letters[k - 1], letters[k]
        between = free & (places[k - 1] < middle) & (middle < places[k])
        if not SLIM.isdisjoint(pair):
            between &= gaps >= room
        if between.any() and all(map(_of_word, pair)) and not all(map(str.isdigit, pair)):
            chosen.append(" ")
        chosen.append(letters[k])
    return "".join(chosen)


def _gaps(part):
    """Middle and width of the empty columns between the letters."""
    inked = np.flatnonzero(part.any(axis=0))
    steps = np.diff(inked)
    wide = np.flatnonzero(steps > 1)
    gaps = steps[wide] - 1.0
    return inked[wide] + 0.5 + 0.5 * gaps, gaps


def _fixed(ink) -> bool:
    """Whether letters stand equally far apart: narrow ones then have room beside them."""
    steps = np.diff((ink.x0 + ink.x1) / 2)
    steps = steps[steps < 1.2 * ink.capital]
    return len(steps) >= 5 and float(np.std(steps)) < 0.13 * float(np.mean(steps))


def _of_word(letter) -> bool:
    return letter.isalnum() or letter in "+&()<>≤≥="
