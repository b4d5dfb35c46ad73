"""Which numbers at risk can belong to which curve.

Patients leave the risk set by events and by censoring, so the share still at risk is never
above the curve, and nobody is at risk beyond the end of the curve.
"""

import difflib
import itertools
from dataclasses import dataclass, replace

import numpy as np

from oligomdt.digitize import legend
from oligomdt.digitize.axis import Axis

NONE = 0.03
"""Contradiction, as a share of the patients, that comes from reading alone."""

CLEAR = 0.1
"""Contradiction that tells that numbers belong to another curve."""

BEYOND = 0.3
"""Contradiction of patients at risk beyond the end of a curve, or none before it."""

MET, SHORTLY = 0.03, 0.05
"""Curves nearer than this in survival, so shortly before an end as a share of the follow-up,
may be taken for each other there."""

MOST = 6
"""Arms up to which all ways are tried."""


@dataclass(frozen=True)
class Counted:
    """Numbers at risk and the curves, time and survival, that they belong to."""

    rows: list
    curves: list
    x_axis: Axis

    def labelled(self) -> bool:
        """Whether each arm has a row, with a name of its own."""
        labels = {legend.key(row.label) for row in self.rows if row.label}
        return len(labels) == len(self.rows) == len(self.curves)

    def names(self) -> dict:
        """Names of the arms, if the numbers fit the curves in one way alone."""
        found = assigned(self.rows, self.curves, self.x_axis)
        if found is None or not self.labelled():
            return {}
        return {
            arm: legend.Name(row.label, "counts")
            for row, arm in zip(self.rows, found, strict=True)
        }

    def against(self, names) -> list[str]:
        """Names whose numbers clearly contradict their curves."""
        labels = [legend.key(renamed(row, names).label) for row in self.rows]
        keys = [legend.key(name) for name in names]
        own = [(k, labels.index(name)) for k, name in enumerate(keys) if name in labels]
        rows = [self.rows[j] for _, j in own]
        curves = [self.curves[k] for k, _ in own]
        wrong = contradicted(rows, curves, self.x_axis) if own else []
        return [names[k] for (k, _), bad in zip(own, wrong, strict=True) if bad]


def told(against) -> list[str]:
    """The warning of names whose numbers contradict their curves."""
    if not against:
        return []
    return [
        f"the numbers at risk of {', '.join(against)} contradict the curve(s) of that name; "
        "check them, or give --names"
    ]


def renamed(row, names):
    """A row with its name as the arms have it, if it is one."""
    keys = {legend.key(name): name for name in names}
    near = difflib.get_close_matches(legend.key(row.label), keys, 1, 0.7)
    return replace(row, label=keys[near[0]]) if near else row


def assigned(rows, curves, x_axis: Axis) -> list[int] | None:
    """The curve of each row, if the numbers fit the curves in one way and clearly no other.

    Parameters
    ----------
    rows : list of Row
        Of the numbers at risk.
    curves : list of (array, array)
        Time and survival of the corners of each curve.
    x_axis : Axis
        Time.

    Returns
    -------
    list of int or None
        None where more than one way, or none, is possible. Where curves meet shortly before
        an end, it may be the end of either, and says nothing.
    """
    if len(rows) != len(curves) or not 1 < len(curves) <= MOST:
        return None
    apart = [_ends_apart(k, curves) for k in range(len(curves))]
    costs = _costs(rows, curves, x_axis, apart)
    ways = list(itertools.permutations(range(len(curves))))
    worst = [max(costs[k, j] for k, j in enumerate(way)) for way in ways]
    best, second = np.argsort(worst, kind="stable")[:2]
    if worst[best] > NONE or worst[second] < CLEAR:
        return None
    return list(ways[best])


def contradicted(rows, curves, x_axis: Axis) -> list[bool]:
    """Whether each row clearly contradicts the curve at its place."""
    costs = _costs(rows, curves, x_axis, [True] * len(curves))
    return [bool(costs[k, k] >= CLEAR) for k in range(len(rows))]


def _ends_apart(k, curves) -> bool:
    """Whether curve k meets no other, ended or running on, shortly before its end."""
    last = max(float(time[-1]) for time, _ in curves)
    for j, other in enumerate(curves):
        end = min(float(curves[k][0][-1]), float(other[0][-1]))
        grid = np.linspace(max(end - SHORTLY * last, 0.0), end, 50)
        own, others = (
            surv[np.clip(np.searchsorted(time, grid, side="right") - 1, 0, None)]
            for time, surv in (curves[k], other)
        )
        above = own - others
        if j != k and (np.abs(above).min() < MET or above.min() < 0 < above.max()):
            return False
    return True


def _costs(rows, curves, x_axis, apart):
    end = max(float(time[-1]) for time, _ in curves)
    return np.array(
        [
            [
                _against(row, *curve, x_axis, end, ends)
                for curve, ends in zip(curves, apart, strict=True)
            ]
            for row in rows
        ]
    )


def _against(row, time, surv, x_axis, last, ends) -> float:
    """Largest contradiction between a row and a curve, as a share of the patients.

    `ends` is whether the end of the curve is known to be its own.
    """
    times = np.array([float(x_axis.value(place)) for place, _ in row.cells])
    counts = np.array([count for _, count in row.cells], float)
    if counts[0] <= 0 or len(counts) < 2:
        return 0.0
    slack = 0.01 * last
    end = float(time[-1])
    before = np.clip(np.searchsorted(time, times - slack, side="right") - 1, 0, None)
    level = np.where(times <= slack, 1.0, surv[before])
    worst = 0.0
    for k in range(1, len(counts)):
        if times[k] > end + slack:
            # A curve that runs to the edge of the panel may go on beyond it.
            worst = max(worst, BEYOND if ends and counts[k] > 0 and end < last - slack else 0.0)
            continue
        if ends and counts[k] == 0 and times[k] < end - slack:
            worst = max(worst, BEYOND)
        for j in {0, k - 1}:
            if level[j] > 0.02:
                most = min((level[k] + 0.01) / level[j], 1.0)
                worst = max(worst, (counts[k] - counts[j] * most - 0.5) / counts[0])
    return worst
