"""The IPD frame: what it must hold, and the counts every estimator starts from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ARMS = ("control", "experimental")


@dataclass(frozen=True)
class Patients:
    """The columns of a checked IPD frame as arrays; `stratum` is 0 where there is none."""

    time: np.ndarray
    event: np.ndarray
    experimental: np.ndarray
    stratum: np.ndarray

    def arm(self, name):
        """Times and events of one arm."""
        inside = self.experimental == (name == "experimental")
        return self.time[inside], self.event[inside]

    def arms(self):
        """Names of the arms that have patients, control first."""
        return [a for a in ARMS if np.any(self.experimental == (a == "experimental"))]


@dataclass(frozen=True)
class EventTable:
    """Numbers at risk and events at each distinct event time (of each stratum).

    `n` and `d` count both arms, `n1` and `d1` the experimental arm; `stratum` is a code.
    """

    time: np.ndarray
    n: np.ndarray
    n1: np.ndarray
    d: np.ndarray
    d1: np.ndarray
    stratum: np.ndarray


def patients(ipd, strata=None, both_arms=True):
    """Check an IPD frame and return its columns as arrays.

    Raises
    ------
    ValueError
        Naming the column, what is wrong in it, and what would be right.
    """
    _require_columns(ipd, strata)
    time = _numbers(ipd, "time")
    if np.any(time < 0):
        raise ValueError(f"ipd column 'time': {time.min():g} is negative; times start at 0")
    event = _numbers(ipd, "event")
    if not np.all((event == 0) | (event == 1)):
        odd = event[(event != 0) & (event != 1)][0]
        raise ValueError(f"ipd column 'event': {odd:g} is neither 1 (event) nor 0 (censored)")
    arm = ipd["arm"].to_numpy()
    experimental = arm == "experimental"
    known = experimental | (arm == "control")
    if not known.all():
        raise ValueError(
            f"ipd column 'arm': {arm[~known][0]!r} is neither 'control' nor 'experimental'"
        )
    if both_arms:
        _require_both_arms(experimental)
    stratum = np.zeros(len(time), int) if strata is None else pd.factorize(ipd[strata])[0]
    if np.any(stratum < 0):
        raise ValueError(f"ipd column {strata!r}: missing value; every patient needs a stratum")
    return Patients(time, event.astype(int), experimental, stratum)


def _require_columns(ipd, strata):
    wanted = ["time", "event", "arm"] + ([] if strata is None else [strata])
    if not isinstance(ipd, pd.DataFrame):
        raise TypeError(f"ipd must be a pandas DataFrame, not {type(ipd).__name__}")
    missing = [c for c in wanted if c not in ipd.columns]
    if missing:
        raise ValueError(f"ipd has no column {missing[0]!r}; it needs {', '.join(wanted)}")
    if len(ipd) == 0:
        raise ValueError("ipd is empty; it needs one row per patient")
    if "draw" in ipd.columns and (draws := ipd["draw"].nunique(dropna=False)) > 1:
        raise ValueError(
            f"ipd column 'draw': {draws} draws of the same patients are stacked; analyse one "
            "draw at a time"
        )


def _numbers(ipd, column):
    try:
        values = ipd[column].to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"ipd column {column!r} must be numeric") from None
    if not np.isfinite(values).all():
        raise ValueError(f"ipd column {column!r}: missing or non-finite value")
    return values


def _require_both_arms(experimental):
    for name in ARMS:
        if not np.any(experimental == (name == "experimental")):
            raise ValueError(f"ipd has no patient in the {name} arm; both arms are needed")


def event_table(p):
    """Count the numbers at risk and the events at every event time, stratum by stratum.

    A patient is at risk at `t` when his own time is `t` or later, so a patient censored at an
    event time still counts as at risk there.
    """
    order = np.lexsort((p.time, p.stratum))
    time, stratum, died = p.time[order], p.stratum[order], p.event[order]
    one = p.experimental[order].astype(int)
    changes = (time[1:] != time[:-1]) | (stratum[1:] != stratum[:-1])
    first = np.append(0, np.flatnonzero(changes) + 1)
    end = np.searchsorted(stratum, stratum[first], side="right")
    before1 = np.append(0, np.cumsum(one))
    counts = (
        time[first],
        end - first,
        before1[end] - before1[first],
        np.add.reduceat(died, first),
        np.add.reduceat(died * one, first),
        stratum[first],
    )
    some = counts[3] > 0
    return EventTable(*(column[some] for column in counts))


def check_level(level):
    """Return the level, or say what a level is."""
    if not 0 < number("level", level) < 1:
        raise ValueError(f"level: {level!r} is not between 0 and 1; write 0.95 for 95 %")
    return float(level)


def number(name, value):
    """Return one number as a float, or say that it is none."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{name}: {value!r} is not a number; give a single one, not as text")
    return float(value)


def chosen_times(times):
    """Return times as an array, or say which argument does not hold numbers."""
    try:
        array = np.atleast_1d(np.asarray(times))
    except ValueError:  # rows of unequal length
        array = np.array([""])
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iuf"):
        raise TypeError(f"times: {times!r} does not hold numbers; give one or a flat list")
    return array.astype(float)


def followed_times(times):
    """Return times as an array, or say that one of them is before the start or not finite."""
    array = chosen_times(times)
    wrong = array[~(np.isfinite(array) & (array >= 0))]
    if wrong.size:
        raise ValueError(f"times: {wrong[0]:g}; every time must be finite and 0 or later")
    return array
