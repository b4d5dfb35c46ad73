"""The PRISMA 2020 checklist and flow, as far as they can be met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from oligomdt import evidence
from oligomdt.evidence import Trial
from oligomdt.evidence.appraisal import Appraisal, load_appraisal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["prisma", "prisma_flow"]


def prisma(appraisal: Appraisal | None = None) -> pd.DataFrame:
    """Where the book meets each item of PRISMA 2020 (Page and others 2021).

    Source: doi:10.1136/bmj.n71; the topics are in this book's words.

    Parameters
    ----------
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per item: `item`, `topic`, `status` ("met", "partly met" or "not done"),
        `where` (pages of the book, or "") and `reason`.

    Examples
    --------
    >>> prisma().set_index("item").loc["7", "status"]
    'not done'
    """
    import pandas as pd

    appraisal = load_appraisal() if appraisal is None else appraisal
    rows = [
        {"item": item.id, "topic": item.topic, "status": item.status}
        | {"where": ", ".join(item.where), "reason": item.reason}
        for item in appraisal.prisma.values()
    ]
    return pd.DataFrame(rows)


def prisma_flow(
    trials: Mapping[str, Trial] | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """The flow of trials as far as it was recorded; what was not done says so.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per box: `stage`, `what`, `count` (text: a number, or what was not
        done) and `reason`.

    Examples
    --------
    >>> flow = prisma_flow()
    >>> flow.loc[flow["stage"] == "screening", "count"].tolist()
    ['no records were screened']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    appraisal = load_appraisal() if appraisal is None else appraisal
    counted = _counts(trials)
    rows = [
        {"stage": box.stage, "what": box.what, "count": str(counted.get(box.count, box.count))}
        | {"reason": box.reason}
        for box in appraisal.flow
    ]
    return pd.DataFrame(rows)


def _counts(trials: Mapping[str, Trial]) -> dict[str, int]:
    sources = evidence.sources().values()
    results = [
        (cohort, result)
        for trial in trials.values()
        for cohort in trial.cohorts.values()
        for result in cohort.results.values()
    ]
    pooled = sum(c.group is not None and r.report == c.primary for c, r in results)
    return {
        "sources": len(sources),
        "sources not read": sum(source.tier == "unread" for source in sources),
        "trials": len(trials),
        "reports": sum(len(trial.reports) for trial in trials.values()),
        "pooled results": pooled,
        "not pooled results": len(results) - pooled,
        "other trials": len(_other_trials(trials)),
        "ongoing trials": len(evidence.ongoing()),
        "published pools": len(evidence.external()),
    }


def _other_trials(trials: Mapping[str, Trial]) -> set[str]:
    """Trials of the extended layer that are not compared here; pools of trials are none."""
    records = evidence.extended()
    pools = {
        one.trial
        for one in records.values()
        if {records[p].trial for p in one.contains} - {one.trial}
    }
    return {one.trial for one in records.values()} - pools - set(trials)
