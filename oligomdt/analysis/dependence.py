"""What the pooled results owe to single trials, and to two cohorts of one trial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import pooling
from oligomdt.analysis.estimates import pooled_rows
from oligomdt.analysis.sensitivity import default_row, with_context

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cohorts_within_trials", "influence_of_trials"]

# What is left of fewer studies has no heterogeneity to estimate.
FEWEST = 3


def influence_of_trials(estimates: pd.DataFrame) -> pd.DataFrame:
    """Pooled hazard ratio of each histology without each trial, with influence diagnostics.

    The hazard ratios are those of the main analysis (Bayesian; a trial alone where one is
    left); the diagnostics belong to a REML fit (`pooling.influence`, `pooling.baujat`) and need
    three trials. Histologies with a trial outside the review that has limits are shown with
    and without it.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; rows with `pooled` enter.

    Returns
    -------
    pandas.DataFrame
        One row per set and trial: `set` ("NSCLC", "NSCLC with NRG-LU002", ...), `group`, `k`,
        `label` and `trial_checked` (of the trial left out), `hr`, `low`, `high`, `checked`
        (of all trials: pooled, 95 % limits, whether every value was read in its source), the
        same four with `_without`, `weight`, `rstudent`, `dffits`, `cook`, `cov_ratio`,
        `tau_without`, `x`, `y` (Baujat, common effect). What needs more trials is nan.

    Raises
    ------
    ValueError
        As `pooled_rows`.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = influence_of_trials(published_estimates())
    >>> frame.groupby("set", sort=False)["k"].first().to_dict()
    {'NSCLC': 3, 'NSCLC with NRG-LU002': 4, 'breast': 2}
    """
    import pandas as pd

    parts = [
        _influence(name, studies)
        for name, studies in _sets(pooled_rows(estimates))
        if len(studies) > 1
    ]
    if not parts:
        raise ValueError("estimates: no histology has two trials; nothing can be left out")
    return pd.concat(parts, ignore_index=True)


def _sets(pooled: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for group, studies in pooled.groupby("group", sort=False):
        yield group, studies.reset_index(drop=True)
        for other, more in with_context(group, studies):
            yield f"{group} with {other.name}", more


def _influence(name: str, studies: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    whole = _main(studies)
    rows = [
        {
            "set": name,
            "group": row.group,
            "k": len(studies),
            "label": row.label,
            "trial_checked": bool(row.checked),
            **whole,
            **{f"{key}_without": value for key, value in _main(studies.drop(i)).items()},
        }
        for i, row in zip(studies.index, studies.itertuples(), strict=True)
    ]
    return pd.DataFrame(rows).join(_diagnostics(studies))


def _main(studies: pd.DataFrame) -> dict[str, Any]:
    row = default_row(studies) | {"checked": bool(studies["checked"].all())}
    return {key: row[key] for key in ("hr", "low", "high", "checked")}


def _diagnostics(studies: pd.DataFrame) -> pd.DataFrame:
    columns = ["weight", "rstudent", "dffits", "cook", "cov_ratio", "tau_without", "x", "y"]
    if len(studies) < FEWEST:
        import pandas as pd

        return pd.DataFrame(np.nan, index=range(len(studies)), columns=columns)
    data = (studies["log_hr"], studies["se"])
    frame = pooling.influence(*data).join(pooling.baujat(*data)[["x", "y"]])
    return frame.assign(tau_without=np.sqrt(frame["tau2_without"]))[columns]


def cohorts_within_trials(estimates: pd.DataFrame) -> pd.DataFrame:
    """All pooled cohorts together, with and without a level for the trial (REML).

    A check of dependence only: cohorts of one trial share its protocol. The cohorts have
    different cancers, so the pooled value is no answer for any of them.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; rows with `pooled` enter.

    Returns
    -------
    pandas.DataFrame
        `model`, `k` (cohorts), `trials`, `hr`, `low`, `high` (95 %), `se`, `tau_trial`,
        `tau_cohort` (standard deviations; nan where the model has none), `checked` (all of
        its hazard ratios were read in their source) and `note`. The models: two levels; three
        levels; three levels with cluster-robust limits; two levels without each cohort of a
        trial that has several.

    Raises
    ------
    ValueError
        As `pooled_rows`, or where no trial has two pooled cohorts.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = cohorts_within_trials(published_estimates())
    >>> frame.loc[1, "model"], int(frame.loc[1, "k"]), int(frame.loc[1, "trials"])
    ('three levels: trial, cohort', 6, 5)
    """
    import pandas as pd

    pooled = pooled_rows(estimates)
    several = pooled[pooled["trial"].duplicated(keep=False)]
    if several.empty:
        raise ValueError("estimates: no trial has two pooled cohorts; there is one level only")
    three = pooling.three_level(pooled["log_hr"], pooled["se"], pooled["trial"].tolist())
    rows = [
        _two_levels("two levels: cohorts taken as separate trials", pooled),
        _three_levels(pooled, three),
        _robust(pooled, three),
    ]
    for i, row in zip(several.index, several.itertuples(), strict=True):
        rows.append(_two_levels(f"two levels, without {row.label}", pooled.drop(i)))
    return pd.DataFrame(rows)


def _row(
    model: str,
    studies: pd.DataFrame,
    effect: Any,
    tau_trial: float = np.nan,
    tau_cohort: float = np.nan,
    note: str = "",
) -> dict[str, Any]:
    limits = np.exp([effect.mu, effect.ci_low, effect.ci_high])
    return {
        "model": model,
        "k": len(studies),
        "trials": studies["trial"].nunique(),
        **dict(zip(("hr", "low", "high"), limits.tolist(), strict=True)),
        "se": effect.se,
        "tau_trial": tau_trial,
        "tau_cohort": tau_cohort,
        "checked": bool(studies["checked"].all()),
        "note": note,
    }


def _two_levels(model: str, studies: pd.DataFrame) -> dict[str, Any]:
    effect = pooling.pool(studies["log_hr"], studies["se"])
    return _row(model, studies, effect, tau_cohort=effect.tau2**0.5)


def _three_levels(studies: pd.DataFrame, effect: pooling.ThreeLevelEffect) -> dict[str, Any]:
    spread = (effect.sigma2_cluster**0.5, effect.sigma2_study**0.5)
    return _row(
        "three levels: trial, cohort", studies, effect, *spread, "; ".join(effect.notes)
    )


def _robust(studies: pd.DataFrame, three: pooling.ThreeLevelEffect) -> dict[str, Any]:
    robust = three.robust()
    note = f"{robust.clusters} trials are too few to rely on a cluster-robust standard error"
    return _row("three levels, cluster-robust limits", studies, robust, note=note)
