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
# Spread of the log hazards from one segment to the next.
SMOOTH = 0.7
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
    besides their smoothness; `batch_shape` is the shape of the number of batches in a stage.
    """

    censoring: np.ndarray
    events: np.ndarray
    batch_shape: float


class Search(NamedTuple):
    """Extent of the search.

    `starts` and `ties` are first guesses of the log hazard of censoring and of the share of
    further events; `burn` steps are thrown away, then `repeat` paths are kept of every
    `thin`-th step until there are `keep`. At most `tries` paths are drawn for one with the
    stated events; weights below `prune` of the largest are not followed; `cells` bounds the
    memory.
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
def log_events(d, mean, batch_shape, rho):
    """Log probability of `d` events."""
    weight, ratio = log_no_events(mean, batch_shape), 0.0
    for i in range(1, d + 1):
        ratio = events_ratio(i, mean, batch_shape, rho, ratio)
        weight += log(ratio)
    return weight


@njit(cache=True)
def unread(kind, otype, d, r):
    """Whether all `r` would die where nothing was read; beside a column a reading follows."""
    return d == r and otype == 0 and kind != SPLIT


@njit(cache=True)
def drop_range(kind, r, s, low):
    """Smallest and largest number of events that leave survival at `low` or above."""
    least = 1 if kind == DROP else 0
    if s <= 0:
        return least, 0
    most = r if low <= 0 else min(r, int(r * (1 - low / s)))
    return least, most


@njit(cache=True)
def censor_forward(arm, k, rates, buf, here, there, prune, mass):
    """Let patients leave by censoring.

    Returns the least number at risk that was reached, and the log of a common factor.

    `here` and `there` are the start, the lowest and highest number at risk and the bins of
    survival before and after the stage, `mass` the largest weight at each number at risk.
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
        at = start + (r - low) * bins
        mean = hazard * r
        none = exp(log_no_events(quiet * r, rates.batch_shape) - offset)
        p, ratio = (shape / (shape + mean)) ** shape, mean / (shape + mean)
        for c in range(r - floor_r + 1):
            q = mark_weight(c, marks, extra, lone) if use_marks else p
            if q > 0:
                to = begin + (r - c - floor_r) * bins
                for b in range(bins):
                    g = buf[0, at + b] * q * none
                    buf[0, to + b] += g
                    buf[1, to + b] += g * buf[1, at + b]
                least = min(least, r - c)
            p *= (shape + c) / (c + 1) * ratio
            if use_marks:
                done = c + 1 > marks + 2 and q < 1e-9
            else:
                done = c + 1 > mean and top * p < 1e-2 * prune
            if done:
                break
    return least, offset


@njit(cache=True)
def events_forward(arm, k, rates, buf, here, there, prior, mass):
    """Let patients leave by events; returns the least number at risk that was reached.

    Arguments as for `censor_forward`; `prior` is room for the prior weights.
    """
    start, low, high, bins = here
    begin, floor_r, _, new_bins = there
    # Fields are read once: looking them up in the innermost loop doubles the time.
    level, clicks, bin_width = arm.level[k], arm.clicks, arm.bin_width
    batch_shape, rho, tilt = rates.batch_shape, rates.rho, rates.tilt
    kind, otype, window = arm.stage[k, 0], int(level[1]), level[5]
    hazard = rates.lame[arm.stage[k, 1]] * level[0]
    least = high
    for r in range(high, max(low, floor_r) - 1, -1):
        top = mass[r - low]
        if top <= 0:
            continue
        at = start + (r - low) * bins
        if r == 0:
            # nobody is left to have an event
            for b in range(bins):
                s = buf[1, at + b]
                to_bin = int((s - window) / bin_width)
                if buf[0, at + b] <= 0 or kind == DROP or s < window or to_bin >= new_bins:
                    continue
                g = buf[0, at + b] * level_weight(level, s, s, clicks)
                buf[0, begin - floor_r * new_bins + to_bin] += g
                buf[1, begin - floor_r * new_bins + to_bin] += g * s
                least = 0
            continue
        known, mean, ratio = 0, hazard * r, 0.0
        log_prior = log_no_events(mean, batch_shape)
        prior[0] = exp(log_prior)
        for b in range(bins):
            w = buf[0, at + b]
            if w <= 0:
                continue
            s = buf[1, at + b]
            first, last = drop_range(kind, r, s, window)
            for d in range(first, min(last, r - floor_r) + 1):
                s2 = s * (1 - d / r)
                to_bin = int((s2 - window) / bin_width)
                if s2 < window or to_bin >= new_bins or unread(kind, otype, d, r):
                    continue
                while known < d:
                    known += 1
                    ratio = events_ratio(known, mean, batch_shape, rho, ratio)
                    log_prior += log(ratio) + tilt
                    prior[known] = exp(log_prior)
                g = w * prior[d]
                if g < 1e-40 * top:
                    continue
                g *= level_weight(level, s, s2, clicks)
                to = begin + (r - d - floor_r) * new_bins + to_bin
                buf[0, to] += g
                buf[1, to] += g * s2
                least = min(least, r - d)
    return least


@njit(cache=True)
def meet_row(buf, there, row, high):
    """Keep the number at risk in print, or the nearest above it where that does not fit."""
    begin, floor_r, _, bins = there
    kept = False
    for r in range(row, high + 1):
        at = begin + (r - floor_r) * bins
        if kept:
            buf[0, at : at + bins] = 0.0
        else:
            for b in range(bins):
                kept = kept or buf[0, at + b] > 0


@njit(cache=True)
def normalise(buf, there, least, high, prune):
    """Cut off what is negligible, scale to a sum of 1; returns the sum and the range of r."""
    begin, floor_r, _, bins = there
    total, top = 0.0, 0.0
    for i in range(begin + (least - floor_r) * bins, begin + (high - floor_r + 1) * bins):
        total += buf[0, i]
        top = max(top, buf[0, i])
    first_r, last_r = -1, -1
    for r in range(least, high + 1):
        for b in range(bins):
            i = begin + (r - floor_r) * bins + b
            if buf[0, i] > top * prune:
                buf[1, i] /= buf[0, i]
                buf[0, i] /= total
                last_r = r
                if first_r < 0:
                    first_r = r
            else:
                buf[0, i] = 0.0
    return total, first_r, last_r


@njit(cache=True)
def forward(arm, prune, rates, buf, band):
    """Filter: weight and mean survival by stage, number at risk and bin of survival.

    Returns the log evidence and the stage at which nothing was left: -1 if none, -2 if out of
    space.
    """
    stage, level, n = arm.stage, arm.level, arm.n
    # start, lowest r, highest r, number of bins
    band[0, 0], band[0, 1], band[0, 2], band[0, 3] = 0, n, n, 1
    buf[0, 0], buf[1, 0] = 1.0, 1.0
    evidence = 0.0
    prior, mass = np.empty(n + 1), np.zeros(n + 1)
    for k in range(stage.shape[0]):
        censoring, row = stage[k, 0] == CENSOR, stage[k, 2]
        floor_r = max(row, stage[k, 4])
        start, low, high, bins = band[k]
        new_bins = bins if censoring else int(level[k, 6])
        begin = start + (high - low + 1) * bins
        room = high - floor_r + 1
        if room <= 0:
            return evidence, k
        if begin + room * new_bins > buf.shape[1]:
            return evidence, -2
        buf[:, begin : begin + room * new_bins] = 0.0
        for r in range(max(low, floor_r), high + 1):
            at = start + (r - low) * bins
            mass[r - low] = buf[0, at : at + bins].max()
        here, there = (start, low, high, bins), (begin, floor_r, high, new_bins)
        offset = 0.0
        if censoring:
            least, offset = censor_forward(arm, k, rates, buf, here, there, prune, mass)
        else:
            least = events_forward(arm, k, rates, buf, here, there, prior, mass)
        if row >= 0:
            meet_row(buf, there, row, high)
        total, first_r, last_r = normalise(buf, there, least, high, prune)
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
            total += buf[0, start + (r - low) * bins + b] * end_weight[r]
    if total <= 0:
        return -1, -1
    u = rng.random() * total
    end, end_bin = -1, -1
    for r in range(low, high + 1):
        for b in range(bins):
            g = buf[0, start + (r - low) * bins + b] * end_weight[r]
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
        w = buf[0, start + (r - low) * bins + after_bin]
        if w <= 0:
            continue
        w *= exp(log_no_events(quiet * r, rates.batch_shape) - offset)
        if arm.use_marks:
            g = w * mark_weight(r - after, arm.stage[k, 3], rates.extra, rates.lone)
        else:
            g = w * count_weight(r - after, hazard * r, rates.shape, gammas)
        if g > 0:
            total += g
            if rng.random() * total < g:
                chosen = r
    return chosen, after_bin


@njit(cache=True)
def events_backward(arm, k, rates, buf, here, after, after_bin, rng):
    """Draw number at risk and bin before a stage of events, given those after; -1 if none."""
    start, low, high, bins = here
    # Fields are read once: looking them up in the innermost loop doubles the time.
    level, clicks, bin_width = arm.level[k], arm.clicks, arm.bin_width
    batch_shape, rho, tilt = rates.batch_shape, rates.rho, rates.tilt
    kind, otype, window = arm.stage[k, 0], int(level[1]), level[5]
    hazard = rates.lame[arm.stage[k, 1]] * level[0]
    total, chosen, chosen_bin = 0.0, -1, -1
    for r in range(max(low, after), high + 1):
        left = r - after
        if r == 0 and kind == DROP:
            continue
        prior = 1.0 if r == 0 else -1.0
        for b in range(bins):
            w = buf[0, start + (r - low) * bins + b]
            if w <= 0:
                continue
            s = buf[1, start + (r - low) * bins + b]
            s2 = s * (1 - left / max(r, 1))
            if s2 < window or int((s2 - window) / bin_width) != after_bin:
                continue
            first, last = drop_range(kind, r, s, window)
            if r > 0 and (left < first or left > last or unread(kind, otype, left, r)):
                continue
            if prior < 0:
                prior = exp(log_events(left, hazard * r, batch_shape, rho) + tilt * left)
            g = w * prior * level_weight(level, s, s2, clicks)
            if g > 0:
                total += g
                if rng.random() * total < g:
                    chosen, chosen_bin = r, b
    return chosen, chosen_bin


@njit(cache=True)
def backward(arm, rates, gammas, buf, band, path, rng):
    """Draw one path, `path[k]` leaving at stage k; returns the number at risk at the end.

    At each stage one pass is made: each candidate replaces the choice with its share of the
    sum so far.
    """
    kmax = arm.stage.shape[0]
    start, low, high, bins = band[kmax]
    end, after_bin = draw_end(buf, (start, low, high, bins), arm.end_weight, rng)
    if end < 0:
        return -1
    after = end
    for k in range(kmax - 1, -1, -1):
        start, low, high, bins = band[k]
        here = (start, low, high, bins)
        if arm.stage[k, 0] == CENSOR:
            before, before_bin = censor_backward(
                arm, k, rates, gammas, buf, here, after, after_bin, rng
            )
        else:
            before, before_bin = events_backward(
                arm, k, rates, buf, here, after, after_bin, rng
            )
        if before < 0:
            return -1
        path[k] = before - after
        after, after_bin = before, before_bin
    return end


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
def draw_rates(arm, prior, path, log_c, log_e, rates, gammas, rng):
    """Draw the hazards (in place), the over-dispersion and the shares given a path."""
    gone, time, score, tally = count_left(arm, path, rates, gammas, rng)
    for _ in range(3):
        for j in range(len(log_c)):
            log_rate_step(log_c, j, gone[0, j], time[0, j], SMOOTH, prior.censoring, rng)
            log_rate_step(log_e, j, gone[1, j], time[1, j], SMOOTH, prior.events, rng)
    shape = draw_shape(score, rng)
    rho = rng.beta(TIES[0] + tally[1], TIES[1] + tally[0])
    extra = rng.beta(0.5 + tally[2], 5.0 + tally[3])
    lone = rng.beta(0.1 + tally[4], 20.0 + tally[5])
    return Rates(
        np.exp(log_c), np.exp(log_e), rho, shape, prior.batch_shape, extra, lone, rates.tilt
    )


@njit(cache=True)
def count_events(stage, path):
    """Events of a path."""
    died = 0
    for k in range(stage.shape[0]):
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
def first_rates(arm, prior, search, events, gammas, buf, band, rng):
    """Rates among `search.starts` under which the readings are most likely."""
    nseg = prior.censoring.shape[1]
    path = np.zeros(arm.stage.shape[0], np.int64)
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
            evidence, failed = forward(arm, search.prune, rates, buf, band)
            if failed != -1:
                continue
            if events >= 0:
                # A start far from the stated events would have to be pulled to them first.
                end = backward(arm, rates, of_shape(gammas, 1.0), buf, band, path, rng)
                if end < 0:
                    continue
                off = count_events(arm.stage, path) - events
                evidence -= 0.5 * off * off / (1.0 + 0.05 * events)
            if evidence > highest:
                highest, best = evidence, rates
    return best


@njit(cache=True)
def draw_with_events(arm, rates, events, tries, gammas, buf, band, path, trial, rng):
    """Draw a path, of several the one nearest to the stated events if these are given.

    Returns whether one was found, and mean and variance of the events of those tried.
    """
    nearest, mean, square, used = 1 << 30, 0.0, 0.0, 0
    for _ in range(tries if events >= 0 else 1):
        if backward(arm, rates, gammas, buf, band, trial, rng) < 0:
            return False, 0.0, 0.0
        died = count_events(arm.stage, trial)
        used += 1
        mean += died
        square += died * died
        gap = abs(died - events) if events >= 0 else 0
        if gap < nearest:
            nearest = gap
            path[:] = trial
        if gap == 0 and used >= 4:
            break
    mean /= used
    return True, mean, square / used - mean * mean


@njit(cache=True)
def sample_paths(arm, prior, search, events, rng):
    """Draw paths and rates by Gibbs sampling.

    Returns the paths, the log hazards of censoring with each, and the stage at which nothing
    was left: -1 if none, -2 if out of space.
    """
    kmax, nseg = arm.stage.shape[0], prior.censoring.shape[1]
    gammas = log_gammas(arm.n)
    buf, band = np.zeros((2, search.cells)), np.zeros((kmax + 1, 4), np.int64)
    path, trial = np.zeros(kmax, np.int64), np.zeros(kmax, np.int64)
    paths = np.zeros((search.keep, kmax), np.int64)
    hazards = np.zeros((search.keep, nseg))
    rates = first_rates(arm, prior, search, events, gammas, buf, band, rng)
    log_c, log_e = np.log(rates.lamc), np.log(rates.lame)
    row, step = 0, 0
    while row < search.keep:
        _, failed = forward(arm, search.prune, rates, buf, band)
        if failed != -1 and rates.tilt != 0.0:
            rates = tilted(rates, 0.0)
            _, failed = forward(arm, search.prune, rates, buf, band)
        if failed != -1:
            return paths, hazards, failed
        step += 1
        kept = step > search.burn and (step - search.burn) % search.thin == 0
        own = of_shape(gammas, rates.shape)
        for _ in range(search.repeat if kept else 1):
            found, mean, var = draw_with_events(
                arm, rates, events, search.tries, own, buf, band, path, trial, rng
            )
            if not found:
                return paths, hazards, kmax
            if kept and row < search.keep:
                paths[row] = path
                hazards[row] = log_c
                row += 1
        tilt = rates.tilt
        if events >= 0:
            tilt += min(max((events - mean) / max(var, 0.5), -1.0), 1.0) * 0.5
            tilt = min(max(tilt, -MOST_TILT), MOST_TILT)
        rates = tilted(draw_rates(arm, prior, path, log_c, log_e, rates, gammas, rng), tilt)
    return paths, hazards, -1


@njit(cache=True)
def tilted(rates, tilt):
    """The same rates, with events favoured by exp(tilt) each."""
    return Rates(
        rates.lamc,
        rates.lame,
        rates.rho,
        rates.shape,
        rates.batch_shape,
        rates.extra,
        rates.lone,
        tilt,
    )
