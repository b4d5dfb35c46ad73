"""Reconstruction of one arm's patients from its curve by the algorithm of Guyot et al. (2012).

Between two columns of the number-at-risk table the events at each drop follow from the curve
and the number at risk, and the number censored is whatever makes the number at risk at the next
column come out right. The algorithm assumes that the censored are spread evenly in between.

Added to the text of 2012, each noted where it is done:

* the curve's level holds until its next drop, so that every column of the table is used;
* a table's row that rounding alone would miss is met exactly;
* no event is placed where the curve does not fall;
* without a table, censoring is spread over the whole curve, where the text has none;
* a stated total of events that the last interval alone cannot meet is met by moving the
  censored earlier or later within their intervals.
"""

from dataclasses import dataclass, replace

import numpy as np

# Bound on the search for the number censored in one interval; two or three rounds are usual.
ROUNDS = 40
# A table's row missed by no more than this share of the patients at risk (or one patient) is
# taken as rounding and met; more is a contradiction between curve and table.
ROUNDING = 0.005
# Range of log(bend): at its ends all censored of an interval sit at its end or its start.
BEND_RANGE = (-12.0, 3.0)
# A bend outside these is possible but strange enough to doubt the stated events.
STRANGE = (0.25, 4.0)
NO_TOTAL = (
    "neither a number-at-risk table nor the number of events is known: the number of events "
    "rests on assumed censoring"
)
# Numbers censored to compare where several give the stated events.
CANDIDATES = 40


@dataclass(frozen=True)
class Interval:
    """Time between two columns of the risk table, with the drops of the curve inside it.

    A drop at the start belongs to the interval, one at the end to the next, because the table
    counts everybody followed to its time or longer. `n_next` is the number at risk at the end,
    None in the last interval.
    """

    start: float
    end: float
    time: tuple
    surv: tuple
    surv_start: float
    n_next: int | None

    @property
    def surv_end(self):
        """Level of the curve at the end of the interval."""
        return self.surv[-1] if self.surv else self.surv_start


@dataclass(frozen=True)
class Filled:
    """Patients of one interval: events at each drop, censoring times, and who is left.

    `levels` is the reconstructed curve after each drop and `level` at the end.
    """

    events: tuple
    levels: tuple
    censored: np.ndarray
    n_end: int
    level: float


@dataclass(frozen=True)
class Rule:
    """The algorithm's free choices.

    `bend` places the j-th of c censored at the share (j / (c + 1)) ** bend of its interval: 1
    spreads them evenly, less moves them later. `half` is added before rounding down: 0.5 rounds
    to the nearest number. `last_censored` is the number censored in the last interval before
    its end; None leaves it to `last_interval`.
    """

    bend: float = 1.0
    half: float = 0.5
    last_censored: int | None = None


def reconstruct_guyot(curve, table, n, events=None):
    """Reconstruct the patients of one arm.

    Parameters
    ----------
    curve : Coordinates
        Cleaned digitised points.
    table : RiskTable
        Number-at-risk table; only the row (0, n) where there is none.
    n : int
        Patients in the arm.
    events : int, optional
        Total number of events in the arm.

    Returns
    -------
    tuple
        Times and events (arrays of length `n`, sorted), warnings, assumptions.

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean, risk_table
    >>> curve = clean([2, 5, 9], [0.9, 0.8, 0.8])
    >>> time, event, _, _ = reconstruct_guyot(curve, risk_table([0, 9], [10, 8], 10), 10)
    >>> time.tolist(), event.tolist()
    ([2.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0], [1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    """
    # A column after the curve's end with nobody at risk only repeats that the curve has ended.
    used = (table.time <= curve.time[-1]) | (table.n > 0)
    parts = intervals(curve, table.time[used], table.n[used])
    end = max(float(curve.time[-1]), float(table.time[used][-1]))
    filled, rule, warnings = settle(parts, n, events)
    died = [np.repeat(part.time, fill.events) for part, fill in zip(parts, filled, strict=True)]
    censored = [fill.censored for fill in filled] + [np.full(filled[-1].n_end, end)]
    time = np.concatenate(died + censored)
    event = np.zeros(n, int)
    event[: sum(len(times) for times in died)] = 1
    order = np.lexsort((-event, time))
    notes = _assumptions(parts, events, rule, end > curve.time[-1], end)
    return time[order], event[order], warnings, notes


def _assumptions(parts, events, rule, extended, end):
    notes = []
    if len(parts) == 1:
        notes.append("no number-at-risk table: the censored are spread over the whole curve")
    else:
        notes.append("the censored are spread evenly between two columns of the table")
        if events is None:
            notes.append(
                "after the table's last column patients are censored at the average rate before"
            )
    if extended:
        notes.append(f"the table counts patients after the last point: flat up to {end:g}")
    if rule.last_censored is not None:
        notes.append("the censored of the last interval are as many as the stated events need")
    if rule.bend != 1:
        side = "later" if rule.bend < 1 else "earlier"
        notes.append(
            f"for the stated events the censored are {side} than evenly spread (power "
            f"{rule.bend:.2g})"
        )
    return notes


def intervals(curve, table_time, table_n):
    """Cut the curve at the table's columns; its level holds from one drop to the next."""
    dropping = curve.surv < np.append(1.0, curve.surv[:-1])
    time, surv = curve.time[dropping], curve.surv[dropping]
    cuts = np.append(np.searchsorted(time, table_time, side="left"), len(time))
    end = time[-1] if len(surv) and surv[-1] <= 0 else curve.time[-1]
    ends = np.append(table_time[1:], max(end, table_time[-1]))
    following = [*table_n[1:].tolist(), None]
    found = []
    for i, n_next in enumerate(following):
        inside = slice(cuts[i], cuts[i + 1])
        found.append(
            Interval(
                start=float(table_time[i]),
                end=float(ends[i]),
                time=tuple(time[inside].tolist()),
                surv=tuple(surv[inside].tolist()),
                surv_start=float(surv[cuts[i] - 1]) if cuts[i] else 1.0,
                n_next=n_next,
            )
        )
    return found


def fill(interval, n, level, censored, rule, budget=None):
    """Run through the drops of one interval with a given number of censored.

    At each drop the events are n (1 - S / level) to the nearest whole number, where `level` is
    the reconstructed curve after its latest event, so that what rounding left out is carried to
    the next drop. Only drops are visited, so a flat curve has no events. `budget` bounds the
    events of the interval.
    """
    share = np.arange(1, censored + 1) / (censored + 1)
    at = interval.start + (interval.end - interval.start) * share**rule.bend
    gone = np.searchsorted(at, interval.time, side="left").tolist()
    events, levels, total = [], [], 0
    for surv, lost in zip(interval.surv, gone, strict=True):
        at_risk = n - lost - total
        died = 0
        if at_risk > 0 and level > 0:
            wanted = int(at_risk * (1 - surv / level) + rule.half)
            most = at_risk if budget is None else min(at_risk, budget - total)
            died = min(max(wanted, 0), most)
            level *= 1 - died / at_risk
        events.append(died)
        levels.append(level)
        total += died
    # When the curve leaves fewer patients than were to be censored, the last are not there.
    at = at[: max(n - total, 0)]
    return Filled(tuple(events), tuple(levels), at, n - total - len(at), level)


def fit_interval(interval, n, level, rule):
    """Find the number censored with which the table's next number at risk is reached.

    The first guess is who would still be at risk without censoring, minus who is; each round
    corrects it by the patients too many or too few.
    """
    room = n - interval.n_next
    if room <= 0:
        return _too_few(interval, n, level, rule)
    kept = interval.surv_end / interval.surv_start if interval.surv_start > 0 else 0.0
    censored = min(max(round(n * kept) - interval.n_next, 0), room)
    best, seen = None, set()
    for _ in range(ROUNDS):
        if censored in seen:
            break
        seen.add(censored)
        trial = fill(interval, n, level, censored, rule)
        excess = trial.n_end - interval.n_next
        if excess >= 0 and (best is None or trial.n_end < best.n_end):
            best = trial
        if excess == 0:
            break
        censored = min(max(censored + excess, 0), room)
    if best is None:
        return _too_few(interval, n, level, rule)
    return best


def _too_few(interval, n, level, rule):
    """The curve falls more than the table allows, although nobody is censored.

    A difference that rounding explains is given to the table, whose numbers are exact; a larger
    one is a contradiction, in which the curve is followed and the row is missed, as in 2012.
    """
    trial = fill(interval, n, level, 0, rule)
    if interval.n_next - trial.n_end > max(1, ROUNDING * n) or interval.n_next > n:
        return trial
    return fill(interval, n, level, 0, rule, budget=n - interval.n_next)


def last_interval(interval, n, level, lost, rule):
    """Fill the interval after the table's last column.

    With a table patients are censored at the average rate of the earlier intervals and those
    left at the end of the curve (as in 2012). Without one there is no rate: the censored are
    spread evenly and one patient is left at the end, since the curve is drawn that far.
    """
    if rule.last_censored is not None:
        return fill(interval, n, level, min(rule.last_censored, n), rule)
    if interval.start > 0:
        expected = round(lost * (interval.end - interval.start) / interval.start)
        return fill(interval, n, level, min(expected, n), rule)
    if interval.surv_end > 0:
        return fit_interval(replace(interval, n_next=1), n, level, rule)
    if len(interval.surv) == 1:
        return fill(interval, n, level, 0, rule)
    # The curve falls to 0 in several drops: the one patient left has the last event.
    body = replace(
        interval,
        end=interval.time[-1],
        time=interval.time[:-1],
        surv=interval.surv[:-1],
        n_next=1,
    )
    done = fit_interval(body, n, level, rule)
    return Filled((*done.events, done.n_end), (*done.levels, 0.0), done.censored, 0, 0.0)


def walk(parts, n, rule):
    """Fill all intervals in turn, each starting from the number the one before reached."""
    filled, level, lost = [], 1.0, 0
    for part in parts:
        if part.n_next is None:
            done = last_interval(part, n, level, lost, rule)
        else:
            done = fit_interval(part, n, level, rule)
        filled.append(done)
        n, level, lost = done.n_end, done.level, lost + len(done.censored)
    return filled


def count_events(filled):
    """Events in all intervals together."""
    return sum(sum(fill.events) for fill in filled)


def misfit(parts, filled):
    """Sum of squared differences between the reconstructed and the digitised levels."""
    return sum(
        (level - surv) ** 2
        for part, fill in zip(parts, filled, strict=True)
        for level, surv in zip(fill.levels, part.surv, strict=True)
    )


def settle(parts, n, events):
    """Fill the intervals so that the stated events, if any, come out.

    First the number censored in the last interval is changed (as in 2012), then the place of
    the censored within all intervals, then the rounding. When all fail by more than rounding
    the total contradicts the curve; the result is then made without it, and says so.

    Returns the filled intervals, the rule used, and warnings.
    """
    plain = walk(parts, n, Rule())
    if events is None:
        return plain, Rule(), [NO_TOTAL] if len(parts) == 1 else []
    best, best_rule = plain, Rule()
    for rule in _trials(parts, n, events):
        if count_events(best) == events:
            break
        trial = walk(parts, n, rule)
        if abs(count_events(trial) - events) < abs(count_events(best) - events):
            best, best_rule = trial, rule
    reached = count_events(best)
    if reached == events:
        return best, best_rule, _strange(best_rule)
    if abs(reached - events) <= max(1, ROUNDING * n):
        return best, best_rule, [f"{events} events were stated, {reached} are reconstructed"]
    contradiction = (
        f"{events} events were stated but the curve of {n} patients does not allow them; "
        f"{count_events(plain)} are reconstructed without using the stated number (is it of "
        "this arm and data cut?)"
    )
    return plain, Rule(), [contradiction]


def _strange(rule):
    if STRANGE[0] <= rule.bend <= STRANGE[1]:
        return []
    return [
        "the stated events can only be met with censoring far from evenly spread; check that "
        "they are of this arm and data cut"
    ]


def _trials(parts, n, events):
    """Rules to try for the stated events, in order of preference."""
    yield _shift(parts, n, events)
    bend = _bend(parts, n, events)
    yield Rule(bend=bend)
    for half in (0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.9, 0.1):
        yield Rule(bend=bend, half=half)


def _shift(parts, n, events):
    """Number censored in the last interval that gives the events, nearest to the curve."""
    if len(parts) == 1 and parts[0].surv_end <= 0:
        return Rule(last_censored=n - events)
    first, past = (
        _first_censored(parts, n, lambda reached, bound=bound: reached <= bound)
        for bound in (events, events - 1)
    )
    step = max(1, (past - first) // CANDIDATES)
    rules = [Rule(last_censored=count) for count in range(first, max(past, first + 1), step)]
    if len(rules) == 1:
        return rules[0]
    filled = {rule: walk(parts, n, rule) for rule in rules}
    met = [rule for rule in rules if count_events(filled[rule]) == events]
    return min(met or rules, key=lambda rule: misfit(parts, filled[rule]))


def _first_censored(parts, n, enough):
    """Smallest number censored in the last interval with few enough events, by bisection."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if enough(count_events(walk(parts, n, Rule(last_censored=middle)))):
            high = middle
        else:
            low = middle + 1
    return low


def _bend(parts, n, events):
    """Power that places the censored so that the events come nearest, by bisection."""
    low, high = BEND_RANGE
    best, best_gap = 1.0, np.inf
    for _ in range(30):
        bend = float(np.exp((low + high) / 2))
        gap = count_events(walk(parts, n, Rule(bend=bend))) - events
        if abs(gap) < best_gap:
            best, best_gap = bend, abs(gap)
        if gap == 0:
            break
        # Censoring earlier leaves fewer at risk and so fewer events.
        low, high = (np.log(bend), high) if gap > 0 else (low, np.log(bend))
    return best
