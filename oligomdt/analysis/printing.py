"""Numbers as a reader sees them: rounded half up, probabilities never rounded to certainty."""

from decimal import ROUND_HALF_UP, Decimal

__all__ = ["decimals", "percent", "ratio"]


def decimals(value: float, places: int) -> str:
    """A number with a fixed number of decimals; 0.815 becomes 0.82, as on paper.

    Examples
    --------
    >>> decimals(0.815, 2), decimals(-0.0004, 2)
    ('0.82', '0.00')
    """
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{exact if exact else abs(exact):f}"


def ratio(value: float) -> str:
    """A hazard ratio, or a ratio of two, with two decimals.

    Examples
    --------
    >>> ratio(0.5)
    '0.50'
    """
    return decimals(value, 2)


def percent(value: float) -> str:
    """A proportion in per cent without the sign; 0 and 100 only where it is exactly so.

    Examples
    --------
    >>> percent(0.714), percent(0.9975), percent(0.99997), percent(0.001)
    ('71', 'more than 99', 'more than 99.9', 'less than 1')
    """
    if 0.9995 <= value < 1:
        return "more than 99.9"
    if 0.995 <= value < 0.9995:
        return "more than 99"
    if 0 < value < 0.005:
        return "less than 1"
    return decimals(100 * value, 0)
