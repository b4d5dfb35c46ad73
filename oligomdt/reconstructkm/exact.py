"""Patients from the whole-number paths that fit the digitised points of a curve."""

from dataclasses import dataclass, replace

import numpy as np

from .censoring import CensoringHazard, expected
from .path import CENSOR, HIDDEN, SMOOTH, Arm, Prior, Search, sample_paths
from .placement import Places, evenly, exactly
from .stages import LARGE, SEGMENTS, click_stages, times_stages, trace_stages

STAGES = {"trace": trace_stages, "clicks": click_stages, "times": times_stages}
# Readings are widened by these factors in turn until a path of the n patients fits.
LOOSE = (1.0, 3.0, 10.0)
# Steps thrown away, paths kept, steps from one kept step to the next (which lets the hazards
# move), and paths kept of each. Further paths cost little, and the middle one is the better
# the more there are.
BURN, KEEP, THIN, REPEAT = 8, {"trace": 144, "times": 144, "clicks": 64}, 2, 8
# In arms up to this size steps are cheap and the rates change slowly from one to the next.
SMALL, SMALL_REPEAT = 60, 1
# Without a table, and where events may hide between the readings, the curve says little of the
# number of censored, and their hazard changes slowly. Where no number of events holds it in
# place, JUMPS far moves are tried at each step, and every step is kept.
SLOW_THIN, SLOW_REPEAT, JUMPS = 10, 4, 1
# Where a step may follow more moves than this, fewer steps are made and fewer paths tried. Few
# readings, and a search that cuts nothing off, do follow them all.
MOST_MOVES, MOST_RARE_MOVES = {"trace": 1e8, "times": 1e7, "clicks": 1e8}, 1e7
HEAVY_REPEAT, FEW_TRIES = 16, 8
# First guesses of the log ratio of the hazard of censoring to that by the close of the trial,
# and of the probability of one more event in a batch.
STARTS, BATCH_STARTS = (-4.0, -2.0, -0.5, 1.0, 2.0), (0.05, 0.3)
# Arms larger than this are searched with fewer steps, starts and bins of survival, and more is
# cut off: the draws are fewer, and paths within half a pixel are not told apart.
LARGE_BURN, LARGE_KEEP, LARGE_THIN = 3, 24, 1
LARGE_STARTS, LARGE_BATCH_STARTS, LARGE_PRUNE = (-2.0, 0.5), (0.05,), 1e-6
# Paths tried at each step for one that has the stated number of events, and how often the
# search is repeated with more where too few have it.
TRIES, MORE_TRIES, ROUNDS = 100, 300, 3
# Where all paths are further than this share of the patients from the stated events, the search
# is not repeated: they contradict the curve.
HOPELESS = 0.1
# Paths drawn for each that is asked for, where the events are stated.
SPARE = 1.4
# With the stated number of events there should be at least this many paths to choose from.
ENOUGH = 8
# Mean and standard deviation of the log ratio of the hazard of censoring to `closing` in the
# last segment. If patients entered evenly over however long a time, and follow-up ends with the
# trial, the ratio is 1.1 there. But a figure may be cut before the close, and a curve may fall
# to zero with nobody censored: so the prior is wide, and lower.
LAST_CENSORING = 0.0, 2.0
# Standard deviation of the log hazard of events in the first segment.
FIRST_EVENTS = 1.0
# Shape of the negative binomial number of batches of events in a stage: next to Poisson; of
# clicks wider, so that what they miss is not taken for information.
BATCH_SHAPE = {"trace": 1000.0, "times": 1000.0, "clicks": 2.0}
# Weights below these shares of the largest are not followed.
PRUNE = {"trace": 1e-8, "times": 1e-8, "clicks": 1e-5}
# Where nothing is left the search is repeated with less cut off.
RARE = 1e-18
# Memory of the search at first and at most, in cells of the filter.
CELLS, MOST_CELLS = 2_000_000, 60_000_000


@dataclass(frozen=True)
class Paths:
    """Paths that fit one arm, one row for each draw.

    `left` (draws, K) counts those leaving at each stage, `events` and `at_risk` (draws, K) the
    events so far and the number at risk after it, `loose` how far the readings were widened.
    `hazards` (draws, segments) are the log ratios of the hazard of censoring to that by the
    close of the trial, which `censoring` summarises; `found` is the range of events over all
    paths drawn, and `met` says whether the rows have the stated number of events.
    """

    left: np.ndarray
    events: np.ndarray
    at_risk: np.ndarray
    stages: object
    loose: float
    hazards: np.ndarray
    found: tuple
    met: bool = True

    def only(self, rows):
        """The paths of these rows."""
        return replace(
            self,
            left=self.left[rows],
            events=self.events[rows],
            at_risk=self.at_risk[rows],
            hazards=self.hazards[rows],
        )

    def and_also(self, more):
        """These paths and more of the same arm."""
        return replace(
            self,
            left=np.vstack([self.left, more.left]),
            events=np.vstack([self.events, more.events]),
            at_risk=np.vstack([self.at_risk, more.at_risk]),
            hazards=np.vstack([self.hazards, more.hazards]),
            found=(min(self.found[0], more.found[0]), max(self.found[1], more.found[1])),
        )

    @property
    def censoring(self):
        """Hazard of censoring over all draws; None where marks took its place."""
        if self.stages.marks is not None:
            return None
        return CensoringHazard.of(self.hazards, self.stages.end)


def draw_paths(curve, table, n, seen, *, events=None, marks=None, draws=0, seed=0, others=()):
    """Draw paths from their posterior, with the stated events or the nearest to them found.

    `others` are the hazards of censoring in the other arms of a randomised comparison. None
    where no path fits even widened readings.
    """
    given = {"events": events, "marks": marks, "draws": draws, "others": others}
    paths = sample(curve, table, n, seen, seed=seed, **given)
    if paths is None or events is None:
        return paths
    for again in range(1, ROUNDS):
        off = np.abs(paths.events[:, -1] - events)
        hits = int((off == 0).sum())
        if hits >= max(draws, ENOUGH) or (again > 1 and hits == 0):
            break
        if off.min() > HOPELESS * n:
            break
        # The stated number is rare among the paths that fit: look longer.
        more = sample(curve, table, n, seen, seed=[seed, again], tries=MORE_TRIES, **given)
        if more is None or more.loose != paths.loose:
            break
        paths = paths.and_also(more)
    off = np.abs(paths.events[:, -1] - events)
    return replace(paths.only(off == off.min()), met=bool(off.min() == 0))


def sample(
    curve, table, n, seen, *, events=None, marks=None, draws=0, seed=0, others=(), tries=TRIES
):
    """Draw paths near the stated events, see `draw_paths`."""
    for loose in LOOSE:
        stages = STAGES[seen.kind](curve, table, n, seen, marks, loose)
        prior = _prior(curve, n, others, stages.end, seen.kind)
        drawn = _search(stages, n, seen.kind, prior, events, draws, seed, tries)
        if drawn is None:
            continue
        left, hazards = drawn
        died = (left * (stages.stage[:, 0] != CENSOR)).cumsum(axis=1)
        at_risk = n - left.cumsum(axis=1)
        found = int(died[:, -1].min()), int(died[:, -1].max())
        return Paths(left, died, at_risk, stages, loose, hazards, found)
    return None


def _prior(curve, n, others, end, kind):
    """Prior of the log hazards; that of events is about the hazard over all follow-up."""
    centre = np.log(-np.log(min(max(curve.surv[-1], 0.5 / n), 1 - 0.5 / n)))
    censoring, events = np.zeros((2, SEGMENTS)), np.full((2, SEGMENTS), centre)
    # The search starts at the hazards of the curve itself.
    share = np.round(curve.time / end, 9)
    edges = np.interp(np.linspace(0, 1, SEGMENTS + 1), share, curve.surv)
    fall = -np.diff(np.log(np.maximum(edges, 0.25 / n))) * SEGMENTS
    events[0, 1:] = np.log(np.maximum(fall, np.exp(centre) / 10))[1:]
    censoring[1], events[1] = np.inf, np.inf
    events[1, 0] = FIRST_EVENTS
    if others:
        censoring = expected(others, end, SEGMENTS)
    if np.isinf(censoring[1]).all():
        censoring[:, -1] = LAST_CENSORING
    return Prior(censoring, events, BATCH_SHAPE[kind], *_normal(censoring))


def _normal(anchor):
    """Mean, and root of the covariance, of log hazards with these anchors that change smoothly.

    As `path.log_rate_step` has it: neighbours of which both are anchored are not tied.
    """
    anchored = np.isfinite(anchor[1])
    ties = np.flatnonzero(~(anchored[1:] & anchored[:-1]))
    precision = np.diag(anchor[1] ** -2.0)
    for j in ties:
        precision[j : j + 2, j : j + 2] += np.array([[1, -1], [-1, 1]]) / SMOOTH**2
    covariance = np.linalg.inv(precision)
    pull = np.where(anchored, anchor[0], 0.0) * anchor[1] ** -2.0
    return covariance @ pull, np.linalg.cholesky(covariance)


def moves(stages, n):
    """Bound on the moves that one step of the search follows: cells by number of events."""
    at_risk = n - stages.stage[:, 4] + 1.0
    bins = stages.level[:, 6]
    falls = np.minimum(n, n * bins * stages.bin_width)
    return float((at_risk * np.append(1.0, bins[:-1]) * (1 + falls)).sum())


def _pace(stages, n, tries, most, stated):
    """How the search goes on, see `Search`; `stated`: with a number of events."""
    thin, repeat, jumps = THIN, SMALL_REPEAT if n <= SMALL else REPEAT, 0
    if n > LARGE:
        thin, repeat = LARGE_THIN, REPEAT
    elif moves(stages, n) > most:
        thin, repeat, tries = LARGE_THIN, HEAVY_REPEAT, FEW_TRIES
    elif (stages.stage[:, 0] == HIDDEN).any() and len(stages.columns) == 0:
        thin, repeat = (SLOW_THIN, SLOW_REPEAT) if stated else (1, 1)
        # Where there are marks no hazard of censoring is needed.
        jumps = JUMPS if not stated and stages.marks is None else 0
    return {"thin": thin, "repeat": repeat, "tries": tries, "jumps": jumps}


def _search(stages, n, kind, prior, events, draws, seed, tries):
    large = n > LARGE
    # Some will not have the stated events.
    wanted = draws if events is None else int(np.ceil(SPARE * draws))
    pace = _pace(stages, n, tries, MOST_MOVES[kind], events is not None)
    arm = Arm(
        stages.stage,
        stages.level,
        stages.clicks,
        stages.end_weight,
        n,
        stages.bin_width,
        stages.marks is not None,
    )
    search = Search(
        starts=np.array(LARGE_STARTS if large else STARTS),
        ties=np.array(LARGE_BATCH_STARTS if large else BATCH_STARTS),
        burn=LARGE_BURN if large and events is None else BURN,
        keep=max(LARGE_KEEP if large else KEEP[kind], wanted),
        prune=LARGE_PRUNE if large else PRUNE[kind],
        cells=CELLS,
        **pace,
    )
    total = -1 if events is None else events
    while True:
        left, hazards, failed = sample_paths(
            arm, prior, search, total, np.random.default_rng(seed)
        )
        if failed == -1:
            return left, hazards
        if failed == -2 and search.cells < MOST_CELLS:
            search = search._replace(cells=min(10 * search.cells, MOST_CELLS))
        elif failed == -2 and search.jumps:
            search = search._replace(jumps=0)
        elif failed >= 0 and search.prune > RARE:
            pace = _pace(stages, n, tries, MOST_RARE_MOVES, events is not None)
            search = search._replace(prune=RARE, **pace)
        else:
            return None


def middle(paths, kind):
    """Return the path that stands for all: leaving patients of each stage.

    Of a traced curve it is the draw nearest to the mean number at risk and of events, so that
    it fits the curve itself; without a table the censored of each gap are spread evenly. Of
    clicks it is the rounded mean of the draws with about the mean number of events, which
    averages the jitter.
    """
    died, at_risk = paths.events, paths.at_risk
    if kind == "clicks":
        total = died[:, -1]
        off = np.abs(total - np.round(total.mean()))
        near = off <= max(off.min(), total.std() / 4)
        died, at_risk = died[near], at_risk[near]
        start = at_risk[0, 0] + paths.left[near][0, 0]
        gone = start - at_risk - died
        whole_died = np.floor(died.mean(axis=0) + 0.5 - 1e-9).astype(np.int64)
        whole_gone = np.floor(gone.mean(axis=0) + 0.5).astype(np.int64)
        is_event = paths.stages.stage[:, 0] != CENSOR
        return np.where(
            is_event, np.diff(whole_died, prepend=0), np.diff(whole_gone, prepend=0)
        )
    distance = ((died - died.mean(axis=0)) ** 2 + (at_risk - at_risk.mean(axis=0)) ** 2).sum(1)
    left = paths.left[distance.argmin()]
    # A table tells in which part of a gap patients left; without one a single draw says little.
    return left if len(paths.stages.columns) else _evenly_over_gaps(left, paths.stages)


def _evenly_over_gaps(left, stages):
    """Patients of a path, the censored of each gap between drops spread evenly over it."""
    kind, left = stages.stage[:, 0], left.copy()
    same = (kind[1:] == CENSOR) & (kind[:-1] == CENSOR)
    gap = np.append(0, (~same).cumsum())
    for own in np.unique(gap[1:][same]):
        pieces = np.flatnonzero(gap == own)
        start, stop = stages.span[pieces].T
        count = left[pieces].sum()
        at = start[0] + (stop[-1] - start[0]) * np.arange(1, count + 1) / (count + 1)
        gone = np.searchsorted(at, stop[:-1], side="right")
        left[pieces] = np.diff(gone, prepend=0, append=count)
    return left


def reconstruct_exact(
    curve, table, n, seen, *, events=None, marks=None, draws=0, seed=0, others=()
):
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
    others : sequence of CensoringHazard
        Hazards of censoring in the other arms, if the arms share one process of censoring.

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
    ([2.0, 4.1, 5.0], [1, 0, 1])
    """
    paths = draw_paths(
        curve,
        table,
        n,
        seen,
        events=events,
        marks=marks,
        draws=draws,
        seed=seed,
        others=others,
    )
    if paths is None:
        return None
    return *point_and_ensemble(paths, seen, n, draws, seed), paths


def point_and_ensemble(paths, seen, n, draws, seed):
    """Patients of the path that stands for all, and a tuple of those of each draw."""
    places = Places.of(paths.stages)
    point = places.patients(middle(paths, seen.kind), n, evenly, exactly)
    rng = np.random.default_rng([seed, n])

    def anywhere(counts):
        return rng.random(counts.sum())

    def within_reading(count):
        return (rng.random(count) - 0.5) * seen.step_time

    # Spread over the search, because neighbours are alike. Where fewer paths than draws have
    # the stated number of events, they recur.
    chosen = np.linspace(0, len(paths.left) - 1, draws).round().astype(int)
    return point, tuple(
        places.patients(paths.left[i], n, anywhere, within_reading) for i in chosen
    )
