"""Sensitivity of a pooled result to single studies, and its growth as studies come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling.effect import pool
from oligomdt.pooling.studies import Studies, check_studies

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cumulative", "leave_one_out"]


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


def cumulative(
    log_hr: ArrayLike,
    se: ArrayLike,
    labels: Sequence[str] | None = None,
    order: Sequence[Any] | None = None,
    fit: Callable[..., Any] = pool,
    **options: Any,
) -> pd.DataFrame:
    """Pool again as each study is added.

    Cumulative meta-analysis (Lau and others 1992, doi:10.1056/NEJM199207233270406). Its
    intervals are not corrected for looking repeatedly: each is that of one analysis.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors.
    labels : sequence of str, optional
        Names of the studies.
    order : sequence, shape (k,), optional
        What to sort the studies by, smallest first, for example the year of publication.
        Equal values keep the order of the input; default the order of the input.
    fit : callable
        `pool`, `bayes` or another function of log hazard ratios and standard errors whose
        result has `to_dict`.
    **options
        Passed on to `fit`, for example ``tau2="DL"`` or ``tau_scale=0.25``.

    Returns
    -------
    pandas.DataFrame
        One row per study in the order in which they are added: `added`, then the row of
        `to_dict` of all studies so far. The first row is the first study alone.

    Raises
    ------
    ValueError
        For bad studies, or an order of another length or with a missing value.

    Examples
    --------
    >>> y, s = [-0.9, -0.1, -0.5], [0.2, 0.2, 0.2]
    >>> frame = cumulative(y, s, ["A", "B", "C"], order=[2020, 2018, 2024], tau2="CE")
    >>> frame[["added", "k", "hr"]].round(3).values.tolist()
    [['B', 1, 0.905], ['A', 2, 0.607], ['C', 3, 0.607]]
    """
    import pandas as pd

    studies = check_studies(log_hr, se, labels)
    sequence = _sequence(order, studies)
    rows = []
    for i, newest in enumerate(sequence):
        kept = sequence[: i + 1]
        names = [studies.labels[j] for j in kept]
        result = fit(studies.log_hr[kept], studies.se[kept], labels=names, **options)
        rows.append({"added": studies.labels[newest], **result.to_dict()})
    return pd.DataFrame(rows)


def _sequence(order: Sequence[Any] | None, studies: Studies) -> list[int]:
    import pandas as pd

    if order is None:
        return list(range(studies.k))
    places = list(order)
    if len(places) != studies.k:
        raise ValueError(
            f"order has {len(places)} values and log_hr has {studies.k}; "
            "give one per study to sort by"
        )
    for label, place in zip(studies.labels, places, strict=True):
        if pd.isna(place):
            raise ValueError(f"study {label}: order is {place!r}; say where it belongs")
    return sorted(range(studies.k), key=places.__getitem__)
