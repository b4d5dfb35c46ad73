"""Do the numbers that each report prints fit each other?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from oligomdt import evidence, pooling
from oligomdt.analysis.estimates import label, results
from oligomdt.evidence import (
    ContextTrial,
    ExtendedTrial,
    Finding,
    HazardRatio,
    Result,
    Trial,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["consistency", "extended_consistency"]

PFS = "PFS"
ARMS = ("experimental", "control")


def consistency(
    trials: Mapping[str, Trial] | None = None,
    context: Mapping[str, ContextTrial] | None = None,
) -> pd.DataFrame:
    """Check every hazard ratio of the records against what is printed with it.

    See `pooling.check`. Printed digits are those of the records. The p-value is taken as
    two-sided where a record does not say otherwise; events of PFS enter where both arms state
    them, medians where both are reached.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    context : mapping, optional
        Trials outside the review; default `evidence.context()`.

    Returns
    -------
    pandas.DataFrame
        One row per comparison: `label`, `end_point`, `hr`, `interval`, `p` and `events` as
        printed ("" where not), `verdict` (of all comparisons of this hazard ratio), `flagged`,
        `pair`, `pair_verdict`, `printed`, `expected`, `gap`, `unit`, `reconciled_by` and
        `checked` (the hazard ratio and its limits were read in their source). A hazard ratio
        with nothing to compare has one row with an empty `pair`.

    Examples
    --------
    >>> frame = consistency()
    >>> own = frame[(frame["label"] == "CURB, NSCLC (2024)") & (frame["end_point"] == "PFS")]
    >>> own["verdict"].unique().tolist()
    ['consistent']
    """
    trials = evidence.load() if trials is None else trials
    context = evidence.context() if context is None else context
    return _checked(_printed(trials, context))


def extended_consistency(records: Mapping[str, ExtendedTrial] | None = None) -> pd.DataFrame:
    """Check the hazard ratios of the extended layer against what is printed with them.

    See `consistency`. Results of the reviewed trials and of the context are left to that
    function. Limits whose level was not stated are read as 95 % limits; where that does not
    fit, `reconciled_by` says which level would.

    Parameters
    ----------
    records : mapping, optional
        Record id to `evidence.ExtendedTrial`; default `evidence.extended()`.

    Returns
    -------
    pandas.DataFrame
        As from `consistency`; without rows where no record has a hazard ratio of its own.

    Examples
    --------
    >>> frame = extended_consistency()
    >>> frame.loc[frame["flagged"], "label"].unique().tolist()
    ['SINDAS (2023)', 'NorthStar (2025)', 'ORIOLE (2020)']
    """
    records = evidence.extended() if records is None else records
    return _checked(_printed_beyond(records))


def _checked(printed: Iterator[tuple[dict[str, Any], dict[str, Any]]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for shown, given in printed:
        report = pooling.check(**given)
        shared = shown | {"verdict": report.verdict, "flagged": report.flagged}
        pairs = report.to_frame().rename(columns={"verdict": "pair_verdict"})
        if pairs.empty:
            pairs = pd.DataFrame([dict.fromkeys(pairs.columns, "") | {"gap": 0.0}])
        rows += [shared | row for row in pairs.to_dict("records")]
    return pd.DataFrame(rows)


def _printed_beyond(
    records: Mapping[str, ExtendedTrial],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for record in records.values():
        tried = (scenario.hr for scenario in record.scenarios if scenario.hr)
        hr = record.hr or next(tried, None)
        if record.held_in or not hr:
            continue
        given = _numbers(hr, record.p) | {"sided": record.sides or None}
        if record.limits and not hr.interval:
            given |= {"lower": record.limits.lower.text, "upper": record.limits.upper.text}
        given |= _both(record.events, "events") | _both(record.medians, "medians")
        name = f"{record.name} ({record.year})" if record.year else record.name
        shown = _shown(name, record.endpoint, hr, given)
        if record.limits and not hr.interval:
            shown["interval"] = f"{given['lower']} to {given['upper']}, level not stated"
        yield shown, given


def _both(finding: Finding | Any, name: str) -> dict[str, Any]:
    """The numbers of both arms, where both are stated."""
    arms = [getattr(finding, role, None) for role in ARMS]
    if not all(arms):
        return {}
    return {name: tuple(int(one) if name == "events" else one.text for one in arms)}


def _printed(
    trials: Mapping[str, Trial], context: Mapping[str, ContextTrial]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what identifies a hazard ratio, and the numbers printed with it."""
    for trial, cohort, result in results(trials):
        name = label(trial, cohort, result)
        if result.hr:
            given = _numbers(result.hr, result.p) | _arms(result)
            yield _shown(name, PFS, result.hr, given), given
        if result.hr_adjusted:
            given = _numbers(result.hr_adjusted, result.hr_adjusted.p)
            yield _shown(name, f"{PFS}, adjusted", result.hr_adjusted, given), given
        for finding in result.other_results:
            if finding.hr:
                given = _numbers(finding.hr, finding.hr.p or finding.p) | _medians(finding)
                yield _shown(name, finding.what, finding.hr, given), given
    for other in context.values():
        if other.hr:
            given = _numbers(other.hr, other.p)
            yield _shown(f"{other.name} ({other.year})", PFS, other.hr, given), given


def _numbers(hr: HazardRatio, p: Any) -> dict[str, Any]:
    given = {"hr": hr.estimate.text, "p": p.text if p else None}
    if hr.interval:
        given |= {"lower": hr.interval.lower.text, "level": hr.interval.level}
        given["upper"] = hr.interval.upper.text if hr.interval.upper else None
    return given


def _arms(result: Result) -> dict[str, Any]:
    events = [result.arms[role].events for role in ARMS]
    medians = [result.arms[role].median for role in ARMS]
    return {
        "events": tuple(int(one) for one in events) if all(events) else None,
        "medians": tuple(one.text for one in medians) if all(medians) else None,
    }


def _medians(finding: Finding) -> dict[str, Any]:
    medians = [getattr(finding, role) for role in ARMS]
    given = finding.unit == "months" and all(medians)
    return {"medians": tuple(one.text for one in medians) if given else None}


def _shown(name: str, end_point: str, hr: HazardRatio, given: dict) -> dict[str, Any]:
    events = given.get("events")
    interval = str(hr.interval) if hr.interval else ""
    if interval:
        interval += f", {100 * hr.interval.level:g} %"
    return {
        "label": name,
        "end_point": end_point,
        "hr": str(hr.estimate),
        "interval": interval,
        "p": given["p"] or "",
        "events": f"{events[0]} + {events[1]}" if events else "",
        "checked": hr.checked,
    }
