"""Both arms together: pairs of reconstructed arms weighed by what the paper prints.

Each arm of a figure has data sets drawn without knowledge of the other arm. Pairs of them in
which the printed numbers come out are kept; numbers that no pair comes near are named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from . import constraints as kinds
from .comparison import ARMS
from .constraints import Constraint
from .coordinates import whole
from .pairs import (
    LIMITS,
    SAME,
    SIGN,
    arm_curves,
    on_printed_scale,
    outside,
    pair_contrasts,
    pair_values,
    stacked,
    statistics,
)
from .printed import NOT_REACHED

__all__ = ["Conditioned", "Contradiction", "condition", "contradictions", "statistics"]

# How far the log hazard ratio of another model may be from that of the plain Cox model.
# Judged, not estimated; give `tolerance` where more is known.
MODELS = {"cox": 0.0, "unknown": 0.02, "stratified": 0.05, "adjusted": 0.10}
# Scale of the soft weight in between-pair standard deviations (SD): a miss by one SD counts
# exp(-8), so that misses matter only where nothing hits.
SOFT = 0.25
FAR = 4.0  # SDs from the nearest pair at which a number contradicts the curves


class _Fit(NamedTuple):
    """The statements held against every pair, on the scale on which they are compared.

    Ratios as logs, p values as normal scores, and medians as reciprocals: one that is not
    reached is 0 and has a distance from others. Arrays end in (control, experimental draws).
    """

    stated: list[Constraint]
    slack: list[float]  # what the tolerance added to each side
    contrasts: np.ndarray  # log hazard ratio, standard error, log-rank z
    value: np.ndarray  # (statements, ...)
    distance: np.ndarray  # (statements, ...), beyond the interval
    sd: np.ndarray  # (statements,)
    used: np.ndarray  # (statements,), forced and not far from every pair
    log_weight: np.ndarray
    transform: str


@dataclass(frozen=True, eq=False)
class Conditioned:
    """Pairs of draws, resampled by how well they reproduce what is printed.

    Attributes
    ----------
    pairs : ndarray of int, (draws, 2)
        Index of the control and of the experimental draw.
    weights : ndarray, (control draws, experimental draws)
        They sum to 1.
    effective : float
        Effective number of pairs (Kish); if it is small, so is the resampled spread.
    best : (int, int)
        Of the pairs with the largest weight, the one nearest to the weighted mean of log
        hazard ratio, log standard error and events, each in its weighted SD.
    statistics : DataFrame
        One row per statement: ``statistic``, ``stated`` (as printed), ``low`` and ``high``
        (values that count as met), ``reached_low`` and ``reached_high`` over all pairs,
        ``met`` (share of all pairs), ``best`` (value in the best pair), ``forced``, ``used``
        (not if every pair is far from it) and ``reason``.
    log_hr, se : ndarray, (control draws, experimental draws)
    fit : tuple
        Every statement in every pair; ``fit.transform`` is that of the limits of survival:
        where it is not stated, the one that fits best.
    """

    pairs: np.ndarray
    weights: np.ndarray
    effective: float
    best: tuple[int, int]
    statistics: pd.DataFrame
    log_hr: np.ndarray
    se: np.ndarray
    fit: _Fit = field(repr=False)


class Contradiction(NamedTuple):
    """A printed number that the curves do not allow; see `contradictions`."""

    statistic: str
    stated: str
    distance: float
    needed: str
    inverted: bool
    together: bool
    message: str


def condition(
    control_draws,
    experimental_draws,
    comparison,
    *,
    draws=200,
    seed=0,
    model="cox",
    tolerance=None,
) -> Conditioned:
    """Choose, among all pairs of draws, those that reproduce what is printed.

    Importance resampling (Smith and Gelfand 1992, doi:10.1080/00031305.1992.10475856) on the
    grid of pairs: a statement weighs 1 where it prints as stated, else exp(-(d / scale)^2 / 2)
    at distance d, with a quarter of its between-pair SD as scale. Statements in ``not_forced``,
    and those that every pair contradicts (see `contradictions`), do not weigh.

    Parameters
    ----------
    control_draws, experimental_draws : sequence of (array, array)
        Times (in the unit of the statements) and events (1 or 0) of the arm's patients.
    comparison : Comparison
        What is printed; without parts.
    draws : int
        Pairs to resample (systematically), 1 or more; none comes twice while at least as many
        are effective.
    seed : int
        The same seed gives the same pairs.
    model : {"cox", "unknown", "stratified", "adjusted"}
        Model of the printed hazard ratio, for the default of `tolerance`.
    tolerance : float, optional
        Widens, on both sides, the intervals of the log hazard ratio, of its limits and, over
        the standard error, of the p value's normal score; 0, 0.02, 0.05 or 0.1 by `model`.

    Returns
    -------
    Conditioned

    Raises
    ------
    ValueError
        If draws or arguments cannot be used, or do not belong to the comparison.

    Examples
    --------
    >>> from oligomdt.reconstructkm import Comparison, StatedArm
    >>> stated = Comparison({"control": StatedArm(3), "experimental": StatedArm(3)}, hr="0.53")
    >>> control = [([1, 3, 5], [1, 1, 1]), ([1, 3, 5], [1, 1, 0])]
    >>> chosen = condition(control, [([2, 4, 6], [1, 1, 0])], stated, draws=1)
    >>> chosen.pairs.tolist(), chosen.statistics["met"].tolist()
    ([[0, 0]], [0.5])
    """
    draws, seed = whole(draws, "draws", 1), whole(seed, "seed", 0)
    if model not in MODELS:
        raise ValueError(f"model is {model!r}; give one of {', '.join(MODELS)}")
    tolerance = MODELS[model] if tolerance is None else tolerance
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance}; give a log hazard ratio of 0 or more")
    if comparison.parts:
        raise ValueError("comparison has parts; condition each part on its own curves")
    arms = (
        stacked(control_draws, "control_draws"),
        stacked(experimental_draws, "experimental_draws"),
    )
    for name, (time, _) in zip(ARMS, arms, strict=True):
        if time.shape[1] != comparison.arms[name].n:
            raise ValueError(
                f"{name}_draws have {time.shape[1]} patients, but n of the {name} arm in the "
                f"comparison is {comparison.arms[name].n}; they must be the same"
            )
    contrasts, curves = pair_contrasts(*arms[0], *arms[1]), arm_curves(arms)
    known = comparison.transform != "unknown"
    tried = (comparison.transform,) if known else LIMITS
    fits = [_weigh(comparison, curves, contrasts, tolerance, one) for one in tried]
    # One paper uses one transform: that which allows most statements, and those best.
    fit = max(fits, key=lambda fit: (fit.used.sum(), logsumexp(fit.log_weight)))
    weights = np.exp(fit.log_weight - logsumexp(fit.log_weight))
    effective = float(1 / (weights**2).sum())
    chosen = _resample(weights.ravel(), draws, effective, np.random.default_rng(seed))
    pairs = np.stack(np.unravel_index(chosen, weights.shape), axis=1)
    best = _best(weights, arms, contrasts)
    return Conditioned(pairs, weights, effective, best, _report(fit, best), *contrasts[:2], fit)


def _weigh(comparison, curves, contrasts, tolerance, transform) -> _Fit:
    stated, slack = [], []
    for c in kinds.plan(comparison).constraints:
        low, high, room = c.low, c.high, tolerance if c.kind >= kinds.HR else 0.0
        if kinds.MEDIAN <= c.kind <= kinds.MEDIAN_UPPER:
            low, high = 1 / c.high, 1 / c.low if c.low > 0 else math.inf
        if c.kind > kinds.HR_UPPER:
            room /= np.median(contrasts[1])
        stated.append(replace(c, low=low - room, high=high + room))
        slack.append(room)
    shape = (len(stated), *contrasts.shape[1:])
    value, distance = np.empty(shape), np.empty(shape)
    for i, c in enumerate(stated):
        value[i] = pair_values(c, curves, contrasts, transform)
        distance[i] = outside(value[i], c)
    sd = value.std(axis=(1, 2))
    used = np.array([c.forced for c in stated], bool) & ~_far(stated, distance, sd, FAR)
    # A statement that is the same in every pair cannot choose between them.
    steers = used & (sd > SAME)
    miss = distance[steers] / (SOFT * sd[steers, None, None])
    log_weight = -0.5 * (miss**2).sum(axis=0)
    return _Fit(stated, slack, contrasts, value, distance, sd, used, log_weight, transform)


def _resample(weight, draws: int, effective: float, random) -> np.ndarray:
    """Systematic resampling; without replacement while enough pairs are effective."""
    expected = draws * weight
    while draws <= effective and expected.max() > 1 + SAME:
        sure = expected >= 1
        rest = weight[~sure]
        expected[sure] = 1.0
        expected[~sure] = (draws - sure.sum()) * rest / rest.sum()
    edges = np.cumsum(expected)
    points = (random.random() + np.arange(draws)) * edges[-1] / draws
    return np.minimum(np.searchsorted(edges, points, side="right"), len(weight) - 1)


def _best(weights, arms, contrasts) -> tuple[int, int]:
    events = arms[0][1].sum(axis=1)[:, None], arms[1][1].sum(axis=1)
    total = np.where(weights >= weights.max() * (1 - SAME), 0, math.inf)
    for trait in (contrasts[0], np.log(contrasts[1]), *events):
        mean = (weights * trait).sum()
        variance = (weights * (trait - mean) ** 2).sum()
        total = total + (trait - mean) ** 2 / max(variance, SAME)
    return tuple(int(i) for i in np.unravel_index(total.argmin(), total.shape))


def _report(fit: _Fit, best) -> pd.DataFrame:
    shown = [on_printed_scale(c, value) for c, value in zip(fit.stated, fit.value, strict=True)]
    ends = [
        sorted((float(on_printed_scale(c, c.low)), float(on_printed_scale(c, c.high))))
        for c in fit.stated
    ]
    columns = {
        "statistic": [c.name for c in fit.stated],
        "stated": [c.text for c in fit.stated],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
        "reached_low": [value.min() for value in shown],
        "reached_high": [value.max() for value in shown],
        "met": (fit.distance <= SAME).mean(axis=(1, 2)),
        "best": [value[best] for value in shown],
        "forced": [c.forced for c in fit.stated],
        "used": fit.used,
        "reason": [c.reason for c in fit.stated],
    }
    return pd.DataFrame(columns)


def contradictions(conditioned: Conditioned, k: float = FAR) -> tuple[Contradiction, ...]:
    """Name the printed numbers that no pair of draws comes near.

    A number is contradicted if the nearest pair lies more than `k` between-pair SDs, and more
    than the width of the rounding interval, outside that interval. If the remaining ones
    cannot be had together (in no pair is the root of their summed squared distances within `k`
    SDs), the one furthest off in the nearest pair is named. What is in ``not_forced`` is not.

    Parameters
    ----------
    conditioned : Conditioned
    k : float
        SDs, above 0.

    Returns
    -------
    tuple of Contradiction
        Empty if there are none. ``distance`` of the nearest pair is in SDs (infinite where all
        pairs agree), ``needed`` the nearest number that could have been printed, ``inverted``
        whether the hazard ratio fits with the arms exchanged, ``together`` whether only the
        other numbers forbid it; ``message`` says so in words.

    Raises
    ------
    ValueError
        If `k` is not above 0.

    Examples
    --------
    >>> from oligomdt.reconstructkm import Comparison, StatedArm
    >>> stated = Comparison({"control": StatedArm(3), "experimental": StatedArm(3)}, hr="2.6")
    >>> arms = [([1, 3, 5], [1, 1, 1])], [([2, 4, 6], [1, 1, 0])]
    >>> contradictions(condition(*arms, stated))[0].needed
    '0.5'
    """
    if not k > 0:
        raise ValueError(f"k is {k}; give a number of standard deviations above 0")
    fit = conditioned.fit
    forced = np.array([c.forced for c in fit.stated], bool)
    far = forced & _far(fit.stated, fit.distance, fit.sd, k)
    found = [_contradiction(fit, i, fit.distance[i], False, k) for i in np.flatnonzero(far)]
    rest = np.flatnonzero(forced & ~far & (fit.sd > SAME))
    miss = (fit.distance[rest] / fit.sd[rest, None, None]) ** 2
    if len(rest) > 1 and miss.sum(axis=0).min() > k**2:
        total = miss.sum(axis=0)
        out = miss[:, *np.unravel_index(total.argmin(), total.shape)].argmax()
        # Of the pairs nearest to the other numbers, the one nearest to this one.
        others = np.delete(miss, out, axis=0).sum(axis=0)
        near = np.where(others <= others.min() + SAME, miss[out], math.inf)
        found.append(_contradiction(fit, rest[out], near, True, k))
    return tuple(found)


def _far(stated, distance, sd, k) -> np.ndarray:
    width = np.array([c.high - c.low for c in stated])
    least = np.maximum(k * sd, np.where(np.isfinite(width), width, 0)) + SAME
    return distance.min(axis=(1, 2), initial=math.inf) > least


def _contradiction(fit: _Fit, i, distance, together, k) -> Contradiction:
    c, pair = fit.stated[i], np.unravel_index(distance.argmin(), distance.shape)
    value, miss, shown = (
        fit.value[i][pair],
        fit.distance[i][pair],
        on_printed_scale(c, fit.value[i]),
    )
    inside = value + math.copysign(fit.slack[i], c.low - value)
    needed = _print(c, on_printed_scale(c, inside))
    low, high = _print(c, shown.min()), _print(c, shown.max())
    pairs = f"every pair gives {low}" if low == high else f"pairs give {low} to {high}"
    inverse, inverted = fit.contrasts * [[[-1]], [[1]], [[1]]], False
    if kinds.HR <= c.kind <= kinds.HR_UPPER:
        flipped = outside(pair_values(c, (), inverse, fit.transform), c)
        inverted = not _far([c], flipped[None], fit.sd[[i]], k)[0]
    hint = "another arm, end point or data cut?"
    if c.kind >= kinds.HR:
        hint = "another model, arm order or data cut?"
    if inverted:
        hint = f"it fits upside down, as 1 / {c.text}: control versus experimental?"
    name = {"hr": "hazard ratio", "p": "p value"}.get(c.name, c.name)
    if c.kind in SIGN:
        name = f"{name.replace('hr ', 'hazard ratio ')} limit"
    where = "together with the other numbers" if together else "from these curves"
    message = (
        f"the printed {name} {c.text} cannot be had {where}: {pairs}; "
        f"it would have to be {needed} ({hint})"
    )
    sds = float(miss / fit.sd[i]) if fit.sd[i] > SAME else math.inf
    return Contradiction(c.name, c.text, sds, needed, inverted, together, message)


def _print(c: Constraint, value: float) -> str:
    """A value with the decimals of the printed number."""
    if math.isinf(value):
        return NOT_REACHED
    digits = 1 if c.text == NOT_REACHED else len(c.text.partition(".")[2])
    if c.kind > kinds.HR_UPPER and value < 0.5 * 10**-digits:  # no paper prints p = 0.00
        return f"<{10**-digits:.{digits}f}"
    return f"{value:.{digits}f}"
