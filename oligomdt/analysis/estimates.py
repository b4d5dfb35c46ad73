"""The hazard ratios that can be pooled: one row per result, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.evidence import Cohort, Result, Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pooled_rows", "published_estimates"]

ROLES = ("control", "experimental")


def published_estimates(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Hazard ratios that are published with an interval, as log HR and standard error.

    The standard error comes from the printed limits at the level they were printed with
    (Parmar, Torri and Stewart 1998; Tierney and others 2007, doi:10.1186/1745-6215-8-16).

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per result: `result`, `trial`, `cohort`, `report`, `label`, `group` (None:
        never pooled), `primary` (report of its cohort), `pooled` (enters the main analysis),
        `part_of` (the cohort it is a part of, or ""), `n_control`, `n_experimental`, `hr`,
        `ci_low`, `ci_high` and `level` as printed, `hr95_low` and `hr95_high` (95 % limits by
        the standard error), `log_hr`, `se`, `checked`, `basis` ("published") and `source`.

    Examples
    --------
    >>> frame = published_estimates().set_index("result")
    >>> frame[["hr", "level"]].loc["Gomez-2016"].tolist()
    [0.35, 0.9]
    >>> round(float(frame.loc["Gomez-2016", "hr95_high"]), 2)
    0.76
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = [
        describe(trial, cohort, result) | _published(result)
        for trial, cohort, result in results(trials)
        if result.hr and result.hr.interval and result.hr.interval.upper
    ]
    if not rows:
        raise ValueError("trials: no result has a hazard ratio with both confidence limits")
    return pd.DataFrame(rows)


def results(trials: Mapping[str, Trial]) -> Iterator[tuple[Trial, Cohort, Result]]:
    """Yield every result with its trial and cohort."""
    for trial in trials.values():
        for cohort in trial.cohorts.values():
            for result in cohort.results.values():
                yield trial, cohort, result


def describe(trial: Trial, cohort: Cohort, result: Result) -> dict[str, Any]:
    """Say which patients a result is about, and whether it enters the main analysis."""
    parents = [other.id for other in trial.cohorts.values() if cohort.id in other.parts]
    primary = result.report == cohort.primary
    counts = {f"n_{role}": result.arms[role].n for role in ROLES}
    return {
        "result": result.id,
        "trial": trial.id,
        "cohort": cohort.id,
        "report": result.report,
        "label": label(trial, cohort, result),
        "group": cohort.group,
        "primary": primary,
        "pooled": primary and cohort.group is not None,
        "part_of": parents[0] if parents else "",
        **{name: int(count) if count else np.nan for name, count in counts.items()},
    }


def label(trial: Trial, cohort: Cohort, result: Result) -> str:
    """Name a result for a reader: "CURB, NSCLC (2024)", "Gomez (2016)"."""
    part = ""
    if len(trial.cohorts) > 1:
        part = ", whole trial" if cohort.id == "whole" else f", {cohort.id}"
    return f"{trial.id}{part} ({trial.reports[result.report].year})"


def _published(result: Result) -> dict[str, Any]:
    hr, interval = result.hr.estimate, result.hr.interval
    printed = (hr.value, interval.lower.value, interval.upper.value)
    estimate = pooling.from_ci(*printed, level=interval.level)
    low, high = printed[1:] if interval.level == 0.95 else estimate.ci(0.95)
    return {
        "hr": hr.value,
        "ci_low": interval.lower.value,
        "ci_high": interval.upper.value,
        "level": interval.level,
        "hr95_low": low,
        "hr95_high": high,
        "log_hr": estimate.log_hr,
        "se": estimate.se,
        "checked": result.hr.checked,
        "basis": "published",
        "source": ", ".join(dict.fromkeys(ref.id for ref in hr.sources)),
    }


def pooled_rows(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are to be pooled; refuse to count a patient twice.

    Two rows of one trial may be pooled together only when they are different parts of the
    same cohort, so that they hold different patients.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; needs `result`, `trial`, `cohort`, `part_of`, `group`,
        `pooled`, `log_hr` and `se`.

    Returns
    -------
    pandas.DataFrame
        The rows whose `pooled` is true.

    Raises
    ------
    ValueError
        Where a column is missing, no row is pooled, a pooled row has no group, or two rows
        share patients; the message names the results.

    Examples
    --------
    >>> pooled_rows(published_estimates())["result"].tolist()[:3]
    ['CURB-NSCLC', 'CURB-breast', 'EXTEND-breast']
    """
    needed = ("result", "trial", "cohort", "part_of", "group", "pooled", "log_hr", "se")
    missing = [name for name in needed if name not in estimates]
    if missing:
        raise ValueError(f"estimates: no column {missing[0]!r}; use published_estimates()")
    pooled = estimates[estimates["pooled"].astype(bool)]
    if pooled.empty:
        raise ValueError("estimates: no row has `pooled` set; there is nothing to pool")
    ungrouped = pooled.loc[pooled["group"].isna(), "result"].tolist()
    if ungrouped:
        raise ValueError(f"estimates: {ungrouped[0]} has no group; it is never pooled")
    for trial, rows in pooled.groupby("trial"):
        distinct = rows["cohort"].is_unique and rows["result"].is_unique
        siblings = rows["part_of"].nunique() == 1 and rows["part_of"].iloc[0] != ""
        if len(rows) > 1 and not (distinct and siblings):
            names = " and ".join(rows["result"])
            raise ValueError(
                f"estimates: {names} share patients of {trial}; "
                "pool one report of each cohort, and a whole trial or its parts, not both"
            )
    return pooled
