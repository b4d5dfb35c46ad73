"""From what a report states to a comparison that can be reconstructed, with its assumptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from oligomdt.evidence import NotReached, NotReported, Result, Trial
from oligomdt.reconstructkm import NOT_REACHED, Comparison, FollowUp, Landmark, StatedArm

WEEK = 7 / 30.4375  # in months

# The test behind a p value where the report names it and needs no strata to repeat it.
TEST = {"Gomez-2016": "logrank", "CURB-breast": "logrank"}

# Statements that the draws are compared with but not made to meet, each with its reason.
NOT_FORCED = {
    "CURB-whole": {
        "p": "the test was stratified by four factors whose values per patient are not known"
    },
    "CURB-NSCLC": {
        "p": "whether the log-rank test was stratified is not stated; an unstratified one was "
        "not found together with the hazard ratio's interval"
    },
    "SABR-COMET-2019": {
        "hr lower": "not read in its source; not found together with p",
        "hr upper": "not read in its source; not found together with p",
    },
}


def comparison(result: Result, trial: Trial) -> tuple[Comparison, tuple[str, ...]]:
    """What a result states, as a comparison for `oligomdt.reconstructkm`.

    Parameters
    ----------
    result : oligomdt.evidence.Result
    trial : oligomdt.evidence.Trial
        The trial of the result; a whole cohort is reconstructed together with its parts.

    Returns
    -------
    comparison : oligomdt.reconstructkm.Comparison
    assumptions : tuple of str
        Everything that had to be assumed, in sentences.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trial = evidence.load()["Gomez"]
    >>> stated, assumed = comparison(trial.cohort("NSCLC").result("2016"), trial)
    >>> stated.hr.text, stated.hr_level
    ('0.35', 0.9)
    """
    cohort = trial.cohort(result.cohort)
    parts, said = [], []
    for name in cohort.parts:
        part, _ = comparison(trial.cohort(name).result(result.report), trial)
        parts.append(part)
    horizon = result.horizon or None
    followup = None if horizon else _followup(result, trial, said)
    parts = [_like_the_whole(part, horizon, followup) for part in parts]
    arms = {role: _arm(result, role, trial, said) for role in ("control", "experimental")}
    limits = _ci(result.hr.interval) if result.hr else None
    test = TEST.get(result.id, "unknown")
    stated = Comparison(
        arms,
        name=result.cohort if _is_part(result, trial) else result.id,
        hr=result.hr.estimate.text if result.hr else _direction(result, trial, said),
        hr_ci=limits,
        hr_level=result.hr.interval.level if limits else 0.95,
        p=_printed_p(result),
        test=test,
        transform=result.km_ci_transform,
        horizon=horizon,
        followup=followup,
        visits=_visits(result),
        not_forced=NOT_FORCED.get(result.id, {}),
        parts=tuple(parts),
    )
    return stated, tuple(_sentences(result, stated, said))


def _like_the_whole(part: Comparison, horizon, followup) -> Comparison:
    """A cohort without a follow-up of its own was followed like the whole trial."""
    if part.horizon is None and part.followup is None:
        return replace(part, horizon=horizon, followup=followup)
    return part


def _is_part(result: Result, trial: Trial) -> bool:
    return any(result.cohort in cohort.parts for cohort in trial.cohorts.values())


def _printed_p(result: Result) -> str | None:
    return result.p.text if result.p else None


def _direction(result: Result, trial: Trial, said: list) -> str | None:
    """Side of 1 on which the hazard ratio lies where only a p value is stated.

    A p value has no direction: without it, data in which MDT does harm would fit as well.
    """
    primary = trial.cohort(result.cohort).result()
    if not result.p or not primary.hr:
        return None
    side = "<1" if primary.hr.estimate.value < 1 else ">1"
    said.append(
        f"No hazard ratio is stated; the p value is taken to point the same way as in the "
        f"{primary.report} report of the trial (hazard ratio {side})."
    )
    return side


def _ci(interval) -> tuple[str, str] | None:
    if not interval:
        return None
    upper = NOT_REACHED if interval.upper is NotReached else interval.upper.text
    return interval.lower.text, upper


def _arm(result: Result, role: str, trial: Trial, said: list) -> StatedArm:
    arm = result.arms[role]
    median = None
    if arm.median is NotReached:
        median = NOT_REACHED
    elif arm.median:
        median = arm.median.text
    marks = [
        Landmark(
            float(mark.time),
            mark.surv.text,
            _ci(mark.interval),
            mark.interval.level if mark.interval else 0.95,
        )
        for mark in arm.landmarks
    ]
    progressions = _progressions(arm)
    exact = int(arm.events.value) if arm.events and progressions is None else None
    return StatedArm(
        int(arm.n.value),
        events=exact,
        events_at_least=progressions,
        withdrawals=_withdrawals(result, role, trial, said),
        median=median,
        median_ci=_ci(arm.median_ci),
        level=arm.median_ci.level if arm.median_ci else 0.95,
        landmarks=marks,
    )


def _progressions(arm) -> int | None:
    """Progressions are PFS events, but deaths without progression are events too."""
    if arm.progressions:
        return int(arm.progressions.value)
    if arm.progressed_percent:
        # The smallest count whose percentage could be meant: 28 % of 14 is printed for 4.
        return int(arm.progressed_percent.value / 100 * arm.n.value + 0.5)
    return None


def _withdrawals(result: Result, role: str, trial: Trial, said: list) -> int:
    own = result.arms[role].withdrawals
    if own:
        return int(own.value)
    if own is not NotReported:
        return 0
    for other in trial.cohort(result.cohort).results.values():
        count = other.arms[role].withdrawals
        if count:
            said.append(
                f"{int(count.value)} patients of the {role} arm withdrew early, as the "
                f"{other.report} report says; this report does not repeat it."
            )
            return int(count.value)
    return 0


def _visits(result: Result) -> tuple[tuple[float, float], ...]:
    if not result.visits_weeks:
        return ()
    window = float(result.visit_window_weeks or 0)
    return tuple(((w - window) * WEEK, (w + window) * WEEK) for w in result.visits_weeks)


def _months(start: str, end: str) -> float:
    first, last = (date.fromisoformat(f"{day}-15"[:10]) for day in (start, end))
    return (last - first).days / 30.4375


def _followup(result: Result, trial: Trial, said: list) -> FollowUp | None:
    """Potential follow-up of a result without a common horizon; None where nothing is known.

    Follow-up is said to be uniform between a minimum and a maximum that accrual and the
    stated median allow. Only where a range is printed is the stated median a statement about
    potential follow-up; otherwise its definition is unknown, and follow-up that ends with
    death is shorter, so it is not forced.
    """
    stated = result.followup if result.followup else None
    medians = _medians(stated)
    if stated and stated.min and stated.max:
        said.append(
            f"Potential follow-up is spread over the stated range, {stated.min.text} to "
            f"{stated.max.text} months, with the stated median {stated.median.text}."
        )
        return FollowUp(stated.min.value, stated.max.value, median=stated.median.text)
    shortest = stated.min.value if stated and stated.min else 0.0
    design = trial.design
    span = None
    if design.accrual_start and design.accrual_end:
        span = _months(str(design.accrual_start), str(design.accrual_end))
    if medians and span is not None:
        middle = sum(medians) / len(medians)
        high = max(span, middle + span / 2)
        low = max(high - span, shortest)
        why = f"accrual lasted {span:.1f} months"
        if middle + span / 2 >= span:
            why += f", centred on the stated median of {middle:g}"
        else:
            why += f", more than twice the stated median of {middle:g}, which deaths shorten"
        if shortest:
            why += f"; the stated minimum is {shortest:g}"
    elif medians:
        low, high = shortest, 2 * sum(medians) / len(medians)
        why = "neither accrual nor a range is stated; twice the stated median is the maximum"
    elif not any(arm.landmarks for arm in result.arms.values()):
        return None
    else:
        final = max(float(m.time) for arm in result.arms.values() for m in arm.landmarks)
        low, high = max(final - (span or final), 0.0), 1.25 * final
        why = "follow-up is not stated; it must reach the last landmark"
    said.append(
        f"Potential follow-up is uniform from {low:.1f} to {high:.1f} months: {why}."
        + (
            " The stated median follow-up is not forced, because its definition is not given."
            if medians
            else ""
        )
    )
    return FollowUp(low, high)


def _medians(stated) -> list[float]:
    if not stated:
        return []
    if stated.median:
        return [stated.median.value]
    return [value.value for value in (stated.median_by_arm or {}).values()]


def _sentences(result: Result, stated: Comparison, said: list) -> list[str]:
    """Assumptions of a comparison in plain English."""
    found = []
    if any(arm.median_ci or arm.landmarks for arm in stated.arms.values()):
        if stated.transform == "unknown":
            found.append(
                "The transform behind the confidence limits of the curves is not known: each "
                "chain takes the log or the log-log transform at random."
            )
        else:
            reason = str(result.km_ci_transform_reason or "").rstrip(".")
            found.append(
                f"Confidence limits of the curves use the {stated.transform} transform"
                + (f" ({reason})." if reason else ".")
            )
    if stated.horizon is not None:
        found.append(
            f"Everybody without an event is censored at {stated.horizon:g} months, as stated."
        )
    if stated.visits:
        found.append("The hazard may differ between planned scans and the time between them.")
    if any(arm.withdrawals for arm in stated.arms.values()):
        found.append("Patients who withdrew left at a random time before follow-up ended.")
    else:
        found.append("No withdrawals are reported, and none are assumed.")
    if any(arm.events_at_least is not None for arm in stated.arms.values()):
        found.append(
            "Stated progressions are a lower limit for events, because deaths without "
            "progression may be events too."
        )
    if stated.p is not None and stated.test == "unknown" and "p" not in stated.not_forced:
        found.append(
            "The test behind the p value is not fully known: the unstratified log-rank test or "
            "the Wald test has to give it."
        )
    if stated.hr is not None:
        found.append("The hazard ratio is that of an unadjusted, unstratified Cox model.")
    found.append("Event times are continuous; no two patients have the same.")
    if any(arm.median for arm in stated.arms.values()):
        found.append(
            "A median is the first time at which survival is below one half, or the midpoint "
            "where the curve is flat at one half, as in R."
        )
    return found + said
