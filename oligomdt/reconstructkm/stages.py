"""The stages of an arm's path: gaps in which patients are censored, drops with events.

A path runs through the stages in order of time. `stage` has one row of whole numbers for each
(kind, segment of the hazards, number at risk after it or -1, censoring marks, least number at
risk) and `level` one of real numbers (share of follow-up, kind of reading, reading, half its
width, its standard deviation, lowest survival after the stage, bins of survival, share of
follow-up in which no event was seen).
"""

from dataclasses import dataclass

import numpy as np

from .censoring import closing
from .path import BOX, CENSOR, CLICKS, DROP, HIDDEN, SPLIT

SEGMENTS = 8
# Softness of a pixel's edge, as a share of the pixel: renderers do not all round alike.
EDGE = 0.1
# Bins of survival in a pixel, and where it is read at a few times only; paths that agree within
# one are followed as one.
BINS, BINS_TIMES = 8, 5
# The same in arms larger than this, for the sake of time.
LARGE, LARGE_BINS = 1000, 3
# Bound on the bins of one stage, whatever resolution is stated.
MOST_BINS, MOST_TRACE_BINS = 200, 5_000
# Bound on the cells of all stages between few readings.
MOST_TIMES_CELLS = 2e6
# Standard deviation of a hand click in pixels: off by -1, 0 or 1, and rounded.
CLICK = 0.87
# A click covers the time in which, given its error, the curve may have been read.
REACH = 0.75
# Clicks closer than their reach are taken together up to this many pixels of time.
JOINED = 3.0
# Survival is followed this many standard deviations around the clicks.
AROUND = 5.0
NOTHING_READ = (0, 0.0, 0.0, 0.0)
# The time between two drops is cut into as many pieces as are at least this share of follow-up.
SHORTEST_PIECE = 1 / 16
# Pieces into which the time between two readings is cut, so that events and censored mix.
PIECES = 2


@dataclass(frozen=True)
class Stages:
    """The stages of one arm, ready for the search.

    `span` (K, 2) is the time from and to which each stage lasts, `end` the end of follow-up,
    `clicks` the levels that stages of kind CLICKS refer to, `end_weight` the prior weight of
    each number at risk at the end, `marks` the times of the censoring marks or None, and
    `columns` the times of the table's columns.
    """

    stage: np.ndarray
    level: np.ndarray
    span: np.ndarray
    end: float
    bin_width: float
    clicks: np.ndarray
    end_weight: np.ndarray
    marks: np.ndarray | None
    columns: np.ndarray


class _Builder:
    def __init__(self, end, marks, rows):
        self.stage, self.level, self.span, self.quiet = [], [], [], []
        self.end, self.marks, self.now = end, marks, 0.0
        self.columns = np.array([time for time, _ in rows])

    def add(
        self,
        kind,
        start,
        stop,
        reading=NOTHING_READ,
        row=-1,
        width=None,
        marks=0,
        quiet=0.0,
        half=1.0,
    ):
        middle = start / self.end / 2 + stop / self.end / 2
        segment = min(SEGMENTS - 1, int(round(middle * SEGMENTS, 9)))
        self.quiet.append(quiet)
        if kind == CENSOR:
            share = closing(stop / self.end) - closing(start / self.end)
        else:
            share = stop / self.end - start / self.end
        share = share * half if width is None else width
        self.stage.append((kind, segment, row, marks))
        self.level.append((share, *reading))
        self.span.append((start, stop))

    def piece(self, stop, reading=NOTHING_READ, row=-1):
        """Censored and then events until `stop`, each in its half of the time unless marked."""
        start, middle = self.now, (self.now + stop) / 2
        # Rounded, so that the unit of time changes nothing.
        share = round(closing(stop / self.end) - closing(start / self.end), 12)
        length = round((stop - start) / self.end, 12)
        first, second = (middle, middle) if self.marks is None else (stop, start)
        self.add(CENSOR, start, first, width=share, marks=self.seen(stop))
        self.add(HIDDEN, second, stop, reading, row=row, width=length)
        self.now = stop

    def seen(self, stop):
        """Censoring marks from now to `stop`."""
        if self.marks is None:
            return 0
        return int(((self.marks >= self.now) & (self.marks < stop)).sum())


def rows_used(table, last, step):
    """Rows of the table that say something: a row of nobody at the curve's end repeats it."""
    return [
        (float(time), int(n))
        for time, n in zip(table.time[1:], table.n[1:], strict=True)
        if n > 0 or time < last - step / 2
    ]


def end_weights(n, last, step, emptied=False):
    """Prior weight of the number still at risk at the end of a curve that ends at level `last`.

    A curve is drawn until its last patient; how many are left there is as likely to be small as
    large in proportion. A curve that ends above zero has somebody left, unless a row of the
    table says that it has been `emptied`.
    """
    weight = np.zeros(n + 2)
    weight[1:] = 1 / np.arange(1, n + 2)
    weight[1] = 4.0
    if last <= step / 2:
        weight[:] = 0.0
        weight[0] = 1.0
    if emptied:
        weight[0] = 1.0
    return weight


def trace_stages(curve, table, n, seen, marks=None, loose=1.0):
    """Stages of a curve of which every visible drop was read.

    Between two drops patients are censored; where a single event is smaller than the
    resolution, events may hide there too. A drop read at the time of a column of the table may
    have come before or after it. `loose` widens the readings.
    """
    half, soft = loose * seen.step_surv / 2, loose * EDGE * seen.step_surv
    falls = np.flatnonzero(curve.surv < np.append(1.0, curve.surv[:-1]) - 1e-12)
    time, surv = curve.time[falls], curve.surv[falls]
    lowest = np.append(time[1:] != time[:-1], True)[: len(time)]
    time, surv = time[lowest], surv[lowest]
    rows = rows_used(table, curve.time[-1], seen.step_time)
    end = max([float(curve.time[-1])] + [row[0] for row in rows])
    build = _Builder(end, marks, rows)
    hidden = 1 / n < 1.2 * seen.step_surv
    near = seen.step_time / 2

    column_share = seen.step_time / end

    def gap(stop, last, row=-1):
        # Those censored on a mark have their time already.
        borders = [stop] if marks is not None else _borders(build.now, stop, end)
        # What lies in the columns of pixels of the drops that were seen is not counted.
        length = max(stop - build.now, column_share * end)
        quiet = 1 - column_share * end / length if length > 0 else 0.0
        for border in borders[:-1]:
            piece(border, last, quiet)
        piece(stop, last, quiet, row)

    def piece(stop, last, quiet, row=-1):
        marked = build.seen(stop)
        between = quiet * (stop - build.now) / end
        if hidden and stop > build.now:
            build.add(CENSOR, build.now, stop, half=0.5)
            build.add(HIDDEN, build.now, stop, (BOX, last, half, soft), width=between)
            build.add(CENSOR, build.now, stop, row=row, half=0.5, marks=marked)
        else:
            build.add(CENSOR, build.now, stop, row=row, marks=marked, quiet=between)
        build.now = stop

    last = 1.0
    drops = list(zip(time.tolist(), surv.tolist(), strict=True))
    while drops:
        at, after = drops.pop(0)
        while rows and rows[0][0] < at - near:
            gap(rows[0][0], last, rows.pop(0)[1])
        if rows and rows[0][0] < at + near:
            column, left = rows.pop(0)
            early = min(at, np.nextafter(column, 0.0))
            while drops and drops[0][0] <= column + near:
                # Drops within the column's pixel: each may lie on either side of it.
                at, after = drops.pop(0)
            late = max(at, column)
            gap(early, last)
            if marks is None:
                build.add(SPLIT, early, early, row=left, width=column_share / 2)
            else:
                build.add(SPLIT, early, early, width=column_share / 2)
                build.now = early
                build.add(CENSOR, early, column, row=left, marks=build.seen(column))
                build.now = column
                build.add(CENSOR, column, late, marks=build.seen(late))
            build.add(SPLIT, late, late, (BOX, after, half, soft), width=column_share / 2)
            build.now = late
        else:
            gap(at, last)
            build.add(DROP, at, at, (BOX, after, half, soft), width=column_share)
        last = after
    for at, left in rows:
        gap(at, last, left)
    gap(end, last)
    bins = LARGE_BINS if n > LARGE else BINS
    return _finish_trace(build, n, last, half, soft, marks, bins, np.inf)


def _borders(start, stop, end):
    """Ends of the pieces of a gap: in a long one the hazard of censoring changes."""
    pieces = max(1, int(round((stop - start) / end / SHORTEST_PIECE, 9)))
    return np.linspace(start, stop, pieces + 1)[1:].tolist()


def times_stages(curve, table, n, seen, marks=None, loose=1.0):
    """Stages of a curve of which survival is known at a few times only."""
    half, soft = loose * seen.step_surv / 2, loose * EDGE * seen.step_surv
    later = curve.time > 0
    points = list(zip(curve.time[later].tolist(), curve.surv[later].tolist(), strict=True))
    rows = rows_used(table, curve.time[-1], seen.step_time)
    build = _Builder(max([points[-1][0]] + [row[0] for row in rows]), marks, rows)
    known, counted = dict(points), dict(rows)
    for stop in sorted(known | counted):
        for piece in np.linspace(build.now, stop, PIECES + 1)[1:-1].tolist():
            build.piece(piece)
        reading = (BOX, known[stop], half, soft) if stop in known else NOTHING_READ
        build.piece(stop, reading, counted.get(stop, -1))
    last = points[-1][1]
    return _finish_trace(build, n, last, half, soft, marks, BINS_TIMES, MOST_TIMES_CELLS)


def _finish_trace(build, n, last, half, soft, marks, bins_of_pixel, most_cells):
    stage, level = np.array(build.stage, np.int64), np.array(build.level)
    width = 2 * half / bins_of_pixel
    reach = half + 5 * soft
    low, high, tops = np.zeros(len(stage)), 1.0 + 1e-12, np.zeros(len(stage))
    ahead = max(0.0, last - reach)
    for k in range(len(stage) - 1, -1, -1):
        if level[k, 1]:
            ahead = max(0.0, level[k, 2] - reach)
        low[k] = ahead
    after = np.ones(len(stage))
    now = 1.0
    for k in range(len(stage)):
        if level[k, 1]:
            now = level[k, 2]
            high = min(high, now + reach)
        after[k] = now
        tops[k] = high
    lowest = np.maximum(_fallen(stage, level, after) - 2 * half, 0)
    least = least_at_risk(stage, lowest, after + 2 * half)
    width = max(width, float((tops - low).max()) / MOST_TRACE_BINS)
    width = max(width, float(((n - least + 1) * (tops - low)).sum()) / most_cells)
    bins = np.maximum(1, np.ceil((tops - low) / width))
    return Stages(
        np.column_stack([stage, least]),
        np.column_stack([level, low, bins, build.quiet]),
        np.array(build.span),
        build.end,
        width,
        np.zeros(1),
        end_weights(n, last, 2 * half, (stage[:, 2] == 0).any()),
        marks,
        build.columns,
    )


def _fallen(stage, level, after):
    """Lowest level after each stage: where events were not read, that of the next reading."""
    fallen, ahead = after.copy(), 0.0
    for k in range(len(stage) - 1, -1, -1):
        fallen[k] = min(after[k], ahead)
        if level[k, 1]:
            fallen[k] = ahead = level[k, 2]
    unread = (stage[:, 0] == HIDDEN) & (level[:, 1] == 0)
    since, is_open = np.zeros(len(stage), bool), False
    for k in range(len(stage)):
        is_open = (is_open or unread[k]) and not level[k, 1]
        since[k] = is_open
    return np.where(since, fallen, after)


def least_at_risk(stage, low, high):
    """Fewest patients at risk after each stage with which the next rows of the table are met.

    Censoring only lowers the number at risk, so before a row of N it was at least N times the
    ratio of survival then and at the row.
    """
    least = np.zeros(len(stage), np.int64)
    need, level = 0, 0.0
    for k in range(len(stage) - 1, -1, -1):
        if stage[k, 2] >= 0:
            need, level = stage[k, 2], high[k]
        if level > 0:
            least[k] = max(0, int(need * low[k] / level) - 1)
    return least


def click_stages(curve, table, n, seen, marks=None, loose=1.0):
    """Stages of a curve clicked by hand.

    Each click says that around its time the curve passed its level, give or take a pixel; a
    click on a vertical piece lies between the levels before and after. Clicks so near a column
    of the table that they cannot be put on one side of it are not used.
    """
    step, spread = seen.step_time, loose * CLICK * seen.step_surv
    time, surv = curve.raw_time, curve.raw_surv
    last = float(curve.time[-1])
    rows = rows_used(table, last, step)
    end = max([last] + [row[0] for row in rows])
    columns = np.array([row[0] for row in rows] or [-np.inf])
    used = (time > 0) & (np.abs(time[:, None] - columns).min(axis=1) >= step)
    time, surv = time[used], surv[used]
    build = _Builder(end, marks, rows)

    def piece(stop, reading=NOTHING_READ):
        row = rows.pop(0)[1] if rows and rows[0][0] <= stop else -1
        build.add(CENSOR, build.now, stop, marks=build.seen(stop))
        build.add(HIDDEN, build.now, stop, reading, row=row)
        build.now = stop

    def advance(stop):
        while rows and rows[0][0] <= stop:
            piece(rows[0][0])
        if stop > build.now:
            piece(stop)

    groups = _joined(time, step, columns)
    for j, group in enumerate(groups):
        first, final = time[group[0]], time[group[-1]]
        left, right = max(first - REACH * step, build.now), min(final + REACH * step, end)
        if j + 1 < len(groups):
            right = min(right, (final + time[groups[j + 1][0]]) / 2)
        for column in columns[(columns > left) & (columns < right)]:
            left, right = (column, right) if column <= first else (left, min(right, column))
        advance(left)
        piece(max(right, build.now), (CLICKS, group[0], len(group), spread))
    advance(end)
    return _finish_clicks(build, curve, n, seen, spread, surv, marks)


def _joined(time, step, columns):
    """Groups of clicks whose reach overlaps, cut at the table's columns."""
    groups = []
    for i in range(len(time)):
        if groups:
            first, last = time[groups[-1][0]], time[i - 1]
            near = time[i] - last < 2 * REACH * step and time[i] - first <= JOINED * step
            if near and not ((columns > first) & (columns < time[i])).any():
                groups[-1].append(i)
                continue
        groups.append([i])
    return groups


def _finish_clicks(build, curve, n, seen, spread, surv, marks):
    stage, level = np.array(build.stage, np.int64), np.array(build.level)
    span = np.array(build.span)
    time, smooth = np.append(0.0, curve.time), np.append(1.0, curve.surv)
    slack = 2.5 * seen.step_time
    low = np.maximum(np.interp(span[:, 1] + slack, time, smooth) - AROUND * spread, 0.0)
    high = np.interp(np.maximum(span[:, 1] - slack, 0.0), time, smooth) + AROUND * spread
    high = np.minimum(high, 1.0)
    width = max(spread, float((high - low).max()) / MOST_BINS)
    low = np.maximum(np.minimum(low, high - width), 0.0)
    bins = np.maximum(1, np.ceil((high - low) / width + 1e-6))
    last = float(surv[-5:].min()) if len(surv) else 1.0
    emptied = (stage[:, 2] == 0).any()
    weight = end_weights(n, max(last, seen.step_surv), seen.step_surv, emptied)
    if last <= 2 * seen.step_surv:
        # A click this low may be the foot of a last drop to zero.
        weight[0] = 3.0
    return Stages(
        np.column_stack([stage, least_at_risk(stage, low, high)]),
        np.column_stack([level, low, bins, build.quiet]),
        span,
        build.end,
        width,
        surv,
        weight,
        marks,
        build.columns,
    )
