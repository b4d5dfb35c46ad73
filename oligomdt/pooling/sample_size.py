"""How many events a trial or a body of evidence needs, and what a number of them can show.

A trial enters with its number of events, not of patients: the standard error of a log hazard
ratio is about ``1 / sqrt(events * f * (1 - f))``, f the share of patients in the experimental
arm (Schoenfeld 1981, doi:10.1093/biomet/68.1.316). The approximation holds near a hazard ratio
of 1 and takes hazards as proportional.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from oligomdt.pooling.studies import check_se
from oligomdt.pooling.validation import check_finite, check_positive, check_proportion

__all__ = [
    "TrialPower",
    "alpha_spent",
    "equivalent_events",
    "information_size",
    "power",
    "required_events",
]


@dataclass(frozen=True)
class TrialPower:
    """Power of one trial.

    Attributes
    ----------
    same_direction : float
        Probability of significance in the direction of the true effect.
    two_sided : float
        Probability of significance in either direction.
    """

    same_direction: float
    two_sided: float


def required_events(
    hr: float, power: float = 0.8, alpha: float = 0.05, allocation: float = 0.5
) -> float:
    """Events that one trial needs to show a hazard ratio.

    ``(z(1 - alpha / 2) + z(power))**2 / (f (1 - f) ln(hr)**2)`` (Schoenfeld 1981,
    doi:10.1093/biomet/68.1.316). Under proportional hazards.

    Parameters
    ----------
    hr : float
        True hazard ratio, above 0 and not 1.
    power : float
        Probability of a significant result, between alpha / 2 and 1.
    alpha : float
        Two-sided significance level, between 0 and 1.
    allocation : float
        Share of patients in the experimental arm, between 0 and 1.

    Returns
    -------
    float
        Not rounded; a plan rounds up.

    Raises
    ------
    ValueError
        For an argument out of its range, or a hazard ratio of 1.

    Examples
    --------
    >>> round(required_events(0.6), 1), round(required_events(0.6, allocation=2 / 3), 1)
    (120.3, 135.4)
    """
    log_hr = math.log(check_positive("hr", hr))
    if log_hr == 0:
        raise ValueError(f"hr is {hr!r}; no number of events shows a hazard ratio of 1")
    alpha, power = check_proportion("alpha", alpha), check_proportion("power", power)
    if power <= alpha / 2:
        raise ValueError(f"power is {power:g}; it must be above alpha / 2 = {alpha / 2:g}")
    reach = ndtri(1 - alpha / 2) + ndtri(power)
    return float(reach**2 / (_information(allocation) * log_hr**2))


def power(events: float, hr: float, alpha: float = 0.05, allocation: float = 0.5) -> TrialPower:
    """Power of one trial with a number of events (Schoenfeld 1981).

    Parameters
    ----------
    events : float
        Events in both arms together, above 0.
    hr : float
        True hazard ratio, above 0.
    alpha : float
        Two-sided significance level, between 0 and 1.
    allocation : float
        Share of patients in the experimental arm, between 0 and 1.

    Returns
    -------
    TrialPower

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> round(power(60, 0.5).same_direction, 3)
    0.766
    """
    z = abs(math.log(check_positive("hr", hr))) / math.sqrt(trial_variance(events, allocation))
    line = ndtri(1 - check_proportion("alpha", alpha) / 2)
    same = float(ndtr(z - line))
    return TrialPower(same, same + float(ndtr(-z - line)))


def equivalent_events(se: float, allocation: float = 0.5) -> float:
    """Events of a single trial that would be as precise as a standard error.

    Parameters
    ----------
    se : float
        Standard error of a log hazard ratio, above 0.
    allocation : float
        Share of patients in the experimental arm of that trial, between 0 and 1.

    Returns
    -------
    float
        ``1 / (f (1 - f) se**2)``.

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> round(equivalent_events(0.2), 6)
    100.0
    """
    return 1 / (_information(allocation) * check_se(se) ** 2)


def information_size(
    hr: float,
    power: float = 0.8,
    alpha: float = 0.05,
    d2: float = 0.0,
    allocation: float = 0.5,
) -> float:
    """Optimal information size: events that a meta-analysis needs, adjusted for diversity.

    `required_events` divided by ``1 - D2``, where D2 is the share by which heterogeneity
    inflates the variance of the pooled estimate, ``1 - se_common**2 / se_random**2``
    (Wetterslev and others 2009, doi:10.1186/1471-2288-9-86). With `d2` 0 it is the plain
    optimal information size of GRADE. D2 from few trials is next to unknown: vary it.

    Parameters
    ----------
    hr, power, alpha, allocation
        As in `required_events`.
    d2 : float
        Diversity, from 0 to below 1.

    Returns
    -------
    float
        Events, not rounded.

    Raises
    ------
    ValueError
        As `required_events`, or for d2 outside 0 to 1.

    Examples
    --------
    >>> round(information_size(0.6), 1), round(information_size(0.6, d2=0.5), 1)
    (120.3, 240.6)
    """
    if not 0 <= (share := check_finite("d2", d2)) < 1:
        raise ValueError(f"d2 is {d2!r}; it must be at least 0 and below 1")
    return required_events(hr, power, alpha, allocation) / (1 - share)


def alpha_spent(fraction: float, alpha: float = 0.05) -> float:
    """Significance level used up by all looks so far, by O'Brien-Fleming-type spending.

    ``2 - 2 Phi(z(1 - alpha / 2) / sqrt(t))`` at the fraction t of the planned information
    (Lan and DeMets 1983, doi:10.1093/biomet/70.3.659). It is cumulative: only a first look at
    t may use up all of it; a later one has what earlier looks have left. It is made for looks
    planned before the first one; a meta-analysis that grows as trials report was not planned
    so.

    Parameters
    ----------
    fraction : float
        Share of the information size, above 0 and at most 1.
    alpha : float
        Two-sided significance level of all looks together, between 0 and 1.

    Returns
    -------
    float
        Cumulative two-sided level, of this look and all before it together.

    Raises
    ------
    ValueError
        For a fraction not above 0 or beyond 1, or an alpha outside 0 to 1.

    Examples
    --------
    >>> round(alpha_spent(0.5), 4), round(alpha_spent(1), 4)
    (0.0056, 0.05)
    """
    if not 0 < (share := check_finite("fraction", fraction)) <= 1:
        raise ValueError(f"fraction is {fraction!r}; it must be above 0 and at most 1")
    line = ndtri(1 - check_proportion("alpha", alpha) / 2)
    return float(2 * ndtr(-line / math.sqrt(share)))


def _information(allocation: float) -> float:
    share = check_proportion("allocation", allocation)
    return share * (1 - share)


def trial_variance(events: float, allocation: float) -> float:
    """Variance of the log hazard ratio of a trial with so many events."""
    return 1 / (_information(allocation) * check_positive("events", events))
