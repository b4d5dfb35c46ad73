"""Compiled core of the sampler: the statistics of one data set, and how far they are off.

Kaplan-Meier, Greenwood, Cox and log-rank of a two-arm data set with distinct event times, in
the plain form that one pass over the sorted patients allows. Event times are drawn from
continuous distributions, so ties do not occur and Breslow, Efron and the exact partial
likelihood agree.

Nothing is cached on disk: a compiled function that calls others from another file is not
compiled again when that file changes, and would go on with the old arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from . import constraints as kinds

EVENTS, MEDIAN = kinds.EVENTS, kinds.MEDIAN
MEDIAN_LOWER, MEDIAN_UPPER = kinds.MEDIAN_LOWER, kinds.MEDIAN_UPPER
SURV, SURV_LOWER, SURV_UPPER = kinds.SURV, kinds.SURV_LOWER, kinds.SURV_UPPER
HR, HR_LOWER, HR_UPPER = kinds.HR, kinds.HR_LOWER, kinds.HR_UPPER
P_LOGRANK, P_WALD, P_EITHER = kinds.P_LOGRANK, kinds.P_WALD, kinds.P_EITHER

# Distances are in units of about one patient moved by one place.
LOG_HR_UNIT = 0.03
Z_UNIT = 0.05
# Added where the curve is near enough but the printed value is still missed (a curve that
# equals one half exactly): less than one patient.
MISSED = 0.25
TOLERANCE = 1e-9


@njit(nogil=True)
def curves(order, event, time, group_of, sets_of, set_size, dirty, curve, risk, left):
    """Fill Kaplan-Meier estimates and the numbers at risk of the units that changed.

    For arm set s, ``when[s, :count[s]]`` are its event times, ``surv`` the estimate after
    them and ``spread`` Greenwood's sum. ``risk[u, k]`` holds, for the k-th event of unit u,
    those at risk in the control arm, in the experimental arm, and the arm of the event;
    ``left[1, u]`` is the number of events of the unit; ``last[s]`` the longest time of an arm
    set. Units not ``dirty`` are left alone.
    """
    when, surv, spread, count, last = curve
    units = dirty.shape[0]
    left[0, :] = set_size
    left[1, :] = 0
    count[:] = 0
    for place in range(order.shape[0]):
        i = order[place]
        happened = event[i]
        for m in range(2):
            s = sets_of[group_of[i], m]
            if s < 0 or not dirty[s // 2]:
                continue
            if happened:
                unit = s // 2
                k = left[1, unit]
                risk[unit, k, 0] = left[0, 2 * unit]
                risk[unit, k, 1] = left[0, 2 * unit + 1]
                risk[unit, k, 2] = s % 2
                left[1, unit] = k + 1
                n = float(left[0, s])
                k = count[s]
                level = surv[s, k - 1] if k > 0 else 1.0
                total = spread[s, k - 1] if k > 0 else 0.0
                when[s, k] = time[i]
                surv[s, k] = level * (1.0 - 1.0 / n)
                spread[s, k] = total + (1.0 / (n * (n - 1.0)) if n > 1.0 else 0.0)
                count[s] = k + 1
            left[0, s] -= 1
            last[s] = time[i]
    return left[1, :units]


@njit(nogil=True)
def score(risk, unit, events, theta):
    """Score and information of the partial likelihood at hazard ratio `theta`."""
    gradient = 0.0
    information = 0.0
    for k in range(events):
        weight = risk[unit, k, 1] * theta
        share = weight / (weight + risk[unit, k, 0])
        gradient += risk[unit, k, 2] - share
        information += share * (1.0 - share)
    return gradient, information


@njit(nogil=True)
def cox(risk, unit, events, start):
    """Log hazard ratio and standard error by Newton's method."""
    beta = start
    information = 1e-8
    for _ in range(25):
        gradient, information = score(risk, unit, events, math.exp(beta))
        information = max(information, 1e-8)
        move = min(max(gradient / information, -1.0), 1.0)
        beta = min(max(beta + move, -8.0), 8.0)
        if abs(move) < 1e-8:
            break
    return beta, 1.0 / math.sqrt(information)


@njit(nogil=True)
def limit(surv, spread, z, loglog):
    """Confidence limit of survival; `z` is negative for the lower one."""
    if spread <= 0.0 or surv >= 1.0:
        return 1.0
    half = z * math.sqrt(spread)
    if loglog:
        log_surv = math.log(surv)
        return math.exp(log_surv * math.exp(min(half / log_surv, 50.0)))
    return min(surv * math.exp(half), 1.0)


@njit(nogil=True)
def band_at(curve, s, t, z, loglog):
    """Survival (z = 0) or its limit after the events up to time `t`.

    Where survival is 0 no limit is defined and the last defined one is given.
    """
    when, surv, spread, count, _ = curve
    k = 0
    while k < count[s] and when[s, k] <= t:
        k += 1
    if k == 0:
        return 1.0
    k -= 1
    if z == 0.0:
        return surv[s, k]
    if surv[s, k] <= TOLERANCE:
        if k == 0:
            return 1.0
        k -= 1
    return limit(surv[s, k], spread[s, k], z, loglog)


@njit(nogil=True)
def crossing(curve, s, z, loglog):
    """First event time at which survival (or its limit) is at most one half.

    Where the curve equals one half on a flat stretch, the midpoint of the stretch (to the next
    event or the end of follow-up), as R's ``quantile.survfit`` has it; infinity where it is
    never reached. Also the smallest value.
    """
    when, surv, spread, count, last = curve
    smallest = 1.0
    for k in range(count[s]):
        if z != 0.0 and surv[s, k] <= TOLERANCE:
            break
        value = surv[s, k] if z == 0.0 else limit(surv[s, k], spread[s, k], z, loglog)
        smallest = min(smallest, value)
        if value <= 0.5 + TOLERANCE:
            if z == 0.0 and abs(value - 0.5) <= TOLERANCE:
                end = when[s, k + 1] if k + 1 < count[s] else last[s]
                return 0.5 * (when[s, k] + end), smallest
            return when[s, k], smallest
    return np.inf, smallest


@njit(nogil=True)
def outside(value, low, high):
    """How far a value is outside an interval."""
    return max(low - value, value - high, 0.0)


@njit(nogil=True)
def crossing_distance(curve, s, low, high, z, loglog, n):
    """Time at which a curve crosses one half, and its distance in patients from a window."""
    value, smallest = crossing(curve, s, z, loglog)
    if low == np.inf:
        if value == np.inf:
            return value, 0.0
        return value, max(0.5 - smallest, 0.0) * n + MISSED
    if low - TOLERANCE <= value <= high + TOLERANCE:
        return value, 0.0
    early = band_at(curve, s, low - TOLERANCE, z, loglog)
    late = band_at(curve, s, high, z, loglog)
    return value, (max(0.5 - early, 0.0) + max(late - 0.5, 0.0)) * n + MISSED


@njit(nogil=True)
def distances(
    whole,
    real,
    curve,
    risk,
    events,
    set_size,
    loglog,
    beta,
    dirty,
    known,
    value,
    distance,
    enough,
):
    """Fill value and distance of every constraint; return the sum over the forced ones.

    ``curve`` and ``risk`` come from `curves`; ``beta`` is the last log hazard ratio of each
    unit, the start for the next. Constraints of units that are not ``dirty`` keep their
    ``known`` distance. Once the sum exceeds ``enough`` the rest is left undone, because the
    move is lost; the statistics of the arms come first, as they are the cheap ones.
    """
    count = curve[3]
    fitted = np.zeros(dirty.shape[0], np.bool_)
    se = np.zeros(dirty.shape[0])
    energy = 0.0
    for c in range(whole.shape[0]):
        if not dirty[unit_of(whole[c, 0], whole[c, 1])]:
            distance[c] = known[c]
            energy += known[c] * whole[c, 2]
    for c in range(whole.shape[0]):
        if energy > enough:
            break
        kind, s, forced = whole[c, 0], whole[c, 1], whole[c, 2]
        unit = unit_of(kind, s)
        if not dirty[unit]:
            continue
        low, high, z, t = real[c, 0], real[c, 1], real[c, 2], real[c, 3]
        if kind == EVENTS:
            v = float(count[s])
            d = outside(v, low, high)
        elif kind <= MEDIAN_UPPER:
            signed = -z if kind == MEDIAN_LOWER else z
            v, d = crossing_distance(curve, s, low, high, signed, loglog, set_size[s])
        elif kind <= SURV_UPPER:
            signed = 0.0 if kind == SURV else (-z if kind == SURV_LOWER else z)
            v = band_at(curve, s, t, signed, loglog)
            d = outside(v, low - TOLERANCE, high + TOLERANCE) * set_size[s]
            if v > TOLERANCE and curve[4][s] < t:
                d += MISSED  # nobody is at risk any more: no survival could be stated
        else:
            if kind != P_LOGRANK and not fitted[unit]:
                beta[unit], se[unit] = cox(risk, unit, events[unit], beta[unit])
                fitted[unit] = True
            v, d = contrast(kind, low, high, z, beta[unit], se[unit], risk, unit, events[unit])
        value[c] = v
        distance[c] = d
        energy += d * forced
    return energy


@njit(nogil=True)
def unit_of(kind, subject):
    """Unit of a constraint: an arm's statistic belongs to the unit of its arm set."""
    return subject if kind >= HR else subject // 2


@njit(nogil=True)
def contrast(kind, low, high, z, beta, se, risk, unit, events):
    """Value and distance of a statistic that compares the arms."""
    if kind <= HR_UPPER:
        v = beta + (0.0 if kind == HR else (-z if kind == HR_LOWER else z)) * se
        return math.exp(v), outside(v, low, high) / LOG_HR_UNIT
    wald = abs(beta / se) if kind != P_LOGRANK else 0.0
    if kind == P_WALD:
        return math.erfc(wald / math.sqrt(2.0)), outside(wald, low, high) / Z_UNIT
    gradient, information = score(risk, unit, events, 1.0)
    rank = abs(gradient) / math.sqrt(max(information, 1e-8))
    d = outside(rank, low, high) / Z_UNIT
    if kind == P_EITHER and outside(wald, low, high) / Z_UNIT < d:
        return math.erfc(wald / math.sqrt(2.0)), outside(wald, low, high) / Z_UNIT
    return math.erfc(rank / math.sqrt(2.0)), d
