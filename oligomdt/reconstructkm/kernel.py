"""Compiled core of the sampler: the statistics of one data set, and how far they are off.

Kaplan-Meier, Greenwood, Cox and log-rank of a two-arm data set with distinct event times, in
the plain form that one pass over the sorted patients allows. Event times are drawn from
continuous distributions, so ties do not occur and Breslow, Efron and the exact partial
likelihood agree.
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


@njit(cache=True, nogil=True)
def curves(order, event, time, group_of, sets_of, set_size, when, surv, spread, count, risk):
    """Fill Kaplan-Meier estimates of all arm sets and the numbers at risk at each event.

    For arm set s, ``when[s, :count[s]]`` are its event times, ``surv`` the estimate after
    them and ``spread`` Greenwood's sum. ``risk[u, k]`` holds, for the k-th event of unit u,
    those at risk in the control arm, in the experimental arm, and the arm of the event.
    """
    sets = set_size.shape[0]
    left = set_size.copy()
    level = np.ones(sets)
    total = np.zeros(sets)
    unit_events = np.zeros(sets // 2, np.int64)
    count[:] = 0
    for i in order:
        for s in sets_of[group_of[i]]:
            if s < 0:
                continue
            if event[i]:
                unit = s // 2
                k = unit_events[unit]
                risk[unit, k, 0] = left[2 * unit]
                risk[unit, k, 1] = left[2 * unit + 1]
                risk[unit, k, 2] = s % 2
                unit_events[unit] = k + 1
                n = left[s]
                level[s] *= 1.0 - 1.0 / n
                total[s] += 1.0 / (n * (n - 1.0)) if n > 1 else 0.0
                k = count[s]
                when[s, k], surv[s, k], spread[s, k] = time[i], level[s], total[s]
                count[s] = k + 1
            left[s] -= 1
    return unit_events


@njit(cache=True, nogil=True)
def score(risk, events, theta):
    """Score and information of the partial likelihood at hazard ratio `theta`."""
    gradient = 0.0
    information = 0.0
    for k in range(events):
        weight = risk[k, 1] * theta
        share = weight / (weight + risk[k, 0])
        gradient += risk[k, 2] - share
        information += share * (1.0 - share)
    return gradient, information


@njit(cache=True, nogil=True)
def cox(risk, events, start):
    """Log hazard ratio and standard error by Newton's method."""
    beta = start
    information = 1e-8
    for _ in range(25):
        gradient, information = score(risk, events, math.exp(beta))
        information = max(information, 1e-8)
        move = min(max(gradient / information, -1.0), 1.0)
        beta = min(max(beta + move, -8.0), 8.0)
        if abs(move) < 1e-8:
            break
    return beta, 1.0 / math.sqrt(information)


@njit(cache=True, nogil=True)
def limit(surv, spread, z, loglog):
    """Confidence limit of survival; `z` is negative for the lower one."""
    if spread <= 0.0 or surv >= 1.0:
        return 1.0
    half = z * math.sqrt(spread)
    if loglog:
        log_surv = math.log(surv)
        return math.exp(log_surv * math.exp(min(half / log_surv, 50.0)))
    return min(surv * math.exp(half), 1.0)


@njit(cache=True, nogil=True)
def band_at(when, surv, spread, count, t, z, loglog):
    """Survival (z = 0) or its limit after the events up to time `t`.

    Where survival is 0 no limit is defined and the last defined one is given.
    """
    k = 0
    while k < count and when[k] <= t:
        k += 1
    if k == 0:
        return 1.0
    k -= 1
    if z == 0.0:
        return surv[k]
    if surv[k] <= TOLERANCE:
        if k == 0:
            return 1.0
        k -= 1
    return limit(surv[k], spread[k], z, loglog)


@njit(cache=True, nogil=True)
def crossing(when, surv, spread, count, z, loglog):
    """First event time at which survival (or its limit) is at most one half.

    Where the curve equals one half on a flat stretch, the midpoint of the stretch, as R's
    ``quantile.survfit`` has it; infinity where it is never reached. Also the smallest value.
    """
    smallest = 1.0
    for k in range(count):
        if z != 0.0 and surv[k] <= TOLERANCE:
            break
        value = surv[k] if z == 0.0 else limit(surv[k], spread[k], z, loglog)
        smallest = min(smallest, value)
        if value <= 0.5 + TOLERANCE:
            if z == 0.0 and abs(value - 0.5) <= TOLERANCE and k + 1 < count:
                return 0.5 * (when[k] + when[k + 1]), smallest
            return when[k], smallest
    return np.inf, smallest


@njit(cache=True, nogil=True)
def outside(value, low, high):
    """How far a value is outside an interval."""
    return max(low - value, value - high, 0.0)


@njit(cache=True, nogil=True)
def crossing_distance(when, surv, spread, count, low, high, z, loglog, n):
    """Time at which a curve crosses one half, and its distance in patients from a window."""
    value, smallest = crossing(when, surv, spread, count, z, loglog)
    if low == np.inf:
        if value == np.inf:
            return value, 0.0
        return value, max(0.5 - smallest, 0.0) * n + MISSED
    if low - TOLERANCE <= value <= high + TOLERANCE:
        return value, 0.0
    early = band_at(when, surv, spread, count, low - TOLERANCE, z, loglog)
    late = band_at(when, surv, spread, count, high, z, loglog)
    return value, (max(0.5 - early, 0.0) + max(late - 0.5, 0.0)) * n + MISSED


@njit(cache=True, nogil=True)
def distances(
    whole, real, curve, risk, unit_events, set_size, loglog, beta, value, distance, enough
):
    """Fill value and distance of every constraint; return the sum over the forced ones.

    ``curve`` holds the arrays of `curves`; ``beta`` the last log hazard ratio of each unit,
    the start for the next. Once the sum exceeds ``enough`` the rest is left undone: the
    move is lost, and the statistics of the arms, which come first, are the cheap ones.
    """
    when, surv, spread, count = curve
    units = unit_events.shape[0]
    se = np.zeros(units)
    fitted = np.zeros(units, np.bool_)
    energy = 0.0
    for c in range(whole.shape[0]):
        kind, s, forced = whole[c]
        low, high, z, t = real[c]
        v, d = 0.0, 0.0
        if energy > enough:
            break
        if kind == EVENTS:
            v = count[s]
            d = outside(v, low, high)
        elif kind <= MEDIAN_UPPER:
            signed = -z if kind == MEDIAN_LOWER else z
            v, d = crossing_distance(
                when[s], surv[s], spread[s], count[s], low, high, signed, loglog, set_size[s]
            )
        elif kind <= SURV_UPPER:
            signed = 0.0 if kind == SURV else (-z if kind == SURV_LOWER else z)
            v = band_at(when[s], surv[s], spread[s], count[s], t, signed, loglog)
            d = outside(v, low - TOLERANCE, high + TOLERANCE) * set_size[s]
        else:
            if kind != P_LOGRANK and not fitted[s]:
                beta[s], se[s] = cox(risk[s], unit_events[s], beta[s])
                fitted[s] = True
            v, d = contrast(kind, low, high, z, beta[s], se[s], risk[s], unit_events[s])
        value[c] = v
        distance[c] = d
        energy += d * forced
    return energy


@njit(cache=True, nogil=True)
def contrast(kind, low, high, z, beta, se, risk, events):
    """Value and distance of a statistic that compares the arms."""
    if kind <= HR_UPPER:
        v = beta + (0.0 if kind == HR else (-z if kind == HR_LOWER else z)) * se
        return math.exp(v), outside(v, low, high) / LOG_HR_UNIT
    wald = abs(beta / se) if kind != P_LOGRANK else 0.0
    if kind == P_WALD:
        return math.erfc(wald / math.sqrt(2.0)), outside(wald, low, high) / Z_UNIT
    gradient, information = score(risk, events, 1.0)
    rank = abs(gradient) / math.sqrt(max(information, 1e-8))
    d = outside(rank, low, high) / Z_UNIT
    if kind == P_EITHER and outside(wald, low, high) / Z_UNIT < d:
        return math.erfc(wald / math.sqrt(2.0)), outside(wald, low, high) / Z_UNIT
    return math.erfc(rank / math.sqrt(2.0)), d
