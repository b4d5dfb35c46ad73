"""The records of a trial: design, reports, cohorts, results (fields: data/README.md)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .values import (
    HazardRatioOrNot,
    Interval,
    IntervalOrNot,
    NotReachedType,
    NotReported,
    NotReportedType,
    ReadOnly,
    Record,
    Stated,
    StatedOrNot,
    TextOrNot,
    check_holds,
    check_p,
    frozen_mapping,
    nearest,
    or_absent,
)

ROLES = ("control", "experimental")
TRANSFORMS = ("log", "log-log", "unknown")
Texts = tuple[str, ...]
Role = Literal["control", "experimental"]


def _as_number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ValueError(f"{text!r} is not a number") from None


Number = Annotated[float, BeforeValidator(_as_number), Field(ge=0, allow_inf_nan=False)]
NumberOrNot = or_absent(Number, NotReportedType)
Date = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])(-\d{2})?$")]
DateOrNot = or_absent(Date, NotReportedType)
MedianOrNot = or_absent(Stated, NotReportedType, NotReachedType)


def _both_arms(arms):
    for role in arms:
        if role not in ROLES:
            raise ValueError(f"unknown arm `{role}`; {nearest(role, ROLES)}")
    for role in ROLES:
        if role not in arms:
            raise ValueError(f"arm `{role}` is missing; both arms are needed")
    return arms


BothArms = Annotated[frozen_mapping(Stated), AfterValidator(_both_arms)]
ArmStatedOrNot = or_absent(BothArms, NotReportedType)


class Finding(Record):
    """A stated quantity beside PFS: one row of baseline, patterns of progression, survival."""

    what: str
    unit: str
    control: MedianOrNot = NotReported
    control_ci: IntervalOrNot = NotReported
    experimental: MedianOrNot = NotReported
    experimental_ci: IntervalOrNot = NotReported
    overall: MedianOrNot = NotReported
    overall_ci: IntervalOrNot = NotReported
    hr: HazardRatioOrNot = NotReported
    p: StatedOrNot = NotReported
    note: str = ""

    @model_validator(mode="after")
    def _intervals_hold(self):
        for who in ("control", "experimental", "overall"):
            check_holds(who, getattr(self, who), getattr(self, f"{who}_ci"))
        check_p(self.p)
        return self


Findings = tuple[Finding, ...]


class FollowUp(Record):
    """Follow-up in months, of the whole group or of each arm."""

    median: StatedOrNot = NotReported
    lower_quartile: StatedOrNot = NotReported
    upper_quartile: StatedOrNot = NotReported
    min: StatedOrNot = NotReported
    max: StatedOrNot = NotReported
    median_by_arm: ArmStatedOrNot = NotReported
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self):
        names = ("min", "lower_quartile", "median", "upper_quartile", "max")
        given = [(name, getattr(self, name)) for name in names if getattr(self, name)]
        for (low, a), (high, b) in zip(given, given[1:], strict=False):
            if a.value > b.value:
                raise ValueError(f"{low} {a.text} is above {high} {b.text}")
        return self


FollowUpOrNot = or_absent(FollowUp, NotReportedType)


class Landmark(Record):
    """Progression-free survival at one time: a proportion, with its interval if stated."""

    time: Stated
    surv: Stated
    interval: IntervalOrNot = NotReported
    note: str = ""

    @model_validator(mode="after")
    def _proportion(self):
        stated = [("surv", self.surv)]
        if self.interval:
            stated += [("lower", self.interval.lower), ("upper", self.interval.upper)]
        for name, number in stated:
            if number and number.value > 1:
                raise ValueError(
                    f"{name} {number.text} is above 1; survival is a proportion, not percent"
                )
        check_holds("surv", self.surv, self.interval)
        return self


class ArmResult(Record):
    """One arm of one result: patients, events, median PFS and PFS at landmark times."""

    role: Role
    name: str
    n: StatedOrNot
    events: StatedOrNot
    progressions: StatedOrNot
    progressed_percent: StatedOrNot = NotReported
    withdrawals: StatedOrNot
    median: MedianOrNot
    median_ci: IntervalOrNot
    landmarks: tuple[Landmark, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _counts_fit(self):
        for name in ("n", "events", "progressions", "withdrawals"):
            count = getattr(self, name)
            if count and count.decimals:
                raise ValueError(f"{name} {count.text} is not a whole number of patients")
        if self.n and self.n.value < 1:
            raise ValueError(f"n {self.n.text}: an arm has at least one patient")
        for name in ("events", "progressions", "withdrawals"):
            self._at_most_n(name)
        self._at_most_n("events", "withdrawals")
        if self.events and self.progressions and self.progressions.value > self.events.value:
            raise ValueError(
                f"progressions {self.progressions.text} exceed events {self.events.text}; "
                "every progression is a PFS event"
            )
        if self.progressed_percent and self.progressed_percent.value > 100:
            raise ValueError(f"progressed_percent {self.progressed_percent.text} is above 100")
        return self

    def _at_most_n(self, *names):
        counts = [getattr(self, name) for name in names]
        if not self.n or not all(counts):
            return
        total = sum(count.value for count in counts)
        if total > self.n.value:
            what = " + ".join(f"{k} {v.text}" for k, v in zip(names, counts, strict=True))
            raise ValueError(f"{what} exceed n {self.n.text}")

    @model_validator(mode="after")
    def _median_fits(self):
        if self.median and self.median.value <= 0:
            raise ValueError(f"median {self.median.text}: a median time is above 0")
        check_holds("median", self.median, self.median_ci)
        return self

    @model_validator(mode="after")
    def _survival_falls(self):
        for first, second in zip(self.landmarks, self.landmarks[1:], strict=False):
            if second.time.value <= first.time.value:
                raise ValueError(
                    f"landmarks: time {second.time.text} after {first.time.text}; "
                    "list them by rising time, each once"
                )
            if second.surv.value > first.surv.value:
                raise ValueError(
                    f"landmarks: survival rises from {first.surv.text} at "
                    f"{first.time.text} to {second.surv.text} at {second.time.text} months"
                )
        return self


class Result(Record):
    """PFS of one cohort in one report: both arms, hazard ratio, test, follow-up, schedule."""

    id: str
    trial: str
    cohort: str
    report: str
    arms: Annotated[frozen_mapping(ArmResult), AfterValidator(_both_arms)]
    hr: HazardRatioOrNot
    hr_adjusted: HazardRatioOrNot = NotReported
    p: StatedOrNot
    p_note: str = ""
    test: TextOrNot
    km_ci_transform: Literal["log", "log-log", "unknown"]
    km_ci_transform_reason: str
    horizon: NumberOrNot = NotReported
    visits_weeks: or_absent(tuple[Number, ...], NotReportedType) = NotReported
    visit_window_weeks: NumberOrNot = NotReported
    schedule_note: str = ""
    followup: FollowUpOrNot = NotReported
    censoring_notes: Texts = ()
    baseline: Findings = ()
    patterns: Findings = ()
    other_results: Findings = ()
    not_reported: Texts = ()
    conflicts: Texts = ()
    notes: Texts = ()

    @model_validator(mode="after")
    def _plausible(self):
        check_p(self.p)
        if self.visits_weeks and list(self.visits_weeks) != sorted(set(self.visits_weeks)):
            raise ValueError("visits_weeks: list the planned visits by rising week, each once")
        if self.horizon:
            for role, arm in self.arms.items():
                if arm.median and arm.median.value > self.horizon:
                    raise ValueError(
                        f"arms/{role}/median {arm.median.text} lies beyond the horizon "
                        f"{self.horizon:g}"
                    )
        return self


class Cohort(Record):
    """A group of patients analysed together, with its result in each report."""

    id: str
    trial: str
    label: str
    histology: str
    group: Literal["NSCLC", "breast", "mixed"] | None
    parts: Texts = ()
    primary: str
    primary_reason: str
    note: str = ""
    results: frozen_mapping(Result)

    def result(self, report: str | None = None) -> Result:
        """Return the result of a report, by default the primary one."""
        return self.results[self.primary if report is None else report]


class Report(Record):
    """One publication or data cut of a trial."""

    id: str
    label: str
    year: Annotated[int, Field(ge=1990, le=2100)]
    cite: str = ""
    followup: FollowUpOrNot
    findings: Findings = ()
    note: str = ""


class Design(Record):
    """How a trial was planned and run."""

    phase: TextOrNot
    randomisation: TextOrNot
    sites: TextOrNot
    accrual_start: DateOrNot
    accrual_end: DateOrNot
    screened: StatedOrNot = NotReported
    randomised: StatedOrNot
    eligibility: TextOrNot
    experimental: TextOrNot
    control: TextOrNot
    stratification: Texts
    primary_endpoint: TextOrNot
    pfs_definition: TextOrNot
    analysis_set: TextOrNot
    sample_size: Findings = ()
    stopping: TextOrNot
    software: TextOrNot
    note: str = ""

    @model_validator(mode="after")
    def _dates_in_order(self):
        if self.accrual_start and self.accrual_end and self.accrual_end < self.accrual_start:
            raise ValueError("accrual_end lies before accrual_start")
        return self


class Trial(Record):
    """A randomised trial with all its reports and cohorts."""

    id: str
    name: str
    registration: str
    setting: str
    design: Design
    reports: frozen_mapping(Report)
    cohorts: frozen_mapping(Cohort)
    conflicts: Texts = ()
    note: str = ""

    def cohort(self, cohort: str) -> Cohort:
        """Return a cohort by its id."""
        return self.cohorts[cohort]

    def results(self) -> tuple[Result, ...]:
        """Return every result of the trial, cohort by cohort."""
        return tuple(
            result for cohort in self.cohorts.values() for result in cohort.results.values()
        )


class ContextTrial(Record):
    """A trial outside the review that its reader must know of."""

    id: str
    name: str
    registration: str
    setting: str
    histology: str
    year: Annotated[int, Field(ge=1990, le=2100)]
    cite: str = ""
    n: StatedOrNot
    n_by_arm: ArmStatedOrNot
    hr: HazardRatioOrNot
    p: StatedOrNot
    findings: Findings = ()
    why: str
    not_reported: Texts = ()
    note: str = ""


__all__ = [
    "ArmResult",
    "Cohort",
    "ContextTrial",
    "Design",
    "Finding",
    "FollowUp",
    "Interval",
    "Landmark",
    "ReadOnly",
    "Report",
    "Result",
    "Trial",
]
