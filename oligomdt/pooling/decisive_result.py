"""Which result of a new trial would settle the question, and how likely it is.

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
from scipy.special import ndtri

from oligomdt.pooling.bayesian import bayes
from oligomdt.pooling.mixture import NormalMixture
from oligomdt.pooling.priors import HalfNormal, TauPrior
from oligomdt.pooling.sample_size import trial_variance
from oligomdt.pooling.studies import Studies, check_se, check_studies
from oligomdt.pooling.validation import (
    check_finite,
    check_positive,
    check_proportion,
    exponential,
)

__all__ = [
    "CommonEffectNeeded",
    "PredictivePower",
    "ResultNeeded",
    "bayesian_predictive_power",
    "result_needed",
    "result_needed_common_effect",
]

# Hazard ratios of a coming trial that are looked at, and how finely at first.
LOWEST_HR, HIGHEST_HR = 0.01, 100.0
STEPS = 61


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
    variance = trial_variance(events, allocation)
    weight = check_se(se) ** -2
    line = ndtri(1 - check_proportion("alpha", alpha) / 2) * math.sqrt(weight + 1 / variance)
    drift = weight * check_finite("log_hr", log_hr)
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
            trial_variance(events, allocation),
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
