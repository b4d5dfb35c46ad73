"""Ratios of hazard ratios between groups of studies (interaction)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from oligomdt.pooling import model
from oligomdt.pooling.heterogeneity import TAU2_METHODS, estimate_tau2
from oligomdt.pooling.interval import limits, quantile
from oligomdt.pooling.studies import Grouping, Studies, check_group, check_studies
from oligomdt.pooling.validation import check_choice, check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Contrast", "GroupEffect", "Interaction", "interaction"]

SPREADS = ("common", "separate")
TESTS = ("wald", "hksj", "adhoc")


@dataclass(frozen=True)
class GroupEffect:
    """Pooled log hazard ratio of one group, with its Wald interval.

    Attributes
    ----------
    group : hashable
        Name of the group.
    k : int
        Number of studies.
    mu, se, ci_low, ci_high : float
        Log hazard ratio, standard error and limits.
    tau2 : float
        Between-study variance used; 0 for one study with a separate tau2.
    """

    group: Hashable
    k: int
    mu: float
    se: float
    ci_low: float
    ci_high: float
    tau2: float


@dataclass(frozen=True)
class Contrast:
    """Log ratio of hazard ratios of a group to the reference group.

    Attributes
    ----------
    group, reference : hashable
        Names of the two groups.
    log_ratio, se, ci_low, ci_high, p : float
        Log of (hazard ratio of `group` / hazard ratio of `reference`), its standard error,
        limits and two-sided p-value. Below 0: the treatment does more in `group`.
    """

    group: Hashable
    reference: Hashable
    log_ratio: float
    se: float
    ci_low: float
    ci_high: float
    p: float

    @property
    def ratio(self) -> float:
        """Ratio of hazard ratios."""
        return float(np.exp(self.log_ratio))

    @property
    def ratio_low(self) -> float:
        """Lower confidence limit of the ratio."""
        return float(np.exp(self.ci_low))

    @property
    def ratio_high(self) -> float:
        """Upper confidence limit of the ratio."""
        return float(np.exp(self.ci_high))


@dataclass(frozen=True)
class Interaction:
    """Comparison of the effects of groups of studies.

    Attributes
    ----------
    groups : tuple of GroupEffect
        In the order of the input.
    contrasts : tuple of Contrast
        Every other group against the reference.
    statistic, df, df2, p : float
        Test that all groups have the same effect. Wald: Q between groups, chi-square with `df`
        degrees of freedom and `df2` infinite. hksj and adhoc: F with `df` and `df2`.
    scale : float
        Hartung-Knapp factor s2, not truncated; NaN where every study is its own group. Below 1
        the hksj test rejects more easily than the Wald test: prefer adhoc.
    q_within : float
        Cochran's Q summed over groups (weights without tau2).
    q_within_df, q_within_p : int, float
        Its degrees of freedom, and the p-value of no heterogeneity within groups; NaN where
        every study is its own group.
    method, spread, test : str
        Estimator of tau2, "common" or "separate", and "wald", "hksj" or "adhoc".
    level : float
        Confidence level.
    """

    groups: tuple[GroupEffect, ...]
    contrasts: tuple[Contrast, ...]
    statistic: float
    df: int
    df2: float
    p: float
    scale: float
    q_within: float
    q_within_df: int
    q_within_p: float
    method: str
    spread: str
    test: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per contrast, with the joint test in every row."""
        import pandas as pd

        rows = [
            {
                "group": one.group,
                "reference": one.reference,
                "ratio": one.ratio,
                "ratio_low": one.ratio_low,
                "ratio_high": one.ratio_high,
                "log_ratio": one.log_ratio,
                "se": one.se,
                "p": one.p,
                "method": self.method,
                "spread": self.spread,
                "test": self.test,
                "level": self.level,
                "statistic": self.statistic,
                "df": self.df,
                "df2": self.df2,
                "p_joint": self.p,
                "scale": self.scale,
            }
            for one in self.contrasts
        ]
        return pd.DataFrame(rows)

    def groups_frame(self) -> pd.DataFrame:
        """Return one row per group, with hazard ratios."""
        import pandas as pd

        frame = pd.DataFrame([vars(one) for one in self.groups])
        return frame.assign(
            hr=np.exp(frame["mu"]),
            hr_low=np.exp(frame["ci_low"]),
            hr_high=np.exp(frame["ci_high"]),
        )


def interaction(
    log_hr: ArrayLike,
    se: ArrayLike,
    group: Sequence[Hashable],
    tau2: str = "REML",
    spread: str = "common",
    test: str = "wald",
    level: float = 0.95,
    reference: Hashable | None = None,
    labels: Sequence[str] | None = None,
) -> Interaction:
    """Ratio of hazard ratios between groups of studies.

    Each group is pooled by inverse-variance weights. ``Q_between`` is the weighted sum of
    squares of the group means about their own weighted mean, chi-square with groups - 1
    degrees of freedom (Borenstein and Higgins 2013, doi:10.1007/s11121-013-0377-7; Altman and
    Bland 2003, doi:10.1136/bmj.326.7382.219). With a common tau2, hksj divides it by
    (groups - 1) times ``s2 = sum(w * residual**2) / (k - groups)`` and refers it to F (Knapp
    and Hartung 2003, doi:10.1002/sim.1482); adhoc uses ``max(1, s2)``. Plain hksj rejects too
    often where s2 is below 1. Differences between groups of different trials are not
    randomised comparisons.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors.
    group : sequence, shape (k,)
        Group of each study; at least two groups.
    tau2 : str
        CE, DL, HE, HS, SJ, ML, REML, EB or PM.
    spread : str
        "common": one tau2 within all groups, which needs more studies than groups (CE
        excepted); "separate": one per group, 0 in a group of one study.
    test : str
        "wald"; or, with a common tau2, "hksj" or "adhoc". It also sets the contrasts'
        intervals.
    level : float
        Confidence level between 0 and 1.
    reference : hashable, optional
        Group in the denominator of the ratios; default the first in the input.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    Interaction

    Raises
    ------
    ValueError
        For bad studies or groups, an unknown option, or as many groups as studies where a
        common tau2 or an F test is asked for.

    Examples
    --------
    >>> result = interaction([-1.0, -0.8, -0.2], [0.4, 0.3, 0.3], ["a", "a", "b"], tau2="DL")
    >>> round(result.contrasts[0].ratio, 2), round(result.p, 3)
    (1.96, 0.08)
    """
    studies, level = check_studies(log_hr, se, labels), check_level(level)
    check_choice("tau2", tau2, TAU2_METHODS)
    check_choice("spread", spread, SPREADS)
    check_choice("test", test, TESTS)
    grouping = check_group(group, studies)
    base = grouping.index(reference)
    free = studies.k - len(grouping.names)
    if test != "wald" and spread == "separate":
        raise ValueError(f"test {test!r} needs spread='common'; with 'separate' use 'wald'")
    if free < 1 and (test != "wald" or (spread == "common" and tau2 != "CE")):
        raise ValueError(
            f"{studies.k} studies in {len(grouping.names)} groups leave no tau2 to estimate; "
            "use tau2='CE' or spread='separate', with test='wald'"
        )
    between = _tau2_by_group(studies, grouping, tau2, spread)
    fit = model.fit(
        studies.log_hr, studies.variance + grouping.design @ between, grouping.design, 0.0
    )
    scale = float(fit.q) / free if free else np.nan
    factor = _factor(scale, test)
    df, df2 = len(grouping.names) - 1, np.inf if test == "wald" else float(free)
    statistic = _between(fit) / (1 if test == "wald" else df * factor)
    p = chdtrc(df, statistic) if test == "wald" else fdtrc(df, df2, statistic)
    common = model.fit(studies.log_hr, studies.variance, grouping.design, 0.0)
    return Interaction(
        _groups(fit, grouping, between, level),
        _contrasts(fit, grouping, base, factor, df2, level),
        float(statistic),
        df,
        df2,
        float(p),
        scale,
        float(common.q),
        int(free),
        float(chdtrc(free, common.q)) if free else np.nan,
        tau2,
        spread,
        test,
        level,
    )


def _tau2_by_group(
    studies: Studies, grouping: Grouping, method: str, spread: str
) -> np.ndarray:
    y, v = studies.log_hr, studies.variance
    if spread == "common":
        shared = estimate_tau2(y, v, grouping.design, method)
        return np.full(len(grouping.names), shared)
    each = []
    for name in grouping.names:
        own = grouping.members(name)
        one = np.ones((own.sum(), 1))
        each.append(estimate_tau2(y[own], v[own], one, method) if own.sum() > 1 else 0.0)
    return np.array(each)


def _factor(s2: float, test: str) -> float:
    return {"wald": 1.0, "hksj": s2, "adhoc": max(1.0, s2)}[test]


def _between(fit: model.Fit) -> float:
    centre = (fit.total @ fit.mean) / fit.total.sum()
    return float(fit.total @ (fit.mean - centre) ** 2)


def _groups(
    fit: model.Fit, grouping: Grouping, between: np.ndarray, level: float
) -> tuple[GroupEffect, ...]:
    se = fit.total**-0.5
    half = quantile(np.inf, level) * se
    columns = (fit.mean, se, fit.mean - half, fit.mean + half, between)
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    named = zip(grouping.names, grouping.sizes.tolist(), numbers, strict=True)
    return tuple(GroupEffect(name, size, *row) for name, size, row in named)


def _contrasts(
    fit: model.Fit, grouping: Grouping, base: int, factor: float, df2: float, level: float
) -> tuple[Contrast, ...]:
    contrasts = []
    for i, name in enumerate(grouping.names):
        if i == base:
            continue
        log_ratio = float(fit.mean[i] - fit.mean[base])
        se = float(np.sqrt(factor * (1 / fit.total[i] + 1 / fit.total[base])))
        found = limits(log_ratio, se, df2, level)
        contrasts.append(Contrast(name, grouping.names[base], log_ratio, se, *found))
    return tuple(contrasts)
