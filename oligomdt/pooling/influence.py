"""How much a single study moves a pooled result, and how much heterogeneity it brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling import model
from oligomdt.pooling.heterogeneity import TAU2_METHODS, estimate_tau2
from oligomdt.pooling.studies import Studies, check_studies
from oligomdt.pooling.validation import check_choice

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["baujat", "influence"]


def influence(
    log_hr: ArrayLike,
    se: ArrayLike,
    labels: Sequence[str] | None = None,
    tau2: str = "REML",
) -> pd.DataFrame:
    """Influence diagnostics: the pooled result with and without each study.

    Viechtbauer W, Cheung MW (2010), doi:10.1002/jrsm.11. With mu the pooled log hazard ratio,
    w the weights and (i) the fit without study i:

    - rstandard: ``(y - mu) / sqrt(v + tau2 - se(mu)**2)``;
    - rstudent: ``(y - mu(i)) / sqrt(v + tau2(i) + se(mu(i))**2)``;
    - dffits: ``(mu - mu(i)) / sqrt(hat * (v + tau2(i)))``;
    - cook: ``(mu - mu(i))**2 / se(mu)**2``;
    - cov_ratio: ``se(mu(i))**2 / se(mu)**2``; above 1 the study makes the result more precise;
    - dfbetas: ``(mu - mu(i)) * sqrt(sum(1 / (v + tau2(i))))``, the sum over all studies.

    The usual cut-offs were made for many studies; none is applied here.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 3: with two, what is left is one
        study, for which tau2 is not defined.
    labels : sequence of str, optional
        Names of the studies.
    tau2 : str
        CE, DL, HE, HS, SJ, ML, REML, EB or PM.

    Returns
    -------
    pandas.DataFrame
        One row per study in the order of the input: `study`, `weight` (the hat value; they
        sum to 1), `rstandard`, `rstudent`, `dffits`, `cook`, `cov_ratio`, `dfbetas`,
        `mu_without`, `se_without`, `tau2_without` and `q_without` (Cochran's Q).

    Raises
    ------
    ValueError
        For bad studies, an unknown method or fewer than three studies.

    Examples
    --------
    >>> frame = influence([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], ["A", "B", "C"], tau2="CE")
    >>> frame[["study", "weight", "cook"]].round(3).values.tolist()
    [['A', 0.333, 3.0], ['B', 0.333, 3.0], ['C', 0.333, 0.0]]
    """
    import pandas as pd

    studies = _check(log_hr, se, labels, tau2)
    y, v = studies.log_hr, studies.variance
    full, left = _pooled(y, v, tau2), _without_each(y, v, tau2)
    weight = (1 / (v + full.tau2)) * full.se**2
    shift = full.mu - left.mu
    # The standard error that all studies would have at the tau2 of the others.
    scale = (1 / (v[:, None] + left.tau2)).sum(axis=0) ** -0.5
    columns = {
        "study": studies.labels,
        "weight": weight,
        "rstandard": (y - full.mu) / np.sqrt(v + full.tau2 - full.se**2),
        "rstudent": (y - left.mu) / np.sqrt(v + left.tau2 + left.se**2),
        "dffits": shift / np.sqrt(weight * (v + left.tau2)),
        "cook": shift**2 / full.se**2,
        "cov_ratio": left.se**2 / full.se**2,
        "dfbetas": shift / scale,
        "mu_without": left.mu,
        "se_without": left.se,
        "tau2_without": left.tau2,
        "q_without": left.q,
    }
    return pd.DataFrame(columns)


def baujat(
    log_hr: ArrayLike,
    se: ArrayLike,
    labels: Sequence[str] | None = None,
    tau2: str = "CE",
) -> pd.DataFrame:
    """Coordinates of the Baujat plot.

    Baujat B and others (2002), doi:10.1002/sim.1221. Across: the study's share in Cochran's Q,
    ``x = (y - mu)**2 / (v + tau2)``. Upwards: how far the pooled result moves without it,
    ``y = (mu - mu(i))**2 / se(mu(i))**2``. A study at the top right disagrees and matters.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 3.
    labels : sequence of str, optional
        Names of the studies.
    tau2 : str
        CE (the plot of the paper), DL, HE, HS, SJ, ML, REML, EB or PM.

    Returns
    -------
    pandas.DataFrame
        One row per study: `study`, `x`, `y`. For CE the sum of `x` is Cochran's Q.

    Raises
    ------
    ValueError
        For bad studies, an unknown method or fewer than three studies.

    Examples
    --------
    >>> baujat([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2]).round(3).values.tolist()
    [['1', 4.0, 2.0], ['2', 4.0, 2.0], ['3', 0.0, 0.0]]
    """
    import pandas as pd

    studies = _check(log_hr, se, labels, tau2)
    y, v = studies.log_hr, studies.variance
    full, left = _pooled(y, v, tau2), _without_each(y, v, tau2)
    columns = {
        "study": studies.labels,
        "x": (y - full.mu) ** 2 / (v + full.tau2),
        "y": (full.mu - left.mu) ** 2 / left.se**2,
    }
    return pd.DataFrame(columns)


class _Pooled(NamedTuple):
    """A pooled result, or one per omitted study."""

    mu: np.ndarray
    se: np.ndarray
    tau2: np.ndarray
    q: np.ndarray


def _check(
    log_hr: ArrayLike, se: ArrayLike, labels: Sequence[str] | None, tau2: str
) -> Studies:
    studies = check_studies(log_hr, se, labels)
    check_choice("tau2", tau2, TAU2_METHODS)
    if studies.k < 3:
        raise ValueError(
            f"log_hr has {studies.k} values; influence needs at least 3 studies, because "
            "heterogeneity cannot be estimated from the one that is left of two"
        )
    return studies


def _pooled(y: np.ndarray, v: np.ndarray, method: str) -> _Pooled:
    design = np.ones((y.size, 1))
    tau2 = estimate_tau2(y, v, design, method)
    fit = model.fit(y, v, design, tau2)
    return _Pooled(fit.mean[0], fit.total[0] ** -0.5, tau2, model.fit(y, v, design, 0.0).q)


def _without_each(y: np.ndarray, v: np.ndarray, method: str) -> _Pooled:
    fits = [_pooled(np.delete(y, i), np.delete(v, i), method) for i in range(y.size)]
    return _Pooled(*(np.array(values, dtype=float) for values in zip(*fits, strict=True)))
