"""The pooled effect of several studies, with its interval, heterogeneity and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from oligomdt.pooling import model
from oligomdt.pooling.heterogeneity import (
    TAU2_METHODS,
    Tau2Interval,
    estimate_tau2,
    q_profile,
    tau2_error,
)
from oligomdt.pooling.interval import limits, quantile
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.studies import Studies, check_studies
from oligomdt.pooling.validation import check_choice, check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CI_METHODS",
    "PREDICTIONS",
    "PooledEffect",
    "Prediction",
    "pool",
    "predict",
    "shrinkage",
]

CI_METHODS = ("wald", "hksj", "adhoc", "wider")
PREDICTIONS = ("normal", "t_km1", "t_km2")


@dataclass(frozen=True)
class Prediction:
    """Prediction interval for the log hazard ratio in a new study; unpacks as ``low, high``.

    Attributes
    ----------
    low, high : float
        Limits on the log scale.
    convention : str
        "normal", "t_km1" (Student t, k - 1 degrees of freedom) or "t_km2" (k - 2).
    """

    low: float
    high: float
    convention: str

    def __iter__(self):
        yield self.low
        yield self.high


@dataclass(frozen=True, eq=False)
class PooledEffect(HazardRatio):
    """A pooled log hazard ratio.

    Attributes
    ----------
    mu, se : float
        Pooled log hazard ratio, and the standard error its interval uses.
    ci_low, ci_high : float
        Confidence limits of `mu`, log scale.
    p : float
        Two-sided p-value of ``mu = 0``, by the same standard error and distribution.
    df : float
        Degrees of freedom of the interval; infinity for the normal distribution.
    tau2 : float
        Between-study variance; NaN for one study, where it is not defined.
    tau2_ci : Tau2Interval or None
        Q-profile interval; None for one study.
    tau2_se : float
        Asymptotic standard error of tau2 (see `heterogeneity.tau2_error`); a poor guide to its
        uncertainty where studies are few. NaN for one study and for a common effect.
    i2 : float
        Share of the total variance that lies between studies, 0 to 1 (not per cent). From
        tau2; for a common effect from Q. NaN for one study.
    h2 : float
        Total over sampling variance. From tau2; for a common effect ``Q / (k - 1)``.
    d2 : float
        Diversity, 0 to 1: the share of the variance of `mu` that is there because of tau2,
        ``1 - v_common / v_random`` (Wetterslev and others 2009, doi:10.1186/1471-2288-9-86).
        NaN for one study.
    q, q_df, q_p : float, int, float
        Cochran's Q, its degrees of freedom and p-value.
    weights : numpy.ndarray, shape (k,)
        Weights of the studies; they sum to 1.
    prediction : Prediction or None
        Prediction interval, convention "t_km1". None below three studies and for a common
        effect. See `predict` for the other conventions.
    log_likelihood : float
        Log-likelihood of the studies at `mu` and `tau2`, all constants included; for REML the
        restricted one. The two are not to be compared. NaN for one study.
    method, ci_method : str
        Estimator of tau2 and interval. One study: "single" and "wald".
    scale : float
        Hartung-Knapp factor ``sum(w * (log_hr - mu)**2) / (k - 1)``, not truncated.
    k : int
        Number of studies.
    level : float
        Confidence level of all intervals.
    studies : Studies
        The log hazard ratios, standard errors and names it was made from.
    notes : tuple of str
        What a reader must know about this result; often empty.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    p: float
    df: float
    tau2: float
    tau2_ci: Tau2Interval | None
    tau2_se: float
    i2: float
    h2: float
    d2: float
    q: float
    q_df: int
    q_p: float
    weights: np.ndarray
    prediction: Prediction | None
    log_likelihood: float
    method: str
    ci_method: str
    scale: float
    k: int
    level: float
    studies: Studies
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the studies."""
        return self.studies.labels

    def to_dict(self) -> dict[str, Any]:
        """Return one tidy row; what does not apply is NaN (numbers) or "" (text)."""
        same = ("mu", "se", "df", "ci_low", "ci_high", "hr", "hr_low", "hr_high", "p")
        spread = ("tau2", "tau2_se", "i2", "h2", "d2", "q", "q_df", "q_p", "scale")
        tau2_low, tau2_high = self.tau2_ci or (np.nan, np.nan)
        low, high = self.prediction or (np.nan, np.nan)
        return {
            "k": self.k,
            "method": self.method,
            "ci_method": self.ci_method,
            "level": self.level,
            **{name: getattr(self, name) for name in same + spread},
            "tau2_ci_low": tau2_low,
            "tau2_ci_high": tau2_high,
            "tau2_ci_null": bool(self.tau2_ci and self.tau2_ci.null_set),
            "prediction_low": low,
            "prediction_high": high,
            "prediction_convention": self.prediction.convention if self.prediction else "",
            "log_likelihood": self.log_likelihood,
            "notes": "; ".join(self.notes),
        }


def pool(
    log_hr: ArrayLike,
    se: ArrayLike,
    tau2: str = "REML",
    ci: str = "wald",
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> PooledEffect:
    """Pool log hazard ratios by inverse-variance weights.

    ``mu = sum(w * log_hr) / sum(w)`` with ``w = 1 / (se**2 + tau2)``. The intervals are

    - wald: ``mu +- z * sqrt(1 / sum(w))``;
    - hksj: Student t with k - 1 degrees of freedom and the variance multiplied by
      ``q = sum(w * (log_hr - mu)**2) / (k - 1)`` (Hartung and Knapp 2001,
      doi:10.1002/sim.1009; Sidik and Jonkman 2002, doi:10.1002/sim.1262);
    - adhoc: the same with ``max(1, q)`` (Roever, Knapp and Friede 2015,
      doi:10.1186/s12874-015-0091-1);
    - wider: the longer of wald and hksj (Jackson and others 2017, doi:10.1002/sim.7411).

    I2 and H2: Higgins and Thompson 2002, doi:10.1002/sim.1186.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors. Each patient may count in one study only.
    tau2 : str
        CE (common effect, tau2 taken as 0), DL, HE, HS, SJ, ML, REML, EB or PM.
    ci : str
        wald, hksj, adhoc or wider.
    level : float
        Confidence level between 0 and 1, for all intervals.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    PooledEffect
        For one study its own Wald interval; heterogeneity is then NaN, not 0.

    Raises
    ------
    ValueError
        For no study, lengths that differ, a standard error that is not above 0, an unknown
        method, or a level outside 0 to 1.

    Examples
    --------
    >>> effect = pool([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], tau2="DL", ci="hksj")
    >>> round(effect.hr, 3), round(effect.hr_low, 3), round(effect.hr_high, 3)
    (0.607, 0.225, 1.638)
    """
    studies, level = check_studies(log_hr, se, labels), check_level(level)
    check_choice("tau2", tau2, TAU2_METHODS)
    check_choice("ci", ci, CI_METHODS)
    if studies.k == 1:
        return _single(studies, level)
    y, v, design = studies.log_hr, studies.variance, np.ones((studies.k, 1))
    between = estimate_tau2(y, v, design, tau2)
    fit, common = model.fit(y, v, design, between), model.fit(y, v, design, 0.0)
    mu, df = float(fit.mean[0]), studies.k - 1
    scale = float(fit.q) / df
    interval = _interval(mu, float(fit.total[0]) ** -0.5, scale, df, ci, level)
    i2, h2 = _inconsistency(common, between, tau2, df)
    effect = PooledEffect(
        mu=mu,
        **interval,
        tau2=between,
        tau2_ci=q_profile(y, studies.se, level),
        tau2_se=tau2_error(y, v, between, tau2),
        i2=i2,
        h2=h2,
        d2=max(0.0, 1 - float(fit.total[0] / common.total[0])),
        q=float(common.q),
        q_df=df,
        q_p=float(chdtrc(df, common.q)),
        weights=fit.weights / fit.total,
        prediction=None,
        log_likelihood=_log_likelihood(fit, tau2),
        method=tau2,
        ci_method=ci,
        scale=scale,
        k=studies.k,
        level=level,
        studies=studies,
        notes=_notes(ci, scale),
    )
    if tau2 == "CE" or studies.k < 3:
        return effect
    return replace(effect, prediction=predict(effect))


def predict(effect: PooledEffect, convention: str = "t_km1") -> Prediction:
    """Prediction interval for the log hazard ratio of a new study.

    ``mu +- quantile * sqrt(se**2 + tau2)``, with `se` that of the effect's own interval
    (Higgins, Thompson and Spiegelhalter 2009, doi:10.1111/j.1467-985X.2008.00552.x, who use
    k - 2 degrees of freedom; Partlett and Riley 2017, doi:10.1002/sim.7140). Software differ
    in the quantile, so name the convention beside the numbers.

    Parameters
    ----------
    effect : PooledEffect
        A random-effects result of at least two studies (three for "t_km2").
    convention : str
        "normal", "t_km1" or "t_km2": the normal quantile, or Student t with k - 1 or k - 2
        degrees of freedom.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        For too few studies, an unknown convention or a common effect, which has no spread.

    Examples
    --------
    >>> effect = pool([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], tau2="DL")
    >>> [round(limit, 2) for limit in predict(effect, "normal")]
    [-1.32, 0.32]
    """
    check_choice("convention", convention, PREDICTIONS)
    if effect.method == "CE":
        raise ValueError("a common effect has no prediction interval; pool with another tau2")
    least = {"normal": 2, "t_km1": 2, "t_km2": 3}[convention]
    if effect.k < least:
        raise ValueError(
            f"prediction {convention!r} needs {least} studies and the effect has {effect.k}"
        )
    df = {"normal": np.inf, "t_km1": effect.k - 1, "t_km2": effect.k - 2}[convention]
    half = quantile(df, effect.level) * float(np.hypot(effect.se, np.sqrt(effect.tau2)))
    return Prediction(effect.mu - half, effect.mu + half, convention)


def shrinkage(effect: PooledEffect, log_hr: ArrayLike, se: ArrayLike) -> pd.DataFrame:
    """Empirical Bayes estimate of the true effect of each study.

    ``share * log_hr + (1 - share) * mu`` with ``share = tau2 / (se**2 + tau2)``, and the
    standard error ``sqrt(share * se**2 + (1 - share)**2 * se_mu**2)`` with that of the
    effect's own interval (best linear unbiased prediction; Raudenbush and Bryk 1985,
    doi:10.3102/10769986010002075). tau2 is taken as known: with few studies the standard
    errors are too small, and those of `bayes` are to be preferred.

    Parameters
    ----------
    effect : PooledEffect
        The pooled result.
    log_hr, se : array_like, shape (k,)
        The log hazard ratios and standard errors it was made from, in the same order.

    Returns
    -------
    pandas.DataFrame
        One row per study: `label`, `log_hr`, `se`.

    Raises
    ------
    ValueError
        For one study, or studies that are not those of the effect.

    Examples
    --------
    >>> y, s = [-0.9, -0.1, -0.5], [0.2, 0.2, 0.2]
    >>> shrinkage(pool(y, s, tau2="DL"), y, s)["log_hr"].round(3).tolist()
    [-0.8, -0.2, -0.5]
    """
    import pandas as pd

    studies = check_studies(log_hr, se)
    if effect.method == "single":
        raise ValueError("one study has no tau2 to shrink it by; pool at least two")
    pooled = effect.studies
    same = np.array_equal(studies.log_hr, pooled.log_hr)
    if not (same and np.array_equal(studies.se, pooled.se)):
        raise ValueError(
            "log_hr and se are not the studies that `effect` was pooled from, in its order"
        )
    share = effect.tau2 / (studies.variance + effect.tau2)
    own = share * studies.log_hr + (1 - share) * effect.mu
    error = np.sqrt(share * studies.variance + ((1 - share) * effect.se) ** 2)
    return pd.DataFrame({"label": effect.labels, "log_hr": own, "se": error})


def _single(studies: Studies, level: float) -> PooledEffect:
    mu, se = float(studies.log_hr[0]), float(studies.se[0])
    return PooledEffect(
        mu=mu,
        **_interval(mu, se, np.nan, 0, "wald", level),
        tau2=np.nan,
        tau2_ci=None,
        tau2_se=np.nan,
        i2=np.nan,
        h2=np.nan,
        d2=np.nan,
        q=0.0,
        q_df=0,
        q_p=1.0,
        weights=np.ones(1),
        prediction=None,
        log_likelihood=np.nan,
        method="single",
        ci_method="wald",
        scale=np.nan,
        k=1,
        level=level,
        studies=studies,
        notes=("one study: its own interval; heterogeneity cannot be estimated",),
    )


def _interval(
    mu: float, se: float, scale: float, df: int, ci: str, level: float
) -> dict[str, float]:
    if ci == "wider":
        both = [_interval(mu, se, scale, df, one, level) for one in ("wald", "hksj")]
        return max(both, key=lambda one: one["ci_high"] - one["ci_low"])
    factor = {"wald": 1.0, "hksj": scale, "adhoc": max(1.0, scale)}[ci]
    error, freedom = float(se * np.sqrt(factor)), np.inf if ci == "wald" else float(df)
    low, high, p = limits(mu, error, freedom, level)
    return {"se": error, "df": freedom, "ci_low": low, "ci_high": high, "p": p}


def _inconsistency(common: model.Fit, tau2: float, method: str, df: int) -> tuple[float, float]:
    q, weights = float(common.q), common.weights
    if method == "CE":
        return max(0.0, 1 - df / q) if q > 0 else 0.0, q / df
    typical = df * weights.sum() / model.products_of_pairs(weights)
    return float(tau2 / (tau2 + typical)), float(1 + tau2 / typical)


def _log_likelihood(fit: model.Fit, method: str) -> float:
    k = fit.weights.size
    if method == "REML":
        # The likelihood of any k - 1 orthonormal contrasts of the estimates.
        constant = (k - 1) * np.log(2 * np.pi) - np.log(k)
        return float(model.restricted_log_likelihood(fit)) - 0.5 * constant
    return float(model.log_likelihood(fit)) - 0.5 * k * np.log(2 * np.pi)


def _notes(ci: str, scale: float) -> tuple[str, ...]:
    if ci == "hksj" and scale < 1:
        return (f"Hartung-Knapp factor {scale:.2g} is below 1: it shrinks the standard error",)
    return ()
