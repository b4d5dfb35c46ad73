"""The tables of a trial's page: design, reports, stated statistics beside reconstructed ones.

Every cell is text, ready to be shown. A value that was not read in its source carries a dagger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from oligomdt.evidence import Finding, NotReported, Result, Source, Stated, Trial
from oligomdt.evidence.record import ROLES
from oligomdt.evidence.summary import stated_values

ABSENT = "\u2013"
NOT_COMPARED = {
    "adjusted": "not compared: it needs covariates of the patients, which are not published",
    "progressions": "not compared: deaths without progression are PFS events too",
    "follow-up": "not compared: see what the reconstruction assumes",
    "other": "not compared",
}


@dataclass(frozen=True)
class Statistic:
    """One stated statistic of a result.

    Parameters
    ----------
    key : str
        Its name in the statistics of a reconstruction.
    label : str
        Its name on the page.
    stated : Stated or NotReported or NotReached
    kind : str
        Key of the sentence that explains why it is not compared.
    """

    key: str
    label: str
    stated: object
    kind: str = "other"


def percent(level: float) -> str:
    """A confidence level as it is written: ``95 % CI``."""
    return f"{100 * level:g} % CI"


def design(trial: Trial) -> pd.DataFrame:
    """Design of a trial: one row per item, as its reports describe it."""
    plan = trial.design
    rows = [
        ("Registration", trial.registration),
        ("Setting", trial.setting),
        ("Phase", plan.phase),
        ("Patients", plan.eligibility),
        ("Experimental arm", plan.experimental),
        ("Control arm", plan.control),
        ("Randomisation", plan.randomisation),
        ("Stratified by", "; ".join(plan.stratification) or NotReported),
        ("Randomised", plan.randomised),
        ("Accrual", _period(plan.accrual_start, plan.accrual_end)),
        ("Sites", plan.sites),
        ("Primary endpoint", plan.primary_endpoint),
        ("PFS runs", plan.pfs_definition),
        ("Analysed", plan.analysis_set),
        ("End of the trial", plan.stopping),
        ("Software", plan.software),
    ]
    rows += [(_capital(finding.what), _finding_values(finding)) for finding in plan.sample_size]
    notes = [text for text in (plan.note, trial.note) if text]
    rows += [("Note", text) for text in notes]
    return pd.DataFrame(
        [(item, str(text)) for item, text in rows], columns=["Item", "Reported"]
    )


def _period(start, end) -> str:
    return "not reported" if not start and not end else f"{start} to {end}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finding_values(finding: Finding) -> str:
    given = [
        (role, getattr(finding, role))
        for role in ("control", "experimental", "overall")
        if getattr(finding, role) is not NotReported
    ]
    words = [f"{value}" if role == "overall" else f"{role} {value}" for role, value in given]
    unit = "" if finding.unit in ("proportion", "hazard ratio") else f" {finding.unit}"
    return ", ".join(words) + unit


def reports(trial: Trial) -> pd.DataFrame:
    """Reports of a trial: follow-up, and which cohorts it is the primary report of."""
    rows = []
    for report in trial.reports.values():
        cohorts = [c for c in trial.cohorts.values() if report.id in c.results]
        main = [c.label for c in cohorts if c.group and c.primary == report.id]
        if main:
            use = f"main analysis: {', '.join(main)}"
        elif any(cohort.group for cohort in cohorts):
            use = "not in the main analysis: the same patients as in another report"
        else:
            use = "shown, never pooled"
        rows.append((report.label, _followup(report.followup), use))
    return pd.DataFrame(rows, columns=["Report", "Median follow-up, months", "Used for"])


def _followup(followup) -> str:
    if not followup:
        return "not reported"
    by_arm = followup.median_by_arm
    if by_arm:
        return ", ".join(f"{role} {by_arm[role]}" for role in ROLES)
    return str(followup.median)


def primary_reasons(trial: Trial) -> list[str]:
    """Why a report is the primary one of each pooled cohort: one sentence per cohort."""
    return [
        f"{_capital(cohort.label)}: the report of {cohort.primary} is used. Reason: "
        f"{cohort.primary_reason}."
        for cohort in trial.cohorts.values()
        if cohort.group
    ]


def statistics(result: Result) -> Iterator[Statistic]:
    """List what a result states about PFS, arm by arm, then between the arms."""
    for role in ROLES:
        yield from _arm_statistics(result.arms[role], role)
    yield from _ratio("hr", "Hazard ratio", result.hr, "other")
    yield Statistic("p", "p-value", result.p)
    yield from _ratio("adjusted hr", "Hazard ratio, adjusted", result.hr_adjusted, "adjusted")
    yield from _followup_statistics(result.followup)


def _arm_statistics(arm, role: str) -> Iterator[Statistic]:
    yield Statistic(f"{role} n", f"Patients, {role}", arm.n)
    yield Statistic(f"{role} events", f"PFS events, {role}", arm.events)
    if not arm.events:
        name = f"{role} progressions"
        yield Statistic(name, f"Progressions, {role}", arm.progressions, "progressions")
        name = f"{role} progressed"
        yield Statistic(name, f"Progressed, {role}, %", arm.progressed_percent, "progressions")
    yield Statistic(f"{role} withdrawals", f"Withdrawals, {role}", arm.withdrawals)
    label = f"Median PFS in months, {role}"
    yield Statistic(f"{role} median", label, arm.median)
    yield from _limits(f"{role} median", label, arm.median_ci)
    for landmark in arm.landmarks:
        name = f"{role} S({landmark.time.value:g})"
        label = f"PFS at {landmark.time.text} months, {role}"
        yield Statistic(name, label, landmark.surv)
        yield from _limits(name, label, landmark.interval)


def _ratio(key: str, label: str, hr, kind: str) -> Iterator[Statistic]:
    if not hr:
        yield Statistic(key, label, NotReported, kind)
        return
    yield Statistic(key, label, hr.estimate, kind)
    yield from _limits(key, label, hr.interval, kind)
    yield Statistic(f"{key} p", f"{label}, p-value", hr.p, kind)


def _limits(key: str, label: str, interval, kind: str = "other") -> Iterator[Statistic]:
    if interval:
        for end in ("lower", "upper"):
            text = f"{label}, {end} {100 * interval.level:g} % limit"
            yield Statistic(f"{key} {end}", text, getattr(interval, end), kind)


def _followup_statistics(followup) -> Iterator[Statistic]:
    if not followup:
        return
    for role, value in (followup.median_by_arm or {}).items():
        label = f"Median follow-up in months, {role}"
        yield Statistic(f"{role} follow-up", label, value, "follow-up")
    names = {
        "median": "Median",
        "lower_quartile": "Lower quartile of",
        "upper_quartile": "Upper quartile of",
        "min": "Shortest",
        "max": "Longest",
    }
    for name, words in names.items():
        label = f"{words} follow-up in months"
        yield Statistic(f"follow-up {name}", label, getattr(followup, name), "follow-up")


def _shown(statistic: Statistic) -> bool:
    """Events, medians, hazard ratio and p are shown even when they are not reported."""
    always = {"hr", "p"} | {f"{role} {what}" for role in ROLES for what in ("events", "median")}
    return statistic.stated is not NotReported or statistic.key in always


def stated(result: Result) -> pd.DataFrame:
    """What a result states about PFS: `Statistic` and `Stated`."""
    rows = [(one.label, str(one.stated)) for one in statistics(result) if _shown(one)]
    return pd.DataFrame(rows, columns=["Statistic", "Stated"])


def stated_and_reconstructed(reconstruction) -> pd.DataFrame:
    """Every stated statistic beside its range over the reconstructed data sets.

    Parameters
    ----------
    reconstruction : oligomdt.analysis.Reconstruction

    Returns
    -------
    DataFrame
        Texts `Statistic`, `Stated`, `Reconstructed` (lowest to highest over the draws) and
        `Met`: whether every draw prints as stated, or else why not.
    """
    reached = reconstruction.statistics.set_index("statistic")
    rows = []
    for one in statistics(reconstruction.result):
        if not _shown(one):
            continue
        if one.key in reached.index:
            found = reached.loc[one.key]
            span = spread(found["reached_low"], found["reached_high"], one.stated)
            rows.append((one.label, str(one.stated), span, met(found)))
        else:
            rows.append((one.label, str(one.stated), *_beside(one, reconstruction)))
    return pd.DataFrame(rows, columns=["Statistic", "Stated", "Reconstructed", "Met"])


def met(found: pd.Series) -> str:
    """Say in words how far one statistic of a reconstruction is met."""
    read = str(found["stated"])
    reading = f", taken as {read}" if read.startswith("at least") else ""
    if found["met"] == 1:
        return ("yes" if found["forced"] else "yes (not forced)") + reading
    share = "no" if found["met"] == 0 else f"in {_share(found['met'])} of draws"
    return f"{share}. {_sentence(found['reason'])}" if found["reason"] else share


def _share(part: float) -> str:
    """A proportion in percent that is never rounded to none or all."""
    if part < 0.01:
        return "fewer than 1 %"
    return "more than 99 %" if part > 0.99 else f"{100 * part:.0f} %"


def spread(low: float, high: float, stated) -> str:
    """A range with one digit more than the stated value has; one number if the ends agree."""
    decimals = stated.decimals if isinstance(stated, Stated) else 0
    bound = isinstance(stated, Stated) and stated.relation == "<"

    def word(value: float) -> str:
        if not np.isfinite(value):
            return "not reached"
        if bound and value < 10 ** -(decimals + 1):
            return f"below {10 ** -(decimals + 1):g}"
        whole = decimals == 0 and float(value).is_integer()
        return f"{value:.{0 if whole else decimals + 1}f}"

    ends = [word(low), word(high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _beside(one: Statistic, reconstruction) -> tuple[str, str]:
    """What the draws hold of a statistic that is not among their constraints."""
    role, _, name = one.key.partition(" ")
    if name in ("n", "events"):
        data = reconstruction.data
        counts = data[data["arm"] == role].groupby("draw")["event"]
        counts = counts.size() if name == "n" else counts.sum()
        span = spread(counts.min(), counts.max(), None)
        if one.stated is NotReported:
            return span, ABSENT
        return span, "yes" if (counts == one.stated.value).all() else "no"
    if one.stated is NotReported:
        return ABSENT, ABSENT
    if name == "withdrawals" and reconstruction.basis == "statistics":
        return one.stated.text, "yes"
    return ABSENT, NOT_COMPARED[one.kind]


def conflicts(trial: Trial) -> dict[str, list[str]]:
    """Where sources contradict each other, or one source itself: sentences by result."""
    found = {trial.name: list(trial.conflicts)} if trial.conflicts else {}
    for result in trial.results():
        if result.conflicts:
            found[_capital(title(result, trial))] = list(result.conflicts)
    return found


def missing(trial: Trial) -> pd.DataFrame:
    """What was looked for in each result and not found."""
    rows = [
        (title(result, trial), _capital(", ".join(result.not_reported)))
        for result in trial.results()
        if result.not_reported
    ]
    return pd.DataFrame(rows, columns=["Result", "Not reported"])


def title(result: Result, trial: Trial) -> str:
    """A result in words: cohort and year of the report."""
    return f"{trial.cohorts[result.cohort].label}, {trial.reports[result.report].year}"


def remarks(trial: Trial) -> dict[str, list[str]]:
    """What is said about censoring, scans and the reading of numbers: sentences by result."""
    found = {}
    for result in trial.results():
        texts = [*result.censoring_notes, *result.notes]
        if result.schedule_note:
            texts.append(f"Scans: {result.schedule_note}.")
        for role in ROLES:
            for name, value in stated_values(result.arms[role]):
                if value.note:
                    what = name.replace("_", " ").replace("/", " ").strip()
                    texts.append(f"{_capital(what)}, {role} arm: {_sentence(value.note)}")
        if texts:
            found[_capital(title(result, trial))] = texts
    return found


def _sentence(text: str) -> str:
    return _capital(text) + ("" if text.endswith((".", "?")) else ".")


def other_results(trial: Trial) -> pd.DataFrame:
    """Baseline, patterns of progression, overall survival and others, as stated."""
    rows = []
    for result in trial.results():
        where = title(result, trial)
        found = (*result.baseline, *result.patterns, *result.other_results)
        rows += [(where, *finding_cells(finding)) for finding in found]
    for report in trial.reports.values():
        where = f"report of {report.year}"
        rows += [(where, *finding_cells(finding)) for finding in report.findings]
    columns = ["From", "Quantity", "Control", "Experimental", "Both arms", "HR", "p"]
    return pd.DataFrame(rows, columns=columns)


def finding_cells(finding: Finding) -> tuple[str, ...]:
    """A finding in words: quantity, control, experimental, both arms, hazard ratio, p."""
    what = _capital(finding.what)
    if finding.unit not in ("hazard ratio", "p-value", "patients"):
        what += f" ({finding.unit})"
    if finding.note:
        what += f". {_sentence(finding.note)}"
    cells = [
        _with_ci(getattr(finding, who), getattr(finding, f"{who}_ci"))
        for who in ("control", "experimental", "overall")
    ]
    hr, p = finding.hr, finding.p
    if hr and hr.p:
        p = hr.p
    cells.append(_with_ci(hr.estimate, hr.interval) if hr else "")
    return (what, *cells, str(p) if p else "")


def _with_ci(value, interval) -> str:
    if value is NotReported:
        return ""
    return f"{value} ({interval}, {percent(interval.level)})" if interval else str(value)


def used_sources(trial: Trial, register) -> pd.DataFrame:
    """Sources of a trial's values: reference, how much of it was read, identifier."""
    ids = {ref.id for _, value in stated_values(trial) for ref in value.sources}
    rows = []
    for source in (register[name] for name in register if name in ids):
        rows.append((source.ref, source.tier, source.seen, identifier(source)))
    return pd.DataFrame(rows, columns=["Source", "Tier", "What was read", "Identifier"])


def identifier(source: Source) -> str:
    """Where a source is found: DOI, number in PubMed or address."""
    if source.doi:
        return f"doi:{source.doi}" + ("" if source.doi_checked else " (not read in the source)")
    return source.pmcid or (f"PMID {source.pmid}" if source.pmid else source.url)


def ratio_text(hr) -> str:
    """A hazard ratio as printed, with interval and level: ``0.35 (0.18 to 0.66, 90 % CI)``."""
    return _with_ci(hr.estimate, hr.interval) if hr else str(hr)


def derived(result: Result) -> pd.DataFrame:
    """What follows from the printed numbers of a result, by `oligomdt.analysis.derived`."""
    from oligomdt import analysis

    frame = analysis.derived(result)
    value = [f"{number:.3g}" for number in frame["value"]]
    columns = {"quantity": "Quantity", "formula": "Formula", "inputs": "From"}
    texts = frame[list(columns)].rename(columns=columns)
    texts.insert(1, "Value", value)
    texts["Quantity"] = texts["Quantity"].map(_capital)
    return texts
