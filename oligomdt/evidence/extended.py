"""Records of the randomised trials beyond the review: the extended layer of the evidence."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .loading import context, data_folder, keyed_block, load, validate
from .reading import Document
from .record import BothArms, Cohort, Finding, Findings, FollowUp, Texts, Trial
from .register import read_register
from .values import (
    HazardRatio,
    NotFound,
    NotFoundType,
    NotReportedType,
    ReadOnly,
    Record,
    Stated,
    StatedOrNotFound,
    TextOrNotFound,
    check_level,
    check_p,
    nearest,
    or_absent,
)

GROUPS = (
    "NSCLC",
    "breast",
    "prostate",
    "colorectal",
    "pancreas",
    "kidney",
    "oesophagus",
    "mixed",
)
SETTINGS = ("oligometastatic", "oligoprogressive", "oligorecurrent", "mixed")
PFS = "progression-free survival"
Group = Literal[GROUPS]
SettingClass = Literal[SETTINGS]
Sides = Literal["one-sided", "two-sided"]
FindingOrNot = or_absent(Finding, NotReportedType, NotFoundType)
HazardRatioOrNotFound = or_absent(HazardRatio, NotReportedType, NotFoundType)
Year = Annotated[int, Field(ge=1990, le=2100)]


class Limits(Record):
    """Two limits of a hazard ratio that were printed without the level they hold."""

    lower: Stated
    upper: Stated
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self):
        if not 0 < self.lower.value < self.upper.value:
            raise ValueError(
                f"limits in the wrong order: lower {self.lower.text}, upper {self.upper.text}"
            )
        return self


class Scenario(Record):
    """A standard error that a result would have if something not known were so."""

    name: str
    rests_on: Literal["limits", "p"]
    assumption: str
    level: float | None = None
    sides: Sides | None = None
    hr: HazardRatioOrNotFound = NotFound
    joint: bool = False

    @model_validator(mode="after")
    def _complete(self):
        if self.level is not None:
            check_level(self.level)
        if self.rests_on == "p" and self.sides is None:
            raise ValueError("a scenario that rests on p says `sides`: one-sided or two-sided")
        if self.rests_on == "limits" and self.level is None:
            raise ValueError("a scenario that rests on limits says their `level`")
        return self


class ExtendedTrial(Record):
    """A randomised trial, or a part of one, as the extended layer uses it."""

    id: str
    trial: str
    name: str
    registration: TextOrNotFound = NotFound
    group: Group
    histology: str = ""
    setting_class: SettingClass
    setting: str = ""
    phase: TextOrNotFound = NotFound
    allocation: TextOrNotFound = NotFound
    experimental: TextOrNotFound = NotFound
    control: TextOrNotFound = NotFound
    primary_endpoint: TextOrNotFound = NotFound
    status: str = ""
    status_date: TextOrNotFound = NotFound
    year: or_absent(Year, NotFoundType) = NotFound
    cite: str = ""
    planned: StatedOrNotFound = NotFound
    n: StatedOrNotFound = NotFound
    n_by_arm: or_absent(BothArms, NotReportedType, NotFoundType) = NotFound
    followup: or_absent(FollowUp, NotReportedType, NotFoundType) = NotFound
    endpoint: str = PFS
    hr: HazardRatioOrNotFound = NotFound
    limits: or_absent(Limits, NotFoundType) = NotFound
    p: StatedOrNotFound = NotFound
    sides: or_absent(Sides, NotFoundType) = NotFound
    test: TextOrNotFound = NotFound
    medians: FindingOrNot = NotFound
    events: FindingOrNot = NotFound
    findings: Findings = ()
    held_in: str = ""
    contains: Texts = ()
    eligible: bool
    pools: tuple[Literal["histology", "setting"], ...] = ()
    reason: str
    missing: Texts = ()
    scenarios: tuple[Scenario, ...] = ()
    conflicts: Texts = ()
    note: str = ""

    @property
    def status_in_pool(self) -> str:
        """What the extended analysis does with it: "pooled", "scenario" or "listed"."""
        if not self.pools:
            return "listed"
        return "scenario" if self.scenarios else "pooled"

    @model_validator(mode="after")
    def _stated_once(self):
        held = HELD if self.held_in.startswith("trials/") else HELD_IN_CONTEXT
        for name in held if self.held_in else ():
            if getattr(self, name):
                raise ValueError(f"`{name}` is stated in {self.held_in}; leave it out here")
        for name in () if self.held_in else ("histology", "setting", "status"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is missing; say it in a few words")
        check_p(self.p)
        return self

    @model_validator(mode="after")
    def _poolable(self):
        if self.scenarios and not self.pools:
            raise ValueError("a record with scenarios says in `pools` where they are tried")
        if self.pools and not self.eligible:
            raise ValueError("not eligible, yet `pools` is given; leave one of the two out")
        if self.pools and self.endpoint != PFS:
            raise ValueError(f"the endpoint is {self.endpoint}; only {PFS} is pooled")
        if self.status_in_pool == "listed" and self.eligible and not self.missing:
            raise ValueError("eligible and not pooled: say in `missing` what is missing")
        return self


# What a record takes from the trial or the context in which its result is stated.
HELD_IN_CONTEXT = (
    "registration",
    "histology",
    "setting",
    "year",
    "cite",
    "n",
    "n_by_arm",
    "hr",
    "p",
)
HELD = (
    *HELD_IN_CONTEXT,
    "phase",
    "experimental",
    "control",
    "primary_endpoint",
    "status",
    "status_date",
    "followup",
    "test",
)


def extended(path=None) -> ReadOnly:
    """Read the records of the extended layer: id -> `ExtendedTrial`.

    A result that is stated elsewhere in the data (`held_in`) is taken from there.

    Parameters
    ----------
    path : path-like, optional
        The data folder, as in `load`.

    Returns
    -------
    ReadOnly
        In the order of the files and of the records in them.

    Raises
    ------
    EvidenceError
        On the first thing that is wrong, naming file, entry and field.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> records = evidence.extended()
    >>> records["NRG-BR002"].hr.interval.level, records["NRG-BR002"].status_in_pool
    (0.7, 'pooled')
    """
    root = data_folder(path)
    register = read_register(root)
    held = _held(root)
    records, documents = {}, {}
    for file in sorted((root / "extended").glob("[!.]*.yaml")):
        document = Document(file, root)
        for key in document.data:
            if key in records:
                raise document.error((key,), f"`{key}` is already in {documents[key].name}")
            block = keyed_block(document, key)
            record = validate(ExtendedTrial, block, document, register, (key,))
            records[key], documents[key] = _resolved(record, held, document), document
    for key, (entry, problem) in _problems(records):
        raise documents[key].error((key, *entry), problem)
    return ReadOnly(records)


def _held(root) -> dict[str, dict]:
    """Results stated in trials/ and context.yaml, by the name that `held_in` gives them."""
    found = {}
    for trial in load(root).values():
        for cohort in trial.cohorts.values():
            found[f"trials/{trial.id}/{cohort.id}"] = _from_cohort(trial, cohort)
    for other in context(root).values():
        values = {name: getattr(other, name) for name in HELD_IN_CONTEXT}
        found[f"context/{other.id}"] = values
    return found


def _from_cohort(trial: Trial, cohort: Cohort) -> dict:
    result = cohort.result()
    report = trial.reports[result.report]
    counts = {role: arm.n for role, arm in result.arms.items() if arm.n}
    design = ("phase", "experimental", "control", "primary_endpoint")
    return {
        **{name: getattr(trial.design, name) for name in design},
        "registration": trial.registration,
        "setting": trial.setting,
        "histology": cohort.histology,
        "year": report.year,
        "cite": report.cite,
        "n_by_arm": ReadOnly(counts) if len(counts) == 2 else NotFound,
        "status": "published",
        "status_date": str(report.year),
        **{name: getattr(result, name) for name in ("followup", "hr", "p", "test")},
    }


def _resolved(record: ExtendedTrial, held: dict, document: Document) -> ExtendedTrial:
    if not record.held_in:
        return record
    if record.held_in not in held:
        problem = f"no result `{record.held_in}`; {nearest(record.held_in, held)}"
        raise document.error((record.id, "held_in"), problem)
    return record.model_copy(update=held[record.held_in])


def _problems(records: dict) -> Iterator[tuple[str, tuple]]:
    """Find what is wrong between records or with what they took from elsewhere."""
    for record in records.values():
        for other in record.contains:
            if other not in records or other == record.id:
                others = [key for key in records if key != record.id]
                problem = f"`{other}` is not another record; {nearest(other, others)}"
                yield record.id, (("contains",), problem)
            elif record.id in _parts(other, records, set()):
                problem = f"`{other}` contains {record.id}; a part cannot hold its whole"
                yield record.id, (("contains",), problem)
        yield from _usable(record)


def _parts(name: str, records: dict, seen: set) -> set:
    """All records among the parts of a record, and of these; `seen` are known already."""
    for part in records[name].contains:
        if part in records and part not in seen:
            seen.add(part)
            _parts(part, records, seen)
    return seen


def _usable(record: ExtendedTrial) -> Iterator[tuple[str, tuple]]:
    """A pooled record has both limits; a scenario has what it rests on."""
    if record.status_in_pool == "pooled":
        interval = record.hr and record.hr.interval
        if not (interval and interval.upper):
            yield record.id, (("pools",), "pooled, but no hazard ratio with both limits")
        elif not record.hr.checked and not record.held_in.startswith("trials/"):
            yield record.id, (("pools",), "a value that was not read is a scenario")
    for number, scenario in enumerate(record.scenarios, start=1):
        hr = scenario.hr or record.hr
        if scenario.rests_on == "limits":
            given = hr and (record.limits or hr.interval)
        else:
            given = hr and record.p and record.p.relation == "="
        if not given:
            problem = f"rests on {scenario.rests_on}, which the record does not state"
            yield record.id, (("scenarios", str(number)), problem)
