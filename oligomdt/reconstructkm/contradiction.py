"""Input that contradicts itself: where, by how much, and the smallest change that mends it."""

import numpy as np

from .coordinates import RiskTable
from .exact import STAGES
from .feasible import NONE, extremes
from .path import CENSOR, CLICKS, DROP
from .stages import LARGE, rows_used

# Bins of survival are up to this many times finer than in the search of `path`, as fine as a
# search stays below this share of the work.
FINE, SHARE = 16, 0.06
# Most work of all searches for one arm, in steps: a few seconds.
WORK = 400_000_000
# Other numbers of patients are tried within this share of the stated one, or this many.
NEAR_N, NEAR_FEW = 0.5, 10
# Coarser readings of survival that are tried, in units of the resolution.
COARSER = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
# Most rows that are named as alternatives.
NAMED = 3
CHANGE = "smallest change that makes the input agree: "

POSSIBLE = (
    "no input contradicts another: there is a path that meets all of it, but so improbable "
    "that it was not drawn"
)


class OutOfWork(Exception):
    """The search for the smallest change has become too long."""


class Possible:
    """All that is possible for one arm, asked for by the least and most it allows.

    `rows` are the stages at which the table states a number at risk, `times` and `stated` its
    times and numbers.
    """

    def __init__(self, curve, table, n, seen, marks, work=WORK, loose=1.0):
        self.stages = STAGES[seen.kind](curve, table, n, seen, marks, loose)
        self.n, self.work = n, work
        self.level = self.stages.level.copy()
        cells = (n + 1) * self.level[:, 6].sum()
        # Clicks leave so much room that nothing hangs on a fraction of their error.
        fine = 1 if seen.kind == "clicks" else int(np.clip(SHARE * WORK / cells, 1, FINE))
        self.level[:, 6] *= fine
        self.bin_width = self.stages.bin_width / fine
        # So coarse, paths with the least and the most events may be missed.
        self.coarse = n > LARGE and fine < 3
        self.rows = np.flatnonzero(self.stages.stage[:, 2] >= 0)
        self.stated = self.stages.stage[self.rows, 2].tolist()
        used = rows_used(table, curve.time[-1], seen.step_time)
        self.times = [time for time, _ in used]
        self.is_event = (self.stages.stage[:, 0] != CENSOR).astype(np.int64)
        self.marked = marks is not None

    def span(self, counted, at_risk=None, marks=True):
        """Least and most of the patients who leave at the stages `counted`; None if no path.

        `at_risk` are the numbers of the table to meet, None where one is left open.
        """
        stage = self.stages.stage.copy()
        at_risk = self.stated if at_risk is None else at_risk
        stage[self.rows, 2] = [-1 if number is None else number for number in at_risk]
        stage[:, 4] = np.maximum.accumulate(np.maximum(stage[::-1, 2], 0))[::-1]
        if not (marks and self.marked):
            stage[:, 3] = 0
        if (self.n + 1) * self.level[:, 6].sum() > self.work:
            raise OutOfWork
        least, most, done = extremes(
            stage,
            self.level,
            self.stages.clicks,
            (CENSOR, DROP, CLICKS),
            self.n,
            self.bin_width,
            self.stages.end_weight,
            counted.astype(np.int64),
            self.work,
        )
        if done < 0:
            raise OutOfWork
        self.work -= done
        return None if least == NONE else (int(least), int(most))

    def exist(self, at_risk=None, marks=True):
        """Whether any path meets everything."""
        return self.span(np.zeros(len(self.is_event)), at_risk, marks) is not None

    def at_risk(self, row, others, marks=True):
        """Least and most at risk at one row of the table, if the others are as given."""
        found = self.span(np.arange(len(self.is_event)) <= self.rows[row], others, marks)
        return None if found is None else (self.n - found[1], self.n - found[0])

    def nearest(self, row, at_risk, marks=True):
        """Number at risk nearest to the stated one with which a path exists, None if none."""
        others = [None if i == row else number for i, number in enumerate(at_risk)]
        found = self.at_risk(row, others, marks)
        if found is None:
            return None
        near = min(max(self.stated[row], found[0]), found[1])
        for off in range(found[1] - found[0] + 1):
            for number in (near - off, near + off):
                others[row] = number
                if found[0] <= number <= found[1] and self.exist(others, marks):
                    return number
        return None


def smallest_changes(
    curve, table, n, seen, *, events=None, risk_events=None, marks=None, work=WORK
):
    """Say in words which of the inputs contradict each other, and what would mend it least.

    The readings are taken at their resolution. The rows of the table are left out one at a
    time, or else several, and the marks; if that does not help, coarser readings and other
    numbers of patients are tried. Of the total of events the least and the most that the curve
    allows are found. To be called only when something did not fit, as it may take seconds.

    Parameters
    ----------
    curve, table : Coordinates, RiskTable
        Cleaned points and number-at-risk table.
    n : int
        Patients in the arm.
    seen : Observation
        How the points were read.
    events : int, optional
        Total number of events.
    risk_events : array of shape (rows,), optional
        Events before each time of the table.
    marks : array, optional
        Times of the censoring marks.
    work : int
        Bound on the search, in steps.

    Returns
    -------
    list of str
        One sentence for each change; also where there is nothing to change, or the search
        was too long.

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean, risk_table
    >>> from oligomdt.reconstructkm.observation import observe
    >>> curve = clean([2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.8, 0.8])
    >>> table = risk_table([0, 4, 6], [10, 10, 8], 10)
    >>> print(*smallest_changes(curve, table, 10, observe(curve, 10, xmax=10)))
    smallest change that makes the input agree: 9 instead of 10 at risk at 4
    """
    marks = None if marks is None or len(marks) == 0 else marks
    paths = Possible(curve, table, n, seen, marks, work)
    try:
        if paths.exist():
            return _of_events(paths, events, risk_events)
        found = [*_of_rows(paths), *_of_marks(paths)]
        if not found:
            found = [*_of_reading(paths, curve, table, seen, marks)]
            found += _of_patients(paths, curve, seen)
    except OutOfWork:
        return ["the smallest change that makes the input agree was not found: too many paths"]
    if not found:
        return ["no single change was found that makes the input agree; are all from one arm?"]
    return [CHANGE + ", or ".join(found)]


def _of_events(paths, events, risk_events):
    """Say which counts of events are nearest to the stated ones, if those are not possible."""
    if paths.coarse:
        raise OutOfWork
    given = ["points", *["table"] * bool(paths.stated), *["marks"] * paths.marked]
    found = []
    for stated, until, when in _counts(paths, events, risk_events):
        counted = paths.is_event * (np.arange(len(paths.is_event)) < until)
        least, most = paths.span(counted)
        if least <= stated <= most:
            continue
        near = least if stated < least else most
        text = f"{near} instead of {stated} events{when}; {' and '.join(given)} allow "
        text += _span(least, most)
        alone = paths.span(counted, [None] * len(paths.stated), marks=False)
        text += f", the points alone {_span(*alone)}" if len(given) > 1 else ""
        found.append(CHANGE + text)
    return found or [POSSIBLE]


def _counts(paths, events, risk_events):
    """Stated numbers of events, the stage before which they fall, and when that is."""
    if risk_events is not None:
        for row, time, stated in zip(paths.rows, paths.times, risk_events[1:], strict=False):
            yield int(stated), row + 1, f" before {time:g}"
    if events is not None:
        yield events, len(paths.is_event), ""


def _span(least, most):
    return f"only {least}" if least == most else f"{least} to {most}"


def _of_rows(paths):
    """Say which row of the table, or else which rows, to change to which numbers."""
    changes = []
    for row, stated in enumerate(paths.stated):
        near = paths.nearest(row, paths.stated)
        if near is not None:
            changes.append((abs(near - stated), row, near))
    if changes:
        words = [_row(paths, row, near) for _, row, near in sorted(changes)]
        more = [f"one of {len(words) - NAMED} other rows"] * (len(words) > NAMED)
        return words[:NAMED] + more
    several = [_row(paths, row, near) for row, near in _several(paths)]
    return [" and ".join(several)] if several else []


def _row(paths, row, near):
    return f"{near} instead of {paths.stated[row]} at risk at {paths.times[row]:g}"


def _several(paths):
    """Rows to change together: those that contradict the others, from either end."""
    rows = range(len(paths.stated))
    if len(rows) < 2 or not paths.exist([None] * len(rows)):
        return []
    best = None
    for order in (rows, reversed(rows)):
        kept = [None] * len(rows)
        for row in order:
            kept[row] = paths.stated[row]
            if not paths.exist(kept):
                kept[row] = None
        wrong = [row for row in rows if kept[row] is None]
        if best is None or len(wrong) < len(best):
            best = [(row, kept) for row in wrong]
    at_risk, changes = list(best[0][1]), []
    for row, _ in best:
        at_risk[row] = paths.nearest(row, at_risk)
        if at_risk[row] is not None:
            changes.append((row, at_risk[row]))
    return changes


def _of_marks(paths):
    """Say between which columns the marks and the events are more than the patients gone."""
    if not paths.marked or not paths.exist(marks=False):
        return []
    stage = paths.stages.stage
    edges = [0, *(paths.rows + 1), len(stage)]
    numbers, times = [paths.n, *paths.stated, 0], [0.0, *paths.times, paths.stages.end]
    for i, (start, stop) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        inside = np.zeros(len(stage), bool)
        inside[start:stop] = True
        died, _ = paths.span(paths.is_event * inside, marks=False)
        seen, leave = int(stage[inside, 3].sum()), numbers[i] - numbers[i + 1]
        if died + seen > leave:
            return [
                f"{died + seen - leave} mark(s) fewer between {times[i]:g} and "
                f"{times[i + 1]:g} (there {seen} marks and at least {died} event(s) make "
                f"{died + seen} of the {leave} patients who leave)"
            ]
    return ["the censoring marks left out"]


def _of_reading(paths, curve, table, seen, marks):
    """Say how coarse the readings would have to be for a path to exist."""
    for factor in COARSER:
        coarse = Possible(curve, table, paths.n, seen, marks, paths.work, factor)
        fits, paths.work = coarse.exist(), coarse.work
        if fits:
            return [
                f"survival read to {factor * seen.step_surv:.2g} instead of "
                f"{seen.step_surv:.2g} (resolution)"
            ]
    return []


def _of_patients(paths, curve, seen):
    """Say with which number of patients the points fit, the table and marks left out."""
    n = paths.n
    others = ", table and marks left out" if paths.stated or paths.marked else ""
    if paths.exist([None] * len(paths.rows), marks=False):
        return []
    for off in range(1, max(NEAR_FEW, int(n * NEAR_N)) + 1):
        fits = []
        for other in (n - off, n + off):
            if other < 1:
                continue
            own = RiskTable(np.zeros(1), np.array([other]))
            tried = Possible(curve, own, other, seen, None, paths.work)
            fits += [str(other)] * tried.exist()
            paths.work = tried.work
        if fits:
            return [f"{' or '.join(fits)} instead of {n} patients{others}"]
    return []
