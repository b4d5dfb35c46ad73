"""Tables that set the trials side by side, as their reports describe them; every cell text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from oligomdt.evidence import Cohort, ExtendedTrial, Finding, Result, Trial
from oligomdt.evidence.record import ROLES
from oligomdt.evidence.summary import stated_values
from oligomdt.figures.trial_tables import finding_cells, ratio_text, title


def unchecked(trials: Iterable[Trial]) -> pd.DataFrame:
    """Every value that is known but was not read in its source."""
    rows = []
    for trial in trials:
        for result in trial.results():
            rows += [
                (f"{trial.id}, {title(result, trial)}", _value_name(name), value.text)
                for name, value in stated_values(result)
                if not value.checked
            ]
    return pd.DataFrame(rows, columns=["Result", "Value", "Printed, it is said, as"])


def _value_name(path: str) -> str:
    """A field's path in words: ``hr/interval/lower`` is ``HR, lower``."""
    words = path.replace("interval/", "").replace("/", ", ").replace("_", " ")
    return words.replace("hr, ", "HR, ")


def overview(trials: Mapping[str, Trial]) -> pd.DataFrame:
    """The pooled cohorts of all trials with the hazard ratio of their primary report."""
    rows = []
    for trial in trials.values():
        for cohort in trial.cohorts.values():
            if cohort.group:
                rows.append((trial.id, cohort.group, *_overview(trial, cohort.result())))
    columns = ["Trial", "Group", "HR (interval)", "Control", "MDT", "Setting", "Report"]
    return pd.DataFrame(rows, columns=columns)


def _overview(trial: Trial, result: Result) -> tuple[str, ...]:
    counts = (str(result.arms[role].n) for role in ROLES)
    report = trial.reports[result.report].label
    return ratio_text(result.hr), *counts, trial.setting, report


def treatments(trials: Mapping[str, Trial]) -> pd.DataFrame:
    """What the arms of each trial received."""
    rows = [
        (trial.id, trial.design.eligibility, trial.design.experimental, trial.design.control)
        for trial in trials.values()
    ]
    return pd.DataFrame(rows, columns=["Trial", "Patients", "MDT arm", "Control arm"])


def never_pooled(trials: Mapping[str, Trial]) -> pd.DataFrame:
    """Results that are shown and not pooled in the main analysis, each with the reason."""
    rows = [
        (trial.id, title(result, trial), ratio_text(result.hr), why)
        for trial in trials.values()
        for cohort in trial.cohorts.values()
        for result, why in _left_out(cohort)
    ]
    columns = ["Trial", "Result", "HR (interval)", "Not pooled because"]
    return pd.DataFrame(rows, columns=columns)


def _left_out(cohort: Cohort) -> Iterator[tuple[Result, str]]:
    for result in cohort.results.values():
        if not cohort.group:
            yield result, "its parts are pooled instead" if cohort.parts else cohort.note
        elif result.report != cohort.primary:
            yield result, f"same patients as in the report of {cohort.primary}"


SURVIVAL = "overall survival"
UNKNOWN = "Not known from what was read"


def overall_survival(
    trials: Mapping[str, Trial], records: Mapping[str, ExtendedTrial]
) -> pd.DataFrame:
    """What was reported on overall survival, of all trials in one place.

    Parameters
    ----------
    trials : mapping
        Trial id to `evidence.Trial`; each has at least one row.
    records : mapping
        Record id to `evidence.ExtendedTrial`; those of the trials above, and those of which
        nothing is known on overall survival, have none.

    Returns
    -------
    pandas.DataFrame
        Texts: `Trial`, `What was reported`, `Control`, `MDT`, `HR`, `p`. Where no number was
        read, what is said of it in words.
    """
    rows = []
    for trial in trials.values():
        found = [
            (f"{trial.id}, {title(result, trial)}", *cells)
            for result in trial.results()
            for cells in _survival(result.other_results, result.notes)
        ]
        rows += found or [(trial.id, UNKNOWN, *[""] * 4)]
    for record in records.values():
        if not record.held_in.startswith("trials/"):
            name = f"{record.name} ({record.year})" if record.year else record.name
            cells = _survival(record.findings, [record.note])
            rows += [(name, *own) for own in cells]
    columns = ["Trial", "What was reported", "Control", "MDT", "HR", "p"]
    return pd.DataFrame(rows, columns=columns)


def _survival(findings: Iterable[Finding], notes: Iterable[str]) -> list[tuple[str, ...]]:
    """Findings on overall survival, or the sentences that tell of it where there are none."""
    cells = [finding_cells(one) for one in findings if SURVIVAL in one.what.lower()]
    if cells:
        return [(what, control, mdt, hr, p) for what, control, mdt, _, hr, p in cells]
    return [(text, *[""] * 4) for text in notes if SURVIVAL in text.lower()]


def landmarks(frames: Iterable[pd.DataFrame], times=(3, 6, 12, 24)) -> pd.DataFrame:
    """Reconstructed survival at some months, read off the frames of the curves.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Each as from `oligomdt.figures.km.km_data`.
    times : sequence of float
        Months.

    Returns
    -------
    pandas.DataFrame
        `Result`, `Arm` and one column per time: the median over the draws and, in brackets,
        the band. Nothing where fewer patients are left than the figure draws in full.
    """
    rows = []
    for frame in frames:
        curves = frame[frame["kind"] == "curve"]
        first = curves[curves["basis"] == curves["basis"].iloc[0]]
        for arm, own in first.groupby("arm", sort=False):
            cells = [_survival_at(own, time) for time in times]
            rows.append((own["label"].iloc[0], arm, *cells))
    columns = [f"{time:g} months" for time in times]
    return pd.DataFrame(rows, columns=["Result", "Arm", *columns])


def _survival_at(curve: pd.DataFrame, time: float) -> str:
    before = curve[curve["time"] <= time]
    if time > curve["time"].max() or before.empty:
        return "–"
    row = before.iloc[-1]
    if row["sparse"] or pd.isna(row["surv"]):
        return "–"
    band = f" ({row['low']:.2f} to {row['high']:.2f})" if pd.notna(row["low"]) else ""
    return f"{row['surv']:.2f}{band}"


def conversions(estimates: pd.DataFrame, trials: Mapping[str, Trial]) -> pd.DataFrame:
    """Hazard ratios as printed beside their logarithm and its standard error."""
    rows = []
    for row in estimates.to_dict("records"):
        result = trials[row["trial"]].cohort(row["cohort"]).result(row["report"])
        numbers = f"{row['log_hr']:.3f}", f"{row['se']:.3f}"
        rows.append((row["label"], ratio_text(result.hr), *numbers))
    return pd.DataFrame(rows, columns=["Trial", "HR as printed", "ln HR", "Standard error"])
