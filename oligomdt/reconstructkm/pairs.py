"""Statistics of two arms for every pair of their data sets, as a paper prints them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.stats import norm

from . import constraints as kinds
from .comparison import ARMS, Comparison, Landmark, StatedArm
from .constraints import Constraint
from .coordinates import column

LIMITS = ("log-log", "log", "plain")
SAME = 1e-9
SIGN = {kinds.MEDIAN_LOWER: -1, kinds.SURV_LOWER: -1, kinds.HR_LOWER: -1}
SIGN |= {kinds.MEDIAN_UPPER: 1, kinds.SURV_UPPER: 1, kinds.HR_UPPER: 1}


class _Curve(NamedTuple):
    when: np.ndarray  # distinct event times, and after each of them:
    surv: np.ndarray
    spread: np.ndarray  # Greenwood's sum
    last: float
    events: int


@njit(cache=True, nogil=True)
def _table(time0, event0, time1, event1, table):
    """Numbers at risk and events by arm at each event time with both arms at risk.

    Returns the number of rows, and log-rank score and variance of the experimental arm.
    """
    i = j = rows = 0
    score = variance = 0.0
    n0, n1 = time0.shape[0], time1.shape[0]
    while i < n0 and j < n1:
        t, at0, at1, d0, d1 = min(time0[i], time1[j]), n0 - i, n1 - j, 0, 0
        while i < n0 and time0[i] == t:
            d0 += event0[i]
            i += 1
        while j < n1 and time1[j] == t:
            d1 += event1[j]
            j += 1
        n, d = at0 + at1, d0 + d1
        if d > 0:
            table[rows, 0], table[rows, 1], table[rows, 2], table[rows, 3] = at0, at1, d0, d1
            rows += 1
            score += d1 - d * at1 / n
            variance += d * (at1 / n) * (at0 / n) * (n - d) / (n - 1.0)
    return rows, score, variance


@njit(cache=True, nogil=True)
def _cox(table, rows, beta):
    """Log hazard ratio and standard error by Newton's method, tied events after Efron.

    The sampler's kernel needs distinct times; digitised curves have ties. Without events in
    an arm the estimate is infinite and stops at 8, as it does there.
    """
    information = 1e-8
    for _ in range(25):
        gradient, information, theta = 0.0, 0.0, math.exp(beta)
        for k in range(rows):
            tied = table[k, 2] + table[k, 3]
            for before in range(tied):
                gone = before / tied
                own = theta * (table[k, 1] - gone * table[k, 3])
                share = own / (own + table[k, 0] - gone * table[k, 2])
                gradient -= share
                information += share * (1.0 - share)
            gradient += table[k, 3]
        information = max(information, 1e-8)
        move = min(max(gradient / information, -1.0), 1.0)
        beta = min(max(beta + move, -8.0), 8.0)
        if abs(move) < SAME:
            break
    return beta, 1.0 / math.sqrt(information)


@njit(cache=True, nogil=True)
def pair_contrasts(time0, event0, time1, event1):
    """Log hazard ratio, standard error and log-rank z of every pair."""
    table = np.empty((time0.shape[1] + time1.shape[1], 4), np.int64)
    out = np.empty((3, time0.shape[0], time1.shape[0]))
    for a in range(time0.shape[0]):
        for b in range(time1.shape[0]):
            rows, score, variance = _table(time0[a], event0[a], time1[b], event1[b], table)
            variance = max(variance, 1e-8)
            start = min(max(score / variance, -2.0), 2.0)
            out[0, a, b], out[1, a, b] = _cox(table, rows, start)
            out[2, a, b] = score / math.sqrt(variance)
    return out


def stacked(draws, name: str):
    """Sorted times and events of an arm's draws, (draws, n) each."""
    sets = []
    for i, draw in enumerate(draws):
        where = f"{name}[{i}]"
        try:
            time, event = draw
        except (TypeError, ValueError):
            raise ValueError(f"{where} is not a draw; give a pair (time, event)") from None
        time, event = column(time, f"{where} time"), column(event, f"{where} event")
        n = len(sets[0][0]) if sets else max(len(time), 1)
        if not len(time) == len(event) == n:
            raise ValueError(
                f"{where} has {len(time)} times and {len(event)} events; give {n} of each: "
                "one per patient, and as many patients in every draw of an arm"
            )
        if time.min() < 0 or not np.isin(event, (0, 1)).all():
            raise ValueError(f"{where}: give times of 0 or later, and events of 0 or 1")
        order = np.argsort(time)
        sets.append((time[order], event[order].astype(np.int64)))
    if not sets:
        raise ValueError(f"{name} is empty; give at least one draw, a pair (time, event)")
    return tuple(np.array(values) for values in zip(*sets, strict=True))


def arm_curves(arms):
    """Survival curves of the draws of each stacked arm."""
    return [[_curve(*draw) for draw in zip(*arm, strict=True)] for arm in arms]


def _curve(time, event) -> _Curve:
    when, died = np.unique(time[event == 1], return_counts=True)
    at_risk = len(time) - np.searchsorted(time, when)
    with np.errstate(divide="ignore"):  # the last one dies: survival 0 has no limits
        spread = np.cumsum(died / (at_risk * (at_risk - died)))
    return _Curve(when, np.cumprod(1 - died / at_risk), spread, time[-1], int(died.sum()))


def _band(curve: _Curve, z: float, transform: str) -> np.ndarray:
    """Survival (z = 0) or its confidence limit after each event; nan where it has none."""
    if z == 0:
        return curve.surv
    surv, half = curve.surv, z * np.sqrt(curve.spread)
    with np.errstate(all="ignore"):
        if transform == "plain":
            limit = np.clip(surv * (1 + half), 0, 1)
        elif transform == "log":
            limit = np.minimum(surv * np.exp(half), 1)
        else:
            limit = surv ** np.exp(half / np.log(surv))
    return np.where(surv > SAME, limit, np.nan)


def _of_arm(c: Constraint, curve: _Curve, transform: str) -> float:
    """Statistic of one draw. Survival is carried on after the end; medians as in R."""
    if c.kind == kinds.EVENTS:
        return curve.events
    z = SIGN.get(c.kind, 0) * c.z
    band = _band(curve, z, transform)
    if c.kind >= kinds.SURV:
        band = band[: np.searchsorted(curve.when, c.time, side="right")]
        band = band[~np.isnan(band)]
        return band[-1] if len(band) else 1.0
    below = np.flatnonzero(band <= 0.5 + SAME)
    if len(below) == 0:
        return 0.0
    k = below[0]
    end = curve.when[k]
    if z == 0 and band[k] >= 0.5 - SAME:  # the middle of the flat stretch at one half
        end = curve.when[k + 1] if k + 1 < len(band) else curve.last
    return 2 / max(curve.when[k] + end, SAME)


def pair_values(c: Constraint, curves, contrasts, transform) -> np.ndarray:
    """Statistic of every pair, on the scale of comparison."""
    log_hr, se, rank = contrasts
    if c.kind < kinds.HR:
        value = np.array([_of_arm(c, one, transform) for one in curves[c.subject]], float)
        return np.broadcast_to(value[:, None] if c.subject == 0 else value, se.shape)
    if c.kind <= kinds.HR_UPPER:
        return log_hr + SIGN.get(c.kind, 0) * c.z * se
    rank, wald = np.abs(rank), np.abs(log_hr / se)
    if c.kind == kinds.P_EITHER:
        return np.where(outside(wald, c) < outside(rank, c), wald, rank)
    return wald if c.kind == kinds.P_WALD else rank


def outside(value, c: Constraint):
    """Distance of values beyond the interval of a statement."""
    return np.maximum(np.maximum(c.low - value, value - c.high), 0.0)


def on_printed_scale(c: Constraint, value):
    """Back on the scale on which a statistic is printed."""
    if kinds.MEDIAN <= c.kind <= kinds.MEDIAN_UPPER:
        return np.divide(1, value, where=value > 0, out=np.full(np.shape(value), np.inf))[()]
    if c.kind < kinds.HR:
        return value
    return np.exp(value) if c.kind <= kinds.HR_UPPER else 2 * norm.sf(value)


def log_hazard_ratios(control_draws, experimental_draws):
    """Log hazard ratio and standard error of each control draw with its experimental one.

    Parameters
    ----------
    control_draws, experimental_draws : sequence of (array, array)
        Times and events of each draw; as many in both.

    Returns
    -------
    log_hr, se : arrays of shape (draws,)
        Cox model with Efron's ties; 8 or -8 where an arm has no events.

    Examples
    --------
    >>> log_hr, se = log_hazard_ratios([([1, 3, 5], [1, 1, 1])], [([2, 4, 6], [1, 1, 0])])
    >>> log_hr.round(2).tolist(), se.round(2).tolist()
    ([-0.63], [0.92])
    """
    time0, event0 = stacked(control_draws, "control_draws")
    time1, event1 = stacked(experimental_draws, "experimental_draws")
    rows = [slice(i, i + 1) for i in range(len(time0))]
    found = [pair_contrasts(time0[i], event0[i], time1[i], event1[i]) for i in rows]
    return tuple(np.array(found)[:, :2, 0, 0].T)


def median(time, event):
    """Median survival as R gives it; infinity where it is not reached.

    Examples
    --------
    >>> median([2, 3, 5, 7], [1, 1, 1, 0]), median([2, 3], [0, 0])
    (4.0, inf)
    """
    (curve,) = arm_curves([stacked([(time, event)], "patients")])[0]
    stated = Constraint("median", kinds.MEDIAN, 0, 0.0, 0.0)
    return float(on_printed_scale(stated, _of_arm(stated, curve, "log-log")))


def statistics(control, experimental, *, level=0.95, transform="log-log", landmarks=()):
    """Compute, for two arms, the statistics that a paper may print.

    Cox model with Efron's ties (1977, doi:10.1080/01621459.1977.10480613) and Wald limits;
    log-rank test (Peto and Peto 1972, doi:10.2307/2344317), hypergeometric variance; medians
    with limits after Brookmeyer and Crowley (1982, doi:10.2307/2530286); survival with limits.

    Parameters
    ----------
    control, experimental : (array, array)
        Times (0 or later, in any one unit) and events (1 or 0), one entry per patient.
    level : float
        Confidence level of all limits, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale on which the limits of survival are symmetric.
    landmarks : sequence of float
        Times above 0 at which survival is wanted.

    Returns
    -------
    dict of str to float
        ``"hr"`` (experimental versus control), ``"p logrank"`` and ``"p wald"`` (two-sided)
        and by arm ``"control events"``, ``"control median"`` (infinite if not reached),
        ``"control S(12)"``; limits as ``"hr lower"``, ``"hr upper"``.

    Raises
    ------
    ValueError
        If a data set or another argument cannot be used, naming it.

    Examples
    --------
    >>> found = statistics(([2, 3, 5, 7], [1, 1, 1, 0]), ([4, 6, 8, 9], [1, 0, 1, 0]))
    >>> round(found["hr"], 2), found["control median"], found["experimental events"]
    (0.23, 4.0, 2.0)
    """
    if transform not in LIMITS:
        raise ValueError(f"transform is {transform!r}; give one of {', '.join(LIMITS)}")
    arms = stacked([control], "control"), stacked([experimental], "experimental")
    # Whatever could be stated; the numbers do not matter.
    marks = [Landmark(t, "0.5", ("0.5", "0.5"), level) for t in landmarks]
    sizes = {name: time.shape[1] for name, (time, _) in zip(ARMS, arms, strict=True)}
    says = {a: StatedArm(n, 0, None, 0, 1, (1, 1), level, marks) for a, n in sizes.items()}
    stated = list(kinds.plan(Comparison(says, "", 1, (1, 1), level)).constraints)
    stated += [Constraint("p logrank", kinds.P_LOGRANK, 0, 0, 0)]
    stated += [Constraint("p wald", kinds.P_WALD, 0, 0, 0)]
    contrasts, curves = pair_contrasts(*arms[0], *arms[1]), arm_curves(arms)
    values = [on_printed_scale(c, pair_values(c, curves, contrasts, transform)) for c in stated]
    return {c.name: float(value[0, 0]) for c, value in zip(stated, values, strict=True)}
