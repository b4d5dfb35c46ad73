"""Compiled search for the whole-number paths that a survival curve allows.

A curve of n patients is a path: the number at risk falls by the censored in the gaps and by the
events at the drops, and each drop of d among r at risk multiplies survival by 1 - d / r. The
functions here draw such paths given noisy levels of the curve, numbers at risk and censoring
marks, by forward filtering and backward sampling over the number at risk.
"""

from math import erf, exp, lgamma, log, log1p, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

# What is compiled is kept on disk (`cache=True`), which is safe as long as a compiled function
# and all it calls are in this one file: a change elsewhere would not be noticed.
CENSOR, DROP, HIDDEN, SPLIT = 0, 1, 2, 3
BOX, CLICKS = 1, 3
# Events come in batches, because scheduled scans find many progressions at once: a negative
# binomial number of batches, each of one event and a geometric number of further ones. This is
# the Beta prior of the probability of one more.
TIES = (0.7, 2.5)
# Shapes of the negative binomial number of censored that are tried.
SHAPES = np.array([0.3, 1.0, 3.0, 10.0, 100.0])
# Shares of the prior in far moves of the hazard of censoring.
PARTS = np.array([0.2, 0.5, 1.0])
# Spread of the log hazards from one segment to the next.
SMOOTH = 0.7
# Weights of a reading are looked up in a table, so many steps to a bin of survival; steps must
# be shorter than this share of the softness of its edge.
FINE, FINE_ENOUGH = 16, 0.25
# Beyond this many standard deviations of the edge a reading is as good as excluded.
OUTSIDE = 9.0
# Below this log probability of no event, probabilities are followed as logs.
LOG_TINY = -600.0
# When a path is drawn, weights below this share of those before, and falling, are left out.
NEGLIGIBLE = 1e-12
# Paths from which it is told how far their events are from the stated number.
ENOUGH_TO_TILT = 4
# Parts of a path that are drawn anew once it has the stated events.
SETTLE = 10
# Bound on how much more likely one event more is made to reach a stated number.
MOST_TILT = 3.0


class Arm(NamedTuple):
    """Stages and readings of one arm; the fields are those of `stages.Stages`."""

    stage: np.ndarray
    level: np.ndarray
    clicks: np.ndarray
    end_weight: np.ndarray
    n: int
    bin_width: float
    use_marks: bool


class Prior(NamedTuple):
    """What is taken for granted of one arm.

    `censoring` and `events` (2, segments) are means and standard deviations of the log hazards,
    besides their smoothness; `batch_shape` is the shape of the number of batches in a stage;
    `centre` and `root` are mean and root of the covariance of the log hazards of censoring,
    their smoothness included.
    """

    censoring: np.ndarray
    events: np.ndarray
    batch_shape: float
    centre: np.ndarray
    root: np.ndarray


class Search(NamedTuple):
    """Extent of the search.

    `starts` and `ties` are first guesses of the log hazard of censoring and of the share of
    further events; `burn` steps are thrown away, then `repeat` paths are kept of every
    `thin`-th step until there are `keep`. At most `tries` paths are drawn for one with the
    stated events; weights below `prune` of the largest are not followed; `cells` bounds the
    memory. At each step `jumps` far moves of the hazard of censoring are proposed, where the
    number of events is not stated.
    """

    starts: np.ndarray
    ties: np.ndarray
    burn: int
    keep: int
    thin: int
    repeat: int
    tries: int
    prune: float
    cells: int
    jumps: int


class Rates(NamedTuple):
    """What a path is drawn under: hazards of censoring and of events by segment, share of
    one more event in a batch, shapes of the numbers of censored and of batches, share of
    patients beyond those marked, share censored without a mark, tilt of the number of events.
    """

    lamc: np.ndarray
    lame: np.ndarray
    rho: float
    shape: float
    batch_shape: float
    extra: float
    lone: float
    tilt: float


@njit(cache=True)
def changed(rates, lamc, shape, tilt):
    """The same rates with other hazards of censoring, shape of their number and tilt."""
    return Rates(
        lamc, rates.lame, rates.rho, shape, rates.batch_shape, rates.extra, rates.lone, tilt
    )


@njit(cache=True)
def level_weight(level, s0, s, clicks):
    """Weight of the reading of a stage in which the curve falls from `s0` to `s`."""
    otype, y, half, sd = int(level[1]), level[2], level[3], level[4]
    if otype == 0:
        return 1.0
    if otype == CLICKS:
        e = 0.0
        for i in range(int(y), int(y) + int(half)):
            off = max(clicks[i] - s0, s - clicks[i], 0.0) / sd
            e += min(off * off, 20.0)
        return exp(-0.5 * e)
    up, down = (y + half - s) / sd, (y - half - s) / sd
    if up > 4 and down < -4:
        return 1.0
    return 0.5 * (erf(up * 0.7071067811865476) - erf(down * 0.7071067811865476)) + 1e-15


class Readings(NamedTuple):
    """Weights of the readings in tables, so that none is computed twice.

    Stage k is looked up in `table` from `base[k]` on, where survival `origin[k]` is; -1 where
    it must be computed. `size` is the length of each table, `edge[k]` the lowest survival of
    the bins before stage k.
    """

    table: np.ndarray
    base: np.ndarray
    size: np.ndarray
    origin: np.ndarray
    edge: np.ndarray


@njit(cache=True)
def click_weight(level, s, clicks, below):
    """Weight of the clicks of a stage that lie above survival `s`, or of those below it.

    That of a fall from s0 to s is the weight of those above s0 times that of those below s.
    """
    first, count, sd = int(level[2]), int(level[3]), level[4]
    e = 0.0
    for i in range(first, first + count):
        off = max(s - clicks[i] if below else clicks[i] - s, 0.0) / sd
        e += min(off * off, 20.0)
    return exp(-0.5 * e)


@njit(cache=True)
def table_sizes(arm):
    """Length of the table of each stage, where it starts (-1: none) and the length of all."""
    kmax, step = arm.stage.shape[0], arm.bin_width / FINE
    size, base = np.zeros(kmax, np.int64), np.full(kmax, -1)
    used, box = 0, -1
    for k in range(kmax):
        level = arm.level[k]
        otype = int(level[1])
        if otype == CLICKS:
            base[k], size[k] = used, (int(level[6]) + 1) * FINE + 2
            used += 2 * size[k]
        elif otype == BOX and step <= FINE_ENOUGH * level[4]:
            if box >= 0 and level[3] == arm.level[box, 3] and level[4] == arm.level[box, 4]:
                # All pixels are alike.
                base[k], size[k] = base[box], size[box]
                continue
            box, base[k] = k, used
            size[k] = int(2 * (level[3] + OUTSIDE * level[4]) / step) + 2
            used += size[k]
    return size, base, used


@njit(cache=True)
def look_up(arm):
    """Tables of the readings of an arm."""
    kmax, step = arm.stage.shape[0], arm.bin_width / FINE
    size, base, used = table_sizes(arm)
    table, origin, edge = np.empty(used), np.zeros(kmax), np.ones(kmax + 1)
    filled = 0
    for k in range(kmax):
        level = arm.level[k]
        edge[k + 1] = edge[k] if arm.stage[k, 0] == CENSOR else level[5]
        if base[k] < 0:
            continue
        box = int(level[1]) == BOX
        origin[k] = level[2] - level[3] - OUTSIDE * level[4] if box else level[5]
        if base[k] < filled:
            continue
        for i in range(size[k]):
            s = origin[k] + i * step
            if box:
                table[filled + i] = level_weight(level, s, s, arm.clicks)
            else:
                table[filled + i] = click_weight(level, s, arm.clicks, True)
                table[filled + size[k] + i] = click_weight(level, s, arm.clicks, False)
        filled += size[k] if box else 2 * size[k]
    return Readings(table, base, size, origin, edge)


@njit(cache=True)
def between(table, base, size, x):
    """Entry `x` steps from the start of a table, between the two nearest."""
    i = int(x)
    if x < 0 or i >= size - 1:
        return 1e-15
    low = table[np.uintp(base + i)]
    return low + (x - i) * (table[np.uintp(base + i + 1)] - low)


@njit(cache=True)
def above_weight(level, s, clicks, table, base, size, x):
    """What clicks say of survival `s` before the stage, `x` steps into the table."""
    if x < 0 or x >= size - 1:
        return click_weight(level, s, clicks, False)
    return between(table, base + size, size, x)


@njit(cache=True)
def count_weight(c, mean, shape, gammas):
    """Negative binomial probability of `c` with this mean and shape.

    `gammas[0]` holds the log of c!, `gammas[1]` that of gamma(shape + c) / gamma(shape).
    """
    if mean <= 0:
        return 1.0 if c == 0 else 0.0
    return exp(
        gammas[1, c]
        - gammas[0, c]
        + shape * log(shape / (shape + mean))
        + c * log(mean / (shape + mean))
    )


@njit(cache=True)
def mark_weight(c, marks, extra, lone):
    """Weight of `c` censored where `marks` were seen: several may share one, few are missed."""
    if marks == 0:
        return 1.0 if c == 0 else lone**c
    if c < marks:
        return 0.02 ** (marks - c)
    # every mark holds one patient or, with probability `extra` each, more
    over = c - marks
    w = 1.0
    for i in range(over):
        w *= extra * (marks + i) / (i + 1)
    return w * (1 - extra) ** marks


@njit(cache=True)
def log_no_events(mean, batch_shape):
    """Log probability of no event; `batch_shape` is that of the number of batches."""
    return -batch_shape * log1p(mean / batch_shape)


@njit(cache=True)
def events_ratio(d, mean, batch_shape, rho, before):
    """Ratio of the probabilities of `d` and `d - 1` events, given that of the two before.

    A negative binomial number of batches with this mean and shape `batch_shape`, each of one
    event and a geometric number of others. The recursion follows from the derivative of the
    generating function.
    """
    m = mean / batch_shape
    ratio = (rho + m + rho * (1 + m)) * (d - 1) + mean * (1 - rho)
    if d > 2:
        ratio -= rho * (rho + m) * (d - 2) / before
    return ratio / ((1 + m) * d)


@njit(cache=True)
def fill_events(weights, known, most, mean, rates, log_weight, ratio):
    """Weights of `known` + 1 to `most` events, into `weights`, from that of `known` on.

    `log_weight` is the log of that weight and `ratio` its ratio to the one before; both are
    returned for the next call.
    """
    tilt, boost = rates.tilt, exp(rates.tilt)
    plain = log_no_events(mean, rates.batch_shape) > LOG_TINY
    for d in range(known + 1, most + 1):
        ratio = events_ratio(d, mean, rates.batch_shape, rates.rho, ratio)
        if plain:
            weights[d] = weights[d - 1] * ratio * boost
        else:
            log_weight += log(ratio) + tilt
            weights[d] = exp(log_weight)
    return log_weight, ratio


@njit(cache=True)
def events_weight(d, mean, rates, weights):
    """Weight of `d` events; `weights` is room for those of fewer."""
    log_none = log_no_events(mean, rates.batch_shape)
    weights[0] = exp(log_none)
    fill_events(weights, 0, d, mean, rates, log_none, 0.0)
    return weights[d]


@njit(cache=True)
def fill_row(row, buf, at, bins, factor):
    """Weights of a row of cells times `factor`, alone and times survival, and where any are.

    The row starts at `at`; returns the first entry that is not 0, and that after the last.
    """
    first, last = 2 * bins, 0
    for b in range(0, 2 * bins, 2):
        g = buf[np.uintp(at + b)] * factor
        row[np.uintp(b)], row[np.uintp(b + 1)] = g, g * buf[np.uintp(at + b + 1)]
        if g > 0:
            first, last = min(first, b), b + 2
    return min(first, last), last


@njit(cache=True)
def censor_forward(arm, k, rates, growth, buf, here, there, prune, mass, row):
    """Let patients leave by censoring.

    Returns the least number at risk that was reached, and the log of a common factor.

    `here` and `there` are the start, the lowest and highest number at risk and the bins of
    survival before and after the stage, `mass` the largest weight at each number at risk;
    `row` is room for the weights of one. `growth[c]` is (shape + c) / (c + 1).
    """
    start, low, high, bins = here
    begin, floor_r = there[0], there[1]
    marks, hazard = arm.stage[k, 3], rates.lamc[arm.stage[k, 1]] * arm.level[k, 0]
    shape, extra, lone, use_marks = rates.shape, rates.extra, rates.lone, arm.use_marks
    quiet = rates.lame[arm.stage[k, 1]] * arm.level[k, 7]
    # Against the fewest at risk, so that nothing is too small to be a number.
    offset = log_no_events(quiet * max(low, floor_r), rates.batch_shape)
    least = high
    for r in range(high, max(low, floor_r) - 1, -1):
        top = mass[r - low]
        if top <= 0:
            continue
        at, mean = 2 * (start + (r - low) * bins), hazard * r
        log_none = log_no_events(quiet * r, rates.batch_shape) - offset if quiet > 0 else 0.0
        log_zero = 0.0 if use_marks else -shape * log1p(mean / shape)
        none, p, ratio = exp(log_none + log_zero), 1.0, mean / (shape + mean)
        first, last = fill_row(row, buf, at, bins, none)
        # Relative to nobody censored.
        negligible = 0.01 * prune / top * exp(-log_zero)
        for c in range(r - floor_r + 1):
            q = mark_weight(c, marks, extra, lone) if use_marks else p
            if q > 0:
                to = 2 * (begin + (r - c - floor_r) * bins) + first
                for i in range(last - first):
                    # Unsigned, because a signed index is checked for being negative.
                    buf[np.uintp(to + i)] += row[np.uintp(first + i)] * q
                least = min(least, r - c)
            p *= growth[c] * ratio
            if use_marks:
                done = c + 1 > marks + 2 and q < 1e-9
            else:
                done = c + 1 > mean and p < negligible
            if done:
                break
    return least, offset


@njit(cache=True)
def events_forward(arm, k, rates, readings, buf, here, there, weights, mass):
    """Let patients leave by events; returns the least number at risk that was reached.

    Arguments as for `censor_forward`; `weights` is room for those of the numbers of events.
    """
    start, low, high, bins = here
    begin, floor_r, _, new_bins = there
    # Fields are read once: looking them up in the innermost loop doubles the time.
    level, clicks, table = arm.level[k], arm.clicks, readings.table
    base, size, origin = readings.base[k], readings.size[k], readings.origin[k]
    to_bins, to_entry = 1 / arm.bin_width, FINE / arm.bin_width
    kind, otype, window = arm.stage[k, 0], int(level[1]), level[5]
    hazard, ceiling = rates.lame[arm.stage[k, 1]] * level[0], window + new_bins * arm.bin_width
    fewest = 1 if kind == DROP else 0
    least = high
    for r in range(high, max(low, floor_r) - 1, -1):
        top = mass[r - low]
        if top <= 0:
            continue
        mean, share, known, ratio = hazard * r, 1 / max(r, 1), 0, 0.0
        log_prior = log_no_events(mean, rates.batch_shape)
        weights[0] = exp(log_prior)
        most = r - 1 if r > 0 and otype == 0 and kind != SPLIT else r
        most = min(most, r - floor_r)
        for b in range(bins):
            # Unsigned, because a signed index is checked for being negative.
            at = np.uintp(2 * (start + (r - low) * bins + b))
            w, s = buf[at], buf[at + np.uintp(1)]
            if w <= 0 or s < window:
                continue
            first = max(fewest, int((s - ceiling) / s * r)) if s > ceiling else fewest
            last = most if window <= 0 else min(most, int(r * (1 - window / s)))
            if last > known:
                log_prior, ratio = fill_events(
                    weights, known, last, mean, rates, log_prior, ratio
                )
                known = last
            if otype == CLICKS:
                w *= above_weight(level, s, clicks, table, base, size, (s - origin) * to_entry)
            step = s * share
            for d in range(first, last + 1):
                g, s2 = w * weights[np.uintp(d)], s - d * step
                to_bin = int((s2 - window) * to_bins)
                if s2 < window or to_bin >= new_bins or g < 1e-40 * top:
                    continue
                if base >= 0:
                    g *= between(table, base, size, (s2 - origin) * to_entry)
                elif otype != 0:
                    g *= level_weight(level, s, s2, clicks)
                to = np.uintp(2 * (begin + (r - d - floor_r) * new_bins + to_bin))
                buf[to] += g
                buf[to + np.uintp(1)] += g * s2
                least = min(least, r - d)
    return least


@njit(cache=True)
def meet_row(buf, there, row, high):
    """Keep the number at risk in print, or the nearest above it where that does not fit."""
    begin, floor_r, _, bins = there
    kept = False
    for r in range(row, high + 1):
        at = 2 * (begin + (r - floor_r) * bins)
        if kept:
            buf[at : at + 2 * bins] = 0.0
        else:
            for b in range(bins):
                kept = kept or buf[at + 2 * b] > 0


@njit(cache=True)
def normalise(buf, there, least, high, prune, mass):
    """Cut off what is negligible, scale to a sum of 1; returns the sum and the range of r.

    The largest weight at each number at risk goes into `mass`, from the first kept on.
    """
    begin, floor_r, _, bins = there
    total, top = 0.0, 0.0
    for i in range(begin + (least - floor_r) * bins, begin + (high - floor_r + 1) * bins):
        w = buf[np.uintp(2 * i)]
        total += w
        top = max(top, w)
    first_r, last_r = -1, -1
    if total <= 0:
        return total, first_r, last_r
    scale, cut = 1 / total, top * prune
    for r in range(least, high + 1):
        most = 0.0
        for i in range(begin + (r - floor_r) * bins, begin + (r - floor_r + 1) * bins):
            at = np.uintp(2 * i)
            w = buf[at]
            if w > cut:
                buf[at + np.uintp(1)] /= w
                buf[at] = w * scale
                most = max(most, w * scale)
            elif w > 0:
                buf[at] = 0.0
        if most > 0:
            last_r = r
            if first_r < 0:
                first_r = r
        if first_r >= 0:
            mass[r - first_r] = most
    return total, first_r, last_r


@njit(cache=True)
def forward(arm, prune, rates, readings, buf, band):
    """Filter: weight and mean survival by stage, number at risk and bin of survival.

    Both are in `buf`, one after the other. Returns the log evidence and the stage at which
    nothing was left: -1 if none, -2 if out of space.
    """
    stage, level, n = arm.stage, arm.level, arm.n
    # start, lowest r, highest r, number of bins
    band[0, 0], band[0, 1], band[0, 2], band[0, 3] = 0, n, n, 1
    buf[0], buf[1] = 1.0, 1.0
    evidence = 0.0
    weights, mass = np.empty(n + 1), np.ones(n + 1)
    row_room = np.empty(2 * int(max(1.0, level[:, 6].max())))
    growth = (rates.shape + np.arange(n + 1)) / np.arange(1, n + 2)
    for k in range(stage.shape[0]):
        censoring, row = stage[k, 0] == CENSOR, stage[k, 2]
        floor_r = max(row, stage[k, 4])
        start, low, high, bins = band[k]
        new_bins = bins if censoring else int(level[k, 6])
        begin = start + (high - low + 1) * bins
        room = high - floor_r + 1
        if room <= 0:
            return evidence, k
        if 2 * (begin + room * new_bins) > len(buf):
            return evidence, -2
        buf[2 * begin : 2 * (begin + room * new_bins)] = 0.0
        here, there = (start, low, high, bins), (begin, floor_r, high, new_bins)
        offset = 0.0
        if censoring:
            least, offset = censor_forward(
                arm, k, rates, growth, buf, here, there, prune, mass, row_room
            )
        else:
            least = events_forward(arm, k, rates, readings, buf, here, there, weights, mass)
        if row >= 0:
            meet_row(buf, there, row, high)
        total, first_r, last_r = normalise(buf, there, least, high, prune, mass)
        if total <= 0:
            return evidence, k
        evidence += log(total) + offset
        band[k + 1, 0] = begin + (first_r - floor_r) * new_bins
        band[k + 1, 1], band[k + 1, 2], band[k + 1, 3] = first_r, last_r, new_bins
    return evidence, -1


@njit(cache=True)
def draw_end(buf, here, end_weight, rng):
    """Draw the number at risk at the end and the bin of survival; -1 where none is left."""
    start, low, high, bins = here
    total = 0.0
    for r in range(low, high + 1):
        for b in range(bins):
            total += buf[2 * (start + (r - low) * bins + b)] * end_weight[r]
    if total <= 0:
        return -1, -1
    u = rng.random() * total
    end, end_bin = -1, -1
    for r in range(low, high + 1):
        for b in range(bins):
            g = buf[2 * (start + (r - low) * bins + b)] * end_weight[r]
            if g > 0 and u > 0:
                end, end_bin = r, b
            u -= g
    return end, end_bin


@njit(cache=True)
def censor_backward(arm, k, rates, gammas, buf, here, after, after_bin, rng):
    """Draw the number at risk before a stage of censoring, given that after it; -1 if none."""
    start, low, high, bins = here
    hazard = rates.lamc[arm.stage[k, 1]] * arm.level[k, 0]
    quiet = rates.lame[arm.stage[k, 1]] * arm.level[k, 7]
    total, chosen = 0.0, -1
    offset = log_no_events(quiet * max(low, after), rates.batch_shape)
    for r in range(max(low, after), high + 1):
        w = buf[2 * (start + (r - low) * bins + after_bin)]
        if w <= 0:
            continue
        if arm.use_marks:
            g = w * mark_weight(r - after, arm.stage[k, 3], rates.extra, rates.lone)
        else:
            g = count_weight(r - after, hazard * r, rates.shape, gammas)
            if g < NEGLIGIBLE * total and r - after > hazard * high:
                # Still less at every larger number.
                break
            g *= w
        if quiet > 0:
            g *= exp(log_no_events(quiet * r, rates.batch_shape) - offset)
        if g > 0:
            total += g
            if rng.random() * total < g:
                chosen = r
    return chosen, after_bin


@njit(cache=True)
def source_bins(edge, bins, window, bin_width, after_bin, kept):
    """First and last bin before a stage from which a share `kept` leads into `after_bin`."""
    low = (window + after_bin * bin_width) / kept
    first = int((low - edge) / bin_width) - 1
    last = int((low + bin_width / kept - edge) / bin_width) + 1
    return max(first, 0), min(last, bins - 1)


@njit(cache=True)
def events_backward(arm, k, rates, readings, weights, buf, here, after, after_bin, rng):
    """Draw number at risk and bin before a stage of events, given those after; -1 if none."""
    start, low, high, bins = here
    # Fields are read once: looking them up in the innermost loop doubles the time.
    level, clicks, table = arm.level[k], arm.clicks, readings.table
    bin_width = arm.bin_width
    to_bins, to_entry, edge = 1 / bin_width, FINE / bin_width, readings.edge[k]
    kind, otype, window = arm.stage[k, 0], int(level[1]), level[5]
    base, size, origin = readings.base[k], readings.size[k], readings.origin[k]
    hazard = rates.lame[arm.stage[k, 1]] * level[0]
    highest = min(1.0, edge + bins * bin_width) * (1 + 1e-9)
    total, chosen, chosen_bin = 0.0, -1, -1
    for r in range(max(low, after, 1 if kind == DROP else 0), high + 1):
        left, share = r - after, 1 / max(r, 1)
        if highest * (1 - left * share) < window:
            # Even more would have to die, of those with the highest curve.
            break
        if (left == 0 and kind == DROP) or (
            left == r and r > 0 and otype == 0 and kind != SPLIT
        ):
            continue
        first, last = 0, bins - 1
        if left < r:
            first, last = source_bins(
                edge, bins, window, bin_width, after_bin, 1 - left * share
            )
        prior = -1.0
        for b in range(first, last + 1):
            at = np.uintp(2 * (start + (r - low) * bins + b))
            w, s = buf[at], buf[at + np.uintp(1)]
            if w <= 0:
                continue
            s2 = s - left * (s * share)
            if s2 < window or int((s2 - window) * to_bins) != after_bin:
                continue
            if prior < 0:
                prior = events_weight(left, hazard * r, rates, weights)
            g = w * prior
            if base >= 0:
                g *= between(table, base, size, (s2 - origin) * to_entry)
                if otype == CLICKS:
                    g *= above_weight(
                        level, s, clicks, table, base, size, (s - origin) * to_entry
                    )
            elif otype != 0:
                g *= level_weight(level, s, s2, clicks)
            if g > 0:
                total += g
                if rng.random() * total < g:
                    chosen, chosen_bin = r, b
    return chosen, chosen_bin


@njit(cache=True)
def trace_back(arm, rates, gammas, readings, buf, band, path, state, stop, rng):
    """Draw the stages before `stop`, `path[k]` leaving at stage k; returns whether any fit.

    `state[k]` is the number at risk and the bin of survival before stage k, `state[stop]` is
    given. At each stage one pass is made: each candidate replaces the choice with its share of
    the sum so far.
    """
    after, after_bin = state[stop, 0], state[stop, 1]
    weights = np.empty(arm.n + 1)
    for k in range(stop - 1, -1, -1):
        start, low, high, bins = band[k]
        here = (start, low, high, bins)
        if arm.stage[k, 0] == CENSOR:
            before, before_bin = censor_backward(
                arm, k, rates, gammas, buf, here, after, after_bin, rng
            )
        else:
            before, before_bin = events_backward(
                arm, k, rates, readings, weights, buf, here, after, after_bin, rng
            )
        if before < 0:
            return False
        path[k] = before - after
        after, after_bin = before, before_bin
        state[k, 0], state[k, 1] = before, before_bin
    return True


@njit(cache=True)
def backward(arm, rates, gammas, readings, buf, band, path, state, rng):
    """Draw one path, as `trace_back` has it, from its end on; returns whether any fits."""
    kmax = arm.stage.shape[0]
    start, low, high, bins = band[kmax]
    end, end_bin = draw_end(buf, (start, low, high, bins), arm.end_weight, rng)
    if end < 0:
        return False
    state[kmax, 0], state[kmax, 1] = end, end_bin
    return trace_back(arm, rates, gammas, readings, buf, band, path, state, kmax, rng)


@njit(cache=True)
def log_rate_step(log_rate, j, count, exposure, spread, anchor, rng):
    """One Metropolis step of a hazard in a chain of segments, on the log scale.

    `anchor` holds a mean and a standard deviation for each segment, besides its neighbours.
    """
    now = log_rate[j]
    new = now + rng.normal() * (1.5 / sqrt(count + 1.0) + 0.1)
    change = count * (new - now) - exposure * (exp(new) - exp(now))
    for i in (j - 1, j + 1):
        # What other arms say of both segments is smooth already.
        anchored = 0 <= i < len(log_rate) and anchor[1, i] < np.inf and anchor[1, j] < np.inf
        if 0 <= i < len(log_rate) and not anchored:
            change -= ((new - log_rate[i]) ** 2 - (now - log_rate[i]) ** 2) / (
                2 * spread * spread
            )
    change -= ((new - anchor[0, j]) ** 2 - (now - anchor[0, j]) ** 2) / (
        2 * anchor[1, j] * anchor[1, j]
    )
    if log(rng.random() + 1e-300) < change:
        log_rate[j] = new


@njit(cache=True)
def draw_batches(d, mean, rates, rng):
    """Draw the number of batches in which `d` events came."""
    chosen, log_weight, log_total = 1, 0.0, 0.0
    odds = mean / (rates.batch_shape + mean) * (1 - rates.rho) / rates.rho
    for j in range(1, d):
        log_weight += log(odds * (rates.batch_shape + j) / (j + 1) * (d - j) / j)
        # Each number replaces the choice with its share of the sum so far.
        high = max(log_weight, log_total)
        log_total = high + log(exp(log_weight - high) + exp(log_total - high))
        if log(rng.random() + 1e-300) < log_weight - log_total:
            chosen = j + 1
    return chosen


@njit(cache=True)
def batch_frailty(batches, mean, batch_shape, rng):
    """Draw the factor by which the hazard of batches in a stage differs from its segment's."""
    return rng.gamma(batch_shape + batches, 1 / (batch_shape + mean))


@njit(cache=True)
def count_left(arm, path, rates, gammas, rng):
    """What a path says of the rates.

    Returns by segment the censored and the batches of events, and their exposures; the log
    likelihood of each shape of the number of censored; the counts of batches, of further
    events, of censored beyond the marks, of marks, of censored without a mark, and of stages
    without one.
    """
    nseg = len(rates.lamc)
    gone, time = np.zeros((2, nseg)), np.zeros((2, nseg))
    score, tally = np.zeros(len(SHAPES)), np.zeros(6)
    r = arm.n
    for k in range(arm.stage.shape[0]):
        kind, seg, marks = arm.stage[k, 0], arm.stage[k, 1], arm.stage[k, 3]
        exposure, left = arm.level[k, 0] * r, path[k]
        if kind == CENSOR:
            mean = rates.lamc[seg] * exposure
            gone[0, seg] += left
            time[0, seg] += rng.gamma(rates.shape + left, 1 / (rates.shape + mean)) * exposure
            for i in range(len(SHAPES)):
                a = SHAPES[i]
                if mean > 0:
                    score[i] += gammas[1 + i, left] + a * log(a / (a + mean))
                    score[i] += left * log(mean / (a + mean))
            quiet = arm.level[k, 7] * r
            time[1, seg] += quiet * batch_frailty(
                0, rates.lame[seg] * quiet, rates.batch_shape, rng
            )
            if marks > 0:
                tally[2] += max(0, left - marks)
                tally[3] += marks if left >= marks else 0
            else:
                tally[4] += left
                tally[5] += 1
        else:
            mean = rates.lame[seg] * exposure
            batches = draw_batches(left, mean, rates, rng) if left > 0 else 0
            time[1, seg] += exposure * batch_frailty(batches, mean, rates.batch_shape, rng)
            gone[1, seg] += batches
            tally[0] += batches
            tally[1] += left - batches
        r -= left
    return gone, time, score, tally


@njit(cache=True)
def draw_shape(score, rng):
    """Draw one of SHAPES given the log likelihood of each."""
    top = score.max()
    u = rng.random() * np.exp(score - top).sum()
    pick = 0
    for i in range(len(SHAPES)):
        pick = i
        u -= exp(score[i] - top)
        if u <= 0:
            break
    return SHAPES[pick]


@njit(cache=True)
def draw_rates(arm, prior, path, log_c, log_e, rates, gammas, tilt, rng):
    """Draw the over-dispersion, the hazards (in place) and the shares given a path."""
    # The shape first, as the frailties that the hazards are drawn with depend on it.
    score = count_left(arm, path, rates, gammas, rng)[2]
    rates = changed(rates, rates.lamc, draw_shape(score, rng), tilt)
    gone, time, _, tally = count_left(arm, path, rates, gammas, rng)
    for _ in range(3):
        for j in range(len(log_c)):
            log_rate_step(log_c, j, gone[0, j], time[0, j], SMOOTH, prior.censoring, rng)
            log_rate_step(log_e, j, gone[1, j], time[1, j], SMOOTH, prior.events, rng)
    rho = rng.beta(TIES[0] + tally[1], TIES[1] + tally[0])
    extra = rng.beta(0.5 + tally[2], 5.0 + tally[3])
    lone = rng.beta(0.1 + tally[4], 20.0 + tally[5])
    return Rates(
        np.exp(log_c), np.exp(log_e), rho, rates.shape, prior.batch_shape, extra, lone, tilt
    )


@njit(cache=True)
def count_events(stage, path):
    """Events of a path, as far as it goes."""
    died = 0
    for k in range(len(path)):
        if stage[k, 0] != CENSOR:
            died += path[k]
    return died


@njit(cache=True)
def log_gammas(n):
    """Log of c!, then of gamma(shape + c) / gamma(shape) for each shape, c up to n + 1."""
    table = np.empty((1 + len(SHAPES), n + 2))
    for c in range(n + 2):
        table[0, c] = lgamma(c + 1.0)
        for i in range(len(SHAPES)):
            table[1 + i, c] = lgamma(SHAPES[i] + c) - lgamma(SHAPES[i])
    return table


@njit(cache=True)
def of_shape(gammas, shape):
    """Rows of `log_gammas` for the factorial and one shape."""
    both = np.empty((2, gammas.shape[1]))
    both[0] = gammas[0]
    for i in range(len(SHAPES)):
        if SHAPES[i] == shape:
            both[1] = gammas[1 + i]
    return both


@njit(cache=True)
def first_rates(arm, prior, search, events, gammas, readings, buf, band, rng):
    """Rates among `search.starts` under which the readings are most likely."""
    nseg = prior.censoring.shape[1]
    kmax = arm.stage.shape[0]
    path, state = np.zeros(kmax, np.int64), np.zeros((kmax + 1, 2), np.int64)
    best = Rates(
        np.full(nseg, exp(-1.0)),
        np.exp(prior.events[0]),
        0.1,
        1.0,
        prior.batch_shape,
        0.1,
        0.005,
        0.0,
    )
    highest = -np.inf
    for log_c in search.starts:
        for rho in search.ties:
            rates = Rates(
                np.full(nseg, exp(log_c)),
                best.lame,
                rho,
                1.0,
                prior.batch_shape,
                0.1,
                0.005,
                0.0,
            )
            evidence, failed = forward(arm, search.prune, rates, readings, buf, band)
            if failed != -1:
                continue
            if events >= 0:
                # A start far from the stated events would have to be pulled to them first.
                own = of_shape(gammas, 1.0)
                if not backward(arm, rates, own, readings, buf, band, path, state, rng):
                    continue
                off = count_events(arm.stage, path) - events
                evidence -= 0.5 * off * off / (1.0 + 0.05 * events)
            if evidence > highest:
                highest, best = evidence, rates
    return best


@njit(cache=True)
def draw_towards(
    arm, rates, events, most, gammas, readings, buf, band, path, state, own, own_state, rng
):
    """Draw parts of a path anew until it has the stated events; returns how many it is off.

    Given the number at risk and survival at some time, what came before is independent of what
    came after. So the part before a time at random is drawn again, at most `most` times, and
    kept if the events are as near as they were or nearer. Once they are met, `SETTLE` more are
    tried, which leave the paths with the stated events as likely as they are. `own` and
    `own_state` are room.
    """
    kmax, settled = len(path), 0
    off = count_events(arm.stage, path) - events
    for _ in range(most + SETTLE):
        settled += off == 0
        if settled > SETTLE:
            break
        # Short as often as long in proportion: few stages put a few events right.
        stop = int(kmax ** rng.random())
        own_state[stop] = state[stop]
        if not trace_back(arm, rates, gammas, readings, buf, band, own, own_state, stop, rng):
            continue
        change = count_events(arm.stage, own[:stop]) - count_events(arm.stage, path[:stop])
        if abs(off + change) <= abs(off):
            path[:stop], state[:stop] = own[:stop], own_state[:stop]
            off += change
    return off


@njit(cache=True)
def draw_with_events(
    arm,
    rates,
    events,
    least,
    most,
    gammas,
    readings,
    buf,
    band,
    path,
    state,
    own,
    own_state,
    rng,
):
    """Draw a path, if events are stated one that has them or is near.

    At least `least` are drawn, the nearest is then led to the stated events in at most `most`
    further steps. `own` and `own_state` are room. Returns whether one was found, and
    mean and variance of the events of those drawn.
    """
    nearest, mean, square, used = 1 << 30, 0.0, 0.0, 0
    for _ in range(least if events >= 0 else 1):
        if not backward(arm, rates, gammas, readings, buf, band, own, own_state, rng):
            return False, 0.0, 0.0
        died = count_events(arm.stage, own)
        used += 1
        mean += died
        square += died * died
        gap = abs(died - events) if events >= 0 else 0
        if gap < nearest:
            nearest = gap
            path[:], state[:] = own, own_state
    if nearest > 0:
        draw_towards(
            arm,
            rates,
            events,
            most,
            gammas,
            readings,
            buf,
            band,
            path,
            state,
            own,
            own_state,
            rng,
        )
    mean /= used
    return True, mean, square / used - mean * mean


@njit(cache=True)
def log_end(arm, buf, here):
    """Log prior weight of the number at risk at the end, mean over the filter's weights."""
    start, low, high, bins = here
    total, end = 0.0, 0.0
    for r in range(low, high + 1):
        for i in range(start + (r - low) * bins, start + (r - low + 1) * bins):
            total += buf[2 * i]
            end += buf[2 * i] * arm.end_weight[r]
    return log(end / total) if end > 0 else -np.inf


@njit(cache=True)
def far_move(log_c, prior, rng):
    """Propose other log hazards of censoring: part of what they are, part drawn from the prior.

    The step leaves the prior as it is (preconditioned Crank-Nicolson, Cotter et al. 2013).
    """
    part = PARTS[rng.integers(0, len(PARTS))]
    kept, new = sqrt(1 - part * part), prior.centre.copy()
    deviates = rng.standard_normal(len(log_c))
    for j in range(len(log_c)):
        new[j] += kept * (log_c[j] - prior.centre[j])
        for i in range(j + 1):
            new[j] += part * prior.root[j, i] * deviates[i]
    return new


@njit(cache=True)
def jump(arm, prior, search, rates, log_c, evidence, readings, bufs, bands, now, rng):
    """Move the hazard of censoring (`log_c` in place) far, summing over all paths.

    Given one path it moves by little at a time: the path holds as many censored as it had.
    Returns the rates, which half of `bufs` and `bands` holds their filter, and -2 where this
    ran out of space.
    """
    evidence += log_end(arm, bufs[now], bands[now, -1])
    for _ in range(search.jumps):
        new = far_move(log_c, prior, rng)
        moved = changed(rates, np.exp(new), rates.shape, rates.tilt)
        other = 1 - now
        found, failed = forward(arm, search.prune, moved, readings, bufs[other], bands[other])
        if failed == -2:
            return rates, now, failed
        if failed != -1:
            continue
        found += log_end(arm, bufs[other], bands[other, -1])
        if log(rng.random() + 1e-300) < found - evidence:
            log_c[:] = new
            rates, evidence, now = moved, found, other
    return rates, now, -1


@njit(cache=True)
def sample_paths(arm, prior, search, events, rng):
    """Draw paths and rates by Gibbs sampling.

    Returns the paths, the log hazards of censoring with each, and the stage at which nothing
    was left: -1 if none, -2 if out of space.
    """
    kmax, nseg = arm.stage.shape[0], prior.censoring.shape[1]
    gammas, readings, jumps = log_gammas(arm.n), look_up(arm), search.jumps > 0 and events < 0
    halves = 2 if jumps else 1
    bufs = np.empty((halves, 2 * search.cells))
    bands = np.zeros((halves, kmax + 1, 4), np.int64)
    path, trial = np.zeros(kmax, np.int64), np.zeros(kmax, np.int64)
    state, trial_state = np.zeros((2, kmax + 1, 2), np.int64)
    paths = np.zeros((search.keep, kmax), np.int64)
    hazards = np.zeros((search.keep, nseg))
    rates = first_rates(arm, prior, search, events, gammas, readings, bufs[0], bands[0], rng)
    log_c, log_e = np.log(rates.lamc), np.log(rates.lame)
    row, step, now = 0, 0, 0
    while row < search.keep:
        evidence, failed = forward(arm, search.prune, rates, readings, bufs[now], bands[now])
        if failed != -1 and rates.tilt != 0.0:
            rates = changed(rates, rates.lamc, rates.shape, 0.0)
            evidence, failed = forward(
                arm, search.prune, rates, readings, bufs[now], bands[now]
            )
        if failed == -1 and jumps:
            rates, now, failed = jump(
                arm, prior, search, rates, log_c, evidence, readings, bufs, bands, now, rng
            )
        if failed != -1:
            return paths, hazards, failed
        step += 1
        kept = step > search.burn and (step - search.burn) % search.thin == 0
        own, buf, band = of_shape(gammas, rates.shape), bufs[now], bands[now]
        mean, var = 0.0, 0.0
        for i in range(search.repeat if kept else 1):
            least = ENOUGH_TO_TILT if i == 0 else 1
            found, centre, spread = draw_with_events(
                arm,
                rates,
                events,
                least,
                search.tries,
                own,
                readings,
                buf,
                band,
                path,
                state,
                trial,
                trial_state,
                rng,
            )
            if not found:
                return paths, hazards, kmax
            if i == 0:
                mean, var = centre, spread
            if kept and row < search.keep:
                paths[row] = path
                hazards[row] = log_c
                row += 1
        tilt = rates.tilt
        if events >= 0:
            tilt += min(max((events - mean) / max(var, 0.5), -1.0), 1.0) * 0.5
            tilt = min(max(tilt, -MOST_TILT), MOST_TILT)
        rates = draw_rates(arm, prior, path, log_c, log_e, rates, gammas, tilt, rng)
    return paths, hazards, -1
