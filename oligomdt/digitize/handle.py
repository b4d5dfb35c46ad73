"""The legend of an image: short level lines with a text to their right."""

from dataclasses import dataclass

import numpy as np

from oligomdt.digitize.axis import number
from oligomdt.digitize.drawing import Colour, Text
from oligomdt.digitize.legend import cleaned

CLEAR = 36.0
"""Least difference of a handle from what is above and below it, of 255."""


@dataclass(frozen=True)
class Handle:
    """One line of a legend.

    Attributes
    ----------
    name : str
        Of the arm.
    colour : tuple of int
        Of the line.
    style : str
        'solid', 'dashed' or 'dotted'.
    x0, x1, y : float
        Left and right end and height of the line, in pixels.
    text : Text
        The name as it was read.
    """

    name: str
    colour: Colour
    style: str
    x0: float
    x1: float
    y: float
    text: Text


def handles(image: np.ndarray, texts) -> list[Handle]:
    """Every line of the legend, in the order of the texts.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8
        The page.
    texts : sequence of Text
        Texts that may be names of arms.

    Returns
    -------
    list of Handle
        From top to bottom and left to right; empty if there is no legend.
    """
    found = []
    for text in texts:
        words = cleaned(text.text).lstrip("-–—_.·•'|+ ")
        wordy = number(words) is None and any(letter.isalnum() for letter in words)
        if not wordy or text.confidence < 0.5 or 5 < text.angle < 355:
            continue
        handle = _beside(image, text, words, texts)
        if handle is not None:
            found.append(handle)
    found = _in_line(found)
    return sorted(found, key=lambda handle: (round(handle.y / 4), handle.x0))


def _in_line(found) -> list:
    """The largest set of handles below each other or in one row, alike in size."""
    best = []
    for one in found:
        size = one.text.height
        column = [
            other
            for other in found
            if abs(other.x0 - one.x0) < 0.5 * size and abs(other.text.x0 - one.text.x0) < size
        ]
        row = [other for other in found if abs(other.y - one.y) < 0.4 * size]
        both = {id(other): other for other in (*column, *row)} if len(column) > 1 else {}
        best = max((best, column, row, list(both.values())), key=len)
    if len(best) == 1:
        words = best[0].text
        letters = sum(letter.isalpha() for letter in words.text)
        return best if letters > 2 and words.confidence > 0.8 else []
    return best


def _beside(image, text, words, texts):
    size = text.height
    high, low = text.y - 0.75 * size, text.y + 0.75 * size
    left = max(int(text.x0 - 9 * size), 0)
    for other in texts:
        letters = sum(letter.isalnum() for letter in other.text)
        # A pair of letters is a word if it was read surely; a cross on a sample never is.
        word = letters > 2 or (letters == 2 and other.confidence > 0.9)
        if word and abs(other.y - text.y) < 0.6 * size and other.x1 < text.x0 - size:
            left = max(left, int(other.x1) + 2)
    right = int(text.x0 - max(0.12 * size, 1))
    if right - left < size or int(high) < 0 or int(low) >= len(image):
        return None
    part = image[:, left:right].astype(float)
    above, below = part[int(high)], part[int(low)]
    rows = np.arange(int(text.y - 0.42 * size), int(text.y + 0.42 * size) + 1)
    ridge = np.minimum(
        np.abs(part[rows] - above).max(axis=2), np.abs(part[rows] - below).max(axis=2)
    )
    strength, at = ridge.max(axis=0), ridge.argmax(axis=0)
    inked = strength > CLEAR
    if not inked.any():
        return None
    # Only what has the colour of the piece next to the text: not an axis beyond the sample.
    last = np.flatnonzero(inked)[-8:]
    last = last[strength[last] >= np.median(strength[last])]
    tone = np.median(part[rows[0] + at[last], last], axis=0)
    inked &= np.abs(part[rows[0] + at, np.arange(len(at))] - tone).max(axis=1) < 80
    span = _last_run(inked, 2.4 * size, 0.95 * size)
    if span is None:
        return None
    first, last = span
    length = last - first + 1
    columns = np.flatnonzero(inked[first : last + 1]) + first
    if not 1.1 * size <= length <= 8.5 * size or len(columns) < 4:
        return None
    row = int(np.median(at[columns]))
    flat = np.abs(at[columns] - row) <= max(1.0, 0.12 * size)
    thick = (ridge[:, columns] > 0.5 * strength[columns]).sum(axis=0)
    if flat.mean() < 0.75 or np.percentile(thick, 40) > 0.5 * size:
        return None
    strong = columns[strength[columns] >= np.percentile(strength[columns], 40)]
    colour = np.median(part[rows[0] + at[strong], strong], axis=0)
    # A censoring mark on the sample crosses it and hides that it stands out.
    crossed = np.abs(part[rows[0] + row] - colour).max(axis=1) < CLEAR
    return Handle(
        words,
        tuple(int(v) for v in colour),
        _style(strength[first : last + 1], crossed[first : last + 1], np.median(thick)),
        left + first,
        left + last + 1.0,
        rows[0] + row + 0.5,
        text,
    )


def _last_run(inked, near, gap):
    """The last stretch of ink with only short gaps, if it ends near the right end."""
    places = np.flatnonzero(inked)
    if not len(places) or len(inked) - places[-1] > near:
        return None
    breaks = np.flatnonzero(np.diff(places) > gap)
    return int(places[breaks[-1] + 1] if len(breaks) else places[0]), int(places[-1])


def _style(strength, crossed, thick) -> str:
    """The pattern of a line: no gaps, long pieces or short ones."""
    dark = (strength > 0.5 * np.percentile(strength, 90)) | crossed
    changes = np.flatnonzero(np.diff(np.r_[False, dark, False].astype(int)))
    runs = changes[1::2] - changes[::2]
    gaps = changes[2::2] - changes[1:-1:2]
    if not len(gaps) or gaps.max() < 2:
        return "solid"
    return "dotted" if len(runs) >= 4 and np.median(runs) <= 2.2 * thick else "dashed"
