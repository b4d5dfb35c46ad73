"""How far the pooled hazard ratios move when one choice of the analysis is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.estimates import ROLES, pooled_rows, published_estimates, results
from oligomdt.analysis.reconstructed import reconstructed_estimates
from oligomdt.analysis.synthesis import (
    BAYES,
    PRIMARY_SCALE,
    PRIOR_SCALES,
    SINGLE,
    bayes_row,
    frequentist_row,
    single_row,
)
from oligomdt.evidence import ContextTrial, Result, Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["prior_sensitivity", "sensitivity"]

# Scales of the prior on tau at which the posterior is followed.
SCALES = (0.05, *(n / 20 for n in range(2, 21)))

ESTIMATORS = (
    ("common effect", "CE", "wald"),
    ("DerSimonian-Laird, Wald", "DL", "wald"),
    ("Paule-Mandel, Wald", "PM", "wald"),
    ("REML, Wald", "REML", "wald"),
    ("REML, HKSJ", "REML", "hksj"),
    ("REML, ad hoc HKSJ", "REML", "adhoc"),
)
PRIMARY = "primary analysis"


class Scenario(NamedTuple):
    """A change of the analysis: what it is about, its name, its words, the rows it pools."""

    kind: str
    name: str
    changed: str
    studies: pd.DataFrame
    fit: Callable[..., dict[str, Any]] | None = None
    mistake: bool = False


def sensitivity(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Pool each histology again with one choice changed at a time.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per group and scenario that changes it: `kind` ("primary analysis", "report",
        "CI level", "unchecked values", "reading of a trial", "adjusted", "leave one out",
        "trial added", "reconstructed", "estimator", "prior"), `scenario`, `group`, `k`, `hr`,
        `low`, `high`, `interval`, `p_benefit`, `mistake` (true: wrong on purpose, to show what
        the mistake does), `checked` (false: rests on a value that was not read in its
        source), `trials` and `changed` (what differs from the primary analysis).
        Where a report does not settle the direction of the effect its numbers are nan.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = sensitivity(trials)
    >>> frame.loc[frame["group"] == "NSCLC", "kind"].tolist()
    ['primary analysis', 'adjusted', 'trial added', 'reconstructed']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    published, rebuilt = published_estimates(trials), reconstructed_estimates(trials)
    rows = []
    for group, studies in pooled_rows(published).groupby("group", sort=False):
        for scenario in _scenarios(trials, published, rebuilt, group, studies):
            pooled = pooled_rows(scenario.studies)
            fit = scenario.fit or default_row
            if pooled["log_hr"].isna().any():
                fit = _undecided
            rows.append(
                {
                    "kind": scenario.kind,
                    "scenario": scenario.name,
                    "group": group,
                    "k": len(pooled),
                    **_kept(fit(pooled)),
                    "mistake": scenario.mistake,
                    "checked": bool(pooled["checked"].all()),
                    "trials": "; ".join(pooled["label"]),
                    "changed": scenario.changed,
                }
            )
    return pd.DataFrame(rows)


def prior_sensitivity(
    estimates: pd.DataFrame, scales: Iterable[float] = SCALES
) -> pd.DataFrame:
    """Pooled hazard ratio of each histology over a range of scales of the prior on tau.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`; groups of one trial are left out.
    scales : iterable of float
        Scales of the half-normal prior, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per group and scale: `group`, `tau_scale`, `checked` (all of its trials), and
        the columns of `histology_synthesis` from `hr` to `predictive_high`.

    Examples
    --------
    >>> frame = prior_sensitivity(published_estimates(), [0.5])
    >>> frame["group"].tolist()
    ['NSCLC', 'breast']
    """
    import pandas as pd

    rows = []
    for group, studies in pooled_rows(estimates).groupby("group", sort=False):
        if len(studies) > 1:
            for scale in scales:
                checked = bool(studies["checked"].all())
                row = {"group": group, "tau_scale": float(scale), "checked": checked}
                rows.append(row | _bayes(studies, scale))
    return pd.DataFrame(rows).drop(columns="p")


def _undecided(studies: pd.DataFrame) -> dict[str, Any]:
    names = ("hr", "low", "high", "p_benefit")
    return dict.fromkeys(names, np.nan) | {"interval": "not estimated"}


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("hr", "low", "high", "interval", "p_benefit")}


def default_row(studies: pd.DataFrame) -> dict[str, Any]:
    """The primary method of the plan: Bayesian, or the trial alone where there is one."""
    return _bayes(studies) if len(studies) > 1 else single_row(studies)


def _bayes(studies: pd.DataFrame, scale: float = PRIMARY_SCALE) -> dict[str, Any]:
    return bayes_row(pooling.bayes(studies["log_hr"], studies["se"], tau_scale=scale))


def _frequentist(studies: pd.DataFrame, tau2: str = "CE", ci: str = "wald") -> dict[str, Any]:
    return frequentist_row(pooling.pool(studies["log_hr"], studies["se"], tau2=tau2, ci=ci))


def _scenarios(
    trials: Mapping[str, Trial],
    published: pd.DataFrame,
    rebuilt: pd.DataFrame,
    group: str,
    studies: pd.DataFrame,
) -> Iterator[Scenario]:
    model = BAYES.format(PRIMARY_SCALE) if len(studies) > 1 else SINGLE
    yield Scenario(PRIMARY, PRIMARY, f"published hazard ratios; {model}", studies)
    yield from _other_reports(trials, published, rebuilt, group, studies)
    yield from _misread_levels(studies)
    yield from _unchecked(studies)
    yield from _progressions(trials, studies)
    yield from _adjusted(trials, studies)
    yield from _leave_one_out(studies)
    yield from _added(group, studies)
    yield from _reconstructed(rebuilt, group)
    if len(studies) > 1:
        yield from _models(studies)


def _replaced(studies: pd.DataFrame, result: str, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return the studies with other values in the row of one result."""
    changed = studies.copy()
    row = changed["result"] == result
    for name, value in values.items():
        changed.loc[row, name] = value
    return changed


def _as_estimate(estimate: pooling.Estimate) -> dict[str, float]:
    low, high = estimate.ci(0.95)
    limits = {"hr95_low": low, "hr95_high": high}
    return {"hr": estimate.hr, "log_hr": estimate.log_hr, "se": estimate.se, **limits}


def _other_reports(trials, published, rebuilt, group, studies) -> Iterator[Scenario]:
    for trial, cohort, result in results(trials):
        if cohort.group != group or result.report == cohort.primary:
            continue
        own, what = published[published["result"] == result.id], "published hazard ratio"
        if own.empty:
            own = rebuilt[rebuilt["result"] == result.id]
            what = "hazard ratio of the reconstructed patients (none is printed)"
        if own.empty:
            continue
        row = own.iloc[0].copy()
        changed = f"{what} of the {result.report} report in place of that of {cohort.primary}"
        if 0 < row.get("below_1", 0) < 1:
            # Draws on both sides of 1 have no common estimate: nothing is made of them.
            row["log_hr"] = np.nan
            changed = (
                f"the {result.report} report in place of that of {cohort.primary}: not "
                "estimated, its printed numbers leave the direction of the effect open"
            )
        mine = (studies["trial"] == trial.id) & (studies["cohort"] == cohort.id)
        old = studies.loc[mine, "result"].iloc[0]
        values = {name: row[name] for name in studies.columns if name in row}
        name = f"{trial.id}: report of {result.report}"
        yield Scenario("report", name, changed, _replaced(studies, old, values | _POOLED))


_POOLED = {"pooled": True, "primary": False}


def _misread_levels(studies) -> Iterator[Scenario]:
    for row in studies[studies["level"] != 0.95].itertuples():
        wrong = pooling.from_ci(row.hr, row.ci_low, row.ci_high, level=0.95)
        changed = (
            f"the {100 * row.level:g} % interval of {row.label} read as a 95 % interval: "
            "a mistake made on purpose, to show its effect"
        )
        name = f"{row.trial}: {100 * row.level:g} % limits read as 95 %"
        altered = _replaced(studies, row.result, _as_estimate(wrong))
        yield Scenario("CI level", name, changed, altered, mistake=True)


def _unchecked(studies) -> Iterator[Scenario]:
    kept = studies[studies["checked"].astype(bool)]
    if 0 < len(kept) < len(studies):
        out = "; ".join(studies.loc[~studies["checked"].astype(bool), "label"])
        changed = f"without {out}, whose hazard ratio was not read in its source"
        yield Scenario("unchecked values", "without unchecked values", changed, kept)


def _progressions(trials, studies) -> Iterator[Scenario]:
    """Second reading of a trial that printed p and the share of patients who progressed."""
    for trial, _, result in results(trials):
        if result.id not in set(studies["result"]):
            continue
        counts = progressed(result)
        if not (counts and result.p and result.p.relation == "="):
            continue
        favours = "experimental" if result.hr.estimate.value < 1 else "control"
        other = pooling.from_p_and_events(result.p.value, **counts, favours=favours)
        changed = (
            f"from p = {result.p.text} and {counts['control']} and {counts['experimental']} "
            "patients with progression (control, experimental) instead of the hazard ratio; "
            "a rough figure, because deaths are not counted"
        )
        name = f"{trial.id}: from p and progressions"
        altered = _replaced(
            studies, result.id, _as_estimate(other) | {"checked": _read(result)}
        )
        yield Scenario("reading of a trial", name, changed, altered)


def progressed(result: Result) -> dict[str, int] | None:
    """Patients who progressed in each arm, from printed per cent and n; None if not printed."""
    arms = result.arms
    if not all(arm.progressed_percent and arm.n for arm in arms.values()):
        return None
    return {
        role: round(arm.progressed_percent.value / 100 * arm.n.value)
        for role, arm in arms.items()
    }


def _read(result: Result) -> bool:
    """Whether the p-value and the progressions were read in their source."""
    counts = [
        number for arm in result.arms.values() for number in (arm.progressed_percent, arm.n)
    ]
    return all(stated.checked for stated in (result.p, *counts))


def _adjusted(trials, studies) -> Iterator[Scenario]:
    for trial, cohort, result in results(trials):
        adjusted = result.hr_adjusted
        if result.id not in set(studies["result"]) or not (adjusted and adjusted.interval):
            continue
        interval = adjusted.interval
        numbers = (adjusted.estimate.value, interval.lower.value, interval.upper.value)
        estimate = pooling.from_ci(*numbers, level=interval.level)
        values = _as_estimate(estimate) | {"checked": adjusted.checked}
        altered = _replaced(studies, result.id, values)
        name = f"{trial.id}, {cohort.id}: adjusted hazard ratio"
        changed = f"hazard ratio adjusted for covariates, {adjusted.estimate} ({interval})"
        yield Scenario("adjusted", name, changed, altered)


def _leave_one_out(studies) -> Iterator[Scenario]:
    if len(studies) < 2:
        return
    for row in studies.itertuples():
        changed = f"without {row.label}"
        yield Scenario("leave one out", changed, changed, studies[studies.index != row.Index])


def _added(group, studies) -> Iterator[Scenario]:
    for other, more in with_context(group, studies):
        unread = "" if other.hr.checked else "; its limits were not read in their source"
        changed = f"with {other.name}, HR {other.hr.estimate} ({other.hr.interval}){unread}"
        yield Scenario("trial added", f"{other.name} added", changed, more)


def with_context(
    group: str, studies: pd.DataFrame
) -> Iterator[tuple[ContextTrial, pd.DataFrame]]:
    """Yield each trial of the context of this histology, and the studies with it added."""
    import pandas as pd

    for other in evidence.context().values():
        if other.histology == group and other.hr and other.hr.interval:
            row = pd.DataFrame([_context_row(other, group)])[list(studies.columns)]
            yield other, pd.concat([studies, row.astype(studies.dtypes)], ignore_index=True)


def _context_row(other: ContextTrial, group: str) -> dict[str, Any]:
    hr, interval = other.hr.estimate, other.hr.interval
    limits = (interval.lower.value, interval.upper.value)
    estimate = pooling.from_ci(hr.value, *limits, level=interval.level)
    arms = other.n_by_arm or {}
    names = {"result": other.id, "trial": other.id, "cohort": "whole", "part_of": ""}
    counts = {f"n_{role}": int(arms[role]) if arms else np.nan for role in ROLES}
    return {
        **names,
        **counts,
        **_as_estimate(estimate),
        "report": str(other.year),
        "label": f"{other.name} ({other.year})",
        "group": group,
        "primary": False,
        "pooled": True,
        "ci_low": limits[0],
        "ci_high": limits[1],
        "level": interval.level,
        "checked": other.hr.checked,
        "basis": "published",
        "source": ", ".join(dict.fromkeys(ref.id for ref in hr.sources)),
    }


def _reconstructed(rebuilt, group) -> Iterator[Scenario]:
    own = rebuilt[rebuilt["pooled"].astype(bool) & (rebuilt["group"] == group)]
    if len(own):
        changed = "hazard ratios of the reconstructed patients instead of the published ones"
        yield Scenario("reconstructed", "reconstructed hazard ratios", changed, own)


def _models(studies) -> Iterator[Scenario]:
    for name, tau2, ci in ESTIMATORS:

        def frequentist(rows, tau2=tau2, ci=ci):
            return _frequentist(rows, tau2, ci)

        yield Scenario("estimator", name, f"{name}, confidence interval", studies, frequentist)
    for scale in PRIOR_SCALES:
        if scale != PRIMARY_SCALE:

            def posterior(rows, scale=scale):
                return _bayes(rows, scale)

            name = BAYES.format(scale)
            yield Scenario(
                "prior", name, f"half-normal({scale:g}) prior on tau", studies, posterior
            )
