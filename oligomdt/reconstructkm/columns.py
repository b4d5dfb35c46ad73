"""Cumulative events and censorings printed at the columns of a number-at-risk table."""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from .coordinates import RiskTable, column, risk_table
from .exact import Paths, point_and_ensemble, sample
from .path import CENSOR, CLICKS

# Paths drawn without the counts at first, and if fewer than so many of them have all counts.
POOL, MORE, FEW = 200, 1000, 20
# Pieces tried for each path when it is joined, and rounds in which pieces are exchanged.
CHOICES, ROUNDS = 100, 30


@dataclass(frozen=True)
class Columns:
    """A number-at-risk table, and the events before each of its times if they are known."""

    table: RiskTable
    events: np.ndarray | None

    def total(self, events):
        """Total of events: the stated one, or the table's last where nobody is left then."""
        if events is None and self.events is not None and self.table.n[-1] == 0:
            return int(self.events[-1])
        return events


@dataclass(frozen=True)
class Joined(Paths):
    """Paths that have the counts of the table; `whole` of those drawn had all of them."""

    whole: int = 0


def columns(risk_time, risk_n, n, risk_events=None, risk_censored=None, events=None):
    """Check the rows of a table against each other.

    At every time n is the number at risk plus the events and the censorings before it, so that
    two of the three rows give the third.

    Parameters
    ----------
    risk_time : array of shape (rows,) or None
        Times of the columns, rising.
    risk_n : array of shape (rows,) or None
        Patients followed to that time or longer.
    n : int
        Patients in the arm.
    risk_events, risk_censored : arrays of shape (rows,), optional
        Events and censorings before each time, cumulative.
    events : int, optional
        Total number of events in the arm.

    Returns
    -------
    Columns
        With a first row at time 0.

    Raises
    ------
    ValueError
        Naming the row and what is wrong with it.

    Examples
    --------
    >>> columns([6, 12], [30, 12], 40, risk_censored=[2, 10]).events.tolist()
    [0, 8, 18]
    >>> columns([6, 12], None, 40, [8, 18], [2, 10]).table.n.tolist()
    [40, 30, 12]
    """
    if risk_events is None and risk_censored is None:
        return Columns(risk_table(risk_time, risk_n, n), None)
    given = "risk_censored" if risk_events is None else "risk_events"
    alone = risk_events is None or risk_censored is None
    if risk_time is None or (risk_n is None and alone):
        raise ValueError(
            f"{given} alone does not say who is left; give risk_time, and risk_n or both "
            "risk_events and risk_censored"
        )
    time = column(risk_time, "risk_time")
    died = _cumulative(risk_events, "risk_events", time, n)
    gone = _cumulative(risk_censored, "risk_censored", time, n)
    if risk_n is None:
        risk_n = n - died - gone
    table = risk_table(time, risk_n, n)
    at_risk = table.n[-len(time) :]
    if died is None:
        died = _rest("events", n - at_risk - gone, time, f"{n} patients, risk_n and {given}")
    elif gone is None:
        _rest("censored", n - at_risk - died, time, f"{n} patients, risk_n and {given}")
    else:
        _check_sum(time, at_risk, died, gone, n)
    if len(time) < len(table.time):
        died = np.insert(died, 0, 0)
    _check_total(events, died[-1], table.n[-1])
    return Columns(table, died)


def _cumulative(counts, name, time, n):
    """Counts as whole numbers that never fall, from 0 to n; none before time 0."""
    if counts is None:
        return None
    counts = column(counts, name)
    if len(counts) != len(time):
        raise ValueError(
            f"risk_time and {name} differ in length: {len(time)} and {len(counts)}"
        )
    for i, count in enumerate(counts):
        if count != round(count) or not 0 <= count <= n:
            raise ValueError(f"{name}[{i}] is {count:g}; it must be a whole number, 0 to {n}")
        if i and count < counts[i - 1]:
            raise ValueError(
                f"{name}[{i}] is {count:g} after {counts[i - 1]:g}; cumulative counts never "
                "fall (are they the counts of each interval?)"
            )
        if count and time[i] <= 0:
            raise ValueError(f"{name}[{i}] is {count:g} before time 0; it must be 0")
    return counts.astype(int)


def _rest(what, counts, time, given):
    """Counts that the other rows leave, which must be possible too."""
    for i, count in enumerate(counts):
        before = counts[i - 1] if i else 0
        if count < max(before, 0):
            raise ValueError(
                f"{given}[{i}] leave {count} {what} before {time[i]:g}, "
                + (f"after {before} at {time[i - 1]:g}" if i else "which is below 0")
                + f": {max(before, 0) - count} too few"
            )
    return counts


def _check_sum(time, at_risk, died, gone, n):
    for i in np.flatnonzero(at_risk + died + gone != n):
        off = at_risk[i] + died[i] + gone[i] - n
        raise ValueError(
            f"risk_n[{i}], risk_events[{i}] and risk_censored[{i}] ({at_risk[i]}, {died[i]} "
            f"and {gone[i]} at {time[i]:g}) add up to {n + off}, {abs(off)} "
            f"{'more' if off > 0 else 'fewer'} than the {n} patients (n)"
        )


def _check_total(events, died, left):
    if events is not None and not died <= events <= died + left:
        raise ValueError(
            f"events is {events}, but the table allows {died} to {died + left}: {died} before "
            f"its last time, when {left} are at risk"
        )


def reconstruct_columns(
    curve, known, n, seen, *, events=None, marks=None, draws=0, seed=0, others=()
):
    """Reconstruct an arm whose events before each column of the table are known.

    Paths are drawn without the counts and those that have them are kept. They then exchange
    their pieces between two columns with the other paths: the number at risk at a column is
    known, so what happens before and after it is linked only by the level of the curve there,
    to less than a pixel, and an exchange is accepted by how well both paths still pass through
    the readings (Hastings 1970, doi:10.1093/biomet/57.1.97). Where too few paths have all the
    counts, pieces that have theirs are joined (a particle filter, Gordon et al. 1993,
    doi:10.1049/ip-f-2.1993.0015); such paths fit, but not all in their right shares, and a
    warning says so.

    Parameters
    ----------
    curve, known : Coordinates, Columns
        Cleaned points, and table with its events.
    n, seen, events, marks, draws, seed, others
        See `reconstruct_exact`.

    Returns
    -------
    tuple or None
        As of `reconstruct_exact`.

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean
    >>> from oligomdt.reconstructkm.observation import observe
    >>> curve = clean([3, 9], [0.8, 0.5])
    >>> known = columns([0, 6], [20, 13], 20, risk_events=[0, 5])
    >>> (time, event), _, _ = reconstruct_columns(
    ...     curve, known, 20, observe(curve, 20, 12, "times"))
    >>> int(event[time < 6].sum())
    5
    """
    total = known.total(events)
    rng = np.random.default_rng([seed, n])
    for pool in (max(draws, POOL), max(draws, MORE)):
        paths = sample(
            curve,
            known.table,
            n,
            seen,
            events=total,
            marks=marks,
            draws=pool,
            seed=seed,
            others=others,
        )
        if paths is None:
            return None
        paths = joined(paths, known, n, total, rng)
        if paths.whole >= FEW:
            break
    return *point_and_ensemble(paths, seen, n, draws, seed), paths


def joined(paths, known, n, total, rng):
    """Pieces of paths with the stated events between the columns, joined to whole paths."""
    pool = _Pool(paths, known, n, total)
    pick = pool.first(rng)
    free = np.tile(np.arange(pick.shape[1]), (len(pool.parts), 1))
    for _ in range(ROUNDS):
        for part in range(len(pool.parts)):
            pick, free = pool.exchanged(pick, free, part, rng)
    left = np.empty_like(paths.left)
    for (start, stop), chosen in zip(pool.parts, pick, strict=True):
        left[:, start:stop] = paths.left[chosen, start:stop]
    died, at_risk = (left * pool.is_event).cumsum(axis=1), n - left.cumsum(axis=1)
    return Joined(
        left,
        died,
        at_risk,
        paths.stages,
        paths.loose,
        paths.hazards,
        paths.found,
        whole=len(pool.whole),
    )


class _Pool:
    """Pieces of paths between the columns of the table; a pick names the path of each piece.

    Arrays have one row for each piece in order of time and one column for each path: `begin`
    and `end`, the number at risk, `ratio`, by which survival falls, and `off`, by how many
    events the piece misses the stated number.
    """

    def __init__(self, paths, known, n, total):
        stage = paths.stages.stage
        self.paths, self.is_event = paths, stage[:, 0] != CENSOR
        ends = np.flatnonzero(stage[:, 2] >= 0) + 1
        edges = [0, *ends, len(stage)]
        self.parts = list(zip(edges[:-1], edges[1:], strict=True))
        count = len(paths.left)
        at_risk = np.column_stack([np.full(count, n), paths.at_risk])[:, edges].T
        self.begin, self.end = at_risk[:-1], at_risk[1:]
        before = np.maximum(paths.at_risk + paths.left, 1)
        falls = np.where(self.is_event, 1 - paths.left / before, 1.0)
        self.surv = np.column_stack([np.ones(count), np.cumprod(falls, axis=1)])
        level = self.surv[:, edges].T
        self.ratio = level[1:] / np.where(level[:-1] > 0, level[:-1], 1.0)
        died = np.column_stack([np.zeros(count, int), paths.events])[:, edges].T
        last = died[-1] - died[-2] if total is None else total - known.events[len(ends)]
        wanted = [*np.diff(known.events[: len(ends) + 1]), last]
        self.off = np.stack(
            [np.abs(now - w) for now, w in zip(np.diff(died, axis=0), wanted, strict=True)]
        )
        self.whole = np.flatnonzero(self.off.sum(axis=0) == 0)
        self.traits = np.stack([self.begin, self.end, self.off], axis=1)
        everyone = np.arange(count)
        self.own = np.stack(
            [self.log_weight(part, everyone, level[part]) for part in range(len(self.parts))]
        )

    def log_weight(self, part, pick, level):
        """Log weight of the readings of pieces that begin at these levels."""
        start, stop = self.parts[part]
        begin = self.surv[pick, start]
        factor = level / np.where(begin > 0, begin, 1.0)
        found = np.zeros(np.broadcast_shapes(factor.shape, begin.shape))
        stages = self.paths.stages
        for k in range(start, stop):
            if stages.level[k, 1]:
                before, after = factor * self.surv[pick, k], factor * self.surv[pick, k + 1]
                found += _log_reading(stages.level[k], stages.clicks, before, after)
        return found

    def first(self, rng):
        """Paths to begin with: those that have all counts, or joined ones if these are few."""
        if len(self.whole) < FEW:
            return self.joined(rng)
        pick = np.resize(rng.permutation(self.whole), self.begin.shape[1])
        return np.tile(pick, (len(self.parts), 1))

    def joined(self, rng):
        """Pieces that have their counts, or come nearest, joined in order of time."""
        count = self.begin.shape[1]
        pick, level = np.empty((0, count), int), np.ones(count)
        for part in range(len(self.parts)):
            at_risk = self.end[part - 1][pick[-1]] if part else self.begin[0]
            tried = np.empty((count, CHOICES), int)
            for number in np.unique(at_risk):
                fit = np.flatnonzero(self.begin[part] == number)
                met = fit[self.off[part][fit] == self.off[part][fit].min()]
                here = at_risk == number
                tried[here] = rng.choice(met, (here.sum(), CHOICES))
            gain = self.log_weight(part, tried, level[:, None]) - self.own[part][tried]
            sums = np.exp(gain - gain.max()).cumsum(axis=1)
            # A path's share is the mean weight of the pieces that could go on from it.
            share = sums[:, -1].cumsum() / sums[:, -1].sum()
            kept = np.searchsorted(share, (rng.random() + np.arange(count)) / count)
            kept = np.minimum(kept, count - 1)
            found = (sums[kept] <= rng.random(count)[:, None] * sums[kept, -1:]).sum(axis=1)
            chosen = tried[kept, np.minimum(found, CHOICES - 1)]
            pick = np.vstack([pick[:, kept], chosen])
            level = level[kept] * self.ratio[part][chosen]
        return pick

    def exchanged(self, pick, free, part, rng):
        """Offer every path the piece of one that is free of the counts, and it that path's.

        Both take it or neither, so that pieces which fit only where they come from stay there.
        """
        free = free[:, rng.permutation(free.shape[1])]
        mine, other = pick[part], free[part]
        same = self.traits[part][:, mine] == self.traits[part][:, other]
        new, rest = pick.copy(), free.copy()
        new[part], rest[part] = other, mine
        change = self.gain(new, part) - self.gain(pick, part)
        change += self.gain(rest, part) - self.gain(free, part)
        accepted = same.all(axis=0) & (np.log(rng.random(len(mine))) < change)
        return np.where(accepted, new, pick), np.where(accepted, rest, free)

    def gain(self, pick, part):
        """Log weight from this piece on, less that of the pieces where they come from."""
        level = np.ones(pick.shape[1])
        found = np.zeros(pick.shape[1])
        for i, chosen in enumerate(pick):
            if i >= part:
                found += self.log_weight(i, chosen, level) - self.own[i][chosen]
            level = level * self.ratio[i][chosen]
        return found


def _log_reading(stage_level, clicks, before, after):
    """Log of `path.level_weight` for arrays of levels."""
    kind, reading, half, sd = stage_level[1:5]
    if kind == CLICKS:
        found = np.zeros(np.shape(after))
        for read in clicks[int(reading) : int(reading) + int(half)]:
            off = np.maximum(np.maximum(read - before, after - read), 0.0) / sd
            found -= 0.5 * np.minimum(off**2, 20.0)
        return found
    up, down = (reading + half - after) / sd, (reading - half - after) / sd
    return np.log(0.5 * (erf(up / np.sqrt(2)) - erf(down / np.sqrt(2))) + 1e-15)


def events_slack(time, event, risk_time, risk_events):
    """Reconstructed less stated events before each time of the table, None if none are."""
    if risk_events is None:
        return None
    return np.searchsorted(np.sort(time[event == 1]), risk_time, side="left") - risk_events


def column_warnings(report, result):
    """Say which counts of events are not met, not used, or met by few paths."""
    if report.risk_events is None:
        return []
    warnings = [
        f"the {died} events before {at:g} are not met: there are {died + off}"
        for at, died, off in zip(
            report.risk_time, report.risk_events, report.risk_events_slack, strict=True
        )
        if off
    ]
    if result is None:
        warnings.append(
            f"the method {report.method!r} does not use the table's events; they were not used"
        )
    elif not warnings and result[2].whole < FEW:
        warnings.append(
            f"{result[2].whole} of {len(result[2].left)} paths drawn have all events of the "
            "table; the patients are joined from pieces of several, and what the draws show "
            "between its columns is rough"
        )
    return warnings
