"""Sensitivity of a pooled result to single studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling.effect import pool
from oligomdt.pooling.studies import check_studies

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["leave_one_out"]


def leave_one_out(
    log_hr: ArrayLike,
    se: ArrayLike,
    labels: Sequence[str] | None = None,
    fit: Callable[..., Any] = pool,
    **options: Any,
) -> pd.DataFrame:
    """Pool again without each study in turn.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 2. With two studies each refit is
        the remaining study.
    labels : sequence of str, optional
        Names of the studies.
    fit : callable
        `pool`, `bayes` or another function of log hazard ratios and standard errors whose
        result has `to_dict`.
    **options
        Passed on to `fit`, for example ``tau2="DL"``, ``ci="hksj"`` or ``tau_scale=0.25``.

    Returns
    -------
    pandas.DataFrame
        One row per study, in the order of the input: `omitted`, then the row of `to_dict`.

    Raises
    ------
    ValueError
        For bad studies, or a single study.

    Examples
    --------
    >>> frame = leave_one_out([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], ["A", "B", "C"], tau2="CE")
    >>> frame[["omitted", "hr"]].round(3).values.tolist()
    [['A', 0.741], ['B', 0.497], ['C', 0.607]]
    """
    import pandas as pd

    studies = check_studies(log_hr, se, labels)
    if studies.k < 2:
        raise ValueError("leaving out the only study leaves none; give at least two")
    rows = []
    for i, omitted in enumerate(studies.labels):
        kept = np.delete(np.arange(studies.k), i)
        names = [studies.labels[j] for j in kept]
        result = fit(studies.log_hr[kept], studies.se[kept], labels=names, **options)
        rows.append({"omitted": omitted, **result.to_dict()})
    return pd.DataFrame(rows)
