"""One Markov chain over patient data, compiled.

Prior. Each arm (of each part) has a hazard that is constant on intervals, h_k ~ Gamma(a, a/h0),
with h0 unknown; intervals that hold a planned scan have a level h0 of their own. Patients are
independent given the hazard. Each has a potential follow-up L; the time is min(T, L).

Target. The prior, restricted to data sets that meet every constraint. Hazards are drawn by
Gibbs steps and patients by Metropolis steps. Until everything is met, the distance to the
constraints is an energy, cooled from warm to cold (and warmed again if a chain is stuck);
afterwards a chain never leaves the permitted region, and moves in it.
"""

# ruff: noqa: NPY002 - compiled code draws from the compiler's own generator, seeded in `run`.

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .kernel import curves, distances

# a: the hazards of the intervals spread around their level with a coefficient of variation of
# 1. With 0.71 (a = 2) the bands were too narrow on known data (benchmarks/statistics).
SHAPE = 1.0
# 1/h0 ~ Gamma with shape 0.5 and rate 0.25 / (end of the time axis): weak, and the same
# prior in whatever unit time is given.
LEVEL_SHAPE = 0.5
TARGETED = 0.3  # share of proposals aimed at a stated median or limit
WARM, REHEATED, COLD = 3.0, 0.3, 0.05  # temperatures


@njit(nogil=True)
def interval(edges, pieces, t):
    """Number of the interval that holds time `t`."""
    k = 0
    while k < pieces - 1 and t > edges[k + 1]:
        k += 1
    return k


@njit(nogil=True)
def cumulative(edges, hazard, pieces, t):
    """Cumulative hazard up to time `t`."""
    total = 0.0
    for k in range(pieces):
        if t <= edges[k + 1]:
            return total + hazard[k] * (t - edges[k])
        total += hazard[k] * (edges[k + 1] - edges[k])
    return total


@njit(nogil=True)
def invert(edges, hazard, pieces, target):
    """Time at which the cumulative hazard reaches `target`; infinity beyond the axis."""
    for k in range(pieces):
        piece = hazard[k] * (edges[k + 1] - edges[k])
        if target <= piece:
            return edges[k] + target / hazard[k]
        target -= piece
    return np.inf


@njit(nogil=True)
def draw_hazard(edges, planned, pieces, time, event, first, last, hazard, level):
    """Gibbs step for the hazard of one group and its two levels."""
    deaths = np.zeros(pieces)
    spent = np.zeros(pieces)
    for i in range(first, last):
        k = interval(edges, pieces, time[i])
        if event[i]:
            deaths[k] += 1
        for m in range(k):
            spent[m] += edges[m + 1] - edges[m]
        spent[k] += time[i] - edges[k]
    total = np.zeros(2)
    members = np.zeros(2)
    for k in range(pieces):
        kind = planned[k]
        rate = SHAPE / level[kind] + spent[k]
        hazard[k] = max(np.random.gamma(SHAPE + deaths[k], 1.0 / rate), 1e-8)
        total[kind] += hazard[k]
        members[kind] += 1
    for kind in range(2):
        rate = LEVEL_SHAPE / (2 * edges[pieces]) + SHAPE * total[kind]
        level[kind] = rate / np.random.gamma(LEVEL_SHAPE + SHAPE * members[kind], 1.0)


@njit(nogil=True)
def draw_time(edges, hazard, pieces, windows, targets):
    """Event time from the prior, or, at times, inside a target window."""
    if targets > 0 and np.random.random() < TARGETED:
        w = np.random.randint(targets)
        return windows[w, 0] + np.random.random() * (windows[w, 1] - windows[w, 0])
    return invert(edges, hazard, pieces, np.random.exponential())


@njit(nogil=True)
def log_weight(edges, hazard, pieces, windows, targets, t, event):
    """Log of the prior density over the density of `draw_time`."""
    if targets == 0:
        return 0.0
    prior = math.exp(-cumulative(edges, hazard, pieces, t))
    aimed = 0.0
    for w in range(targets):
        low, high = windows[w, 0], windows[w, 1]
        if event and low <= t <= high:
            aimed += 1.0 / (high - low)
        elif not event:
            aimed += min(max((high - t) / (high - low), 0.0), 1.0)
    if event:
        prior *= hazard[interval(edges, pieces, t)]
    return -math.log(1.0 - TARGETED + TARGETED * aimed / targets / max(prior, 1e-300))


@njit(nogil=True)
def pick(event, withdrawn, first, last, chosen):
    """A patient of a group (half of the time a censored one) and the log chance of it.

    Censored patients are few where most have had their event, yet the number of events
    can only grow through them. With `chosen` >= 0 that patient's chance is computed.
    """
    free = 0
    waiting = 0
    for i in range(first, last):
        if not withdrawn[i]:
            free += 1
            waiting += not event[i]
    if chosen < 0:
        only = waiting > 0 and np.random.random() < 0.5
        place = np.random.randint(waiting if only else free)
        for i in range(first, last):
            if withdrawn[i] or (only and event[i]):
                continue
            if place == 0:
                chosen = i
                break
            place -= 1
    chance = 1.0 / free if waiting == 0 else 0.5 / free
    if waiting > 0 and not event[chosen]:
        chance += 0.5 / waiting
    return chosen, math.log(chance)


@njit(nogil=True)
def sort(order, time):
    """Restore the order after one or two patients moved."""
    for a in range(1, order.shape[0]):
        i = order[a]
        b = a - 1
        while b >= 0 and time[order[b]] > time[i]:
            order[b + 1] = order[b]
            b -= 1
        order[b + 1] = i


@njit(nogil=True)
def latent_time(edges, hazard, pieces, t, event):
    """Event time of a patient: the event, or a draw beyond the time of censoring."""
    if event:
        return t
    passed = cumulative(edges, hazard, pieces, t)
    return invert(edges, hazard, pieces, passed + np.random.exponential())


@njit(nogil=True)
def run(seed, layout, prior, whole, real, loglog, lengths, state, kept):
    """Run one chain until it meets all constraints, then let it move among them.

    Parameters
    ----------
    seed : int
    layout : tuple
        group_of, sets_of, set_size, group edges (first and last patient), withdrawn,
        follow-up pools.
    prior : tuple
        edges, planned, pieces, windows, targets of every group.
    whole, real : ndarray
        Constraint table.
    loglog : bool
        Transform of confidence limits.
    lengths : tuple of int
        Moves of the first cooling, of a reheating cycle, the largest number of cycles, and
        the moves before each data set that is kept.
    state : tuple
        time, event, limit, stay, slot_low, slot_high, hazard, level, value, distance;
        changed in place.
    kept : tuple
        time, event, value: (data sets, patients) and (data sets, constraints), filled.

    Returns
    -------
    met : bool
        Whether every forced constraint was met, and `kept` filled.
    moves : int
        Number of moves made until they were.
    """
    np.random.seed(seed)
    group_of, sets_of, set_size, bounds, withdrawn, pools = layout
    edges, planned, pieces, windows, targets = prior
    time, event, limit, stay, slot_low, slot_high, hazard, level, value, distance = state
    first, cycle, cycles, apart = lengths
    patients = time.shape[0]
    groups = bounds.shape[0]
    sets = set_size.shape[0]
    units = sets // 2
    curve = (
        np.empty((sets, patients)),
        np.empty((sets, patients)),
        np.empty((sets, patients)),
        np.zeros(sets, np.int64),
        np.zeros(sets),
    )
    risk = np.empty((units, patients, 3))
    left = np.zeros((2, sets), np.int64)
    beta = np.full(units, -0.3)
    dirty = np.ones(units, np.bool_)
    everything = np.ones(units, np.bool_)
    trial = distance.copy()
    begin(layout, prior, state)
    order = np.argsort(time)
    events = curves(
        order, event, time, group_of, sets_of, set_size, everything, curve, risk, left
    )
    energy = distances(
        whole, real, curve, risk, events, set_size, loglog, beta, everything, trial, value,
        distance, np.inf,
    )  # fmt: skip
    old = np.empty((2, 5))
    was = np.zeros(2, np.bool_)
    moved = np.full(2, -1)
    met_at = -1
    step = 0
    taken = 0
    while taken < kept[0].shape[0]:
        if energy <= 0.0 and met_at < 0:
            met_at = step
        if met_at < 0 and step >= first + cycles * cycle:
            break
        if step % (patients // 4 + 1) == 0:
            for g in range(groups):
                draw_hazard(
                    edges[g], planned[g], pieces[g], time, event, bounds[g, 0], bounds[g, 1],
                    hazard[g], level[g],
                )  # fmt: skip
        temperature = temperature_at(step, first, cycle, met_at >= 0)
        ratio = propose(layout, prior, state, moved, old, was)
        step += 1
        # The Metropolis rule, turned round: the largest energy that is accepted.
        enough = energy + temperature * (ratio - math.log(np.random.random()))
        new = np.inf
        if ratio > -np.inf:
            sort(order, time)
            mark(moved, group_of, sets_of, dirty)
            events = curves(
                order, event, time, group_of, sets_of, set_size, dirty, curve, risk, left
            )
            new = distances(
                whole, real, curve, risk, events, set_size, loglog, beta, dirty, distance,
                value, trial, enough,
            )  # fmt: skip
        if new <= enough:
            energy = new
            distance[:] = trial
        else:
            restore(state, moved, old, was)
            sort(order, time)
        if met_at >= 0 and (step - met_at) % apart == 0:
            events = curves(
                order, event, time, group_of, sets_of, set_size, everything, curve, risk, left
            )
            distances(
                whole, real, curve, risk, events, set_size, loglog, beta, everything,
                distance, value, trial, np.inf,
            )  # fmt: skip
            kept[0][taken], kept[1][taken], kept[2][taken] = time, event, value
            taken += 1
    if met_at < 0:
        events = curves(
            order, event, time, group_of, sets_of, set_size, everything, curve, risk, left
        )
        distances(
            whole, real, curve, risk, events, set_size, loglog, beta, everything,
            distance, value, trial, np.inf,
        )  # fmt: skip
        distance[:] = trial
    return met_at >= 0, (met_at if met_at >= 0 else step)


@njit(nogil=True)
def mark(moved, group_of, sets_of, dirty):
    """Mark the units whose patients moved."""
    dirty[:] = False
    for j in range(2):
        for m in range(2):
            if moved[j] >= 0 and sets_of[group_of[moved[j]], m] >= 0:
                dirty[sets_of[group_of[moved[j]], m] // 2] = True


@njit(nogil=True)
def temperature_at(step, first, cycle, met):
    """Cooling schedule: once from warm, then saw-teeth; practically zero when all is met."""
    if met:
        return 1e-9
    if step < first:
        return WARM * (COLD / WARM) ** (step / first)
    share = ((step - first) % cycle) / cycle
    return REHEATED * (COLD / REHEATED) ** min(share / 0.8, 1.0)


@njit(nogil=True)
def begin(layout, prior, state):
    """First state: follow-up from the slots, hazards at their level, times from the prior."""
    group_of, _, _, bounds, withdrawn, _ = layout
    edges, planned, pieces, _, _ = prior
    time, event, limit, stay, slot_low, slot_high, hazard, level, _, _ = state
    for g in range(bounds.shape[0]):
        level[g, :] = 1.0 / edges[g, pieces[g]]
        hazard[g, :] = 1.0 / edges[g, pieces[g]]
    for i in range(time.shape[0]):
        g = group_of[i]
        limit[i] = slot_low[i] + np.random.random() * (slot_high[i] - slot_low[i])
        stay[i] = np.random.random() if withdrawn[i] else 1.0
        drawn = invert(edges[g], hazard[g], pieces[g], np.random.exponential())
        place(i, drawn, state, withdrawn)


@njit(nogil=True)
def place(i, latent, state, withdrawn):
    """Time and event of a patient from an event time and the follow-up."""
    time, event, limit, stay = state[0], state[1], state[2], state[3]
    end = limit[i] * stay[i]
    event[i] = latent <= end and not withdrawn[i]
    time[i] = latent if event[i] else end


@njit(nogil=True)
def keep(j, i, state, moved, old, was):
    """Remember a patient before a move."""
    moved[j] = i
    was[j] = state[1][i]
    old[j, 0], old[j, 1], old[j, 2] = state[0][i], state[2][i], state[3][i]
    old[j, 3], old[j, 4] = state[4][i], state[5][i]


@njit(nogil=True)
def restore(state, moved, old, was):
    """Undo a move."""
    for j in range(1, -1, -1):
        i = moved[j]
        if i >= 0:
            state[1][i] = was[j]
            state[0][i], state[2][i], state[3][i] = old[j, 0], old[j, 1], old[j, 2]
            state[4][i], state[5][i] = old[j, 3], old[j, 4]


@njit(nogil=True)
def propose(layout, prior, state, moved, old, was):
    """Change one or two patients; return the log ratio for the Metropolis rule."""
    bounds = layout[3]
    moved[:] = -1
    kind = np.random.random()
    g = np.random.randint(bounds.shape[0])
    if kind < 0.25:
        return renew(0, g, layout, prior, state, moved, old, was)
    if kind < 0.55:
        other = g if np.random.random() < 0.3 else g ^ 1
        ratio = renew(0, g, layout, prior, state, moved, old, was)
        return ratio + renew(1, other, layout, prior, state, moved, old, was)
    i = np.random.randint(layout[0].shape[0])
    if kind < 0.85:
        return shift(i, layout, prior, state, moved, old, was)
    if kind < 0.95:
        return swap(i, layout, prior, state, moved, old, was)
    return refollow(i, layout, prior, state, moved, old, was)


@njit(nogil=True)
def renew(j, g, layout, prior, state, moved, old, was):
    """A new event time for one patient of group `g`."""
    _, _, _, bounds, withdrawn, _ = layout
    edges, _, pieces, windows, targets = prior
    time, event, hazard = state[0], state[1], state[6]
    i, chance = pick(event, withdrawn, bounds[g, 0], bounds[g, 1], -1)
    keep(j, i, state, moved, old, was)
    here = (edges[g], hazard[g], pieces[g], windows[g], targets[g])
    before = log_weight(*here, time[i], event[i]) + chance
    place(i, draw_time(*here), state, withdrawn)
    _, chance = pick(event, withdrawn, bounds[g, 0], bounds[g, 1], i)
    return log_weight(*here, time[i], event[i]) + chance - before


@njit(nogil=True)
def shift(i, layout, prior, state, moved, old, was):
    """Move one event a little, inside its interval of constant hazard."""
    edges, _, pieces, _, _ = prior
    time, event, limit, stay, hazard = state[0], state[1], state[2], state[3], state[6]
    if not event[i]:
        return -np.inf
    g = layout[0][i]
    keep(0, i, state, moved, old, was)
    k = interval(edges[g], pieces[g], time[i])
    width = edges[g, pieces[g]] * math.exp(-6.2 + 3.9 * np.random.random())
    new = time[i] + width * np.random.normal()
    if not edges[g, k] < new < edges[g, k + 1] or new > limit[i] * stay[i]:
        return -np.inf
    ratio = -hazard[g, k] * (new - time[i])
    time[i] = new
    return ratio


@njit(nogil=True)
def refit(i, before, layout, prior, state):
    """Time and event of a patient whose follow-up was `before` and has changed."""
    edges, _, pieces, _, _ = prior
    withdrawn = layout[4]
    time, event, limit, stay, hazard = state[0], state[1], state[2], state[3], state[6]
    g = layout[0][i]
    ratio = 0.0
    if withdrawn[i]:
        # No event until leaving: staying longer is less likely.
        ratio = cumulative(edges[g], hazard[g], pieces[g], before)
        ratio -= cumulative(edges[g], hazard[g], pieces[g], limit[i] * stay[i])
    latent = latent_time(edges[g], hazard[g], pieces[g], time[i], event[i])
    place(i, latent, state, withdrawn)
    return ratio


@njit(nogil=True)
def refollow(i, layout, prior, state, moved, old, was):
    """A new follow-up within its slot (a new time of leaving for those who withdrew)."""
    limit, stay, slot_low, slot_high = state[2], state[3], state[4], state[5]
    keep(0, i, state, moved, old, was)
    before = limit[i] * stay[i]
    limit[i] = slot_low[i] + np.random.random() * (slot_high[i] - slot_low[i])
    if layout[4][i]:
        stay[i] = np.random.random()
    return refit(i, before, layout, prior, state)


@njit(nogil=True)
def swap(i, layout, prior, state, moved, old, was):
    """Two patients of one follow-up pool exchange their slots."""
    limit, stay, slot_low, slot_high = state[2], state[3], state[4], state[5]
    pools = layout[5]
    j = pools[i, 0] + np.random.randint(pools[i, 1] - pools[i, 0])
    if i == j or limit[i] == limit[j]:
        return -np.inf
    keep(0, i, state, moved, old, was)
    keep(1, j, state, moved, old, was)
    a, b = limit[i] * stay[i], limit[j] * stay[j]
    limit[i], limit[j] = limit[j], limit[i]
    slot_low[i], slot_low[j] = slot_low[j], slot_low[i]
    slot_high[i], slot_high[j] = slot_high[j], slot_high[i]
    return refit(i, a, layout, prior, state) + refit(j, b, layout, prior, state)
