"""Axes: from a position on the page to a time or a survival."""

import itertools
import re
from dataclasses import dataclass

import numpy as np

from oligomdt.digitize.error import DigitizeError

UNITS = {"days": "day", "weeks": "week|wk", "months": "month|mo", "years": "year|yr"}
OPTION = {"x": "--x-range", "y": "--y-range"}


@dataclass(frozen=True)
class Axis:
    """A scale read from tick marks and their labels: value = offset + scale * position.

    Attributes
    ----------
    offset, scale : float
        Of the line; survival is a proportion, whatever the labels say.
    ticks : tuple of (float, float)
        Position and value of every label the line rests on.
    residual : float
        Largest distance of a tick from the line, in page units.
    confidence : float
        0 to 1: 1 when every label lies on the line; 0 when the range was given, not read.
    unit : str or None
        'days', 'weeks', 'months' or 'years' if the title of the time axis says so.
    percent : bool
        The labels are in percent.
    title : str
        Of the axis; empty if there is none.
    """

    offset: float
    scale: float
    ticks: tuple[tuple[float, float], ...] = ()
    residual: float = 0.0
    confidence: float = 1.0
    unit: str | None = None
    percent: bool = False
    title: str = ""

    def value(self, position):
        """Value at a position (a number or an array)."""
        return self.offset + self.scale * np.asarray(position, float)

    def position(self, value):
        """Position of a value (a number or an array)."""
        return (np.asarray(value, float) - self.offset) / self.scale


def fit(
    positions, values, *, name="x", tolerance=0.5
) -> tuple[float, float, float, np.ndarray]:
    """The line through the labels of an axis, without the labels that are off it.

    Every pair of labels proposes a line; the one with most labels within `tolerance` wins and
    is refitted to those by least squares.

    Parameters
    ----------
    positions, values : array of shape (m,)
        Positions of the tick marks in page units and the numbers of their labels.
    name : str
        'x' or 'y', for the error.
    tolerance : float
        In page units.

    Returns
    -------
    offset, scale, residual : float
        The line and the largest distance of a label used, in page units.
    used : array of bool, shape (m,)
        Which labels the line rests on.

    Raises
    ------
    DigitizeError
        With fewer than two labels, or when no line runs through most of them.

    Examples
    --------
    >>> from oligomdt.digitize.axis import fit
    >>> offset, scale, residual, used = fit([10, 20, 30, 40], [0, 6, 12, 78])
    >>> round(scale, 6), used.tolist()
    (0.6, [True, True, True, False])
    """
    positions, values = np.asarray(positions, float), np.asarray(values, float)
    if len(positions) < 2:
        raise DigitizeError(
            f"the {name} axis has {len(positions)} tick label(s) that could be read; two are "
            f"needed: give its range with {OPTION[name]}"
        )
    best, best_key = None, (-1, 0.0)
    for i, j in itertools.combinations(range(len(positions)), 2):
        if positions[i] == positions[j] or values[i] == values[j]:
            continue
        scale = (values[j] - values[i]) / (positions[j] - positions[i])
        distance = np.abs((values - values[i]) / scale - (positions - positions[i]))
        near = distance <= tolerance
        key = (int(near.sum()), -float(distance[near].sum()))
        if key > best_key:
            best, best_key = near, key
    if best is None or best.sum() < max(2, (len(positions) + 1) // 2):
        raise DigitizeError(
            f"the labels of the {name} axis make no line ("
            + ", ".join(f"{v:g} at {p:.1f}" for p, v in zip(positions, values, strict=True))
            + f"); give its range with {OPTION[name]}"
        )
    scale, offset = np.polyfit(positions[best], values[best], 1)
    residual = float(np.max(np.abs((values[best] - offset) / scale - positions[best])))
    return float(offset), float(scale), residual, best


def number(text: str) -> tuple[float, bool] | None:
    """A tick label's number and whether it has a percent sign; None if it is not a number.

    Examples
    --------
    >>> from oligomdt.digitize.axis import number
    >>> number("0.25"), number("75 %"), number("months"), number("1,000")
    ((0.25, False), (75.0, True), None, (1000.0, False))
    >>> number("0,250")  # no thousands, so the comma is that of a decimal
    (0.25, False)
    """
    text = text.strip().replace("\u2212", "-").replace("\u2013", "-").replace("\u00b7", ".")
    text = text.replace("\u2009", "").replace("\u00a0", "")
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", text):
        text = text.replace(",", "")
    match = re.fullmatch(r"([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+))\s*(%?)", text)
    return (float(match[1].replace(",", ".")), bool(match[2])) if match else None


def unit_of(title: str) -> str | None:
    """The unit of time that the title of an axis names.

    Examples
    --------
    >>> from oligomdt.digitize.axis import unit_of
    >>> unit_of("Months since randomisation"), unit_of("Time")
    ('months', None)
    """
    found = [
        unit
        for unit, stems in UNITS.items()
        if re.search(rf"\b(?:{stems})s?\b", title, re.IGNORECASE)
    ]
    return found[0] if len(found) == 1 else None
