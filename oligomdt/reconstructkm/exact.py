"""Patients from the whole-number paths that fit the digitised points of a curve."""

from dataclasses import dataclass

import numpy as np

from .path import CENSOR, HIDDEN, sample_paths
from .stages import SEGMENTS, click_stages, times_stages, trace_stages

STAGES = {"trace": trace_stages, "clicks": click_stages, "times": times_stages}
# Readings are widened by these factors in turn until a path of the n patients fits.
LOOSE = (1.0, 3.0, 10.0)
BURN, KEEP = 10, 24
# First guesses of the log hazard of censoring per length of follow-up.
STARTS = (-4.0, -2.0, -0.5, 1.0, 2.0)
# Arms larger than this are searched with fewer steps, starts and bins of survival, and more is
# cut off: the draws are fewer, and paths within half a pixel are not told apart.
LARGE = 1000
LARGE_BURN, LARGE_KEEP, LARGE_STARTS, LARGE_PRUNE = 3, 8, (-2.0, 0.5), 1e-6
# Steps from one draw to the next, which lets the hazards move.
THIN = 2
# Paths tried at each step for one that has the stated number of events.
TRIES, MORE_TRIES = 30, 100
# Spread of the log hazard of censoring from one segment to the next.
SMOOTH = 0.7
# Weights below these shares of the largest are not followed.
PRUNE = {"trace": 1e-10, "times": 1e-10, "clicks": 1e-7}
# Where nothing is left the search is repeated with less cut off.
RARE = 1e-18
# Largest memory of the search, in cells of the filter.
CELLS = 200_000_000


@dataclass(frozen=True)
class Paths:
    """Paths that fit one arm, one row for each draw.

    `left` (draws, K) counts those leaving at each stage, `events` and `at_risk` (draws, K) the
    events so far and the number at risk after it, `loose` how far the readings were widened.
    """

    left: np.ndarray
    events: np.ndarray
    at_risk: np.ndarray
    stages: object
    loose: float


def draw_paths(curve, table, n, seen, *, events=None, marks=None, draws=0, seed=0):
    """Draw paths from their posterior; None where none fits even widened readings."""
    # Hazard of the events over the whole follow-up, about which the segments are spread.
    centre = np.log(-np.log(min(max(curve.surv[-1], 0.5 / n), 1 - 0.5 / n)))
    for loose in LOOSE:
        stages = STAGES[seen.kind](curve, table, n, seen, marks, loose)
        paths = _search(stages, n, seen.kind, events, draws, seed, centre, TRIES)
        if paths is None:
            continue
        is_event = stages.stage[:, 0] != CENSOR
        if events is not None and not (paths @ is_event == events).any():
            # The stated number is rare among the paths that fit: look longer.
            more = _search(stages, n, seen.kind, events, draws, seed, centre, MORE_TRIES)
            paths = paths if more is None else more
        left = paths.cumsum(axis=1)
        died = (paths * is_event).cumsum(axis=1)
        return Paths(paths, died, n - left, stages, loose)
    return None


def _search(stages, n, kind, events, draws, seed, centre, tries):
    total = -1 if events is None else events
    large = n > LARGE
    keep = max(LARGE_KEEP if large else KEEP, draws)
    cells = 2_000_000
    prune = LARGE_PRUNE if large else PRUNE[kind]
    while True:
        paths, _, _, failed = sample_paths(
            stages.stage,
            stages.level,
            n,
            SEGMENTS,
            stages.end_weight,
            total,
            stages.marks is not None,
            SMOOTH,
            LARGE_BURN if large else BURN,
            keep,
            1 if large else THIN,
            tries,
            np.random.default_rng(seed),
            cells,
            stages.bin_width,
            stages.clicks,
            prune,
            centre,
            np.array(LARGE_STARTS if large else STARTS),
        )
        if failed == -1:
            return paths
        if failed == -2 and cells < CELLS:
            cells *= 10
        elif failed >= 0 and prune > RARE:
            prune = RARE
        else:
            return None


def middle(paths, kind, events=None):
    """Return the path that stands for all: leaving patients of each stage.

    Of a traced curve it is the draw nearest to the mean number at risk and of events, so that
    it fits the curve itself; of clicks the rounded mean, which averages the jitter.
    """
    fits = np.ones(len(paths.left), bool)
    if events is not None:
        off = np.abs(paths.events[:, -1] - events)
        fits = off == off.min()
    died, at_risk = paths.events[fits], paths.at_risk[fits]
    if kind == "clicks":
        start = at_risk[0, 0] + paths.left[fits][0, 0]
        gone = start - at_risk - died
        whole_died = np.floor(died.mean(axis=0) + 0.5 - 1e-9).astype(np.int64)
        whole_gone = np.floor(gone.mean(axis=0) + 0.5).astype(np.int64)
        is_event = paths.stages.stage[:, 0] != CENSOR
        return np.where(
            is_event, np.diff(whole_died, prepend=0), np.diff(whole_gone, prepend=0)
        )
    distance = ((died - died.mean(axis=0)) ** 2 + (at_risk - at_risk.mean(axis=0)) ** 2).sum(1)
    return paths.left[fits][distance.argmin()]


def patients(left, stages, n, place, jitter):
    """Times and events of the patients of one path.

    `place(count)` gives the places of `count` patients within a stage as shares of it, and
    `jitter(count)` what is added to the times of drops that were read.
    """
    times, died = [], []
    spans = _shifted(stages, jitter)
    for (kind, *_), count, (start, stop) in zip(stages.stage, left, spans, strict=True):
        if count == 0:
            continue
        if kind == CENSOR:
            times.append(_censored(stages, start, stop, count, place))
        elif kind == HIDDEN:
            times.append(start + (stop - start) * place(count))
        else:
            times.append(np.full(count, stop))
        died.append(np.full(count, int(kind != CENSOR)))
    alive = n - int(left.sum())
    times.append(np.full(alive, spans[-1, 1]))
    died.append(np.zeros(alive, int))
    time, event = np.concatenate(times), np.concatenate(died)
    order = np.lexsort((-event, time))
    return time[order], event[order]


def _shifted(stages, jitter):
    """Time from and to which each stage lasts when the drops are moved within their reading.

    Drops keep their order and their side of the table's columns, and the gaps between them move
    with them, so that nobody changes places.
    """
    spans = stages.span.copy()
    drops = np.flatnonzero((stages.stage[:, 0] != CENSOR) & (stages.stage[:, 0] != HIDDEN))
    moves = jitter(len(drops))
    if not moves.any():
        return spans
    least = np.abs(moves).max() / 100
    read, now = np.full(len(drops) + 2, -1.0), 0.0
    moved = np.full(len(drops) + 2, -1.0)
    for i, k in enumerate(drops):
        read[i + 1] = stages.span[k, 1]
        low, high = _between_columns(stages, read[i + 1])
        now = min(max(read[i + 1] + moves[i], low, now + least if i else 0.0), high)
        moved[i + 1] = now
    behind = np.searchsorted(drops, np.arange(len(spans)), side="left")
    for k in range(len(spans)):
        i = behind[k]
        for edge in (0, 1):
            for near in (i, i + 1):
                if stages.span[k, edge] == read[near]:
                    spans[k, edge] = moved[near]
    spans[drops] = moved[1:-1, None]
    spans = np.maximum.accumulate(spans, axis=0)
    return np.column_stack([spans[:, 0], spans.max(axis=1)])


def _between_columns(stages, read):
    """Earliest and latest time of a drop on its side of the table's columns."""
    columns = stages.columns
    before, after = columns[columns <= read], columns[columns > read]
    low = before[-1] if len(before) else 0.0
    return low, np.nextafter(after[0], 0.0) if len(after) else stages.end


def _censored(stages, start, stop, count, place):
    if stages.marks is not None:
        at = stages.marks[(stages.marks >= start) & (stages.marks < stop)]
        if len(at):
            # Every mark holds a patient; those beyond sit on marks in turn.
            return np.sort(np.resize(at, count)) if count >= len(at) else at[:count]
    return start + (stop - start) * place(count)


def evenly(count):
    """Places of `count` patients spread evenly within a stage."""
    return np.arange(1, count + 1) / (count + 1)


def exactly(count):
    """No shift of the time of a drop."""
    return np.zeros(count)


def reconstruct_exact(curve, table, n, seen, *, events=None, marks=None, draws=0, seed=0):
    """Reconstruct the patients of one arm and, if asked for, an ensemble of them.

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
    marks : array, optional
        Times of the censoring marks.
    draws : int
        Data sets of the ensemble.
    seed : int
        Seed of the search and of the ensemble.

    Returns
    -------
    tuple or None
        Times and events of the patients that stand for all, a tuple of (time, event) for each
        draw, and the paths; None where no path of `n` patients fits the points.

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean, risk_table
    >>> from oligomdt.reconstructkm.observation import observe
    >>> curve = clean([2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.7875, 0.7875])
    >>> (time, event), _, _ = reconstruct_exact(
    ...     curve, risk_table([0, 5], [10, 8], 10), 10, observe(curve, 10, xmax=10))
    >>> time[:3].round(2).tolist(), event[:3].tolist()
    ([2.0, 3.5, 5.0], [1, 0, 1])
    """
    paths = draw_paths(
        curve, table, n, seen, events=events, marks=marks, draws=draws, seed=seed
    )
    if paths is None:
        return None
    point = patients(middle(paths, seen.kind, events), paths.stages, n, evenly, exactly)
    rng = np.random.default_rng([seed, n])

    def anywhere(count):
        return np.sort(rng.random(count))

    def within_reading(count):
        return (rng.random(count) - 0.5) * seen.step_time

    chosen = _chosen(paths, events, draws)
    ensemble = tuple(
        patients(paths.left[i], paths.stages, n, anywhere, within_reading) for i in chosen
    )
    return point, ensemble, paths


def _chosen(paths, events, draws):
    """Draws to keep: with the stated number of events where any has it."""
    usable = np.arange(len(paths.left))
    if events is not None:
        off = np.abs(paths.events[:, -1] - events)
        usable = usable[off == off.min()]
    return np.resize(usable, draws)
