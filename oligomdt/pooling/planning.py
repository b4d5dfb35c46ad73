"""What a coming trial can show, and what it would change in the evidence of today.

A trial enters with its number of events, not of patients: the standard error of a log hazard
ratio is about ``1 / sqrt(events * f * (1 - f))``, f the share of patients in the experimental
arm (Schoenfeld 1981, doi:10.1093/biomet/68.1.316). The approximation holds near a hazard ratio
of 1 and takes hazards as proportional.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr, ndtri

from oligomdt.pooling.bayesian import bayes
from oligomdt.pooling.mixture import NormalMixture
from oligomdt.pooling.priors import HalfNormal, TauPrior
from oligomdt.pooling.studies import LARGEST, SMALLEST, Studies, check_studies
from oligomdt.pooling.validation import check_positive, check_proportion, exponential

__all__ = [
    "CommonEffectNeeded",
    "PredictivePower",
    "ResultNeeded",
    "TrialPower",
    "UpdatePower",
    "alpha_spent",
    "bayesian_predictive_power",
    "conditional_power",
    "equivalent_events",
    "information_size",
    "power",
    "predictive_power",
    "predictive_power_random_effects",
    "required_events",
    "result_needed",
    "result_needed_common_effect",
]

# Hazard ratios of a coming trial that are looked at, and how finely at first.
LOWEST_HR, HIGHEST_HR = 0.01, 100.0
STEPS = 61


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


@dataclass(frozen=True)
class UpdatePower:
    """What the pooled result may be once a new trial is added.

    Attributes
    ----------
    benefit, harm : float
        Probability that the updated two-sided test is significant with a hazard ratio below
        and above 1.
    updated_log_hr : float
        Expected updated log hazard ratio.
    updated_se : float
        Its standard error.
    z_mean, z_sd : float
        Mean and standard deviation of the updated test statistic.
    """

    benefit: float
    harm: float
    updated_log_hr: float
    updated_se: float
    z_mean: float
    z_sd: float


@dataclass(frozen=True)
class ResultNeeded:
    """The results of a new trial that would settle the Bayesian answer.

    Attributes
    ----------
    benefit : tuple of (float, float)
        Ranges of the new trial's hazard ratio after which the probability of a hazard ratio
        below `hr` is at least `probability`. Empty where no result of this size does it.
    harm : tuple of (float, float)
        As `benefit`, for a hazard ratio above `hr`.
    now : float
        Probability of a hazard ratio below `hr` today.
    events, hr, probability : float
        As asked.
    """

    benefit: tuple[tuple[float, float], ...]
    harm: tuple[tuple[float, float], ...]
    now: float
    events: float
    hr: float
    probability: float


@dataclass(frozen=True)
class CommonEffectNeeded:
    """The results of a new trial that would settle the common-effect answer.

    Attributes
    ----------
    benefit : float
        Hazard ratio of the new trial at or below which the updated upper limit is below 1.
    harm : float
        Hazard ratio at or above which the updated lower limit is above 1.
    """

    benefit: float
    harm: float


@dataclass(frozen=True)
class PredictivePower:
    """How likely a new trial is to settle the Bayesian answer, given the evidence of today.

    Attributes
    ----------
    benefit, harm : float
        Probability that afterwards a hazard ratio below (above) the line has at least the
        probability asked for.
    unsearched : float
        Probability of a result outside 0.01 to 100, which counts as neither.
    """

    benefit: float
    harm: float
    unsearched: float


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
    z = abs(math.log(check_positive("hr", hr))) / math.sqrt(_variance(events, allocation))
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
    return 1 / (_information(allocation) * _check_se(se) ** 2)


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
    if not 0 <= (share := _check_finite("d2", d2)) < 1:
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
    if not 0 < (share := _check_finite("fraction", fraction)) <= 1:
        raise ValueError(f"fraction is {fraction!r}; it must be above 0 and at most 1")
    line = ndtri(1 - check_proportion("alpha", alpha) / 2)
    return float(2 * ndtr(-line / math.sqrt(share)))


def conditional_power(
    log_hr: float,
    se: float,
    events: float,
    assumed_log_hr: float,
    tau2: float = 0.0,
    alpha: float = 0.05,
    allocation: float = 0.5,
) -> UpdatePower:
    """Chance that the pooled result is significant once a trial with a known truth is added.

    Today's pooled estimate is taken as it is; the new one is drawn around `assumed_log_hr`
    with variance ``1 / (f (1 - f) events) + tau2`` and the two are pooled by their inverse
    variances (Roloff and others 2013, doi:10.1002/sim.5524). With `tau2` 0 this is the common
    effect; else the random-effects form, tau2 kept as it is.

    Parameters
    ----------
    log_hr, se : float
        Pooled log hazard ratio today and its standard error, above 0. With `tau2` above 0
        they must come from a random-effects fit.
    events : float
        Events of the new trial, above 0.
    assumed_log_hr : float
        Log hazard ratio around which the new trial's estimate falls.
    tau2 : float
        Between-study variance, at least 0.
    alpha : float
        Two-sided significance level, between 0 and 1.
    allocation : float
        Share of patients in the experimental arm, between 0 and 1.

    Returns
    -------
    UpdatePower

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> round(conditional_power(-0.3, 0.22, 90, assumed_log_hr=-0.36).benefit, 3)
    0.618
    """
    variance = _variance(events, allocation) + _check_tau2(tau2)
    assumed = _check_finite("assumed_log_hr", assumed_log_hr)
    return _update(log_hr, se, variance, assumed, variance, alpha)


def predictive_power(
    log_hr: float,
    se: float,
    events: float,
    tau2: float = 0.0,
    alpha: float = 0.05,
    allocation: float = 0.5,
) -> UpdatePower:
    """Chance that the common-effect result is significant after a trial like those of today.

    Nothing is assumed of the truth: the new estimate is drawn around today's pooled one with
    variance ``se**2 + tau2 + 1 / (f (1 - f) events)``. The updated pooling is that of the
    common effect, whatever tau2 is: the new trial weighs ``f (1 - f) events``. With an `se`
    from a random-effects fit that would be neither update; `predictive_power_random_effects`
    is for it.

    Parameters
    ----------
    log_hr, se : float
        Common-effect log hazard ratio today and its standard error, above 0.
    events, alpha, allocation
        As in `conditional_power`.
    tau2 : float
        Between-study variance with which the new trial may differ, at least 0.

    Returns
    -------
    UpdatePower

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> round(predictive_power(-0.3, 0.22, 90).benefit, 3)
    0.504
    """
    variance = _variance(events, allocation)
    drawn = check_positive("se", se) ** 2 + _check_tau2(tau2) + variance
    return _update(log_hr, se, variance, log_hr, drawn, alpha)


def predictive_power_random_effects(
    log_hr: float,
    se: float,
    events: float,
    tau2: float,
    alpha: float = 0.05,
    allocation: float = 0.5,
) -> UpdatePower:
    """Chance that the random-effects result is significant after a trial like those of today.

    Today's trials and the new one are pooled again with the same, known tau2. The new trial
    then weighs ``1 / (1 / (f (1 - f) events) + tau2)``, and its estimate is drawn around
    today's pooled one with variance ``se**2 + tau2 + 1 / (f (1 - f) events)``. However many
    events it has, it counts as one trial among those that differ. The uncertainty of tau2 is
    left out; `bayesian_predictive_power` has it.

    Parameters
    ----------
    log_hr, se : float
        Random-effects log hazard ratio today and its standard error with this tau2.
    events, alpha, allocation
        As in `conditional_power`.
    tau2 : float
        Between-study variance, at least 0; 0 gives `predictive_power`.

    Returns
    -------
    UpdatePower

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> round(predictive_power_random_effects(-0.3, 0.27, 90, tau2=0.05).benefit, 3)
    0.292
    """
    variance = _variance(events, allocation) + _check_tau2(tau2)
    drawn = check_positive("se", se) ** 2 + variance
    return _update(log_hr, se, variance, log_hr, drawn, alpha)


def _update(
    log_hr: float, se: float, variance: float, centre: float, drawn: float, alpha: float
) -> UpdatePower:
    """The updated test where a new estimate of `variance` is drawn with variance `drawn`."""
    log_hr, weight = _check_finite("log_hr", log_hr), _check_se(se) ** -2
    line = ndtri(1 - check_proportion("alpha", alpha) / 2)
    root = math.sqrt(weight + 1 / variance)
    mean = (log_hr * weight + centre / variance) / root
    sd = math.sqrt(drawn) / variance / root
    benefit, harm = float(ndtr((-line - mean) / sd)), float(ndtr((mean - line) / sd))
    return UpdatePower(benefit, harm, mean / root, 1 / root, mean, sd)


def result_needed(
    log_hr: ArrayLike,
    se: ArrayLike,
    events: float,
    probability: float = 0.975,
    hr: float = 1.0,
    tau_prior: TauPrior | None = None,
    allocation: float = 0.5,
) -> ResultNeeded:
    """What a new trial must show so that the Bayesian answer becomes clear.

    The trials of today and a new one with variance ``1 / (f (1 - f) events)`` are analysed
    by `bayes`. With `probability` 0.975 and `hr` 1 the answer is clear where the 95 % credible
    interval leaves out 1. More is not always better: a result far from the others makes tau
    larger and the interval wider. Hence ranges, not one limit; with few trials there may be
    no result at all that settles it, however many events it rests on (Roloff and others
    2013, doi:10.1002/sim.5524).

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors of today's trials.
    events : float
        Events of the new trial, above 0.
    probability : float
        Probability that makes the answer clear, above 0.5 and below 1.
    hr : float
        The line, for example 1 or 0.8.
    tau_prior : TauPrior, optional
        Prior on tau; half-normal(0.5) where none is given.
    allocation : float
        Share of patients in the experimental arm, between 0 and 1.

    Returns
    -------
    ResultNeeded
        Ranges within 0.01 to 100; one that ends at these bounds may go on beyond.

    Raises
    ------
    ValueError
        For bad studies or an argument out of its range.

    Examples
    --------
    >>> needed = result_needed([-0.3, -0.35, -0.25, -0.3], [0.3] * 4, events=200)
    >>> [round(limit, 2) for limit in needed.benefit[-1]]
    [0.27, 0.8]
    """
    question = _Question.of(log_hr, se, events, probability, hr, tau_prior, allocation)
    benefit, harm = question.ranges()

    def as_hr(ranges):
        return tuple((float(np.exp(a)), float(np.exp(b))) for a, b in ranges)

    now = bayes(log_hr, se, tau_prior=question.prior).mu.p_hr_below(hr)
    settings = {"events": float(events), "hr": float(hr), "probability": float(probability)}
    return ResultNeeded(as_hr(benefit), as_hr(harm), now, **settings)


def result_needed_common_effect(
    log_hr: float, se: float, events: float, alpha: float = 0.05, allocation: float = 0.5
) -> CommonEffectNeeded:
    """What a new trial must show so that the common-effect interval leaves out 1.

    The updated test statistic of `conditional_power` solved for the new estimate. It takes
    the trials to have one true effect, the strongest assumption there is.

    Parameters
    ----------
    log_hr, se, events, alpha, allocation
        As in `conditional_power`.

    Returns
    -------
    CommonEffectNeeded

    Raises
    ------
    ValueError
        For an argument out of its range.

    Examples
    --------
    >>> needed = result_needed_common_effect(-0.2, 0.3, events=200)
    >>> round(needed.benefit, 2), round(needed.harm, 2)
    (0.77, 1.42)
    """
    variance = _variance(events, allocation)
    weight = _check_se(se) ** -2
    line = ndtri(1 - check_proportion("alpha", alpha) / 2) * math.sqrt(weight + 1 / variance)
    drift = weight * _check_finite("log_hr", log_hr)
    return CommonEffectNeeded(
        exponential(variance * (-line - drift)), exponential(variance * (line - drift))
    )


def bayesian_predictive_power(
    log_hr: ArrayLike,
    se: ArrayLike,
    events: float,
    probability: float = 0.975,
    hr: float = 1.0,
    tau_prior: TauPrior | None = None,
    allocation: float = 0.5,
) -> PredictivePower:
    """Chance that a new trial makes the Bayesian answer clear, given the evidence of today.

    The new estimate is drawn from the posterior predictive distribution of `bayes`, which
    holds the uncertainty of mu and of tau, with the sampling error of the new trial added;
    the probability of the ranges of `result_needed` follows by quadrature.

    Parameters
    ----------
    log_hr, se, events, probability, hr, tau_prior, allocation
        As in `result_needed`.

    Returns
    -------
    PredictivePower

    Raises
    ------
    ValueError
        For bad studies or an argument out of its range.

    Examples
    --------
    >>> chance = bayesian_predictive_power([-0.3, -0.35, -0.25, -0.3], [0.3] * 4, events=200)
    >>> round(chance.benefit, 3), round(chance.harm, 3)
    (0.598, 0.0)
    """
    question = _Question.of(log_hr, se, events, probability, hr, tau_prior, allocation)
    result = bayes(log_hr, se, tau_prior=question.prior).theta_new
    sds = np.sqrt(result.sds**2 + question.variance)
    seen = NormalMixture(result.weights, result.means, sds, result.level, result.tail)

    def chance(ranges):
        return sum(seen.p_below(high) - seen.p_below(low) for low, high in ranges)

    benefit, harm = (chance(ranges) for ranges in question.ranges())
    outside = 1 - (seen.p_hr_below(HIGHEST_HR) - seen.p_hr_below(LOWEST_HR))
    return PredictivePower(float(benefit), float(harm), max(0.0, outside))


class _Question(NamedTuple):
    """Which results of a new trial move the posterior over a line."""

    studies: Studies
    variance: float
    probability: float
    line: float
    prior: TauPrior

    @classmethod
    def of(cls, log_hr, se, events, probability, hr, tau_prior, allocation) -> _Question:
        """Check the arguments of the public functions."""
        if check_proportion("probability", probability) <= 0.5:
            raise ValueError(
                f"probability is {probability!r}; it must lie between 0.5 and 1 "
                "to make an answer clear"
            )
        return cls(
            check_studies(log_hr, se),
            _variance(events, allocation),
            probability,
            math.log(check_positive("hr", hr)),
            HalfNormal(0.5) if tau_prior is None else tau_prior,
        )

    def below(self, log_hr: float) -> float:
        """Probability of an effect below the line once a trial showed `log_hr`."""
        y = np.append(self.studies.log_hr, log_hr)
        s = np.append(self.studies.se, math.sqrt(self.variance))
        return bayes(y, s, tau_prior=self.prior).mu.p_below(self.line)

    def ranges(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Log hazard ratios of the new trial that make benefit, and harm, clear."""
        grid = np.linspace(math.log(LOWEST_HR), math.log(HIGHEST_HR), STEPS)
        p = np.array([self.below(x) for x in grid])
        benefit = _where(lambda x: self.below(x) - self.probability, grid, p - self.probability)
        harm_line = 1 - self.probability
        harm = _where(lambda x: harm_line - self.below(x), grid, harm_line - p)
        return benefit, harm


def _where(
    excess: Callable[[float], float], grid: np.ndarray, values: np.ndarray
) -> list[tuple[float, float]]:
    """Ranges in which `excess` is at least 0, from its values on a grid."""
    if (values < 0).all():
        # The top may rise over the line between two points of the grid.
        top = int(values.argmax())
        around = (grid[max(top - 1, 0)], grid[min(top + 1, grid.size - 1)])
        best = minimize_scalar(lambda x: -excess(x), bounds=around, method="bounded")
        place = int(np.searchsorted(grid, best.x))
        grid, values = np.insert(grid, place, best.x), np.insert(values, place, -best.fun)
    above = values >= 0
    edges = [
        float(brentq(excess, grid[i], grid[i + 1], xtol=1e-12))
        for i in np.flatnonzero(above[1:] != above[:-1])
    ]
    if above[0]:
        edges.insert(0, float(grid[0]))
    if above[-1]:
        edges.append(float(grid[-1]))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _information(allocation: float) -> float:
    share = check_proportion("allocation", allocation)
    return share * (1 - share)


def _variance(events: float, allocation: float) -> float:
    return 1 / (_information(allocation) * check_positive("events", events))


def _check_finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is {value!r}; it must be a number") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}; it must be a finite number")
    return number


def _check_se(se: float) -> float:
    number = check_positive("se", se)
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(f"se is {se!r}; it must lie between {SMALLEST:g} and {LARGEST:g}")
    return number


def _check_tau2(tau2: float) -> float:
    number = _check_finite("tau2", tau2)
    if number < 0:
        raise ValueError(f"tau2 is {tau2!r}; it must be at least 0")
    return number
