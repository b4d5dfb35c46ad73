"""The reconstructed patients of one arm and the report on how they were made."""

import json
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from .censoring import CensoringHazard
from .columns import column_warnings, columns, events_slack, reconstruct_columns
from .contradiction import smallest_changes
from .coordinates import clean, column, whole
from .exact import reconstruct_exact
from .grade import Grade, grade
from .guyot import reconstruct_guyot
from .observation import KINDS, Observation, observe

METHODS = ("exact", "guyot")
# A reconstructed curve further than this from the coordinates is worth a warning.
FAR = 0.05
# Finest resolution of survival that is followed; finer points are taken as this fine.
FINEST = 1e-6
# Larger arms take minutes, and their number at risk cannot be read off a curve anyway.
MOST_PATIENTS = 20_000


@dataclass(frozen=True)
class Report:
    """How one arm was reconstructed and how well the result agrees with its input.

    Attributes
    ----------
    method : {"exact", "guyot"}
        The algorithm that made the result.
    observation : Observation
        How the points were read, at what resolution, and why this was chosen.
    points : int
        Digitised points used.
    n, events : int
        Patients, and events among them.
    events_stated : int or None
        Total number of events given, if any.
    risk_time, risk_n, risk_slack : arrays
        The table's rows, and reconstructed minus stated number at risk at each.
    risk_events, risk_events_slack : arrays or None
        The table's events before each time, and reconstructed minus stated.
    rms_difference, max_difference : float
        Difference between the reconstructed Kaplan-Meier curve and the cleaned coordinates,
        at the coordinates.
    rms_pixels : float
        The first of these in units of the resolution in survival.
    moved : float
        Largest change that the clean-up made to a digitised survival value.
    grade : Grade or None
        How well the patients are determined (method "exact").
    warnings : tuple of str
        Where the input was changed, not used, or contradicts itself.
    assumptions : tuple of str
        What the result rests on besides the input.
    """

    method: str
    observation: Observation
    points: int
    n: int
    events: int
    events_stated: int | None
    risk_time: np.ndarray
    risk_n: np.ndarray
    risk_slack: np.ndarray
    risk_events: np.ndarray | None
    risk_events_slack: np.ndarray | None
    rms_difference: float
    max_difference: float
    rms_pixels: float
    moved: float
    grade: Grade | None
    warnings: tuple
    assumptions: tuple

    def to_json(self):
        """Return the report as JSON text with sorted keys."""

        def plain(value):
            return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)

        return json.dumps(asdict(self), default=plain, indent=2, sort_keys=True)


@dataclass(frozen=True)
class ReconstructedArm:
    """Reconstructed patients of one arm, sorted by time; unpacks as `time, event`.

    `time` (float, the unit of the coordinates) and `event` (1 event, 0 censored) have one entry
    per patient. `draws` holds the ensemble, each draw a pair `(time, event)`: all fit the
    coordinates, and their differences are the uncertainty of the reconstruction. `censoring`
    is the hazard of censoring as far as the curve shows it (method "exact", no marks).
    """

    time: np.ndarray
    event: np.ndarray
    report: Report
    draws: tuple = ()
    censoring: CensoringHazard | None = None

    def __iter__(self):
        return iter((self.time, self.event))

    def frame(self, arm="arm"):
        """Patients as a frame with the columns time, event and arm, one row for each."""
        return pd.DataFrame({"time": self.time, "event": self.event, "arm": arm})

    def ensemble(self, arm="arm"):
        """The draws as one frame with the columns draw, time, event and arm."""
        frames = [
            pd.DataFrame({"draw": i, "time": time, "event": event, "arm": arm})
            for i, (time, event) in enumerate(self.draws)
        ]
        columns = ["draw", "time", "event", "arm"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def reconstruct(
    time,
    surv,
    *,
    n,
    xmax=None,
    events=None,
    risk_time=None,
    risk_n=None,
    risk_events=None,
    risk_censored=None,
    censor_time=None,
    method="exact",
    draws=0,
    seed=0,
    observation=None,
    resolution=None,
    others=(),
):
    """Reconstruct the patients of one arm from the digitised points of its survival curve.

    The method "exact" looks among all whole numbers of events at each drop and of censored
    between the drops for those with which a Kaplan-Meier curve of `n` patients passes through
    the points, given their resolution, the table, the events and the marks. Such paths are
    drawn from their posterior by forward filtering and backward sampling over the number at
    risk; the result is the draw nearest to the mean of all (of hand clicks, the rounded mean of
    those with about the mean number of events). The prior: a hazard of censoring that rises
    towards the end of follow-up as with even entry (`closing`), times a factor that changes
    smoothly over eight segments of follow-up and in the last has a log with mean 0 and standard
    deviation 2; a hazard of events that changes smoothly; between two drops, which are followed
    in pieces of an eighth of follow-up or less, a number of censored with more than Poisson
    variation; events in batches, each of one and a geometric number of others, because scans
    find several at once. The hazards, the variation of censoring and the size of batches are
    learnt from the curve; how smooth hazards are is not.
    Arms of more than 1,000 patients are searched less finely.
    The method "guyot" is the algorithm of Guyot et al. (2012, doi:10.1186/1471-2288-12-9); what
    is added to the text of 2012 is listed in `oligomdt.reconstructkm.guyot`.

    Parameters
    ----------
    time : array of shape (points,)
        Times of the digitised points, 0 or later, in any one unit; the result is in the same.
    surv : array of shape (points,)
        Survival at these times as a proportion, or throughout in percent.
    n : int
        Patients in the arm.
    xmax : float, optional
        End of the figure's time axis; points may not lie beyond it, and the resolution of time
        is counted in it.
    events : int, optional
        Total number of events in the arm, from 0 to `n`.
    risk_time, risk_n : arrays of shape (rows,), optional
        Number-at-risk table: times, and patients followed to that time or longer.
    risk_events, risk_censored : arrays of shape (rows,), optional
        Rows of the table with the events and the censorings before each time, cumulative. With
        both, `risk_n` is not needed. The method "guyot" has no use for them.
    censor_time : array, optional
        Times of the censoring marks. A mark may stand for several patients. The method "guyot"
        has no use for them, and the report says so.
    method : {"exact", "guyot"}
        Name of the algorithm.
    draws : int
        Data sets of the ensemble in `.draws` (method "exact").
    seed : int
        Seed of the search and of the ensemble; the same seed gives the same patients.
    observation : {"trace", "clicks", "times"}, optional
        How the points were read; chosen from them where it is not given: `trace` every visible
        drop (corners of a vector figure, automatic trace), `clicks` made by hand, `times`
        survival at a few times only.
    resolution : tuple of two floats, optional
        Resolution of the points in time and in survival (a pixel, in the units of the points);
        found from the points where it is not given.
    others : sequence of CensoringHazard
        Censoring in the other arms of a randomised comparison (their `.censoring`), where the
        arms are taken to share one process of censoring; see `reconstruct_figure`.

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
    _choice("method", method, METHODS)
    if observation is not None:
        _choice("observation", observation, KINDS)
    n = whole(n, "n", 1)
    _check_others(others)
    events = None if events is None else whole(events, "events", 0, n)
    draws, seed = whole(draws, "draws", 0), whole(seed, "seed", 0, 2**32 - 1)
    curve = clean(time, surv, xmax)
    known = columns(risk_time, risk_n, n, risk_events, risk_censored, events)
    table = known.table
    marks, unused = _marks(censor_time, curve, n)
    seen = observe(curve, n, xmax, observation, _resolution(resolution))
    warnings = [*curve.warnings, *unused]
    result, asked = None, method
    if method == "exact" and n > MOST_PATIENTS:
        warnings.append(
            f"the method 'exact' is for arms of up to {MOST_PATIENTS:,} patients; "
            "reconstructed with the algorithm of Guyot et al. instead"
        )
    elif method == "exact":
        given = {"events": events, "marks": marks, "draws": draws, "seed": seed}
        given["others"] = others
        if known.events is None:
            result = reconstruct_exact(curve, table, n, seen, **given)
        else:
            result = reconstruct_columns(curve, known, n, seen, **given)
        if result is None:
            warnings.append(NO_PATH)
    elif marks is not None:
        warnings.append(
            f"the method 'guyot' does not use censoring marks; {len(marks)} were not used"
        )
    if result is None:
        times, event, more, assumptions = reconstruct_guyot(curve, table, n, events)
        ensemble, graded, method, censoring, counted = (), None, "guyot", None, []
    else:
        (times, event), ensemble, paths = result
        graded, censoring = grade(paths, n), paths.censoring
        more, assumptions = _told(paths, seen, events, (times, event), marks)
        counted = _repeated(paths, draws)
    report = _report(curve, known, seen, events, times, event, graded, method)
    if report.max_difference > FAR and graded is not None:
        graded = replace(graded, letter="D", reason=f"{MISFIT}; {graded.reason}")
        report = replace(report, grade=graded)
    counted += column_warnings(report, result)
    far = _contradictions(times, event, table, report.risk_slack, report.max_difference)
    missed = report.risk_slack.any() or np.any(report.risk_events_slack)
    misfit = result is None or bool(more) or missed
    if asked == "exact" and n <= MOST_PATIENTS and misfit:
        counts = {"events": events, "risk_events": known.events, "marks": marks}
        far += smallest_changes(curve, table, n, seen, **counts)
    told = {
        "warnings": tuple(warnings + more + counted + far),
        "assumptions": curve.assumptions + tuple(assumptions),
    }
    return ReconstructedArm(times, event, replace(report, **told), ensemble, censoring)


MISFIT = "the reconstructed curve is far from the points"
NO_PATH = (
    "no curve of this many patients passes through the points and meets the table, even if the "
    "points are read ten times less exactly; reconstructed with the algorithm of Guyot et al. "
    "instead (are n, the table and the points of the same arm?)"
)


def _repeated(paths, draws):
    if draws <= len(paths.left):
        return []
    return [
        f"only {len(paths.left)} of {draws} draws differ, because few of the paths drawn have "
        "the stated events; their spread is too small"
    ]


def _check_others(others):
    for i, hazard in enumerate(others):
        if not isinstance(hazard, CensoringHazard):
            raise ValueError(
                f"others[{i}] is a {type(hazard).__name__}; give `.censoring` of another arm"
            )


def _choice(name, value, allowed):
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(map(repr, allowed))}")


def _marks(censor_time, curve, n):
    """Censoring marks in order of time, and what cannot be true of them."""
    if censor_time is None:
        return None, []
    marks = np.sort(column(censor_time, "censor_time"))
    if len(marks) and marks[0] < 0:
        raise ValueError(f"censor_time: {marks[0]:g} is negative; times must be 0 or later")
    warnings = []
    end = float(curve.time[-1])
    late = int((marks > end * (1 + 1e-9)).sum())
    if late:
        warnings.append(
            f"{late} censoring mark(s) lie after the curve's end at {end:g}; not used"
        )
    if len(marks) - late > n:
        warnings.append(f"{len(marks) - late} censoring marks were given for {n} patients")
    return marks, warnings


def _resolution(resolution):
    if resolution is None:
        return None
    pair = column(resolution, "resolution")
    if len(pair) != 2 or pair[0] <= 0 or not FINEST <= pair[1] <= 0.5:
        raise ValueError(
            f"resolution is {resolution!r}; it must be two numbers, in time (positive) and in "
            f"survival ({FINEST:g} to 0.5)"
        )
    return float(pair[0]), float(pair[1])


def _told(paths, seen, events, point, marks):
    """Warnings and assumptions of the method "exact"."""
    time, event = point
    warnings, assumptions = [], []
    if paths.loose > 1:
        warnings.append(
            f"the points fit {len(event)} patients only when read {paths.loose:g} times less "
            f"exactly than their resolution of {seen.step_surv:.2g} in survival"
        )
    died = int(event.sum())
    if events is not None and died != events:
        low, high = paths.found
        warnings.append(
            f"{events} events were stated but the paths drawn through the curve have {low} to "
            f"{high}; {died} are reconstructed (is the number of this arm and data cut?)"
        )
    empty = 0 if marks is None else _empty_marks(marks, paths.stages.end, time, event)
    if empty:
        warnings.append(f"{empty} of the {len(marks)} censoring marks hold no patient")
    assumptions.append(f"points taken as {seen.kind}: {seen.reason}")
    if marks is None:
        assumptions.append(
            "how many were censored between two drops, and in which part of a long gap, "
            "follows from the curve and a hazard of censoring that changes smoothly and, as "
            "far as the curve leaves it open, rises towards the end of follow-up; within each "
            "part times are spread evenly"
        )
    return warnings, assumptions


def _empty_marks(marks, end, time, event):
    """Marks before the end of follow-up at which nobody is censored."""
    held = np.unique(time[event == 0], return_counts=True)
    wanted = np.unique(marks[marks < end], return_counts=True)
    held = dict(zip(*held, strict=True))
    return sum(max(0, count - held.get(at, 0)) for at, count in zip(*wanted, strict=True))


def _report(curve, known, seen, events, times, event, graded, method):
    table = known.table
    rms, largest = _difference(times, event, curve, seen.step_time / 2)
    return Report(
        method=method,
        observation=seen,
        points=curve.read,
        n=len(times),
        events=int(event.sum()),
        events_stated=events,
        risk_time=table.time,
        risk_n=table.n,
        risk_slack=len(times) - np.searchsorted(times, table.time, side="left") - table.n,
        risk_events=known.events,
        risk_events_slack=events_slack(times, event, table.time, known.events),
        rms_difference=rms,
        max_difference=largest,
        rms_pixels=rms / seen.step_surv,
        moved=curve.moved,
        grade=graded,
        warnings=(),
        assumptions=(),
    )


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


def _difference(time, event, curve, slack):
    """Root mean square and largest distance of the points from the reconstructed steps.

    A step may be early or late by `slack`, half the resolution in time.
    """
    after, before = survival_around(time, event, curve.time, slack)
    distance = np.maximum(0.0, np.maximum(curve.surv - before, after - curve.surv))
    return float(np.sqrt(np.mean(distance**2))), float(distance.max())


def survival_around(time, event, at, slack=0.0):
    """Kaplan-Meier survival of the patients just after and just before each given time."""
    died, count = np.unique(time[event == 1], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), died, side="left")
    surv = np.append(1.0, np.cumprod(1 - count / at_risk))
    after = np.searchsorted(died, at + slack, "right")
    return surv[after], surv[np.searchsorted(died, at - slack, "left")]
