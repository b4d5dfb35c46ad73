"""Compiled search for the whole-number paths that a survival curve allows.

A curve of n patients is a path: the number at risk falls by the censored in the gaps and by the
events at the drops, and each drop of d among r at risk multiplies survival by 1 - d / r. The
functions here draw such paths given noisy levels of the curve, numbers at risk and censoring
marks, by forward filtering and backward sampling over the number at risk.
"""

from math import erf, exp, lgamma, log, sqrt

import numpy as np
from numba import njit

# What is compiled is kept on disk (`cache=True`), which is safe as long as a compiled function
# and all it calls are in this one file: a change elsewhere would not be noticed.
CENSOR, DROP, HIDDEN, SPLIT = 0, 1, 2, 3
BOX, GAUSS, CLICKS = 1, 2, 3
# Beta prior of the share of further events at a drop that has one.
TIES = (0.7, 2.5)
# Shape of the negative binomial number of events in a stretch of time: small, because scheduled
# scans find many progressions at once.
BURSTS = 0.5


@njit(cache=True)
def level_weight(otype, y, half, sd, s0, s, clicks):
    """Weight of a level `y` read where the curve falls from `s0` to `s`."""
    if otype == 0:
        return 1.0
    if otype == CLICKS:
        e = 0.0
        for i in range(int(y), int(y) + int(half)):
            off = max(clicks[i] - s0, s - clicks[i], 0.0) / sd
            e += min(off * off, 20.0)
        return exp(-0.5 * e)
    if otype == GAUSS:
        e = (y - s) / sd
        return exp(-0.5 * e * e)
    up, down = (y + half - s) / sd, (y - half - s) / sd
    if up > 4 and down < -4:
        return 1.0
    return 0.5 * (erf(up * 0.7071067811865476) - erf(down * 0.7071067811865476)) + 1e-15


@njit(cache=True)
def count_weight(c, mean, shape, gamma_shape, log_factorial):
    """Negative binomial probability of `c` with this mean and shape."""
    if mean <= 0:
        return 1.0 if c == 0 else 0.0
    return exp(
        gamma_shape[c]
        - log_factorial[c]
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
def drop_weight(kind, d, mean, rho, tilt):
    """Prior weight of `d` events."""
    if kind == DROP:
        w = (1 - rho) * rho ** (d - 1) if d > 0 else 0.0
    elif kind == SPLIT:
        w = 0.5 if d == 0 else 0.5 * (1 - rho) * rho ** (d - 1)
    else:
        w = exp(
            lgamma(BURSTS + d)
            - lgamma(BURSTS)
            - lgamma(d + 1.0)
            + BURSTS * log(BURSTS / (BURSTS + mean))
            + d * log((mean + 1e-300) / (BURSTS + mean))
        )
    return w * exp(tilt * d)


@njit(cache=True)
def drop_range(kind, r, s, low):
    """Smallest and largest number of events that leave survival at `low` or above."""
    least = 1 if kind == DROP else 0
    if s <= 0:
        return least, 0
    most = r if low <= 0 else min(r, int(r * (1 - low / s)))
    return least, most


@njit(cache=True)
def forward(stage, level, clicks, n, bin_width, prune, hyper, buf, band):
    """Filter: weight and mean survival by stage, number at risk and bin of survival.

    Returns the log evidence and the stage at which nothing was left: -1 if none, -2 if out of
    space.
    """
    lamc, lame, rho, shape, extra, lone, tilt, use_marks = hyper
    kmax = stage.shape[0]
    # start, lowest r, highest r, number of bins
    band[0, 0], band[0, 1], band[0, 2], band[0, 3] = 0, n, n, 1
    buf[0, 0], buf[1, 0] = 1.0, 1.0
    evidence = 0.0
    prior = np.empty(n + 1)
    for k in range(kmax):
        kind, seg, row, marks = stage[k, 0], stage[k, 1], stage[k, 2], stage[k, 3]
        floor_r = max(row, stage[k, 4])
        width, otype, y, half, sd = (
            level[k, 0],
            int(level[k, 1]),
            level[k, 2],
            level[k, 3],
            level[k, 4],
        )
        start, low, high, bins = band[k]
        window = level[k, 5]
        new_bins = bins if kind == CENSOR else int(level[k, 6])
        begin = start + (high - low + 1) * bins
        room = high - floor_r + 1
        if room <= 0:
            return evidence, k
        if begin + room * new_bins > buf.shape[1]:
            return evidence, -2
        buf[0, begin : begin + room * new_bins] = 0.0
        buf[1, begin : begin + room * new_bins] = 0.0
        least = high
        for r in range(high, low - 1, -1):
            if r < floor_r:
                break
            at = start + (r - low) * bins
            top = 0.0
            for b in range(bins):
                top = max(top, buf[0, at + b])
            if top <= 0:
                continue
            if r == 0 and kind != CENSOR:
                # nobody is left to have an event
                new_bins_at = int((0.0 - window) / bin_width)
                if kind != DROP and window <= 0 and new_bins_at < new_bins:
                    buf[0, begin - floor_r * new_bins + new_bins_at] += top
                    least = 0
                continue
            mean = lame[seg] * width * r
            if kind == CENSOR:
                mean = lamc[seg] * width * r
                p = (shape / (shape + mean)) ** shape
                ratio = mean / (shape + mean)
                c = 0
                while r - c >= floor_r:
                    q = mark_weight(c, marks, extra, lone) if use_marks else p
                    if q > 0:
                        to = begin + (r - c - floor_r) * bins
                        for b in range(bins):
                            g = buf[0, at + b] * q
                            buf[0, to + b] += g
                            buf[1, to + b] += g * buf[1, at + b]
                        least = min(least, r - c)
                    p *= (shape + c) / (c + 1) * ratio
                    c += 1
                    if (not use_marks and c > mean and top * p < 1e-2 * prune) or (
                        use_marks and c > marks + 2 and q < 1e-9
                    ):
                        break
                continue
            known = -1
            for b in range(bins):
                w = buf[0, at + b]
                if w <= 0:
                    continue
                s = buf[1, at + b]
                first, last = drop_range(kind, r, s, window)
                for d in range(first, last + 1):
                    if r - d < floor_r:
                        break
                    s2 = s * (1 - d / r)
                    to_bin = int((s2 - window) / bin_width)
                    if s2 < window or to_bin >= new_bins or (d == r and otype == 0):
                        continue
                    while known < d:
                        known += 1
                        prior[known] = drop_weight(kind, known, mean, rho, tilt)
                    g = w * prior[d]
                    if g < 1e-40 * top:
                        continue
                    g *= level_weight(otype, y, half, sd, s, s2, clicks)
                    to = begin + (r - d - floor_r) * new_bins + to_bin
                    buf[0, to] += g
                    buf[1, to] += g * s2
                    least = min(least, r - d)
        total, top = 0.0, 0.0
        if row >= 0:
            # numbers at risk in print are exact; the nearest is kept where none fits
            kept = False
            for r in range(row, high + 1):
                at = begin + (r - floor_r) * new_bins
                if kept:
                    buf[0, at : at + new_bins] = 0.0
                else:
                    for b in range(new_bins):
                        kept = kept or buf[0, at + b] > 0
        for i in range(begin + (least - floor_r) * new_bins, begin + room * new_bins):
            total += buf[0, i]
            top = max(top, buf[0, i])
        if total <= 0:
            return evidence, k
        evidence += log(total)
        first_r, last_r = -1, -1
        for r in range(least, high + 1):
            for b in range(new_bins):
                i = begin + (r - floor_r) * new_bins + b
                if buf[0, i] > top * prune:
                    buf[1, i] /= buf[0, i]
                    buf[0, i] /= total
                    last_r = r
                    if first_r < 0:
                        first_r = r
                else:
                    buf[0, i] = 0.0
        band[k + 1, 0] = begin + (first_r - floor_r) * new_bins
        band[k + 1, 1], band[k + 1, 2], band[k + 1, 3] = first_r, last_r, new_bins
    return evidence, -1


@njit(cache=True)
def backward(
    stage,
    level,
    clicks,
    n,
    bin_width,
    hyper,
    gamma_shape,
    log_factorial,
    buf,
    band,
    end_weight,
    path,
    rng,
):
    """Draw one path, `path[k]` leaving at stage k; returns the number at risk at the end."""
    lamc, lame, rho, shape, extra, lone, tilt, use_marks = hyper
    kmax = stage.shape[0]
    start, low, high, bins = band[kmax]
    total = 0.0
    for r in range(low, high + 1):
        for b in range(bins):
            total += buf[0, start + (r - low) * bins + b] * end_weight[r]
    if total <= 0:
        return -1
    u = rng.random() * total
    r2, b2 = -1, 0
    for r in range(low, high + 1):
        for b in range(bins):
            g = buf[0, start + (r - low) * bins + b] * end_weight[r]
            if g > 0 and u > 0:
                r2, b2 = r, b
            u -= g
    end = r2
    for k in range(kmax - 1, -1, -1):
        kind, seg, marks = stage[k, 0], stage[k, 1], stage[k, 3]
        width, otype, y, half, sd = (
            level[k, 0],
            int(level[k, 1]),
            level[k, 2],
            level[k, 3],
            level[k, 4],
        )
        window = level[k, 5]
        start, low, high, bins = band[k]
        # One pass: each candidate replaces the choice with its share of the sum so far.
        total, chosen_r, chosen_b = 0.0, r2, 0
        for r in range(max(low, r2), high + 1):
            left = r - r2
            if kind == CENSOR:
                w = buf[0, start + (r - low) * bins + b2]
                if w <= 0:
                    continue
                if use_marks:
                    g = w * mark_weight(left, marks, extra, lone)
                else:
                    g = w * count_weight(
                        left, lamc[seg] * width * r, shape, gamma_shape, log_factorial
                    )
                if g > 0:
                    total += g
                    if rng.random() * total < g:
                        chosen_r, chosen_b = r, b2
                continue
            if r == 0:
                continue
            mean = lame[seg] * width * r
            prior = -1.0
            for b in range(bins):
                w = buf[0, start + (r - low) * bins + b]
                if w <= 0:
                    continue
                s = buf[1, start + (r - low) * bins + b]
                s2 = s * (1 - left / r)
                if s2 < window or int((s2 - window) / bin_width) != b2:
                    continue
                first, last = drop_range(kind, r, s, window)
                if left < first or left > last or (left == r and otype == 0):
                    continue
                if prior < 0:
                    prior = drop_weight(kind, left, mean, rho, tilt)
                g = w * prior * level_weight(otype, y, half, sd, s, s2, clicks)
                if g > 0:
                    total += g
                    if rng.random() * total < g:
                        chosen_r, chosen_b = r, b
        path[k] = chosen_r - r2
        r2, b2 = chosen_r, chosen_b
    return end


SHAPES = np.array([0.3, 1.0, 3.0, 10.0, 100.0])


@njit(cache=True)
def log_rate_step(log_rate, j, count, exposure, spread, centre, wide, rng):
    """One Metropolis step of a hazard in a chain of segments, on the log scale."""
    now = log_rate[j]
    new = now + rng.normal() * (1.5 / sqrt(count + 1.0) + 0.1)
    change = count * (new - now) - exposure * (exp(new) - exp(now))
    tau2 = spread * spread
    for i in (j - 1, j + 1):
        if 0 <= i < len(log_rate):
            change -= ((new - log_rate[i]) ** 2 - (now - log_rate[i]) ** 2) / (2 * tau2)
    if j == 0 or len(log_rate) == 1:
        change -= ((new - centre) ** 2 - (now - centre) ** 2) / (2 * wide * wide)
    if log(rng.random() + 1e-300) < change:
        log_rate[j] = new


@njit(cache=True)
def update_rates(stage, level, path, n, log_c, log_e, centre, shape, spread, gammas, rng):
    """Draw the hazards, the over-dispersion and the share of ties given a path."""
    kmax = stage.shape[0]
    nseg = len(log_c)
    gone_c, time_c = np.zeros(nseg), np.zeros(nseg)
    died_e, time_e = np.zeros(nseg), np.zeros(nseg)
    score = np.zeros(len(SHAPES))
    r = n
    drops, ties = 0, 0
    over, marked, lone, plain = 0, 0, 0, 0
    for k in range(kmax):
        kind, seg, marks, width = stage[k, 0], stage[k, 1], stage[k, 3], level[k, 0]
        left = path[k]
        if kind == CENSOR:
            mean = exp(log_c[seg]) * width * r
            frailty = rng.gamma(shape + left, 1 / (shape + mean))
            gone_c[seg] += left
            time_c[seg] += frailty * width * r
            for i in range(len(SHAPES)):
                a = SHAPES[i]
                if mean > 0:
                    score[i] += (
                        gammas[i, left]
                        + a * log(a / (a + mean))
                        + left * log(mean / (a + mean))
                    )
            if marks > 0:
                over += max(0, left - marks)
                marked += marks
            else:
                lone += left
                plain += 1
        elif kind == HIDDEN:
            mean = exp(log_e[seg]) * width * r
            died_e[seg] += left
            time_e[seg] += rng.gamma(BURSTS + left, 1 / (BURSTS + mean)) * width * r
        elif left > 0:
            drops += 1
            ties += left - 1
        r -= left
    for _ in range(3):
        for j in range(nseg):
            log_rate_step(log_c, j, gone_c[j], time_c[j], spread, -1.0, 2.0, rng)
            log_rate_step(log_e, j, died_e[j], time_e[j], 0.7, centre, 1.0, rng)
    top = score.max()
    u = rng.random() * np.exp(score - top).sum()
    pick = 0
    for i in range(len(SHAPES)):
        pick = i
        u -= exp(score[i] - top)
        if u <= 0:
            break
    rho = rng.beta(TIES[0] + ties, TIES[1] + drops)
    extra = rng.beta(0.5 + over, 5.0 + marked)
    alone = rng.beta(0.1 + lone, 20.0 + plain)
    return SHAPES[pick], rho, extra, alone


@njit(cache=True)
def count_events(stage, path):
    """Events of a path."""
    died = 0
    for k in range(stage.shape[0]):
        if stage[k, 0] != CENSOR:
            died += path[k]
    return died


@njit(cache=True)
def sample_paths(
    stage,
    level,
    n,
    nseg,
    end_weight,
    events,
    use_marks,
    spread,
    burn,
    keep,
    thin,
    tries,
    rng,
    cells,
    bin_width,
    clicks,
    prune,
    centre,
    starts,
):
    """Gibbs sampling of paths and rates; returns paths, ends, evidence and failed stage."""
    kmax = stage.shape[0]
    log_factorial = np.array([lgamma(i + 1.0) for i in range(n + 2)])
    gammas = np.empty((len(SHAPES), n + 2))
    for i in range(len(SHAPES)):
        for c in range(n + 2):
            gammas[i, c] = lgamma(SHAPES[i] + c) - lgamma(SHAPES[i])
    buf = np.zeros((2, cells))
    band = np.zeros((kmax + 1, 4), np.int64)
    log_c, log_e = np.full(nseg, -1.0), np.full(nseg, centre)
    shape, rho, extra, alone, tilt = 1.0, 0.1, 0.1, 0.005, 0.0
    which = 1
    trial, best = np.zeros(kmax, np.int64), np.zeros(kmax, np.int64)
    best_start = -np.inf
    for first_c in starts:
        for first_rho in (0.05, 0.3):
            hyper = (
                np.full(nseg, exp(first_c)),
                np.exp(log_e),
                first_rho,
                shape,
                extra,
                alone,
                tilt,
                use_marks,
            )
            evidence, failed = forward(
                stage, level, clicks, n, bin_width, prune, hyper, buf, band
            )
            if failed != -1:
                continue
            if events >= 0:
                # A start far from the stated events would have to be pulled to them first.
                end = backward(
                    stage,
                    level,
                    clicks,
                    n,
                    bin_width,
                    hyper,
                    gammas[which],
                    log_factorial,
                    buf,
                    band,
                    end_weight,
                    trial,
                    rng,
                )
                if end < 0:
                    continue
                off = count_events(stage, trial) - events
                evidence -= 0.5 * off * off / (1.0 + 0.05 * events)
            if evidence > best_start:
                best_start = evidence
                rho = first_rho
                log_c[:] = first_c
    paths = np.zeros((keep, kmax), np.int64)
    ends = np.zeros(keep, np.int64)
    evidences = np.zeros(keep)
    for step in range(burn + keep * thin):
        hyper = (np.exp(log_c), np.exp(log_e), rho, shape, extra, alone, tilt, use_marks)
        evidence, failed = forward(stage, level, clicks, n, bin_width, prune, hyper, buf, band)
        if failed != -1 and tilt != 0.0:
            tilt = 0.0
            hyper = (
                np.exp(log_c),
                np.exp(log_e),
                rho,
                shape,
                extra,
                alone,
                tilt,
                use_marks,
            )
            evidence, failed = forward(
                stage, level, clicks, n, bin_width, prune, hyper, buf, band
            )
        if failed != -1:
            return paths, ends, evidences, failed
        gap, best_gap, mean, square, used = 0, 1 << 30, 0.0, 0.0, 0
        best_end = -1
        for _ in range(tries if events >= 0 else 1):
            end = backward(
                stage,
                level,
                clicks,
                n,
                bin_width,
                hyper,
                gammas[which],
                log_factorial,
                buf,
                band,
                end_weight,
                trial,
                rng,
            )
            if end < 0:
                return paths, ends, evidences, kmax
            died = count_events(stage, trial)
            used += 1
            mean += died
            square += died * died
            gap = abs(died - events) if events >= 0 else 0
            if gap < best_gap:
                best_gap, best_end = gap, end
                best[:] = trial
            if gap == 0 and used >= 4:
                break
        if events >= 0:
            mean /= used
            var = max(square / used - mean * mean, 0.5)
            tilt += min(max((events - mean) / var, -1.0), 1.0) * 0.5
        shape, rho, extra, alone = update_rates(
            stage, level, best, n, log_c, log_e, centre, shape, spread, gammas, rng
        )
        for i in range(len(SHAPES)):
            if SHAPES[i] == shape:
                which = i
        if step >= burn and (step - burn) % thin == thin - 1:
            row = (step - burn) // thin
            paths[row] = best
            ends[row] = best_end
            evidences[row] = evidence
    return paths, ends, evidences, -1
