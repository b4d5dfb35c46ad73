"""Stated statistics of a comparison as a table of constraints for the sampler."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from .comparison import ARMS, Comparison, StatedArm
from .printed import Printed

# Kinds of constraint; the kernel branches on them.
EVENTS, MEDIAN, MEDIAN_LOWER, MEDIAN_UPPER, SURV, SURV_LOWER, SURV_UPPER = range(7)
HR, HR_LOWER, HR_UPPER, P_LOGRANK, P_WALD, P_EITHER = range(7, 13)
P_KIND = {"logrank": P_LOGRANK, "wald": P_WALD, "unknown": P_EITHER}


@dataclass(frozen=True)
class Constraint:
    """One stated statistic.

    ``subject`` is the number of an arm set (first seven kinds) or of a unit; ``low`` and
    ``high`` bound the statistic on the scale on which it is compared (log for ratios, the
    normal score for p values); ``z`` is the normal quantile of its level. A constraint that
    has a ``reason`` not to be forced is computed and reported, but does not steer.
    """

    name: str
    kind: int
    subject: int
    low: float
    high: float
    z: float = 0.0
    time: float = 0.0
    text: str = ""
    reason: str = ""

    @property
    def forced(self) -> bool:
        """Whether data sets must meet it: no reason is given why not."""
        return not self.reason


@dataclass(frozen=True)
class Plan:
    """The patients of a comparison, who belongs where, and what has to hold.

    A *group* is one arm of one part; an *arm set* is one arm of one unit; a *unit* is a
    comparison with statements of its own (the whole, or a part of it).
    """

    groups: tuple[str, ...]
    group_of: np.ndarray  # patient -> group
    sets_of: np.ndarray  # group -> the arm sets it belongs to, padded with -1
    set_size: np.ndarray
    units: tuple[Comparison, ...]
    constraints: tuple[Constraint, ...]

    def table(self) -> tuple[np.ndarray, ...]:
        """Constraints as arrays: kind, subject and whether forced; low, high, z and time."""
        whole = np.array([(c.kind, c.subject, c.forced) for c in self.constraints], np.int64)
        whole = whole.reshape(-1, 3)
        real = np.array([(c.low, c.high, c.z, c.time) for c in self.constraints], float)
        return whole, real.reshape(-1, 4)


def plan(comparison: Comparison) -> Plan:
    """Lay out the patients and the constraints of a comparison and its parts."""
    parts = comparison.parts or (comparison,)
    groups, group_of = [], []
    for part in parts:
        for arm in ARMS:
            group_of += [len(groups)] * part.arms[arm].n
            groups.append(arm if not comparison.parts else f"{part.name} {arm}")
    units = ((comparison,) if comparison.parts else ()) + tuple(parts)
    offset = 2 if comparison.parts else 0
    sets_of = np.full((len(groups), 2), -1)
    for group in range(len(groups)):
        sets_of[group, 0] = offset + group
        if offset:
            sets_of[group, 1] = group % 2
    size = np.array([unit.arms[arm].n for unit in units for arm in ARMS])
    found = []
    for number, unit in enumerate(units):
        prefix = "" if not comparison.parts else ("whole " if number == 0 else f"{unit.name} ")
        found += _unit_constraints(unit, number, prefix)
    found.sort(key=lambda c: (not c.forced, c.kind >= HR))  # the costly ones last
    return Plan(tuple(groups), np.array(group_of), sets_of, size, units, tuple(found))


def _unit_constraints(unit: Comparison, number: int, prefix: str) -> list[Constraint]:
    found = []
    for index, arm in enumerate(ARMS):
        found += _arm_constraints(unit.arms[arm], 2 * number + index, f"{prefix}{arm}")
    z = _quantile(unit.hr_level)
    if unit.hr is not None:
        found.append(_log_ratio(f"{prefix}hr", HR, number, unit.hr, 0.0))
    if unit.hr_ci is not None:
        found.append(_log_ratio(f"{prefix}hr lower", HR_LOWER, number, unit.hr_ci[0], z))
        found.append(_log_ratio(f"{prefix}hr upper", HR_UPPER, number, unit.hr_ci[1], z))
    if unit.p is not None:
        smallest = norm.isf(min(unit.p.high, 1) / 2)
        largest = norm.isf(unit.p.low / 2) if unit.p.low > 0 else np.inf
        kind = P_KIND[unit.test]
        found.append(
            Constraint(f"{prefix}p", kind, number, smallest, largest, text=unit.p.text)
        )
    names = {constraint.name.removeprefix(prefix) for constraint in found}
    for name in unit.not_forced:
        if name not in names:
            raise ValueError(
                f"{unit.name}: not_forced names {name!r}, which is not stated; "
                f"stated are {', '.join(sorted(names))}"
            )
    return [
        replace(c, reason=unit.not_forced.get(c.name.removeprefix(prefix), "")) for c in found
    ]


def _quantile(level: float) -> float:
    return float(norm.ppf(0.5 + level / 2))


def _log_ratio(name, kind, unit, stated: Printed, z) -> Constraint:
    low = np.log(stated.low) if stated.low > 0 else -np.inf
    return Constraint(name, kind, unit, low, np.log(stated.high), z, text=stated.text)


def _arm_constraints(arm: StatedArm, subject: int, name: str) -> list[Constraint]:
    found = []
    if arm.events is not None:
        text = str(arm.events)
        found.append(
            Constraint(f"{name} events", EVENTS, subject, arm.events, arm.events, text=text)
        )
    elif arm.events_at_least is not None:
        low, high = arm.events_at_least, arm.n - arm.withdrawals
        text = f"at least {low}"
        found.append(Constraint(f"{name} events", EVENTS, subject, low, high, text=text))
    if arm.median is not None:
        found.append(_time(f"{name} median", MEDIAN, subject, arm.median, 0.0))
    if arm.median_ci is not None:
        z = _quantile(arm.level)
        lower, upper = arm.median_ci
        found.append(_time(f"{name} median lower", MEDIAN_LOWER, subject, lower, z))
        found.append(_time(f"{name} median upper", MEDIAN_UPPER, subject, upper, z))
    for mark in arm.landmarks:
        z = _quantile(mark.level)
        stated = [(SURV, "", mark.surv)]
        if mark.ci is not None:
            stated += [(SURV_LOWER, " lower", mark.ci[0]), (SURV_UPPER, " upper", mark.ci[1])]
        for kind, suffix, value in stated:
            label = f"{name} S({mark.time:g}){suffix}"
            found.append(
                Constraint(
                    label, kind, subject, value.low, value.high, z, mark.time, value.text
                )
            )
    return found


def _time(name, kind, subject, stated: Printed, z) -> Constraint:
    return Constraint(name, kind, subject, stated.low, stated.high, z, text=stated.text)
