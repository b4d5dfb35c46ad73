"""The book's results beside results that it does not use: later trials, published pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.extended import (
    Records,
    extended_estimates,
    overlap_check,
    share_patients,
)
from oligomdt.analysis.synthesis import PRIMARY_SCALE, bayes_row, single_row
from oligomdt.evidence import Outcome, PublishedPool

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["external_validation"]


class Comparison(NamedTuple):
    """A trial that is not in the main analysis, and the results that predict it."""

    observed: str
    predictors: tuple[str, ...]
    reason: str


TRIALS = (
    Comparison(
        "EXTEND",
        ("CURB", "Gomez", "Iyengar", "SABR-COMET"),
        "The prediction leaves the breast basket of EXTEND out, so that no patient is on both "
        "sides. It mixes settings and cancers, and EXTEND is analysed per protocol.",
    ),
    Comparison(
        "EXTEND",
        ("CURB", "Gomez", "Iyengar", "SABR-COMET", "EXTEND-breast"),
        "All reviewed trials. The breast basket is on both sides: not an independent test.",
    ),
    Comparison(
        "NRG-LU002",
        ("CURB-NSCLC", "Gomez", "Iyengar"),
        "The three trials stopped early, which tends to overstate an effect. Most patients of "
        "NRG-LU002 had immunotherapy; in Iyengar the maintenance was chemotherapy.",
    ),
    Comparison(
        "NRG-BR002",
        ("CURB-breast", "EXTEND-breast"),
        "Reported before the two trials that predict it. The prediction is so wide that few "
        "results could contradict it.",
    ),
)


def external_validation(
    records: Records | None = None, pools: Mapping[str, PublishedPool] | None = None
) -> pd.DataFrame:
    """Predicted effects beside results that the prediction did not use.

    Several trials are pooled by the Bayesian random-effects model with a half-normal(0.5)
    prior on tau, however many they are, so that a predicted effect and what is expected of a
    trial come from one posterior. One trial stands alone.

    A later trial is held against the predictive distribution of its own printed hazard ratio:
    the posterior predictive distribution of the true effect in a new trial, widened by the
    trial's standard error. A published meta-analysis is held against the pool of those of
    its trials whose results are at hand; both average largely the same patients, so agreement
    is no confirmation.

    Parameters
    ----------
    records : mapping, optional
        Record id to `evidence.ExtendedTrial`; default `evidence.extended()`.
    pools : mapping, optional
        Id to `evidence.PublishedPool`; default `evidence.external()`.

    Returns
    -------
    pandas.DataFrame
        One row per comparison: `kind` ("later trial", "published pool" or "not compared"),
        `label`, `outcome`, `predictors`, `k`, `predicted`, `predicted_low`, `predicted_high`
        (95 %; credible where several trials are pooled), `expected_low`, `expected_high`
        (where the printed hazard ratio of the trial lies with 95 % probability), `observed`,
        `observed_low`, `observed_high` (95 %), `inside` (whether `observed` lies between the
        expected limits), `p_as_far` (probability, by the prediction, of a printed hazard
        ratio at least as far out on the same side), `shared` (in words: patients on both
        sides), `reason` (why the two may differ, or why they are not compared),
        `checked_predicted` and `checked_observed`. What does not apply is nan, None or "".

    Raises
    ------
    ValueError
        Where predictors share patients, as `overlap_check`, or one is not among `records`.

    Examples
    --------
    >>> frame = external_validation()
    >>> frame.loc[0, ["label", "shared"]].tolist(), float(frame.loc[0, "observed"])
    (['EXTEND (2026)', 'none'], 0.54)
    """
    import pandas as pd

    records = evidence.extended() if records is None else records
    pools = evidence.external() if pools is None else pools
    estimates = extended_estimates(records)
    rows = [_later(comparison, estimates, records) for comparison in TRIALS]
    for published in pools.values():
        for outcome in published.outcomes:
            rows.append(_published(published, outcome, estimates, records))
        if not published.outcomes:
            reason = f"not found: {', '.join(published.missing)}"
            rows.append(_words(published, "", "not compared", reason))
    return pd.DataFrame(rows)


def _chosen(names: tuple[str, ...], estimates: pd.DataFrame, records: Records) -> pd.DataFrame:
    """Rows of the named records; of scenarios the one that stands for its trial."""
    named = estimates["record"].isin(names)
    usable = named & ((estimates["scenario"] == "") | estimates["joint"].astype(bool))
    usable &= estimates["se"].notna()
    lost = [name for name in names if name not in set(estimates.loc[usable, "record"])]
    if lost:
        raise ValueError(
            f"records: {', '.join(lost)} is to predict and has no hazard ratio with a standard "
            "error; without it the prediction would be another one"
        )
    return overlap_check(estimates[usable], records)


def _predicted(studies: pd.DataFrame) -> dict[str, Any]:
    result = single_row(studies) if len(studies) == 1 else bayes_row(_posterior(studies))
    return {
        "predictors": "; ".join(studies["label"]),
        "k": len(studies),
        "predicted": result["hr"],
        "predicted_low": result["low"],
        "predicted_high": result["high"],
        "checked_predicted": bool(studies["checked"].all()),
    }


def _posterior(studies: pd.DataFrame) -> pooling.BayesianEffect:
    return pooling.bayes(studies["log_hr"], studies["se"], tau_scale=PRIMARY_SCALE)


def _later(comparison: Comparison, estimates: pd.DataFrame, records: Records) -> dict[str, Any]:
    studies = _chosen(comparison.predictors, estimates, records)
    observed = _chosen((comparison.observed,), estimates, records).iloc[0]
    expected = expected_result(studies, observed["se"])
    low, high = np.exp([expected.ci_low, expected.ci_high]).tolist()
    below = expected.p_hr_below(observed["hr"])
    shared = [row for row in studies.to_dict("records") if _shares(row, comparison, records)]
    return {
        "kind": "later trial",
        "label": observed["label"],
        "outcome": "PFS",
        **_predicted(studies),
        "expected_low": low,
        "expected_high": high,
        "observed": observed["hr"],
        "observed_low": observed["hr95_low"],
        "observed_high": observed["hr95_high"],
        "inside": bool(low <= observed["hr"] <= high),
        "p_as_far": min(below, 1 - below),
        "shared": _counted(shared, observed["patients"]) if shared else "none",
        "reason": comparison.reason,
        "checked_observed": bool(observed["checked"]),
    }


def _shares(row: dict[str, Any], comparison: Comparison, records: Records) -> bool:
    return share_patients(row["record"], comparison.observed, records)


def _counted(rows: list[dict[str, Any]], total: float) -> str:
    count = sum(int(row["patients"]) for row in rows)
    return f"{count} of {total:.0f} patients, those of {'; '.join(r['label'] for r in rows)}"


def expected_result(studies: pd.DataFrame, se: float) -> pooling.NormalMixture:
    """Distribution of the log hazard ratio that a new trial would print.

    The posterior predictive distribution of the true log hazard ratio (half-normal(0.5) prior
    on tau) is a mixture of normals; the trial's sampling error adds its variance to each.

    Parameters
    ----------
    studies : pandas.DataFrame
        `log_hr` and `se` of the trials that predict.
    se : float
        Standard error of the new trial's log hazard ratio, above 0.

    Returns
    -------
    pooling.NormalMixture

    Raises
    ------
    ValueError
        Where `se` is not above 0, or as `pooling.bayes`.

    Examples
    --------
    >>> import pandas as pd
    >>> studies = pd.DataFrame({"log_hr": [-0.6, -0.5], "se": [0.2, 0.3]})
    >>> expected = expected_result(studies, 0.2)
    >>> [round(float(np.exp(end)), 2) for end in (expected.ci_low, expected.ci_high)]
    [0.19, 1.72]
    """
    if not se > 0:
        raise ValueError(f"se is {se:g}; the standard error of the new trial is above 0")
    new = _posterior(studies).theta_new
    return pooling.NormalMixture(new.weights, new.means, np.hypot(new.sds, se), new.level)


def _published(
    published: PublishedPool, outcome: Outcome, estimates: pd.DataFrame, records: Records
) -> dict[str, Any]:
    if not outcome.against:
        return _words(published, outcome.name, "not compared", outcome.reason) | _observed(
            outcome
        )
    studies = _chosen(outcome.against, estimates, records)
    known = studies[studies["record"].isin(published.components)].to_dict("records")
    shared = "not known which trials it holds"
    if published.components:
        count = sum(int(row["patients"]) for row in known)
        shared = f"{count} patients, those of {'; '.join(row['label'] for row in known)}"
    row = _words(published, outcome.name, "published pool", outcome.reason)
    return row | _predicted(studies) | _observed(outcome) | {"shared": shared}


def _words(published: PublishedPool, outcome: str, kind: str, reason: str) -> dict[str, Any]:
    """A row without numbers."""
    unknown = ("predicted", "predicted_low", "predicted_high", "expected_low", "expected_high")
    unknown += ("observed", "observed_low", "observed_high", "k")
    return {
        "kind": kind,
        "label": f"{published.id} ({published.year})",
        "outcome": outcome,
        "predictors": "",
        **dict.fromkeys(unknown, np.nan),
        "inside": None,
        "p_as_far": np.nan,
        "shared": "",
        "reason": reason,
        "checked_predicted": True,
        "checked_observed": True,
    }


def _observed(outcome: Outcome) -> dict[str, Any]:
    hr = outcome.hr
    if not (hr and hr.interval):
        return {}
    numbers = (hr.estimate.value, hr.interval.lower.value, hr.interval.upper.value)
    names = ("observed", "observed_low", "observed_high")
    return dict(zip(names, numbers, strict=True)) | {"checked_observed": hr.checked}
