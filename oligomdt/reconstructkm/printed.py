"""Numbers as a paper prints them, with the interval that their digits allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Printed:
    """A printed number and the half-open interval of values that round to it.

    A value printed as ``0.41`` stands for every value from 0.405 up to 0.415; one printed
    as ``<0.001`` for every value below 0.001; ``not reached`` for a time beyond the data.

    Parameters
    ----------
    text : str
        The number as printed.
    low, high : float
        Limits of the values that print as `text`.
    """

    text: str
    low: float
    high: float

    @property
    def value(self) -> float:
        """The printed number itself; infinity for ``not reached``."""
        if self.text == NOT_REACHED:
            return math.inf
        return float(self.text.lstrip("<>"))

    @property
    def reached(self) -> bool:
        """Whether the number is finite."""
        return self.text != NOT_REACHED

    def __contains__(self, value: float) -> bool:
        """Whether `value` prints as this number (limits count, because rounding ties do)."""
        if not self.reached:
            return not math.isfinite(value)
        return self.low - 1e-9 <= value <= self.high + 1e-9


def printed(text: str | int | float | Decimal | Printed, field: str = "value") -> Printed:
    """Read a number as printed, keeping its digits.

    Parameters
    ----------
    text : str, int, float or Decimal
        The number. Give a string where trailing zeros were printed: ``"10.0"`` has one
        decimal, ``10`` has none.
    field : str
        What the number is, for the error message.

    Returns
    -------
    Printed

    Raises
    ------
    ValueError
        If the text is not a number, ``<number``, ``>number`` or ``not reached``.

    Examples
    --------
    >>> printed("0.41").low, printed("0.41").high
    (0.405, 0.415)
    >>> 0.4149 in printed("0.41")
    True
    """
    if isinstance(text, Printed):
        return text
    text = str(text).strip()
    if text == NOT_REACHED:
        return Printed(text, math.inf, math.inf)
    digits = text[1:] if text[:1] in ("<", ">") else text
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise ValueError(
            f'{field}: {text!r} is not a printed number; give for example "0.41", "<0.001" '
            f'or "{NOT_REACHED}"'
        ) from None
    if not number.is_finite():
        raise ValueError(f'{field}: {text!r} is not finite; use "{NOT_REACHED}" for a limit')
    if text.startswith("<"):
        return Printed(text, -math.inf, float(number))
    if text.startswith(">"):
        return Printed(text, float(number), math.inf)
    half = Decimal(1).scaleb(number.as_tuple().exponent) / 2
    return Printed(text, float(number - half), float(number + half))
