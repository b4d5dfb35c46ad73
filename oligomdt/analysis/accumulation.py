"""How the pooled hazard ratio of each histology moved as trials reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from oligomdt import evidence
from oligomdt.analysis.estimates import pooled_rows
from oligomdt.analysis.sensitivity import default_row
from oligomdt.evidence import Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["accumulation"]


def accumulation(
    estimates: pd.DataFrame, trials: Mapping[str, Trial] | None = None
) -> pd.DataFrame:
    """Pool each histology again as each trial is added, by the year of its report.

    Cumulative meta-analysis (Lau and others 1992, doi:10.1056/NEJM199207233270406) by the
    primary method of the plan. The year is that of the report that is pooled, so this is not
    what a reader could have known at the time of an earlier report. The intervals are not
    corrected for repeated looks.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; groups of one trial are left out.
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per group and trial, in order of the year (reports of one year in the order of
        `estimates`): `group`, `added` (the trial), `year`, `k` (trials so far), `hr`, `low`,
        `high` (95 %), `interval` ("confidence" for the first trial alone, then "credible"),
        `p_benefit` (nan for the first trial alone) and `checked` (of all trials so far).

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = accumulation(published_estimates())
    >>> frame.loc[frame["group"] == "NSCLC", ["added", "k"]].values.tolist()
    [['Gomez (2016)', 1], ['Iyengar (2018)', 2], ['CURB, NSCLC (2024)', 3]]
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for group, studies in pooled_rows(estimates).groupby("group", sort=False):
        if len(studies) < 2:
            continue
        named = zip(studies["trial"], studies["report"], strict=True)
        years = [trials[trial].reports[report].year for trial, report in named]
        ordered = studies.assign(year=years).sort_values("year", kind="stable")
        for k, newest in enumerate(ordered.to_dict("records"), start=1):
            pooled = default_row(ordered[:k])
            names = {"group": group, "added": newest["label"], "year": newest["year"], "k": k}
            kept = ("hr", "low", "high", "interval", "p_benefit")
            checked = {"checked": bool(ordered["checked"][:k].all())}
            rows.append(names | {name: pooled[name] for name in kept} | checked)
    return pd.DataFrame(rows)
