"""Tables of the extended layer, of the register and of later results; every cell text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oligomdt.analysis.printing import percent, ratio
from oligomdt.evidence import DAGGER, ExtendedTrial, OngoingTrial
from oligomdt.evidence.extended import GROUPS
from oligomdt.evidence.summary import stated_values
from oligomdt.figures.extended_forest import HEADINGS
from oligomdt.figures.trial_tables import identifier, ratio_text

if TYPE_CHECKING:
    from collections.abc import Iterable

# A single trial of a cancer counts and is not pooled with any other.
USE = {"pooled": "counted", "scenario": "scenario", "listed": "only listed"}
# A finding whose note says what is known where reports differ on it.
RANDOMISED = "patients randomised"
CONTRAST = {True: "yes", False: "no", None: "not known"}


def at_a_glance(records: Mapping[str, ExtendedTrial]) -> pd.DataFrame:
    """Which trials of each cancer are counted, which are scenarios, which are only listed."""
    rows = []
    for group in GROUPS:
        own = [record for record in records.values() if record.group == group]
        cells = [
            _names(record for record in own if record.status_in_pool == use) for use in USE
        ]
        if own:
            rows.append((HEADINGS.get(group, group), *cells))
    return pd.DataFrame(rows, columns=["Cancer", *(_capital(use) for use in USE.values())])


def _names(records: Iterable[ExtendedTrial]) -> str:
    """Names of trials, with a dagger where the hazard ratio was not read."""
    names = [
        record.name + (DAGGER if record.hr and not record.hr.checked else "")
        for record in records
    ]
    return "; ".join(names) or "–"


def results(records: Mapping[str, ExtendedTrial], use: str) -> pd.DataFrame:
    """The records of one kind ("pooled", "scenario" or "listed") with what they reported."""
    if use not in USE:
        raise ValueError(f"use is {use!r}; it is one of {', '.join(USE)}")
    rows = [
        (
            _name(record),
            f"{HEADINGS.get(record.group, record.group)}, {record.setting_class}",
            _patients(record),
            _printed(record),
            _capital(record.reason) + _where(record),
        )
        for record in records.values()
        if record.status_in_pool == use
    ]
    columns = ["Trial", "Cancer and setting", "Patients", "HR as printed", "Why"]
    return pd.DataFrame(rows, columns=columns)


def _where(record: ExtendedTrial) -> str:
    words = {("histology",): " (by cancer only)", ("setting",): " (by setting only)"}
    return words.get(record.pools, "")


def _name(record: ExtendedTrial) -> str:
    return f"{record.name} ({record.year})" if record.year else record.name


def _patients(record: ExtendedTrial) -> str:
    if record.n:
        return record.n.label
    arms = record.n_by_arm
    if arms:
        return f"{sum(int(n) for n in arms.values())}"
    told = [finding.note for finding in record.findings if finding.what == RANDOMISED]
    return told[0] if told else "not found"


def _printed(record: ExtendedTrial) -> str:
    """The hazard ratio as printed; of another endpoint with the name of the endpoint."""
    if not record.hr:
        return "not found"
    text = ratio_text(record.hr)
    if record.limits:
        limits = f"{record.limits.lower} to {record.limits.upper}"
        text = f"{record.hr.estimate} ({limits}, level not printed)"
    elif not record.hr.interval:
        text = f"{record.hr.estimate} (interval not found)"
    p = f"; p {record.p}" if record.p else ""
    p += f" {record.sides}" if p and record.sides else ""
    endpoint = "" if record.endpoint == "progression-free survival" else record.endpoint
    return text + p + (f"; {endpoint}" if endpoint else "")


def missing(records: Mapping[str, ExtendedTrial]) -> pd.DataFrame:
    """Records that are not pooled: what is known of them, and what is missing."""
    rows = []
    for record in records.values():
        if record.status_in_pool == "pooled" or not record.eligible:
            continue
        use = USE[record.status_in_pool]
        known = _medians(record)
        rows.append((_name(record), use, known, ", ".join(record.missing), record.status))
    columns = ["Trial", "Used as", "Median, control and MDT", "Missing", "Status"]
    return pd.DataFrame(rows, columns=columns)


def _medians(record: ExtendedTrial) -> str:
    if not record.medians:
        return "not found"
    endpoint = "" if record.medians.what == "median PFS" else f", {record.medians.what[7:]}"
    unit = record.medians.unit
    both = (record.medians.control, record.medians.experimental)
    return " and ".join(f"{one} {unit}" if one else str(one) for one in both) + endpoint


def conflicts(records: Mapping[str, ExtendedTrial | OngoingTrial]) -> dict[str, list[str]]:
    """Sentences on sources that contradict each other, by trial."""
    return {r.name: list(r.conflicts) for r in records.values() if r.conflicts}


def sources(records: Mapping[str, Any], register: Mapping[str, Any]) -> pd.DataFrame:
    """Sources of the values of each record, and how much of each was read."""
    rows = []
    for record in records.values():
        if getattr(record, "held_in", "").startswith("trials/"):
            continue  # The page of that trial lists its sources.
        used = dict.fromkeys(
            ref.id for _, value in stated_values(record) for ref in value.sources
        )
        used |= dict.fromkeys(ref.id for ref in record.sources)
        name = getattr(record, "name", record.id)
        for source in (register[key] for key in used):
            rows.append((name, source.ref, source.tier, source.seen, identifier(source)))
    columns = ["Trial", "Source", "Tier", "What was read", "Identifier"]
    return pd.DataFrame(rows, columns=columns)


def pooled(pools: pd.DataFrame, heading: str) -> pd.DataFrame:
    """The pools as they are: one row per pool, and the range that a new trial may have."""
    rows = [
        (
            HEADINGS.get(row["pool"], row["pool"]),
            "one trial, not pooled" if row["k"] == 1 else f"{row['k']} trials",
            _count(row),
            _result(row),
            _range(row["predictive_low"], row["predictive_high"], row["checked"]),
            _chance(row["p_benefit"], row["checked"]),
            row["method"],
        )
        for row in pools[pools["kind"] == "pooled"].to_dict("records")
    ]
    columns = [heading, "Trials", "Patients", "HR (95 %)", "New trial (95 %)", "P(HR < 1)"]
    return pd.DataFrame(rows, columns=[*columns, "Method"])


def scenarios(pools: pd.DataFrame, heading: str) -> pd.DataFrame:
    """What the pools become under each scenario, with its assumption."""
    rows = [
        (
            HEADINGS.get(row["pool"], row["pool"]),
            _capital(row["scenario"]),
            str(row["k"]),
            _result(row),
            _capital(row["assumption"])
            if row["kind"] == "scenario"
            else "As in the rows above",
        )
        for row in pools.to_dict("records")
        if row["kind"] in ("scenario", "joint")
    ]
    columns = [heading, "Scenario", "Trials", "HR (95 %)", "It assumes that"]
    return pd.DataFrame(rows, columns=columns)


def left_out(pools: pd.DataFrame, heading: str) -> pd.DataFrame:
    """What the pools become without one of their trials."""
    rows = [
        (HEADINGS.get(row["pool"], row["pool"]), _capital(row["scenario"]), _result(row))
        for row in pools.to_dict("records")
        if row["kind"] in ("left out", "read only")
    ]
    return pd.DataFrame(rows, columns=[heading, "Pool", "HR (95 %)"])


def _count(row: Mapping[str, Any]) -> str:
    more = f" + {row['unstated']} trial without one agreed number" if row["unstated"] else ""
    return f"{row['patients']}{more}"


def _result(row: Mapping[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({ratio(row['low'])} to {ratio(row['high'])}){dagger}"


def _range(low: float, high: float, checked: bool) -> str:
    if np.isnan(low):
        return "–"
    return f"{ratio(low)} to {ratio(high)}" + ("" if checked else DAGGER)


def _chance(value: float, checked: bool) -> str:
    return "–" if np.isnan(value) else f"{percent(value)} %" + ("" if checked else DAGGER)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def later_trials(validation: pd.DataFrame) -> pd.DataFrame:
    """Later trials beside what the pools predicted for their printed hazard ratio."""
    rows = [
        (
            row["label"],
            row["predictors"],
            _predicted(row),
            _range(row["expected_low"], row["expected_high"], _both_checked(row)),
            _observed(row),
            _chance(row["p_as_far"], _both_checked(row)),
            row["shared"],
            row["reason"],
        )
        for row in validation[validation["kind"] == "later trial"].to_dict("records")
    ]
    columns = ["Trial", "Predicted from", "Predicted HR (95 %)", "Printed HR expected in"]
    columns += ["Printed HR (95 %)", "P(as far out)", "Same patients", "Remark"]
    return pd.DataFrame(rows, columns=columns)


def later_numbers(row: Mapping[str, Any]) -> dict[str, str]:
    """The numbers of one later trial as a chapter states them, each with its own dagger.

    Parameters
    ----------
    row : mapping
        One row of `analysis.external_validation` on a later trial.

    Returns
    -------
    dict of str to str
        `predicted`, `expected` (range), `observed` (hazard ratio) and `as_far` (per cent).
    """
    checked = _both_checked(row)
    predicted, observed = (
        ratio(row[name]) + ("" if row[f"checked_{name}"] else DAGGER)
        for name in ("predicted", "observed")
    )
    return {
        "predicted": predicted,
        "expected": _range(row["expected_low"], row["expected_high"], checked),
        "observed": observed,
        "as_far": _chance(row["p_as_far"], checked),
    }


def _both_checked(row: Mapping[str, Any]) -> bool:
    """What is expected of a trial rests on its own standard error too."""
    return bool(row["checked_predicted"] and row["checked_observed"])


def published_pools(validation: pd.DataFrame) -> pd.DataFrame:
    """Published meta-analyses beside the pool of those of their trials that are at hand."""
    rows = [
        (
            row["label"],
            row["outcome"],
            _observed(row),
            _predicted(row),
            row["predictors"],
            row["shared"],
            row["reason"],
        )
        for row in validation[validation["kind"] == "published pool"].to_dict("records")
    ]
    columns = ["Meta-analysis", "Outcome", "Its HR (95 %)", "HR of the trials here (95 %)"]
    columns += ["These trials", "Same patients", "Why they may differ"]
    return pd.DataFrame(rows, columns=columns)


def not_compared(validation: pd.DataFrame) -> pd.DataFrame:
    """Results of published meta-analyses that have no counterpart here."""
    rows = [
        (row["label"], row["outcome"] or "–", _observed(row), _capital(row["reason"]))
        for row in validation[validation["kind"] == "not compared"].to_dict("records")
    ]
    columns = ["Meta-analysis", "Outcome", "Its HR (95 %)", "Not compared because"]
    return pd.DataFrame(rows, columns=columns)


def _predicted(row: Mapping[str, Any]) -> str:
    named = {name: row[f"predicted_{name}"] for name in ("low", "high")}
    return _result({"hr": row["predicted"], **named, "checked": row["checked_predicted"]})


def _observed(row: Mapping[str, Any]) -> str:
    if np.isnan(row["observed"]):
        return "–"
    named = {name: row[f"observed_{name}"] for name in ("low", "high")}
    return _result({"hr": row["observed"], **named, "checked": row["checked_observed"]})


def register(trials: Iterable[OngoingTrial]) -> pd.DataFrame:
    """Trials that are under way or have not reported, with the date of the information."""
    rows = [
        (
            _with_number(trial),
            f"{_capital(trial.histology)}: {trial.setting}"
            if trial.setting
            else trial.histology,
            _design(trial),
            _size(trial),
            str(trial.primary_endpoint),
            _contrast(trial),
            f"{trial.status} ({trial.status_date or 'date not found'})",
        )
        for trial in trials
    ]
    columns = ["Trial", "Cancer: who takes part", "Design", "Patients", "Primary endpoint"]
    return pd.DataFrame(rows, columns=[*columns, "Same question", "Status (date)"])


def _with_number(trial: OngoingTrial) -> str:
    known = not trial.registration or trial.registration in trial.name
    return trial.name if known else f"{trial.name} ({trial.registration})"


def _design(trial: OngoingTrial) -> str:
    if trial.randomised is False:
        return f"{trial.phase}, one arm: {trial.experimental}"
    if not trial.experimental:
        return str(trial.phase)
    ratio_of_arms = f", {trial.allocation}" if trial.allocation else ""
    return f"{trial.phase}{ratio_of_arms}; {trial.experimental} against {trial.control}"


def _size(trial: OngoingTrial) -> str:
    parts = [f"{trial.planned} planned"] if trial.planned else []
    parts += [f"{trial.enrolled} enrolled"] if trial.enrolled else []
    return ", ".join(parts) or "not found"


def _contrast(trial: OngoingTrial) -> str:
    note = f": {trial.contrast_note}" if trial.contrast_note else ""
    return CONTRAST[trial.same_contrast] + note
