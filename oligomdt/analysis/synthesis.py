"""The plan of the main analysis: pooling by histology, and the contrast between histologies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import pooling
from oligomdt.analysis.estimates import pooled_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PRIOR_SCALES", "histology_synthesis", "interaction"]

PRIMARY_SCALE = 0.5
PRIOR_SCALES = (0.1, 0.25, 0.5, 1.0)
RELEVANT_HR = 0.8
BAYES = "Bayes half-normal {:g}"
SINGLE = "single trial"
# Name, estimator of tau2, interval, and the place each has with two to four trials.
FREQUENTIST = (
    ("common effect", "CE", "wald", "beside"),
    ("REML Wald", "REML", "wald", "beside"),
    ("REML HKSJ", "REML", "hksj", "table"),
    ("REML ad hoc HKSJ", "REML", "adhoc", "table"),
    ("REML wider of Wald and HKSJ", "REML", "wider", "table"),
)
CONTRAST = ("NSCLC", "breast")
FEW = 5


def histology_synthesis(estimates: pd.DataFrame) -> pd.DataFrame:
    """Pool the hazard ratios of each histology by the plan for few trials.

    One trial: its own result, no pooling. Two to four: the Bayesian random-effects model with
    a half-normal(0.5) prior on tau (Roever and others 2021, doi:10.1002/jrsm.1475; Bender and
    others 2018, doi:10.1002/jrsm.1297); common effect and REML with Wald limits beside it;
    Hartung-Knapp intervals for the table only. Five or more: REML with the wider of the Wald
    and the Hartung-Knapp interval (Jackson and others 2017, doi:10.1002/sim.7411).

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates` or `reconstructed_estimates`; rows with `pooled` enter.

    Returns
    -------
    pandas.DataFrame
        One row per group and method: `group`, `k`, `method`, `role` ("primary", "beside",
        "table" or "sensitivity"), `hr`, `low`, `high`, `interval` ("credible" or
        "confidence", 95 %), `tau` (posterior median or estimate), `tau_low`, `tau_high`
        (credible; for REML Q-profile), `p_benefit` (probability of HR below 1), `p_relevant`
        (below 0.8), `predictive_low`, `predictive_high` (a new trial), `p`, `patients`,
        `checked` (all of its trials), `trials` and `note`. What does not apply is nan.

    Raises
    ------
    ValueError
        As `pooled_rows`: a patient counted twice, or nothing to pool.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = histology_synthesis(published_estimates())
    >>> frame.loc[frame["role"] == "primary", ["group", "k"]].values.tolist()
    [['NSCLC', 3], ['breast', 2], ['mixed', 1]]
    """
    import pandas as pd

    rows = []
    for group, studies in _groups(pooled_rows(estimates)):
        shared = {
            "group": group,
            "k": len(studies),
            "patients": int(studies[["n_control", "n_experimental"]].to_numpy().sum()),
            "checked": bool(studies["checked"].all()),
            "trials": "; ".join(studies["label"]),
        }
        rows += [shared | row for row in planned_rows(studies)]
    first = ["group", "k", "method", "role", "hr", "low", "high", "interval"]
    frame = pd.DataFrame(rows)
    return frame[first + [name for name in frame if name not in first]]


def _groups(pooled: pd.DataFrame):
    order = {name: position for position, name in enumerate(CONTRAST)}
    names = sorted(pooled["group"].unique(), key=lambda name: order.get(name, len(order)))
    return [(name, pooled[pooled["group"] == name]) for name in names]


def planned_rows(studies: pd.DataFrame) -> list[dict[str, Any]]:
    """Results of one pool by every method of the plan, the primary one first."""
    data = (studies["log_hr"].to_numpy(), studies["se"].to_numpy())
    if len(studies) == 1:
        note = "one trial: its own result, not pooled"
        return [single_row(studies) | _named(SINGLE, "primary", note)]
    few = len(studies) < FEW
    scales = (PRIMARY_SCALE, *(scale for scale in PRIOR_SCALES if scale != PRIMARY_SCALE))
    rows = []
    for scale in scales:
        main = few and scale == PRIMARY_SCALE
        named = _named(BAYES.format(scale), "primary" if main else "sensitivity")
        rows.append(bayes_row(pooling.bayes(*data, tau_scale=scale)) | named)
    for name, tau2, ci, role in FREQUENTIST:
        effect = pooling.pool(*data, tau2=tau2, ci=ci)
        main = not few and ci == "wider"
        named = _named(name, "primary" if main else role, "; ".join(effect.notes))
        rows.append(frequentist_row(effect) | named)
    return sorted(rows, key=lambda row: row["role"] != "primary")


def _named(method: str, role: str, note: str = "") -> dict[str, str]:
    return {"method": method, "role": role, "note": note}


def single_row(studies: pd.DataFrame) -> dict[str, Any]:
    """Columns of one trial alone: its limits as printed where they are 95 % limits."""
    row = frequentist_row(pooling.pool(studies["log_hr"], studies["se"]))
    return row | {name: float(studies[f"hr95_{name}"].iloc[0]) for name in ("low", "high")}


def bayes_row(effect: pooling.BayesianEffect) -> dict[str, Any]:
    """Columns of a Bayesian result, on the scale of the hazard ratio."""
    return {
        "hr": effect.hr,
        "low": effect.hr_low,
        "high": effect.hr_high,
        "interval": "credible",
        "tau": effect.tau.median,
        "tau_low": effect.tau.ci_low,
        "tau_high": effect.tau.ci_high,
        "p_benefit": effect.mu.p_hr_below(1),
        "p_relevant": effect.mu.p_hr_below(RELEVANT_HR),
        "predictive_low": float(np.exp(effect.theta_new.ci_low)),
        "predictive_high": float(np.exp(effect.theta_new.ci_high)),
        "p": np.nan,
    }


def frequentist_row(effect: pooling.PooledEffect) -> dict[str, Any]:
    """Columns of a pooled effect, on the scale of the hazard ratio."""
    spread = effect.k > 1 and effect.method != "CE"
    tau_low, tau_high = np.sqrt(list(effect.tau2_ci)) if spread else (np.nan, np.nan)
    return {
        "hr": effect.hr,
        "low": effect.hr_low,
        "high": effect.hr_high,
        "interval": "confidence",
        "tau": effect.tau2**0.5 if spread else np.nan,
        "tau_low": tau_low,
        "tau_high": tau_high,
        "p_benefit": np.nan,
        "p_relevant": np.nan,
        "predictive_low": np.nan,
        "predictive_high": np.nan,
        "p": effect.p,
    }


def interaction(estimates: pd.DataFrame) -> pd.DataFrame:
    """Ratio of the hazard ratio in NSCLC to that in breast cancer.

    Below 1: treatment does more in NSCLC. Three contrasts are kept apart: of all trials, of
    the trials that randomised both histologies (the credible one), and of the other trials
    (histology then differs together with setting and treatment; Schandelmaier and others
    2020, doi:10.1503/cmaj.200077, item 1). Cohorts of mixed histology take no part.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; rows with `pooled` enter.

    Returns
    -------
    pandas.DataFrame
        One row per contrast and method: `contrast` ("all trials", "within CURB", "between
        trials"), `method`, `role`, `ratio`, `low`, `high`, `interval`, `p`, `p_below_1`
        (probability that the ratio is below 1), `k`, `checked` (all of its results),
        `results` and `note`.

    Raises
    ------
    ValueError
        As `pooled_rows`, and where a histology has no pooled result.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = interaction(published_estimates())
    >>> frame["contrast"].unique().tolist()
    ['all trials', 'within CURB', 'between trials']
    """
    import pandas as pd

    pooled = pooled_rows(estimates)
    both = pooled[pooled["group"].isin(CONTRAST)]
    for name in CONTRAST:
        if name not in set(both["group"]):
            raise ValueError(f"estimates: no pooled result in {name}; the contrast needs both")
    rows = _contrasts("all trials", both)
    counts = both.groupby("trial", sort=False)["group"].nunique()
    inside = list(counts.index[counts == len(CONTRAST)])
    for trial in inside:
        rows += _contrasts(f"within {trial}", both[both["trial"] == trial])
    between = both[~both["trial"].isin(inside)]
    if inside and between["group"].nunique() == len(CONTRAST):
        rows += _contrasts("between trials", between)
    return pd.DataFrame(rows)


def _contrasts(name: str, studies: pd.DataFrame) -> list[dict[str, Any]]:
    data = (studies["log_hr"], studies["se"], studies["group"])
    reference = CONTRAST[1]
    shared = {"contrast": name, "k": len(studies), "results": "; ".join(studies["result"])}
    shared |= {"checked": bool(studies["checked"].all())}
    if len(studies) == len(CONTRAST):
        row = _wald_row(pooling.interaction(*data, tau2="CE", reference=reference))
        note = "same trial, same protocol, different patients" if "within" in name else ""
        return [shared | _named("Wald", "primary", note) | row]
    rows = []
    for scale in (PRIMARY_SCALE, *(s for s in PRIOR_SCALES if s != PRIMARY_SCALE)):
        posterior = pooling.bayes_interaction(*data, tau_scale=scale, reference=reference)
        role = "primary" if scale == PRIMARY_SCALE else "sensitivity"
        rows.append(_named(BAYES.format(scale), role) | _posterior_row(posterior))
    for method, tau2, test, role in (
        ("common effect Wald", "CE", "wald", "beside"),
        ("REML Wald", "REML", "wald", "beside"),
        ("REML ad hoc HKSJ", "REML", "adhoc", "table"),
    ):
        fit = pooling.interaction(*data, tau2=tau2, test=test, reference=reference)
        rows.append(_named(method, role) | _wald_row(fit))
    return [shared | row for row in rows]


def _posterior_row(posterior: pooling.BayesianDifference) -> dict[str, Any]:
    difference = posterior.differences[CONTRAST[0]]
    limits = np.exp([difference.median, difference.ci_low, difference.ci_high])
    ratio, low, high = limits.tolist()
    interval = {"interval": "credible", "p": np.nan, "p_below_1": difference.p_hr_below(1)}
    return {"ratio": ratio, "low": low, "high": high, **interval}


def _wald_row(fit: pooling.Interaction) -> dict[str, Any]:
    (one,) = fit.contrasts
    limits = {"ratio": one.ratio, "low": one.ratio_low, "high": one.ratio_high}
    return limits | {"interval": "confidence", "p": one.p, "p_below_1": np.nan}
