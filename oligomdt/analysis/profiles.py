"""Intervals that follow the likelihood, beside the main analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from oligomdt import pooling
from oligomdt.analysis.estimates import pooled_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["profiles"]


def profiles(estimates: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Profile-likelihood intervals of the pooled hazard ratio and of tau, by histology.

    The intervals of `pooling.profile_mu`, `pooling.profile_tau2` and `pooling.q_profile`; those
    of tau are the square roots of those of tau2.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; groups of one trial are left out.
    level : float
        Confidence level between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        Three rows per group: `group`, `k`, `method`, `hr`, `low`, `high` (profile likelihood
        of the mean only, else nan), `tau` (ML or REML estimate), `tau_low`, `tau_high` (nan
        where no tau is compatible), `factor_high` (at the upper limit of tau, the factor by
        which the true hazard ratio of one trial in twenty differs from the average at least),
        `checked` (all of its trials) and `note`.

    Raises
    ------
    ValueError
        If no group has two trials or more.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = profiles(published_estimates())
    >>> frame.loc[frame["group"] == "breast", "method"].tolist()
    ['profile likelihood, ML', 'profile likelihood, REML', 'Q-profile']
    """
    import pandas as pd

    rows = []
    for group, studies in pooled_rows(estimates).groupby("group", sort=False):
        if len(studies) > 1:
            shared = {"group": group, "k": len(studies)}
            end = {"checked": bool(studies["checked"].all())}
            rows += [shared | row | end for row in _rows(studies, level)]
    if not rows:
        raise ValueError("estimates: no group has two pooled trials; a profile needs them")
    frame = pd.DataFrame(rows)
    return frame[[*frame.columns.drop("note"), "note"]]


def _rows(studies: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    data = (studies["log_hr"].to_numpy(), studies["se"].to_numpy())
    mean = pooling.profile_mu(*data, level=level)
    ratio = {"hr": mean.hr, "low": mean.hr_low, "high": mean.hr_high}
    reml = pooling.tau2(*data)
    return [
        _row("profile likelihood, ML", mean.tau2, pooling.profile_tau2(*data, "ML", level))
        | ratio,
        _row("profile likelihood, REML", reml, pooling.profile_tau2(*data, "REML", level)),
        _row("Q-profile", reml, pooling.q_profile(*data, level)),
    ]


def _row(method: str, tau2: float, interval: pooling.Tau2Interval) -> dict[str, Any]:
    low, high = np.sqrt(tuple(interval)).tolist()
    note = (
        "the trials agree better than their standard errors allow" if interval.null_set else ""
    )
    empty = dict.fromkeys(("hr", "low", "high"), np.nan)
    factor = float(np.exp(ndtri(0.975) * high))
    spread = {"tau": tau2**0.5, "tau_low": low, "tau_high": high, "factor_high": factor}
    return {"method": method, **empty, **spread, "note": note}
