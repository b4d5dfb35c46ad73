"""Accelerated failure time models: survival curves of a stated shape."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_ndtr, ndtr, ndtri

from .ipd import check_level, patients

STEPS = 200
# Squared length of Newton's last step, in standard errors; the next would be its square.
NEAR = 1e-18


@dataclass(frozen=True)
class AcceleratedResult:
    """A parametric fit: log time = intercept + log time ratio x arm + scale x error.

    A log time ratio above zero favours the experimental arm: its times are longer by the
    factor `time_ratio`. `covariance` is that of the intercept, the log time ratio and, unless
    the distribution is exponential, the log of the scale. `log_hr` and `log_hr_se` are `nan`
    where the hazards of the distribution are not proportional (log-normal, log-logistic).
    """

    distribution: str
    intercept: float
    log_time_ratio: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    p: float
    scale: float
    log_likelihood: float
    aic: float
    covariance: np.ndarray
    log_hr: float
    log_hr_se: float

    @property
    def time_ratio(self):
        """Ratio of the times to event; above 1 favours the experimental arm."""
        return float(np.exp(self.log_time_ratio))


def accelerated(ipd, distribution="weibull", level=0.95):
    """Fit a survival distribution whose time scale differs between the arms.

    The accelerated failure time model (Wei 1992, doi:10.1002/sim.4780111409) by maximum
    likelihood, both arms with the same shape, in the parametrisation of R's `survreg`. In the
    exponential and the Weibull model hazards are proportional too. Compare distributions of the
    same data by `aic`; a better fit of the observed time says nothing of the time after it.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, above 0), `event` (0 or 1), `arm`.
    distribution : {"exponential", "weibull", "lognormal", "loglogistic"}
        Distribution of the time to event.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    AcceleratedResult
        Coefficients on the scale of the log of months, with their covariance.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, a time is 0, the distribution is not known, or no
        finite fit exists.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> fit = accelerated(ipd, "exponential")  # 3 events in 20 months, 2 in 31
    >>> round(fit.time_ratio, 3), round(fit.log_hr, 3)
    (2.325, -0.844)
    """
    if distribution not in ERRORS:
        names = ", ".join(map(repr, ERRORS))
        raise ValueError(f"distribution: {distribution!r} is not one of {names}")
    check_level(level)
    p = patients(ipd)
    if np.any(p.time <= 0):
        raise ValueError("ipd column 'time': 0 has no logarithm; times must be above 0")
    _require_finite(p, distribution)
    free = np.array([distribution != "exponential", True, True])
    y, died = np.log(p.time), p.event == 1
    centre, unit = y.mean(), y.std() if free[0] else 1.0
    # Parameters 1 / scale and coefficients / scale: in them the likelihood is concave
    # (Olsen 1978, Econometrica 46:1211-1215).
    rows = np.column_stack([(y - centre) / unit, -np.ones(len(y)), -1.0 * p.experimental])
    found, height, inverse = _maximise(rows, died, ERRORS[distribution], free)
    inverse_scale, g0, g1 = found[0] / unit, *found[1:]
    jacobian = np.array(
        [
            [-g0 / inverse_scale / found[0], 1 / inverse_scale, 0],
            [-g1 / inverse_scale / found[0], 0, 1 / inverse_scale],
            [-1 / found[0], 0, 0],
        ]
    )
    covariance = jacobian @ inverse @ jacobian.T
    ratio, se = g1 / inverse_scale, covariance[1, 1] ** 0.5
    z = ndtri((1 + level) / 2)
    proportional = distribution in ("exponential", "weibull")
    log_likelihood = height - (y + np.log(unit))[died].sum()
    return AcceleratedResult(
        distribution=distribution,
        intercept=float(g0 / inverse_scale + centre),
        log_time_ratio=float(ratio),
        se=float(se),
        ci_low=float(ratio - z * se),
        ci_high=float(ratio + z * se),
        level=float(level),
        p=float(2 * ndtr(-abs(ratio) / se)),
        scale=float(1 / inverse_scale),
        log_likelihood=float(log_likelihood),
        aic=float(2 * free.sum() - 2 * log_likelihood),
        covariance=covariance if free[0] else covariance[:2, :2],
        log_hr=float(-g1) if proportional else np.nan,
        log_hr_se=float(inverse[2, 2] ** 0.5) if proportional else np.nan,
    )


def _require_finite(p, distribution):
    spread = 0.0
    for arm in p.arms():
        time, event = p.arm(arm)
        died = time[event == 1]
        if len(died) == 0:
            raise ValueError(f"no event in the {arm} arm: its time scale is not finite")
        spread += time.max() - died.min()
    if distribution != "exponential" and spread == 0:
        raise ValueError(
            "the events of each arm are all at one time, its last: the scale of the "
            f"{distribution} distribution shrinks to 0"
        )


def _maximise(rows, died, error, free):
    """Newton's method with halved steps; parameters, log-likelihood, inverse information."""
    found = np.array([1.0, 0.0, 0.0])

    def log_likelihood(parameters):
        if parameters[0] <= 0:
            return -np.inf
        at = error(rows @ parameters, died)[0].sum()
        return at + died.sum() * np.log(parameters[0])

    height = log_likelihood(found)
    for _ in range(STEPS):
        _, slope, bend = error(rows @ found, died)
        gradient = rows.T @ slope
        information = -(rows.T * bend) @ rows
        gradient[0] += died.sum() / found[0]
        information[0, 0] += died.sum() / found[0] ** 2
        inverse = np.zeros((3, 3))
        inverse[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
        step = inverse @ gradient
        near = gradient @ step < NEAR
        while (following := log_likelihood(found + step)) < height - 1e-12 * abs(height):
            step /= 2
        found, height = found + step, following
        if near:
            return found, height, inverse
    raise ValueError(f"the parametric fit did not converge in {STEPS} steps")


# Each gives, for standardised log times z, the log of the density (event) or of the survival
# function (censored) and its first two derivatives.


def _extreme_value(z, died):
    # Beyond 700 the exponential overflows; such a step is refused by its likelihood.
    hazard = np.exp(np.minimum(z, 700))
    return np.where(died, z, 0) - hazard, died - hazard, -hazard


def _normal(z, died):
    log_density = -(z**2) / 2 - np.log(2 * np.pi) / 2
    log_survival = log_ndtr(-z)
    hazard = np.exp(log_density - log_survival)
    return (
        np.where(died, log_density, log_survival),
        np.where(died, -z, -hazard),
        np.where(died, -1.0, -hazard * (hazard - z)),
    )


def _logistic(z, died):
    p, times = expit(z), 1 + died
    return died * z - times * np.logaddexp(0, z), died - times * p, -times * p * (1 - p)


ERRORS = {
    "exponential": _extreme_value,
    "weibull": _extreme_value,
    "lognormal": _normal,
    "loglogistic": _logistic,
}
