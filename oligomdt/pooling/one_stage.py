"""One-stage analysis of patient data from several trials: Cox models stratified by trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit

from oligomdt.pooling.interval import limits
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.validation import check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OneStageEffect", "one_stage", "one_stage_random"]

# Nodes of the quadrature over a trial's effect. More change nothing before the ninth digit
# where each trial has a finite hazard ratio; the likelihood of one that has none is a step, and
# tau2 is then good to about five digits.
NODES = 60
# A log hazard ratio so far out that the slope of the likelihood has reached its limit.
FAR = 200.0
# Gain that a step of the size of the uncertainty may still promise at a maximum.
GAIN = 1e-6


@dataclass(frozen=True)
class OneStageEffect(HazardRatio):
    """A hazard ratio from the patients of several trials, each with its own baseline hazard.

    Attributes
    ----------
    mu, se : float
        Log hazard ratio (with a random effect: its mean over trials) and standard error.
    ci_low, ci_high, p : float
        Wald limits (log scale) and two-sided p-value.
    tau2 : float
        Variance of the log hazard ratio between trials; 0 where it is taken to be common.
    log_likelihood : float
        Partial log-likelihood at its maximum, a random effect integrated out.
    interaction_chi2, interaction_df, interaction_p : float, int, float
        Likelihood-ratio test of one hazard ratio for all trials against one for each. NaN with
        a random effect, for one trial, and where a trial has no finite hazard ratio.
    k, n, events : int
        Trials, patients and events.
    level : float
        Confidence level.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    p: float
    tau2: float
    log_likelihood: float
    interaction_chi2: float
    interaction_df: int
    interaction_p: float
    k: int
    n: int
    events: int
    level: float


class Likelihood(NamedTuple):
    """Partial likelihoods of several trials, one row each, filled up to the same length.

    One column per event: the experimental and control patients at risk (tied events as
    Efron counts them), and the share of the events at that time in the experimental arm. A
    filled-up place has nobody at risk in the experimental arm and adds nothing.
    """

    risk1: np.ndarray
    risk0: np.ndarray
    died1: np.ndarray

    def value(self, log_hr: np.ndarray) -> np.ndarray:
        """Partial log-likelihood of each trial; `log_hr` has shape (trials, ...)."""
        shape = (len(self.risk1),) + (1,) * (log_hr.ndim - 1) + (-1,)
        risk1, risk0, died1 = (part.reshape(shape) for part in self)
        b = log_hr[..., None]
        with np.errstate(divide="ignore"):
            at_risk = np.logaddexp(b + np.log(risk1), np.log(risk0))
        return (died1 * b - at_risk).sum(axis=-1)

    def slopes(self, log_hr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First derivative, and the negative of the second."""
        shape = (len(self.risk1),) + (1,) * (log_hr.ndim - 1) + (-1,)
        risk1, risk0, died1 = (part.reshape(shape) for part in self)
        with np.errstate(divide="ignore"):
            share = expit(log_hr[..., None] + np.log(risk1) - np.log(risk0))
        return (died1 - share).sum(axis=-1), (share * (1 - share)).sum(axis=-1)


def one_stage(ipd: pd.DataFrame, by: str = "trial", level: float = 0.95) -> OneStageEffect:
    """Cox regression of all trials at once, each with a baseline hazard of its own.

    One hazard ratio is taken to hold in all trials. Whether it does is tested by the
    likelihood ratio against one hazard ratio per trial (de Jong and others 2020,
    doi:10.1002/jrsm.1384). Tied times by Efron.

    Parameters
    ----------
    ipd : pandas.DataFrame
        One row per patient: `time` (months), `event` (0 or 1), `arm`, and the column `by`.
    by : str
        Column that says which trial a patient was in.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    OneStageEffect

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, a patient has no trial, or no finite hazard
        ratio exists.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12] * 2,
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0] * 2,
    ...                     "arm": (["control"] * 4 + ["experimental"] * 4) * 2,
    ...                     "trial": ["A"] * 8 + ["B"] * 8})
    >>> effect = one_stage(ipd)
    >>> round(effect.hr, 3), effect.k, round(effect.interaction_chi2, 6)
    (0.461, 2, 0.0)
    """
    from oligomdt import survival

    level = check_level(level)
    fit = survival.cox(ipd, strata=by, level=level)
    k = ipd[by].nunique()
    chi2 = p = np.nan
    if k > 1:
        try:
            test = survival.interaction_test(ipd, by)
            # Equal hazard ratios leave a rounding error on either side of 0.
            chi2, p = max(0.0, test.chi2), test.p
        except ValueError:  # of a trial alone: its hazard ratio is not finite
            pass
    return _effect(
        (fit.log_hr, fit.se, level),
        tau2=0.0,
        log_likelihood=fit.log_likelihood,
        interaction_chi2=chi2,
        interaction_df=k - 1,
        interaction_p=p,
        k=k,
        n=fit.n,
        events=fit.events,
    )


def one_stage_random(
    ipd: pd.DataFrame, by: str = "trial", level: float = 0.95
) -> OneStageEffect:
    """Cox regression of all trials at once, with a log hazard ratio that varies between them.

    Each trial has a baseline hazard of its own, and its log hazard ratio is normal with mean
    mu and variance tau2. The effect of each trial is integrated out of its partial likelihood
    by adaptive Gauss-Hermite quadrature; mu and tau2 maximise the product over trials (the
    stratified Cox model with a random treatment effect, de Jong and others 2020,
    doi:10.1002/jrsm.1384). The standard error of mu takes tau2 as known, and maximum
    likelihood makes tau2 too small where there are few trials: with two or three the interval
    is too narrow where trials differ.

    Parameters
    ----------
    ipd, by, level
        As in `one_stage`; at least two trials.

    Returns
    -------
    OneStageEffect

    Raises
    ------
    ValueError
        As `one_stage`, where there is one trial only, where no trial has a finite hazard ratio
        of its own, so that nothing bounds tau2, and where the search finds no maximum.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12] * 2,
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0] * 2,
    ...                     "arm": (["control"] * 4 + ["experimental"] * 4) * 2,
    ...                     "trial": ["A"] * 8 + ["B"] * 8})
    >>> effect = one_stage_random(ipd)
    >>> round(effect.hr, 3), effect.tau2
    (0.461, 0.0)
    """
    from oligomdt import survival

    level = check_level(level)
    common = survival.cox(ipd, strata=by)
    likelihood = _likelihood(ipd, by)
    k = len(likelihood.risk1)
    if k < 2:
        raise ValueError(
            f"ipd column {by!r} names one trial only; an effect that varies between trials "
            "needs at least two"
        )
    _check_tau2_bounded(likelihood, [str(name) for name in ipd[by].unique()])
    mu, tau2 = _maximise(likelihood, common.log_hr)
    se = _check_maximum(likelihood, mu, tau2)
    return _effect(
        (mu, se, level),
        tau2=tau2,
        log_likelihood=_marginal(likelihood, mu, tau2)[0],
        interaction_chi2=np.nan,
        interaction_df=k - 1,
        interaction_p=np.nan,
        k=k,
        n=common.n,
        events=common.events,
    )


def _effect(estimate: tuple[float, float, float], **rest) -> OneStageEffect:
    mu, se, level = (float(value) for value in estimate)
    low, high, p = limits(mu, se, np.inf, level)
    return OneStageEffect(mu=mu, se=se, ci_low=low, ci_high=high, p=p, level=level, **rest)


def _likelihood(ipd: pd.DataFrame, by: str) -> Likelihood:
    from oligomdt.survival.cox import risk_sets
    from oligomdt.survival.ipd import event_table, patients

    everyone = patients(ipd, by)
    parts = []
    for code in range(everyone.stratum.max() + 1):
        inside = everyone.stratum == code
        own = type(everyone)(*(getattr(everyone, name)[inside] for name in _FIELDS))
        parts.append(risk_sets(event_table(own), "efron"))
    longest = max(len(part[0]) for part in parts)
    # Nobody of the experimental arm at risk, one of the control arm, no event: adds log 1.
    filled = [np.full((len(parts), longest), empty) for empty in (0.0, 1.0, 0.0)]
    for row, part in enumerate(parts):
        for column, values in zip(filled, part, strict=True):
            column[row, : len(values)] = values
    return Likelihood(*filled)


_FIELDS = ("time", "event", "experimental", "stratum")


def _marginal(likelihood: Likelihood, mu: float, tau2: float) -> tuple[float, np.ndarray]:
    """Log-likelihood with the trials' effects integrated out, and its slope in (mu, tau2)."""
    tau = np.sqrt(tau2)
    if tau < 1e-6:
        centre = np.full(len(likelihood.risk1), mu)
        score, information = likelihood.slopes(centre)
        slope = np.array([score.sum(), 0.5 * (score**2 - information).sum()])
        return float(likelihood.value(centre).sum()), slope
    nodes, log_weights = np.polynomial.hermite_e.hermegauss(NODES)
    mode, width = _modes(likelihood, mu, tau)
    u = mode[:, None] + width[:, None] * nodes
    # The weights carry exp(-x**2 / 2) of the nodes, which the integrand does not have.
    height = likelihood.value(mu + tau * u) - u**2 / 2 + nodes**2 / 2 + np.log(log_weights)
    top = height.max(axis=1)
    mass = np.exp(height - top[:, None])
    total = mass.sum(axis=1)
    value = np.log(total) + top + np.log(width) - 0.5 * np.log(2 * np.pi)
    score, _ = likelihood.slopes(mu + tau * u)
    mean = (mass * score).sum(axis=1) / total
    product = (mass * score * u).sum(axis=1) / total
    return float(value.sum()), np.array([mean.sum(), product.sum() / (2 * tau)])


def _modes(likelihood: Likelihood, mu: float, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Most likely standardised effect of each trial, and the width of the peak there."""
    u = np.zeros(len(likelihood.risk1))
    for _ in range(100):
        score, information = likelihood.slopes(mu + tau * u)
        curvature = 1 + tau**2 * information
        step = np.clip((tau * score - u) / curvature, -1, 1)
        u = u + step
        if np.abs(step).max() < 1e-9:
            break
    return u, curvature**-0.5


def _maximise(likelihood: Likelihood, start: float) -> tuple[float, float]:
    from scipy.optimize import minimize

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _marginal(likelihood, x[0], x[1])
        return -value, -slope

    bounds = [(None, None), (0.0, None)]
    options = {"ftol": 1e-15, "gtol": 1e-9}
    found = minimize(
        negative, [start, 0.1], jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    mu, tau2 = float(found.x[0]), float(found.x[1])
    none = _marginal(likelihood, start, 0.0)
    if -none[0] <= found.fun + 1e-10 and none[1][1] <= 0:
        return start, 0.0
    return _polish(likelihood, mu, tau2)


def _polish(likelihood: Likelihood, mu: float, tau2: float) -> tuple[float, float]:
    """Newton's steps on the slopes, whose own slopes are differences."""
    x = np.array([mu, tau2])
    for _ in range(5):
        step = 1e-4 * np.array([1.0, max(x[1], 1e-3)])
        slope = _marginal(likelihood, *x)[1]
        columns = [
            (_marginal(likelihood, *(x + d))[1] - _marginal(likelihood, *(x - d))[1])
            / (2 * d.sum())
            for d in np.diag(step)
        ]
        change = np.linalg.solve(np.array(columns).T, slope)
        if x[1] - change[1] <= 0 or np.abs(change).max() > 0.1:
            break
        x = x - change
        if np.abs(change).max() < 1e-9:
            break
    return float(x[0]), float(x[1])


def _check_tau2_bounded(likelihood: Likelihood, names: list[str]) -> None:
    """Refuse trials none of which has a finite hazard ratio.

    The likelihood of such a trial rises for ever towards one end. However large tau2 is, part
    of the distribution lies at each end, so that nothing keeps tau2 from infinity.
    """
    k = len(likelihood.risk1)
    low, _ = likelihood.slopes(np.full(k, -FAR))
    high, _ = likelihood.slopes(np.full(k, FAR))
    if ((low > 1e-9) & (high < -1e-9)).any():
        return
    raise ValueError(
        f"ipd: the likelihood has no maximum in tau2 to rely on: trials {', '.join(names)} "
        "have no finite hazard ratio, and no other trial has one; use one_stage"
    )


def _check_maximum(likelihood: Likelihood, mu: float, tau2: float) -> float:
    """Standard error of mu at the maximum, or say that the search ended elsewhere."""
    _, slope = _marginal(likelihood, mu, tau2)
    information = _information(likelihood, mu, tau2)
    if np.isfinite(information) and information > 0:
        se = float(information**-0.5)
        # At tau2 = 0 the slope may point below 0, where tau2 cannot go.
        promised = max(abs(slope[0]) * se, abs(slope[1]) * tau2, slope[1] if tau2 == 0 else 0)
        if promised <= GAIN:
            return se
    raise ValueError(
        "ipd: the search found no maximum of the likelihood in the mean and tau2; the trials "
        "say too little of how their effects vary, so use one_stage"
    )


def _information(likelihood: Likelihood, mu: float, tau2: float) -> float:
    step = 1e-4
    above, below = (_marginal(likelihood, mu + d, tau2)[1][0] for d in (step, -step))
    return -(above - below) / (2 * step)
