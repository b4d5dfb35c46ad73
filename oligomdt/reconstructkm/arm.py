"""The reconstructed patients of one arm and the report on how they were made."""

from dataclasses import dataclass

import numpy as np

from .coordinates import clean, column, risk_table, whole
from .guyot import reconstruct_guyot

METHODS = {"guyot": reconstruct_guyot}
# A reconstructed curve further than this from the coordinates is worth a warning.
FAR = 0.05


@dataclass(frozen=True)
class Report:
    """How one arm was reconstructed and how well the result agrees with its input.

    Attributes
    ----------
    method : str
        Name of the algorithm.
    points : int
        Digitised points used.
    events : int
        Events among the reconstructed patients.
    events_stated : int or None
        Total number of events given, if any.
    risk_time, risk_n, risk_slack : arrays
        The table's rows, and reconstructed minus stated number at risk at each.
    rms_difference, max_difference : float
        Difference between the reconstructed Kaplan-Meier curve and the cleaned coordinates,
        at the coordinates.
    moved : float
        Largest change that the clean-up made to a digitised survival value.
    warnings : tuple of str
        Where the input was changed, not used, or contradicts itself.
    assumptions : tuple of str
        What the result rests on besides the input.
    """

    method: str
    points: int
    events: int
    events_stated: int | None
    risk_time: np.ndarray
    risk_n: np.ndarray
    risk_slack: np.ndarray
    rms_difference: float
    max_difference: float
    moved: float
    warnings: tuple
    assumptions: tuple


@dataclass(frozen=True)
class ReconstructedArm:
    """Reconstructed patients of one arm, sorted by time; unpacks as `time, event`.

    `time` (float, the unit of the coordinates) and `event` (1 event, 0 censored) have one entry
    per patient.
    """

    time: np.ndarray
    event: np.ndarray
    report: Report

    def __iter__(self):
        return iter((self.time, self.event))


def reconstruct(
    time,
    surv,
    *,
    n,
    xmax=None,
    events=None,
    risk_time=None,
    risk_n=None,
    censor_time=None,
    method="guyot",
):
    """Reconstruct the patients of one arm from the digitised points of its survival curve.

    The algorithm of Guyot et al. (2012, doi:10.1186/1471-2288-12-9): the events at each drop of
    the curve follow from the number at risk, and the number censored between two columns of the
    number-at-risk table is the one with which the next column comes out right. What is added to
    the text of 2012 is listed in `oligomdt.reconstructkm.guyot`.

    Parameters
    ----------
    time : array of shape (points,)
        Times of the digitised points, 0 or later, in any one unit; the result is in the same.
    surv : array of shape (points,)
        Survival at these times as a proportion, or throughout in percent.
    n : int
        Patients in the arm.
    xmax : float, optional
        End of the figure's time axis; points may not lie beyond it.
    events : int, optional
        Total number of events in the arm, from 0 to `n`.
    risk_time, risk_n : arrays of shape (rows,), optional
        Number-at-risk table: times, and patients followed to that time or longer.
    censor_time : array, optional
        Times of the censoring marks. Checked; the method "guyot" has no use for them, and the
        report says so.
    method : {"guyot"}
        Name of the algorithm.

    Returns
    -------
    ReconstructedArm
        `n` patients, sorted by time, and the report; unpacks as `time, event`.

    Raises
    ------
    ValueError
        If the input cannot be a survival curve with its table, naming the argument.

    Examples
    --------
    >>> arm = reconstruct([2, 5, 9, 12], [0.9, 0.8, 0.7, 0.7], n=10,
    ...                   risk_time=[0, 6, 12], risk_n=[10, 8, 4])
    >>> time, event = arm
    >>> event.sum(), len(time), arm.report.risk_slack.tolist()
    (np.int64(3), 10, [0, 0, 0])
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(map(repr, METHODS))}")
    n = whole(n, "n", 1)
    events = None if events is None else whole(events, "events", 0, n)
    curve = clean(time, surv, xmax)
    table = risk_table(risk_time, risk_n, n)
    warnings = list(curve.warnings) + _unused_marks(censor_time, method)
    times, event, more, assumptions = METHODS[method](curve, table, n, events)
    slack = len(times) - np.searchsorted(times, table.time, side="left") - table.n
    rms, largest = _difference(times, event, curve)
    warnings += more + _contradictions(times, event, table, slack, largest)
    report = Report(
        method=method,
        points=curve.read,
        events=int(event.sum()),
        events_stated=events,
        risk_time=table.time,
        risk_n=table.n,
        risk_slack=slack,
        rms_difference=rms,
        max_difference=largest,
        moved=curve.moved,
        warnings=tuple(warnings),
        assumptions=curve.assumptions + tuple(assumptions),
    )
    return ReconstructedArm(times, event, report)


def _unused_marks(censor_time, method):
    if censor_time is None:
        return []
    marks = column(censor_time, "censor_time")
    if len(marks) and marks.min() < 0:
        raise ValueError(f"censor_time: {marks.min():g} is negative; times must be 0 or later")
    return [f"the method {method!r} does not use censoring marks; {len(marks)} were not used"]


def _contradictions(time, event, table, slack, largest):
    warnings = [
        f"the table's {row_n} at risk at {row_time:g} cannot be met: {row_n + off} are left"
        for row_time, row_n, off in zip(table.time, table.n, slack, strict=True)
        if off
    ]
    if largest > FAR:
        warnings.append(f"the reconstructed curve is up to {largest:.2f} from the coordinates")
    at_start = int(event[time == 0].sum())
    if at_start:
        warnings.append(f"{at_start} event(s) at time 0, where the curve starts below 1")
    return warnings


def _difference(time, event, curve):
    """Root mean square and largest distance of the points from the reconstructed steps."""
    after, before = survival_around(time, event, curve.time)
    distance = np.maximum(0.0, np.maximum(curve.surv - before, after - curve.surv))
    return float(np.sqrt(np.mean(distance**2))), float(distance.max())


def survival_around(time, event, at):
    """Kaplan-Meier survival of the patients just after and just before each given time."""
    died, count = np.unique(time[event == 1], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), died, side="left")
    surv = np.append(1.0, np.cumprod(1 - count / at_risk))
    return surv[np.searchsorted(died, at, "right")], surv[np.searchsorted(died, at, "left")]
