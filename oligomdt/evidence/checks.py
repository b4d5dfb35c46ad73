"""Checks that need more than one record: ids, reports, parts, patients counted once."""

from collections.abc import Iterable, Iterator

from .record import ROLES, Cohort, Trial
from .values import nearest

Problem = tuple[tuple[str, ...], str]


def problems(trial: Trial) -> Iterator[Problem]:
    """Find what is wrong between the records of one trial: (path, what is wrong)."""
    for cohort in trial.cohorts.values():
        yield from _reports_exist(trial, cohort)
        yield from _parts_exist(trial, cohort)
    yield from _reports_used(trial)
    for cohort in trial.cohorts.values():
        yield from _parts_add_up(trial, cohort)
        yield from _counted_once(trial, cohort)
    yield from _ids_differ(trial)


def _reports_exist(trial: Trial, cohort: Cohort) -> Iterator[Problem]:
    path = ("cohorts", cohort.id)
    if not cohort.results:
        yield (*path, "results"), "a cohort needs the result of at least one report"
    for report in cohort.results:
        if report not in trial.reports:
            problem = f"no report `{report}` under `reports`; {nearest(report, trial.reports)}"
            yield (*path, "results", report), problem
    if cohort.primary not in cohort.results:
        hint = nearest(cohort.primary, cohort.results)
        yield (
            (*path, "primary"),
            f"primary report `{cohort.primary}` has no result in this cohort; {hint}",
        )


def _reports_used(trial: Trial) -> Iterator[Problem]:
    used = {result.report for result in trial.results()}
    for report in trial.reports.values():
        if report.id not in used and not report.findings:
            yield ("reports", report.id), "no cohort has a result in this report; add one"


def _parts_exist(trial: Trial, cohort: Cohort) -> Iterator[Problem]:
    for part in cohort.parts:
        if part not in trial.cohorts or part == cohort.id:
            others = [other for other in trial.cohorts if other != cohort.id]
            yield (
                ("cohorts", cohort.id, "parts"),
                f"part `{part}` is not another cohort of this trial; {nearest(part, others)}",
            )
    if len(set(cohort.parts)) < len(cohort.parts):
        yield ("cohorts", cohort.id, "parts"), "a part is named twice"


def _parts_add_up(trial: Trial, cohort: Cohort) -> Iterator[Problem]:
    if not cohort.parts:
        return
    for report, whole in cohort.results.items():
        parts = [trial.cohorts[part].results.get(report) for part in cohort.parts]
        for role in ROLES:
            ns = [part.arms[role].n if part else None for part in parts]
            if not whole.arms[role].n or not all(ns):
                continue
            total = sum(n.value for n in ns)
            if total != whole.arms[role].n.value:
                yield (
                    ("cohorts", cohort.id, "results", report, "arms", role, "n"),
                    f"n {whole.arms[role].n.text} is not the sum {total:g} of its parts "
                    + ", ".join(cohort.parts),
                )


def _counted_once(trial: Trial, cohort: Cohort) -> Iterator[Problem]:
    if cohort.group is None:
        return
    mine = _with_parts(trial, cohort)
    for other in trial.cohorts.values():
        if other is cohort or other.group is None or not mine & _with_parts(trial, other):
            continue
        yield (
            ("cohorts", cohort.id, "group"),
            f"`{cohort.group}` would count patients twice: they are also in `{other.id}`, "
            f"pooled as `{other.group}`; write `group: null` in one of the two",
        )


def _with_parts(trial: Trial, cohort: Cohort) -> set[str]:
    """Ids of a cohort, its parts, their parts and so on."""
    found, waiting = set(), [cohort.id]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += trial.cohorts[one].parts
    return found


def _ids_differ(trial: Trial) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for result in trial.results():
        place = f"cohorts/{result.cohort}/results/{result.report}"
        if result.id in seen:
            yield (
                ("cohorts", result.cohort, "results", result.report, "id"),
                f"result id `{result.id}` is already used by {seen[result.id]}",
            )
        seen[result.id] = place


def repeated_ids(trials: Iterable[Trial]) -> Iterator[tuple[str, Problem]]:
    """Find result ids used by two trials: (trial id, (path, what is wrong))."""
    owner: dict[str, str] = {}
    for trial in trials:
        for result in trial.results():
            if owner.setdefault(result.id, trial.id) != trial.id:
                path = ("cohorts", result.cohort, "results", result.report, "id")
                yield (
                    trial.id,
                    (path, f"result id `{result.id}` is already used in {owner[result.id]}"),
                )
