"""Log hazard ratio and standard error from a printed hazard ratio."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from oligomdt.pooling.validation import (
    check_choice,
    check_level,
    check_positive,
    check_proportion,
)

__all__ = ["Estimate", "from_ci", "from_p", "from_upper_limit"]


@dataclass(frozen=True)
class Estimate:
    """A log hazard ratio with its standard error.

    Attributes
    ----------
    log_hr, se : float
        Log hazard ratio (experimental versus control) and its standard error.
    origin : str
        What it was computed from, in words.
    asymmetry : float or None
        Where it comes from two limits: the distance of ln HR from their midpoint, in standard
        errors. Rounding explains a few hundredths; much more means that the level, a limit or
        the method is not what it seems. None where there is nothing to compare.
    """

    log_hr: float
    se: float
    origin: str = ""
    asymmetry: float | None = None

    @property
    def hr(self) -> float:
        """Hazard ratio."""
        return float(np.exp(self.log_hr))

    @property
    def p(self) -> float:
        """Two-sided Wald p-value that this estimate implies."""
        return float(2 * ndtr(-abs(self.log_hr) / self.se))

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Wald limits of the hazard ratio at a level between 0 and 1."""
        half = ndtri((1 + check_level(level)) / 2) * self.se
        return float(np.exp(self.log_hr - half)), float(np.exp(self.log_hr + half))

    def swapped(self) -> "Estimate":
        """Return the same comparison with the two arms swapped."""
        origin = f"{self.origin}, arms swapped" if self.origin else "arms swapped"
        return Estimate(-self.log_hr, self.se, origin, self.asymmetry)


def from_ci(hr: float, lower: float, upper: float, level: float = 0.95) -> Estimate:
    """Estimate from a hazard ratio and its confidence limits.

    ``se = (ln upper - ln lower) / (2 z)`` (Parmar, Torri and Stewart 1998; Tierney and others
    2007, doi:10.1186/1745-6215-8-16), z at the level of the limits. A 90 % interval read as
    95 % makes a trial look more precise than it is.

    Parameters
    ----------
    hr, lower, upper : float
        Hazard ratio and limits, above 0, with ``lower <= hr <= upper``.
    level : float
        Confidence level of the limits, between 0 and 1.

    Returns
    -------
    Estimate
        With its `asymmetry`.

    Raises
    ------
    ValueError
        Where a value is not positive, the limits are not in order or do not contain the hazard
        ratio, or the level is not between 0 and 1.

    Examples
    --------
    >>> estimate = from_ci(0.62, 0.41, 0.93, level=0.90)
    >>> round(estimate.log_hr, 4), round(estimate.se, 4), round(estimate.asymmetry, 3)
    (-0.478, 0.249, 0.016)
    """
    level = check_level(level)
    hr, lower, upper = (
        check_positive(name, value)
        for name, value in (("hr", hr), ("lower", lower), ("upper", upper))
    )
    if lower >= upper:
        raise ValueError(
            f"lower is {lower:g} and upper is {upper:g}; lower must be below upper"
        )
    if not lower <= hr <= upper:
        raise ValueError(f"hr is {hr:g}, outside its limits {lower:g} to {upper:g}")
    low, middle, high = np.log([lower, hr, upper])
    se = (high - low) / (2 * ndtri((1 + level) / 2))
    return Estimate(
        float(middle),
        float(se),
        f"hazard ratio and {100 * level:g} % confidence limits",
        float(abs(middle - (low + high) / 2) / se),
    )


def from_upper_limit(hr: float, upper: float, level: float = 0.95) -> Estimate:
    """Estimate from a hazard ratio and the upper limit of its two-sided interval.

    ``se = (ln upper - ln hr) / z``. Use `from_ci` where both limits are known.

    Parameters
    ----------
    hr, upper : float
        Hazard ratio and upper limit, above 0, with ``hr < upper``.
    level : float
        Confidence level of the two-sided interval, between 0 and 1.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where a value is not positive, `hr` is not below `upper`, or the level is wrong.

    Examples
    --------
    >>> round(from_upper_limit(0.55, 0.90).se, 4)
    0.2513
    """
    level = check_level(level)
    hr, upper = check_positive("hr", hr), check_positive("upper", upper)
    if hr >= upper:
        raise ValueError(f"hr is {hr:g} and upper is {upper:g}; hr must be below upper")
    se = float(np.log(upper / hr) / ndtri((1 + level) / 2))
    return Estimate(float(np.log(hr)), se, f"hazard ratio and upper {100 * level:g} % limit")


def from_p(hr: float, p: float, alternative: str = "two-sided") -> Estimate:
    """Estimate from a hazard ratio and its p-value.

    ``se = abs(ln hr) / z`` with z the normal quantile of ``1 - p / 2`` (two-sided) or
    ``1 - p`` (one-sided) (Tierney and others 2007, doi:10.1186/1745-6215-8-16). The p-value
    must belong to the same analysis; that of a log-rank test is close, not equal.

    Parameters
    ----------
    hr : float
        Hazard ratio, above 0 and not 1.
    p : float
        p-value between 0 and 1; below 0.5 where one-sided.
    alternative : str
        "two-sided", or "one-sided" for a test in the direction of the estimate.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where `hr` is 1, `p` is not between 0 and 1, or a one-sided `p` is 0.5 or more.

    Examples
    --------
    >>> round(from_p(0.58, 0.013).se, 4)
    0.2193
    """
    hr, p = check_positive("hr", hr), check_proportion("p", p)
    check_choice("alternative", alternative, ("two-sided", "one-sided"))
    if hr == 1:
        raise ValueError("hr is 1; with no effect a p-value says nothing about precision")
    if alternative == "one-sided" and p >= 0.5:
        raise ValueError(
            f"p is {p:g} one-sided, which contradicts the direction of hr {hr:g}; "
            "it must be below 0.5"
        )
    z = -ndtri(p / 2 if alternative == "two-sided" else p)
    log_hr = float(np.log(hr))
    return Estimate(log_hr, float(abs(log_hr) / z), f"hazard ratio and {alternative} p-value")
