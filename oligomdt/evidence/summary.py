"""What the data hold, in lines a curator can read."""

from collections.abc import Iterator

from .acceptance import refuse_contradictions
from .appraisal import load_appraisal
from .curve import Curve, read_curve
from .extended import extended
from .external import external
from .loading import context, data_folder, load
from .ongoing import ongoing
from .record import ROLES, ArmResult, Cohort, Finding, FollowUp, Result, Trial
from .values import DAGGER, HazardRatio, NotReported, Stated


def summary(path=None) -> str:
    """Describe every trial, cohort and report of the data folder in plain text.

    Parameters
    ----------
    path : path-like, optional
        The data folder, as in `load`.

    Returns
    -------
    str
        Lines of text; values that were not read in their source carry a dagger.

    Raises
    ------
    EvidenceError
        On the first thing that is wrong in the data folder.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> evidence.summary().splitlines()[0]
    'CURB  NCT03808662'
    """
    root = data_folder(path)
    trials = load(root)
    results = [result for trial in trials.values() for result in trial.results()]
    found = {result.id: read_curve(root, result) for result in results}
    against = {
        result.id: refuse_contradictions(root, result, curve)
        for result in results
        if (curve := found[result.id]) is not None
    }
    lines = []
    for trial in trials.values():
        lines += [*_trial_lines(trial, found, against), ""]
    others = context(root)
    for other in others.values():
        lines += [f"{other.name}  {other.registration}  (context, never pooled)"]
        lines += [f"  n {other.n}, HR {_hr(other.hr)}", ""]
    if (root / "appraisal").is_dir():
        appraised = load_appraisal(root).rob2
        lines += [f"risk of bias appraised: {', '.join(appraised)}", ""]
    lines += [*_layer_lines(root), ""]
    lines.append(_counts(trials, results, found, others))
    return "\n".join(lines)


def _layer_lines(root) -> Iterator[str]:
    """The extended layer, the register and the published meta-analyses."""
    for record in extended(root).values():
        number = f"HR {_hr(record.hr)}" if record.hr else "no hazard ratio"
        yield f"extended: {record.id}: {record.status_in_pool}; {number}; {record.reason}"
    for trial in ongoing(root).values():
        yield f"register: {trial.name}: {trial.status} ({trial.status_date})"
    for published in external(root).values():
        yield f"published meta-analysis: {published.id} ({published.year})"


def _trial_lines(trial: Trial, found: dict, against: dict) -> Iterator[str]:
    yield f"{trial.name}  {trial.registration}"
    yield f"  {trial.setting}"
    for report in trial.reports.values():
        if not any(result.report == report.id for result in trial.results()):
            yield f"  report {report.id} ({report.label}): no result of a cohort"
    for text in trial.conflicts:
        yield f"  conflict: {text}"
    for cohort in trial.cohorts.values():
        yield from _cohort_lines(cohort, found, against)


def _cohort_lines(cohort: Cohort, found: dict, against: dict) -> Iterator[str]:
    pooled = f"pooled as {cohort.group}" if cohort.group else "not pooled"
    parts = f", made of {' and '.join(cohort.parts)}" if cohort.parts else ""
    yield f"  cohort {cohort.id} ({cohort.label}): {pooled}{parts}"
    yield f"    primary report {cohort.primary}: {cohort.primary_reason}"
    for result in cohort.results.values():
        lines = _result_lines(result, found[result.id], against.get(result.id, []))
        yield from ("    " + line for line in lines)


def _result_lines(result: Result, curve: Curve | None, against: list) -> Iterator[str]:
    yield f"{result.id}, report {result.report}"
    for role in ROLES:
        yield f"  {role:<12} {_arm(result.arms[role])}"
    yield f"  HR {_hr(result.hr)}; p {result.p}"
    if result.hr_adjusted:
        yield f"  adjusted HR {_hr(result.hr_adjusted)}"
    yield f"  follow-up {_followup(result.followup)}"
    if curve:
        counts = ", ".join(f"{role} {len(curve.arms[role].time)}" for role in ROLES)
        yield f"  curve: points {counts}; {curve.origin.figure}, {curve.origin.panel}"
        yield from (f"  conflict of the curve: {text}" for text in against)
    else:
        yield "  curve: no coordinates"
    unchecked = [name for name, value in stated_values(result) if not value.checked]
    if unchecked:
        yield f"  {DAGGER} not read in their source: {', '.join(unchecked)}"
    if result.not_reported:
        yield f"  not reported: {', '.join(result.not_reported)}"
    for text in result.conflicts:
        yield f"  conflict: {text}"


def _arm(arm: ArmResult) -> str:
    text = f"n {arm.n}, events {arm.events}"
    if arm.progressions and not arm.events:
        text += f", progressions {arm.progressions}"
    if arm.progressed_percent:
        text += f", progressed {arm.progressed_percent} %"
    if arm.withdrawals:
        text += f", withdrawals {arm.withdrawals}"
    text += f", median {arm.median}{_ci(arm.median_ci)}"
    for landmark in arm.landmarks:
        text += f", S({landmark.time}) {landmark.surv}{_ci(landmark.interval)}"
    return text


def _ci(interval) -> str:
    return f" ({100 * interval.level:g} % CI {interval})" if interval else ""


def _hr(hr: HazardRatio) -> str:
    return f"{hr.estimate}{_ci(hr.interval)}" if hr else repr(hr)


def _followup(followup: FollowUp) -> str:
    if not followup:
        return repr(followup)
    text = ", ".join(f"{role} {v}" for role, v in (followup.median_by_arm or {}).items())
    return f"median {text or followup.median}"


def stated_values(record, path: str = "") -> Iterator[tuple[str, Stated]]:
    """List every stated value inside a record, with its path in the file."""
    if isinstance(record, Stated):
        yield path, record
    elif isinstance(record, tuple):
        for number, item in enumerate(record, start=1):
            name = item.what if isinstance(item, Finding) else number
            yield from stated_values(item, f"{path}/{name}")
    elif hasattr(record, "items"):
        for key, item in record.items():
            yield from stated_values(item, f"{path}/{key}")
    elif record is not NotReported and hasattr(type(record), "model_fields"):
        for name in type(record).model_fields:
            here = f"{path}/{name}" if path else name
            yield from stated_values(getattr(record, name), here)


def _counts(trials, results, found, others) -> str:
    values = [
        value
        for record in (*trials.values(), *others.values())
        for _, value in stated_values(record)
    ]
    unchecked = sum(not value.checked for value in values)
    conflicts = sum(len(r.conflicts) for r in results)
    conflicts += sum(len(trial.conflicts) for trial in trials.values())
    curves = sum(curve is not None for curve in found.values())
    cohorts = sum(len(trial.cohorts) for trial in trials.values())
    return (
        f"{len(trials)} trials, {cohorts} cohorts, {len(results)} results; "
        f"{len(values)} stated values, {unchecked} not checked ({DAGGER}); "
        f"{conflicts} conflicts between sources; {curves} digitised curves. No error found."
    )
