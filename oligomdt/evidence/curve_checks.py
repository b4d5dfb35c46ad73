"""Coordinates against what the report states: number of patients, medians, survival."""

import re
from collections.abc import Iterator

import numpy as np

from .curve import ArmCurve, Curve
from .record import ROLES, ArmResult, Result
from .values import NotReached

# Resolution of a vector figure, and of one whose pixels are not told, in parts of an axis.
VECTOR, UNKNOWN = 1e-3, 1e-2
EPSILON = 1e-9


def contradictions(result: Result, curve: Curve) -> list[str]:
    """Stated numbers that cannot be true of the coordinates.

    Between two points the curve may lie anywhere between their levels. A stated number is
    contradicted if no such curve gives it when it is rounded as printed, with every point up
    to one pixel off in both directions.

    Parameters
    ----------
    result : Result
        What is stated.
    curve : Curve
        Its coordinates.

    Returns
    -------
    list of str
        One sentence each, with both numbers; empty if there are none.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> results = [one for trial in evidence.load().values() for one in trial.results()]
    >>> read = [(one, evidence.curves(one.trial, one.cohort, one.report)) for one in results]
    >>> [contradictions(one, curve) for one, curve in read if curve]
    []
    """
    step_time, step_surv = resolution(curve)
    found = []
    for role in ROLES:
        stated, arm = result.arms[role], curve.arms[role]
        for problem in (
            *_patients(arm, step_time),
            *_median(stated, arm, step_time, step_surv),
            *_landmarks(stated, arm, step_time, step_surv),
        ):
            found.append(f"{role} arm: {problem}")
    return found


def resolution(curve: Curve) -> tuple[float, float]:
    """Time and survival of one pixel, from the `resolution` of the origin."""
    if curve.origin.pixel:
        return curve.origin.pixel
    told = curve.origin.resolution
    pixels = re.search(r"(\d+) x (\d+) pixels", told)
    if pixels:
        width, height = (max(int(size), 1) for size in pixels.groups())
        return curve.origin.xmax / width, 1 / height
    part = VECTOR if told.startswith("vector") else UNKNOWN
    return curve.origin.xmax * part, part


def _patients(arm: ArmCurve, step: float) -> Iterator[str]:
    if arm.risk_time is None or arm.risk_time[0] > step:
        return
    if arm.risk_n[0] != arm.n:
        yield f"n is stated as {arm.n}, but {arm.risk_n[0]} are at risk at time 0"


def _half(stated) -> float:
    return 0.5 * 10.0**-stated.decimals


def _median(stated: ArmResult, arm: ArmCurve, step_time, step_surv) -> Iterator[str]:
    """A curve reaches 0.5 after the last point above it and by the first point below it."""
    above = arm.time[arm.surv > 0.5 + step_surv + EPSILON]
    below = arm.time[arm.surv < 0.5 - step_surv - EPSILON]
    first = above.max() if len(above) else 0.0
    last = below.min() if len(below) else np.inf
    median = stated.median
    if median is NotReached:
        if len(below):
            yield (
                f"the median is stated as not reached, but the curve is below 0.5 at {last:.4g}"
            )
        return
    if not median or median.relation != "=":
        return
    low = min(first, last) - step_time - _half(median) - EPSILON
    high = last + step_time + _half(median) + EPSILON
    if median.value > high:
        yield (
            f"the median is stated as {median.text}, but the curve is below 0.5 at {last:.4g}"
        )
    elif median.value < low:
        yield (
            f"the median is stated as {median.text}, but the curve is above 0.5 at {first:.4g}"
        )


def _landmarks(stated: ArmResult, arm: ArmCurve, step_time, step_surv) -> Iterator[str]:
    for mark in stated.landmarks:
        if mark.surv.relation != "=" or mark.time.relation != "=":
            continue
        early, late = mark.time.value - step_time, mark.time.value + step_time
        before, after = arm.surv[arm.time <= early], arm.surv[arm.time >= late]
        high = before.min() if len(before) else 1.0
        low = after.max() if len(after) else 0.0
        slack = step_surv + _half(mark.surv) + EPSILON
        if not min(low, high) - slack <= mark.surv.value <= high + slack:
            ends = dict.fromkeys((f"{low:.3g}", f"{high:.3g}"))
            yield (
                f"survival at {mark.time.text} is stated as {mark.surv.text}, but the curve "
                f"is at {' to '.join(ends)}"
            )
