"""Weighted log-rank tests, for hazards that are not proportional."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from .ipd import event_table, number, patients
from .kaplan_meier import curve


@dataclass(frozen=True)
class WeightedLogRankResult:
    """Weighted observed minus expected events of the experimental arm, `u`, and its variance.

    A negative `u` favours the experimental arm; `p` is two-sided.
    """

    rho: float
    gamma: float
    u: float
    v: float
    z: float
    p: float

    @property
    def chi2(self):
        """Chi-squared with one degree of freedom."""
        return self.z**2


def weighted_logrank(ipd, rho=0, gamma=0, strata=None):
    """Test the two arms' survival for equality, early or late events weighing more.

    The G(rho, gamma) family of Fleming and Harrington (1991, Counting Processes and Survival
    Analysis, Wiley): the log-rank differences and their hypergeometric variances are weighted
    by S(t-)^rho (1 - S(t-))^gamma, with S the Kaplan-Meier curve of both arms together (of the
    stratum) just before t. (0, 0) is the log-rank test, (1, 0) looks at early and (0, 1) at
    late differences. The weights have to be chosen before the data are seen.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    rho, gamma : float
        Powers of the weight, 0 or larger.
    strata : str, optional
        Column of `ipd` within whose values the arms are compared.

    Returns
    -------
    WeightedLogRankResult
        `u`, its variance `v`, `z` = u / sqrt(v) and the two-sided p-value.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, a power is negative or not finite, or the
        variance is zero.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> late = weighted_logrank(ipd, rho=0, gamma=1)
    >>> round(late.z, 3), round(late.p, 3)
    (-0.542, 0.588)
    """
    return weighted_logranks(ipd, [(rho, gamma)], strata)[0]


def weighted_logranks(ipd, powers, strata=None):
    """Test the two arms' survival for equality with several weights at once.

    As `weighted_logrank` for each pair of powers; the counts and the curve, which do not depend
    on them, are made once. Of several tests the smallest p-value is not a p-value.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    powers : sequence of (float, float)
        Pairs of rho and gamma, 0 or larger; at least one.
    strata : str, optional
        Column of `ipd` within whose values the arms are compared.

    Returns
    -------
    list of WeightedLogRankResult
        In the order of `powers`.

    Raises
    ------
    ValueError
        As `weighted_logrank`, or without any pair.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> [round(test.z, 3) for test in weighted_logranks(ipd, [(0, 0), (0, 1)])]
    [-0.851, -0.542]
    """
    powers = list(powers)
    if not powers:
        raise ValueError("powers is empty; give at least one pair of rho and gamma")
    for pair in powers:
        if not hasattr(pair, "__len__") or len(pair) != 2:
            raise ValueError(f"powers: {pair!r} is not a pair of rho and gamma")
        for name, power in zip(("rho", "gamma"), pair, strict=True):
            if not (np.isfinite(number(name, power)) and power >= 0):
                raise ValueError(f"{name}: {power!r} is not a finite power of 0 or larger")
    p = patients(ipd, strata)
    table, before = event_table(p), _survival_before(p)
    return [_test(table, before, rho, gamma) for rho, gamma in powers]


def _test(table, before, rho, gamma):
    weight = before**rho * (1 - before) ** gamma
    fraction = table.n1 / table.n
    hypergeometric = (table.n - table.d) / np.maximum(table.n - 1, 1)
    u = float((weight * (table.d1 - table.d * fraction)).sum())
    v = float((weight**2 * table.d * fraction * (1 - fraction) * hypergeometric).sum())
    if v <= 0:
        raise ValueError(
            "nothing to test: no event with a weight above 0 happened while both arms were at "
            "risk and somebody stayed event-free"
        )
    z = u / v**0.5
    return WeightedLogRankResult(float(rho), float(gamma), u, v, z, float(chdtrc(1, z**2)))


def _survival_before(p):
    """Kaplan-Meier curve of both arms just before each event time of each stratum."""
    parts = []
    for code in np.unique(p.stratum):
        inside = p.stratum == code
        c = curve(p.time[inside], p.event[inside])
        parts.append(np.append(1.0, c.surv)[np.flatnonzero(c.n_event)])
    return np.concatenate(parts)


def peto_peto(ipd, strata=None):
    """Test the two arms' survival for equality by the Peto-Peto form of the Wilcoxon test.

    Peto and Peto (1972, Journal of the Royal Statistical Society A 135:185-207), as R's
    `survdiff(rho = 1)` has it: each event weighs as much as the Kaplan-Meier curve of both arms
    together stands just before it, so that early events count more and late ones, when few
    are at risk, little. It is `weighted_logrank` with rho 1 and gamma 0.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    strata : str, optional
        Column of `ipd` within whose values the arms are compared.

    Returns
    -------
    WeightedLogRankResult
        As of `weighted_logrank`.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or there is nothing to test.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> round(peto_peto(ipd).p, 3)
    0.376
    """
    return weighted_logrank(ipd, rho=1, gamma=0, strata=strata)
