"""What a paper states about two randomised arms, ready to be reconstructed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .printed import Printed, printed

ARMS = ("control", "experimental")
TRANSFORMS = ("log", "log-log", "unknown")
TESTS = ("logrank", "wald", "unknown")


def _whole(value, where: str, least: int) -> None:
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ValueError(f"{where} is {value}; give a whole number of at least {least}")


def _positive(value: Printed | None, where: str) -> None:
    if value is not None and value.low < 0 and not value.text.startswith("<"):
        raise ValueError(f"{where} is {value.text}; a number above 0 is needed")


def _level(level: float, where: str) -> None:
    if not 0 < level < 1:
        raise ValueError(f"{where}: level is {level}; give a proportion such as 0.95")


def _limits(pair, where: str) -> tuple[Printed, Printed] | None:
    if pair is None:
        return None
    lower, upper = (printed(limit, where) for limit in pair)
    if lower.value > upper.value:
        raise ValueError(
            f"{where}: limits ({lower.text}, {upper.text}) are in the wrong order; "
            "give the lower one first"
        )
    return lower, upper


@dataclass(frozen=True)
class Landmark:
    """Survival stated at one time.

    Parameters
    ----------
    time : float
        Months.
    surv : str
        Survival as printed, a proportion.
    ci : (str, str), optional
        Its confidence limits as printed.
    level : float
        Level of `ci`.
    """

    time: float
    surv: Printed
    ci: tuple[Printed, Printed] | None = None
    level: float = 0.95

    def __post_init__(self):
        where = f"landmark at {self.time}"
        object.__setattr__(self, "surv", printed(self.surv, where))
        object.__setattr__(self, "ci", _limits(self.ci, where))
        _level(self.level, where)
        if not 0 < self.time < math.inf:
            raise ValueError(f"{where}: time must be a positive number of months")
        if not 0 <= self.surv.value <= 1:
            raise ValueError(
                f"{where}: survival is {self.surv.text}; give a proportion, 0 to 1"
            )
        if self.ci is not None:
            lower, upper = self.ci
            if not 0 <= lower.value <= self.surv.value <= upper.value <= 1:
                raise ValueError(
                    f"{where}: limits ({lower.text}, {upper.text}) do not contain the survival "
                    f"{self.surv.text}, or are no proportions"
                )


@dataclass(frozen=True)
class StatedArm:
    """What is stated about one arm.

    Parameters
    ----------
    n : int
        Patients randomised.
    events : int, optional
        Events, where a count is stated; drawn where it is not.
    events_at_least : int, optional
        Stated progressions where deaths count as events too: the events are at least that.
    withdrawals : int
        Patients stated to have left early without an event.
    median : str, optional
        Median survival in months as printed, or ``"not reached"``.
    median_ci : (str, str), optional
        Its confidence limits as printed.
    level : float
        Level of `median_ci`.
    landmarks : sequence of Landmark
    """

    n: int
    events: int | None = None
    events_at_least: int | None = None
    withdrawals: int = 0
    median: Printed | None = None
    median_ci: tuple[Printed, Printed] | None = None
    level: float = 0.95
    landmarks: tuple[Landmark, ...] = ()

    def __post_init__(self):
        _whole(self.n, "n", 1)
        _whole(self.withdrawals, "withdrawals", 0)
        if self.withdrawals >= self.n:
            raise ValueError(
                f"withdrawals is {self.withdrawals}, but n is {self.n}; somebody must stay"
            )
        for name in ("events", "events_at_least"):
            count = getattr(self, name)
            if count is not None and not 0 <= count <= self.n - self.withdrawals:
                raise ValueError(
                    f"{name} is {count}, but n is {self.n} with {self.withdrawals} withdrawn; "
                    "events cannot exceed the patients who stayed"
                )
        _level(self.level, "median_ci")
        if self.median is not None:
            object.__setattr__(self, "median", printed(self.median, "median"))
        object.__setattr__(self, "median_ci", _limits(self.median_ci, "median_ci"))
        for value in (self.median, *(self.median_ci or ())):
            _positive(value, "median or its limit")
        object.__setattr__(self, "landmarks", tuple(self.landmarks))
        if self.median is not None and self.median_ci is not None:
            lower, upper = self.median_ci
            if not lower.value <= self.median.value <= upper.value:
                raise ValueError(
                    f"median_ci ({lower.text}, {upper.text}) does not contain "
                    f"the median {self.median.text}"
                )


@dataclass(frozen=True)
class FollowUp:
    """Potential follow-up: how long a patient would be watched if no event came.

    Stated quantiles are reproduced to the digit; `minimum` and `maximum` bound the rest,
    which is spread evenly in between. Follow-up counts every patient, with or without event.

    Parameters
    ----------
    minimum, maximum : float
        Months; stated or assumed by the caller.
    median, lower_quartile, upper_quartile : str, optional
        As printed.
    """

    minimum: float
    maximum: float
    median: Printed | None = None
    lower_quartile: Printed | None = None
    upper_quartile: Printed | None = None

    def __post_init__(self):
        points = [self.minimum]
        for name in ("lower_quartile", "median", "upper_quartile"):
            if getattr(self, name) is not None:
                value = printed(getattr(self, name), name)
                if not value.reached or value.text[0] in "<>":
                    raise ValueError(f"follow-up {name} is {value.text}; give a number")
                object.__setattr__(self, name, value)
                points += [value.low, value.high]
        points.append(self.maximum)
        if not all(math.isfinite(p) and p >= 0 for p in points) or points != sorted(points):
            raise ValueError(
                f"follow-up {points} must be finite, not negative and rise from minimum "
                "through the quartiles to maximum"
            )


@dataclass(frozen=True)
class Comparison:
    """Everything stated about one randomised comparison of two arms.

    Parameters
    ----------
    arms : mapping
        ``"control"`` and ``"experimental"``, each a `StatedArm`.
    name : str
        Used in messages.
    hr : str, optional
        Hazard ratio, experimental versus control, as printed.
    hr_ci : (str, str), optional
        Its Wald confidence limits as printed.
    hr_level : float
        Level of `hr_ci`.
    p : str, optional
        Two-sided p value as printed; ``"<0.001"`` is understood.
    test : {"logrank", "wald", "unknown"}
        Test behind `p`: the unstratified log-rank test, the Wald test of the hazard ratio, or
        not known, where a data set has to give `p` by at least one of the two.
    transform : {"log", "log-log", "unknown"}
        Transform behind the confidence limits of medians and landmarks (Brookmeyer and
        Crowley 1982, doi:10.2307/2530286). ``"unknown"`` draws one of the two per data set.
    horizon : float, optional
        Months at which everybody still without event is censored.
    followup : FollowUp or mapping of arm to FollowUp, optional
        Needed where there is no `horizon`.
    visits : sequence of (float, float)
        Windows (months) in which planned scans fall; events gather there.
    not_forced : mapping of str to str, optional
        Statements that are compared with the draws but not forced upon them, each with the
        reason: ``"p"``, ``"hr lower"``, ``"control median"``, and so on, as the statistics are
        named in the result.
    parts : sequence of Comparison
        Comparisons that split the patients (for example by histology). They are
        reconstructed together, so that what is stated of the whole also informs its parts.
    """

    arms: Mapping[str, StatedArm]
    name: str = "comparison"
    hr: Printed | None = None
    hr_ci: tuple[Printed, Printed] | None = None
    hr_level: float = 0.95
    p: Printed | None = None
    test: str = "unknown"
    transform: str = "unknown"
    horizon: float | None = None
    followup: FollowUp | Mapping[str, FollowUp] | None = None
    visits: tuple[tuple[float, float], ...] = ()
    not_forced: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Comparison, ...] = ()

    def __post_init__(self):
        where = self.name
        if set(self.arms) != set(ARMS):
            raise ValueError(
                f"{where}: arms are {sorted(self.arms)}; give control and experimental"
            )
        if self.transform not in TRANSFORMS:
            raise ValueError(
                f"{where}: transform {self.transform!r} is not one of {TRANSFORMS}"
            )
        if self.horizon is not None and not 0 < self.horizon < math.inf:
            raise ValueError(f"{where}: horizon is {self.horizon}; give a positive time")
        if self.horizon is not None and self.followup is not None:
            raise ValueError(f"{where}: horizon and followup are both given; give one of them")
        if isinstance(self.followup, Mapping) and set(self.followup) != set(ARMS):
            raise ValueError(f"{where}: followup by arm needs control and experimental")
        if any(not 0 <= low < high for low, high in self.visits):
            raise ValueError(f"{where}: a window of visits must start before it ends")
        if self.test not in TESTS:
            raise ValueError(f"{where}: test {self.test!r} is not one of {TESTS}")
        _level(self.hr_level, f"{where}: hr_ci")
        if self.hr is not None:
            object.__setattr__(self, "hr", printed(self.hr, f"{where}: hr"))
        object.__setattr__(self, "hr_ci", _limits(self.hr_ci, f"{where}: hr_ci"))
        if self.p is not None:
            object.__setattr__(self, "p", printed(self.p, f"{where}: p"))
        object.__setattr__(self, "visits", tuple(tuple(v) for v in self.visits))
        object.__setattr__(self, "parts", tuple(self.parts))
        self._check_hr()
        self._check_parts()

    def _check_hr(self):
        for value in (self.hr, *(self.hr_ci or ())):
            if value is not None and not 0 < value.value < math.inf:
                raise ValueError(
                    f"{self.name}: hr or its limit is {value.text}; hazard ratios are above 0 "
                    "and finite"
                )
        if self.hr is not None and self.hr_ci is not None:
            lower, upper = self.hr_ci
            if not lower.value <= self.hr.value <= upper.value:
                raise ValueError(
                    f"{self.name}: hr_ci ({lower.text}, {upper.text}) does not contain "
                    f"the hazard ratio {self.hr.text}"
                )
        if self.p is not None and not 0 < self.p.value <= 1:
            raise ValueError(f"{self.name}: p is {self.p.text}; give a probability")

    def _check_parts(self):
        if not self.parts:
            return
        for arm in ARMS:
            total = sum(part.arms[arm].n for part in self.parts)
            if total != self.arms[arm].n:
                raise ValueError(
                    f"{self.name}: the parts have {total} {arm} patients, the whole has "
                    f"{self.arms[arm].n}; the parts must split the whole"
                )
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names) or "whole" in names:
            raise ValueError(
                f"{self.name}: parts are named {names}; give each a name of its own"
            )
        if any(part.parts for part in self.parts):
            raise ValueError(f"{self.name}: parts of parts are not supported")
