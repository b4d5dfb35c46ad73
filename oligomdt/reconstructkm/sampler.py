"""Set-up of the chains: hazard grids, follow-up slots, targets, and their runs in parallel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import ARMS, Comparison, FollowUp, StatedArm
from .constraints import Plan

INTERVALS = 8
SPACING = 1.5


@dataclass(frozen=True)
class Setup:
    """Arrays that every chain of a comparison shares (see `chain.run`)."""

    layout: tuple
    prior: tuple
    pools: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]  # columns, slot low, slot high


def followup_of(part: Comparison, arm: str) -> FollowUp | None:
    """Follow-up of one arm, where it is stated by arm or for both together."""
    if part.followup is None or isinstance(part.followup, FollowUp):
        return part.followup
    return part.followup[arm]


def grid(part: Comparison, arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of constant hazard, and which of them hold a planned scan."""
    end = part.horizon if part.horizon is not None else followup_of(part, arm).maximum
    if not part.visits:
        # Finer at the start, where most events fall.
        cuts = end * np.linspace(0, 1, INTERVALS + 1) ** SPACING
        return cuts, np.zeros(INTERVALS, np.int64)
    edges = np.array(sorted({0.0, end, *(t for v in part.visits for t in v if 0 < t < end)}))
    middle = (edges[:-1] + edges[1:]) / 2
    planned = [any(low <= m <= high for low, high in part.visits) for m in middle]
    return edges, np.array(planned, np.int64)


def targets(*stated: StatedArm) -> np.ndarray:
    """Rounding intervals of the stated medians and their limits."""
    found = set()
    for arm in stated:
        for value in (arm.median, *(arm.median_ci or ())):
            if value is not None and np.isfinite([value.low, value.high]).all():
                found.add((max(value.low, 0.0), value.high))
    return np.array(sorted(found)).reshape(-1, 2)


def slots(followup: FollowUp, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Intervals for the follow-up of n patients that hold the stated quantiles.

    The patient (or the two patients) in the middle get a follow-up that prints as the stated
    median, those at one and three quarters as the stated quartiles; the others lie between.
    """
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    for share, stated in (
        (0.25, followup.lower_quartile),
        (0.5, followup.median),
        (0.75, followup.upper_quartile),
    ):
        if stated is not None:
            place = share * (n - 1)
            for rank in {int(np.floor(place)), int(np.ceil(place))}:
                low[rank], high[rank] = stated.low, stated.high
    fixed = np.flatnonzero(~np.isnan(low))
    ranks = np.concatenate([[-1], fixed, [n]])
    floor = np.concatenate([[followup.minimum], high[fixed]])
    ceiling = np.concatenate([low[fixed], [followup.maximum]])
    for start, stop, a, b in zip(ranks[:-1], ranks[1:], floor, ceiling, strict=True):
        low[start + 1 : stop], high[start + 1 : stop] = a, max(a, b)
    return low, high


def setup(comparison: Comparison, plan: Plan) -> Setup:
    """Arrays of a comparison for the compiled chain."""
    parts = comparison.parts or (comparison,)
    for part in parts:
        if part.horizon is None and part.followup is None:
            raise ValueError(
                f"{part.name}: neither horizon nor followup is given; say until when patients "
                "were followed, or nobody can be censored"
            )
    groups = len(plan.groups)
    patients = len(plan.group_of)
    bounds = np.array(
        [[(plan.group_of < g).sum(), (plan.group_of <= g).sum()] for g in range(groups)]
    )
    withdrawn = np.zeros(patients, bool)
    pool_of = np.zeros((patients, 2), np.int64)
    grids, windows, pools = [], [], []
    for number, part in enumerate(parts):
        for index, arm in enumerate(ARMS):
            first = bounds[2 * number + index, 0]
            withdrawn[first : first + part.arms[arm].withdrawals] = True
            grids.append(grid(part, arm))
            windows.append(targets(part.arms[arm], comparison.arms[arm]))
        pools += _pools(part, bounds[2 * number : 2 * number + 2])
    for columns, _, _ in pools:
        pool_of[columns] = columns[0], columns[-1] + 1
    pieces = np.array([len(planned) for _, planned in grids])
    edges = np.zeros((groups, pieces.max() + 1))
    planned = np.zeros((groups, pieces.max()), np.int64)
    aims = np.zeros((groups, max(max(len(w) for w in windows), 1), 2))
    for g, (cuts, kind) in enumerate(grids):
        edges[g, : len(cuts)], planned[g, : len(kind)] = cuts, kind
        aims[g, : len(windows[g])] = windows[g]
    counts = np.array([len(w) for w in windows])
    layout = (plan.group_of, plan.sets_of, plan.set_size, bounds, withdrawn, pool_of)
    return Setup(layout, (edges, planned, pieces, aims, counts), tuple(pools))


def _pools(part: Comparison, bounds: np.ndarray) -> list:
    """Follow-up slots of a part: shared by both arms, or one set for each."""
    together = np.arange(bounds[0, 0], bounds[1, 1])
    apart = [np.arange(*bound) for bound in bounds]
    if part.horizon is not None:
        return [(c, *np.full((2, len(c)), float(part.horizon))) for c in apart]
    if isinstance(part.followup, FollowUp):
        return [(together, *slots(part.followup, len(together)))]
    return [(c, *slots(part.followup[arm], len(c))) for c, arm in zip(apart, ARMS, strict=True)]


@dataclass(frozen=True)
class Run:
    """Data sets that one chain kept, or its last state if it never met everything."""

    met: bool
    moves: int
    loglog: bool
    time: np.ndarray  # (data sets, patients)
    event: np.ndarray
    value: np.ndarray  # (data sets, constraints)
    distance: np.ndarray  # (constraints,), of the last state


def run(comparison: Comparison, plan: Plan, ready: Setup, seed, lengths, keep: int) -> Run:
    """One chain from its own seed; `lengths` are counted in moves per patient."""
    from .chain import run as run_chain  # numba is heavy: import it where chains are run

    rng = np.random.default_rng(seed)
    patients = len(plan.group_of)
    low, high = np.empty(patients), np.empty(patients)
    for columns, slot_low, slot_high in ready.pools:
        mixed = rng.permutation(len(columns))
        low[columns], high[columns] = slot_low[mixed], slot_high[mixed]
    if comparison.transform == "unknown":
        loglog = bool(rng.random() < 0.5)
    else:
        loglog = comparison.transform == "log-log"
    groups, pieces = len(plan.groups), ready.prior[1].shape[1]
    whole, real = plan.table()
    state = (
        np.empty(patients), np.zeros(patients, bool), np.empty(patients), np.empty(patients),
        low, high, np.empty((groups, pieces)), np.empty((groups, 2)),
        np.empty(len(whole)), np.empty(len(whole)),
    )  # fmt: skip
    kept = (
        np.empty((keep, patients)),
        np.zeros((keep, patients), bool),
        np.empty((keep, len(whole))),
    )
    first, cycle, cycles, apart = lengths
    scaled = (first * patients, cycle * patients, cycles, apart * patients)
    number = int(rng.integers(2**31))
    # Copies: threads that share arrays slow each other down by counting references.
    layout = tuple(array.copy() for array in ready.layout)
    prior = tuple(array.copy() for array in ready.prior)
    met, moves = run_chain(number, layout, prior, whole, real, loglog, scaled, state, kept)
    if not met:
        kept = state[0][None], state[1][None], state[8][None]
    return Run(bool(met), moves, loglog, *kept, state[9])
