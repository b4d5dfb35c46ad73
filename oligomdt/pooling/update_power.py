"""How likely the pooled result is to be significant once a new trial is added.

A trial enters with its number of events, not of patients: the standard error of a log hazard
ratio is about ``1 / sqrt(events * f * (1 - f))``, f the share of patients in the experimental
arm (Schoenfeld 1981, doi:10.1093/biomet/68.1.316). The approximation holds near a hazard ratio
of 1 and takes hazards as proportional.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from oligomdt.pooling.sample_size import trial_variance
from oligomdt.pooling.studies import check_se
from oligomdt.pooling.validation import (
    check_finite,
    check_positive,
    check_proportion,
    check_tau2,
)

__all__ = [
    "UpdatePower",
    "conditional_power",
    "predictive_power",
    "predictive_power_random_effects",
]


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
    variance = trial_variance(events, allocation) + check_tau2(tau2)
    assumed = check_finite("assumed_log_hr", assumed_log_hr)
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
    variance = trial_variance(events, allocation)
    drawn = check_positive("se", se) ** 2 + check_tau2(tau2) + variance
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
    variance = trial_variance(events, allocation) + check_tau2(tau2)
    drawn = check_positive("se", se) ** 2 + variance
    return _update(log_hr, se, variance, log_hr, drawn, alpha)


def _update(
    log_hr: float, se: float, variance: float, centre: float, drawn: float, alpha: float
) -> UpdatePower:
    """The updated test where a new estimate of `variance` is drawn with variance `drawn`."""
    log_hr, weight = check_finite("log_hr", log_hr), check_se(se) ** -2
    line = ndtri(1 - check_proportion("alpha", alpha) / 2)
    root = math.sqrt(weight + 1 / variance)
    mean = (log_hr * weight + centre / variance) / root
    sd = math.sqrt(drawn) / variance / root
    benefit, harm = float(ndtr((-line - mean) / sd)), float(ndtr((mean - line) / sd))
    return UpdatePower(benefit, harm, mean / root, 1 / root, mean, sd)
