"""Where in time the patients of a path are placed."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from .path import CENSOR, HIDDEN

# Drops that are moved within their reading stay apart by this share of the largest move.
APART = 0.01


@dataclass(frozen=True)
class Places:
    """What the stages of an arm say of the times of patients, whatever the path.

    `drops` are the stages of the drops that were read, `earliest` and `latest` the times
    between which each may be moved; `tied` (K, 2) is the drop with which the start and the end
    of a stage move, -1 where they stay. `piece` (K) numbers the pieces of time: stages that
    share one follow each other within it.
    """

    stages: object
    drops: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    tied: np.ndarray
    piece: np.ndarray

    @classmethod
    def of(cls, stages):
        """Places for the paths through these stages."""
        kind, span = stages.stage[:, 0], stages.span
        drops = np.flatnonzero((kind != CENSOR) & (kind != HIDDEN))
        read = span[drops, 1]
        # Nothing is read before the first drop or after the last.
        padded = np.concatenate([[-1.0], read, [-1.0]])
        behind = np.searchsorted(drops, np.arange(len(span)), side="left")[:, None]
        tied = np.full(span.shape, -1)
        for near in (behind, behind + 1):
            tied = np.where(span == padded[near], near - 1, tied)
        tied[drops] = np.arange(len(drops))[:, None]
        piece = np.append(0, (span[1:] != span[:-1]).any(axis=1).cumsum())
        return cls(stages, drops, *_between_columns(stages, read), tied, piece)

    def patients(self, left, n, place, jitter):
        """Times and events of the patients of the path on which `left` leave at each stage.

        `place(counts)` gives the places of so many patients within each of several stages as
        shares of it, and `jitter(count)` what is added to the times of drops that were read.
        """
        stages, kind = self.stages, self.stages.stage[:, 0]
        spans = self._spans(jitter(len(self.drops)))
        marked = _marked(stages, spans) & (left > 0)
        between = (kind == CENSOR) | (kind == HIDDEN)
        spread = np.flatnonzero(between & ~marked & (left > 0))
        times = [self._spread(spans, spread, left[spread], place)]
        times += [_on_marks(stages, *spans[k], left[k]) for k in np.flatnonzero(marked)]
        times.append(np.repeat(spans[self.drops, 1], left[self.drops]))
        alive = n - int(left.sum())
        times.append(np.full(alive, spans[-1, 1]))
        gone = np.flatnonzero(marked)
        stage = np.concatenate([np.repeat(k, left[k]) for k in (spread, gone, self.drops)])
        time = np.concatenate(times)
        event = np.concatenate([kind[stage] != CENSOR, np.zeros(alive, bool)])
        order = np.lexsort((~event, time))
        return time[order], event[order].astype(int)

    def _spread(self, spans, stages, count, place):
        """Times of so many leaving at stages that last for some time.

        Those of one piece keep the order of its stages, so that whoever dies there is among as
        many at risk as on the path (if nobody is censored on a mark).
        """
        piece, first = np.unique(self.piece[stages], return_index=True)
        together = np.add.reduceat(count, first) if len(count) else count
        start, stop = spans[stages[first]].T
        times = np.repeat(start, together) + np.repeat(stop - start, together) * place(together)
        return times[np.lexsort((times, np.repeat(piece, together)))]

    def _spans(self, moves):
        """Time from and to which each stage lasts when the drops are moved by so much.

        Drops keep their order and their side of the table's columns, and the gaps between them
        move with them, so that nobody changes places.
        """
        span = self.stages.span
        if not moves.any():
            return span
        moved = _in_order(
            span[self.drops, 1] + moves,
            self.earliest,
            self.latest,
            np.abs(moves).max() * APART,
        )
        start, stop = np.where(self.tied >= 0, moved[self.tied], span).T
        start, stop = np.maximum.accumulate(start), np.maximum.accumulate(stop)
        return np.column_stack([start, np.maximum(start, stop)])


@njit(cache=True)
def _in_order(times, earliest, latest, apart):
    """These times, each within its bounds and, where there is room, `apart` from the last."""
    moved, now = np.empty(len(times)), -apart
    for i in range(len(times)):
        now = min(max(times[i], earliest[i], now + apart), latest[i])
        moved[i] = now
    return moved


def _between_columns(stages, read):
    """Earliest and latest times of drops on their side of the table's columns."""
    columns = np.concatenate([[0.0], stages.columns, [np.inf]])
    after = np.searchsorted(stages.columns, read, side="right") + 1
    late = np.nextafter(columns[after], 0.0)
    return columns[after - 1], np.where(np.isinf(columns[after]), stages.end, late)


def _marked(stages, spans):
    """Whether the censored of each stage have marks to sit on."""
    if stages.marks is None:
        return np.zeros(len(spans), bool)
    seen = np.diff(np.searchsorted(stages.marks, spans, side="left"))[:, 0]
    return (stages.stage[:, 0] == CENSOR) & (seen > 0)


def _on_marks(stages, start, stop, count):
    """Times of the censored of one stage: every mark holds one, those beyond sit in turn."""
    at = stages.marks[(stages.marks >= start) & (stages.marks < stop)]
    return np.sort(np.resize(at, count)) if count >= len(at) else at[:count]


def evenly(counts):
    """Places of patients spread evenly within each stage."""
    rank = np.arange(1, counts.sum() + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank / np.repeat(counts + 1, counts)


def exactly(count):
    """No shift of the time of a drop."""
    return np.zeros(count)
