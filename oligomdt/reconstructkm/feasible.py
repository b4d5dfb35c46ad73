"""Least and most that the paths of an arm allow: of their events, or of the patients gone.

Unlike the search of `path`, which follows what is probable, this one follows whatever is
possible: every reading within its resolution, every number at risk and every mark met, however
unlikely the path.
"""

import numpy as np
from numba import njit

# Standard deviations by which a pixel's edge and a hand click may be off.
EDGE_REACH, CLICK_REACH = 3.0, 4.0
NONE = 1 << 40


# What is compiled is kept on disk (`cache=True`), so nothing of another file is used here.
@njit(cache=True)
def passes(by_hand, y, half, sd, before, after, clicks):
    """Whether a curve that falls from `before` to `after` passes through a reading."""
    if by_hand:
        for i in range(int(y), int(y) + int(half)):
            if max(clicks[i] - before, after - clicks[i]) > CLICK_REACH * sd:
                return False
        return True
    return abs(after - y) <= half + EDGE_REACH * sd + 1e-12


@njit(cache=True)
def extremes(stage, level, clicks, kinds, n, bin_width, end_weight, counted, work):
    """Least and most of the patients counted on the paths that meet everything.

    `stage`, `level`, `clicks`, `bin_width` and `end_weight` are those of `Stages`, but for the
    last column of `stage`, the number at risk that comes next; `kinds` are the codes of a gap,
    of a drop and of clicks. `counted` (K,) is 1 for each stage whose leaving patients count,
    else 0. Paths that agree in the number at risk and within a bin of survival are followed as
    two: the one with the least and the one with the most, each with its own survival, so that
    what is found exists.
    Returns least, most (or `NONE` twice) and the work done, -1 if it exceeds `work`.
    """
    gap, drop, click = kinds
    bins = 1
    least, most = np.full((n + 1, 1), NONE), np.full((n + 1, 1), -NONE)
    s_least, s_most = np.ones((n + 1, 1)), np.ones((n + 1, 1))
    least[n, 0], most[n, 0] = 0, 0
    low, high, done = n, n, 0
    for k in range(stage.shape[0]):
        kind, row, marks = stage[k, 0], stage[k, 2], stage[k, 3]
        adds = counted[k]
        otype, y, half, sd = int(level[k, 1]), level[k, 2], level[k, 3], level[k, 4]
        window = level[k, 5]
        if kind == gap:
            top = high
            low, high = stage[k, 4], (high - marks if row < 0 else min(row, high - marks))
            done += (n + 1) * bins
            if high < low:
                return NONE, NONE, done
            new_least, new_most = np.full((n + 1, bins), NONE), np.full((n + 1, bins), -NONE)
            new_s_least, new_s_most = np.ones((n + 1, bins)), np.ones((n + 1, bins))
            for b in range(bins):
                best, best_s, worst, worst_s = NONE, 1.0, -NONE, 1.0
                for r in range(top, low + marks - 1, -1):
                    if least[r, b] < NONE:
                        if least[r, b] + adds * r < best:
                            best, best_s = least[r, b] + adds * r, s_least[r, b]
                        if most[r, b] + adds * r > worst:
                            worst, worst_s = most[r, b] + adds * r, s_most[r, b]
                    to = r - marks
                    if best < NONE and to <= high:
                        new_least[to, b], new_s_least[to, b] = best - adds * to, best_s
                        new_most[to, b], new_s_most[to, b] = worst - adds * to, worst_s
        else:
            new_bins = int(level[k, 6])
            done += (n + 1) * new_bins
            new_least = np.full((n + 1, new_bins), NONE)
            new_most = np.full((n + 1, new_bins), -NONE)
            new_s_least, new_s_most = np.ones((n + 1, new_bins)), np.ones((n + 1, new_bins))
            first = 1 if kind == drop else 0
            lowest, highest = n + 1, -1
            for r in range(high, low - 1, -1):
                done += bins
                for b in range(bins):
                    if least[r, b] == NONE:
                        continue
                    for side in range(2):
                        value = least[r, b] if side == 0 else most[r, b]
                        s = s_least[r, b] if side == 0 else s_most[r, b]
                        if r == 0 and s > 0:
                            continue
                        last = r if window <= 0 or s <= 0 else min(r, int(r * (1 - window / s)))
                        for d in range(first, last + 1):
                            done += 1
                            if r - d < stage[k, 4]:
                                break
                            if row >= 0 and r - d != row:
                                continue
                            after = s * (1 - d / r) if r > 0 else 0.0
                            to = int((after - window) / bin_width)
                            if after < window or to >= new_bins or (d == r > 0 and otype == 0):
                                continue
                            if otype > 0 and not passes(
                                otype == click, y, half, sd, s, after, clicks
                            ):
                                continue
                            now = value + adds * d
                            if now < new_least[r - d, to]:
                                new_least[r - d, to], new_s_least[r - d, to] = now, after
                            if now > new_most[r - d, to]:
                                new_most[r - d, to], new_s_most[r - d, to] = now, after
                            lowest, highest = min(lowest, r - d), max(highest, r - d)
                if done > work:
                    return NONE, NONE, -1
            low, high, bins = lowest, highest, new_bins
            if high < low:
                return NONE, NONE, done
        if done > work:
            return NONE, NONE, -1
        least, most, s_least, s_most = new_least, new_most, new_s_least, new_s_most
    found, largest = NONE, -NONE
    for r in range(low, high + 1):
        if end_weight[r] > 0:
            for b in range(bins):
                found, largest = min(found, least[r, b]), max(largest, most[r, b])
    return (found, largest, done) if found < NONE else (NONE, NONE, done)
