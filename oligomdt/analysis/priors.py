"""The pooled results under other families of the prior on tau."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import pooling
from oligomdt.analysis.estimates import pooled_rows
from oligomdt.analysis.synthesis import CONTRAST, PRIMARY_SCALE, RELEVANT_HR
from oligomdt.pooling import TauPrior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONTRAST_NAME", "prior_families"]

CONTRAST_NAME = " / ".join(CONTRAST)
DEGREES = 3
# The quartiles of ln tau lie 0.67 apart from its median: a factor of two either way.
SIGMA = 1.0


def prior_families(
    estimates: pd.DataFrame, scales: Iterable[float] = (0.25, PRIMARY_SCALE, 1.0)
) -> pd.DataFrame:
    """Pooled results under six families of the prior on tau that share their median.

    The scale of each family is set so that its median is that of a half-normal prior: tau is
    as likely to lie below that value, and only the shape differs, above all the tail.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; groups of one trial are left out.
    scales : iterable of float
        Scales of the half-normal prior whose median the families share, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per result, scale and family: `group` (a histology, or "NSCLC / breast": the
        ratio of the hazard ratios in all trials, tau shared), `k`, `matched_scale`, `family`,
        `prior` (with its parameters), `prior_median` and `prior_95` (the value of tau that
        has a prior probability of 95 % below it), `hr` (or ratio; posterior median), `low`,
        `high` (95 % credible), `p_benefit` (probability of a value below 1), `p_relevant`
        (of a hazard ratio below 0.8; nan for the ratio), `checked` (all of its trials).

    Raises
    ------
    ValueError
        As `pooled_rows`, or for a scale not above 0.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = prior_families(published_estimates(), [0.5])
    >>> frame.loc[frame["group"] == "NSCLC", "family"].tolist()[:3]
    ['half-normal', 'exponential', 'uniform']
    """
    import pandas as pd

    rows = []
    for group, studies in _blocks(pooled_rows(estimates)):
        for scale in scales:
            for prior in _matched(float(scale)):
                row = {
                    "group": group,
                    "k": len(studies),
                    "matched_scale": float(scale),
                    "family": prior.family,
                    "prior": prior.name,
                    "prior_median": prior.median,
                    "prior_95": prior.quantile(0.95),
                    "checked": bool(studies["checked"].all()),
                }
                rows.append(row | _posterior(group, studies, prior))
    return pd.DataFrame(rows)


def _blocks(pooled: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for group in CONTRAST:
        own = pooled[pooled["group"] == group]
        if len(own) > 1:
            yield group, own
    both = pooled[pooled["group"].isin(CONTRAST)]
    if both["group"].nunique() == len(CONTRAST) < len(both):
        yield CONTRAST_NAME, both


def _matched(scale: float) -> list[TauPrior]:
    """One prior of each family, from the lightest tail to the heaviest."""
    reference = pooling.HalfNormal(scale)
    median = reference.median
    return [
        reference,
        pooling.Exponential(median / np.log(2)),
        pooling.Uniform(2 * median),
        pooling.HalfT(median / pooling.HalfT(1, DEGREES).median, DEGREES),
        pooling.LogNormal(float(np.log(median)), SIGMA),
        pooling.HalfCauchy(median),
    ]


def _posterior(group: str, studies: pd.DataFrame, prior: TauPrior) -> dict[str, Any]:
    data = (studies["log_hr"], studies["se"])
    if group == CONTRAST_NAME:
        fit = pooling.bayes_interaction(
            *data, studies["group"], reference=CONTRAST[1], tau_prior=prior
        )
        result, relevant = fit.differences[CONTRAST[0]], np.nan
    else:
        result = pooling.bayes(*data, tau_prior=prior).mu
        relevant = result.p_hr_below(RELEVANT_HR)
    hr, low, high = np.exp([result.median, result.ci_low, result.ci_high]).tolist()
    chances = {"p_benefit": result.p_hr_below(1), "p_relevant": relevant}
    return {"hr": hr, "low": low, "high": high, **chances}
