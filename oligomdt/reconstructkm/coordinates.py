"""Digitised points of one Kaplan-Meier curve: checks and clean-up."""

from dataclasses import dataclass

import numpy as np

# Above this survival cannot be meant, whatever the digitising.
MOST_PERCENT = 1000.0
# Values above this mean that survival was digitised in percent.
PERCENT_ABOVE = 1.5
# A digitised level may overshoot 1 by this much (a few pixels) before it is an error.
OVERSHOOT = 0.02
# Points may lie this share of the axis beyond its end before it is an error.
BEYOND_AXIS = 0.01
# Root mean square change that removes digitising jitter; more means it is not a survival curve.
# On a steep piece a small error in time moves a click far, so errors of this share of the time
# axis do not count.
JITTER_LIMIT, JITTER_TIME = 0.05, 0.015
# Where points go backwards in time, as clicks along a vertical line do, by 1.5 times as much,
# up to this share of the curve: two arms, one after the other, go back by all of it.
MOST_JITTER_TIME = 0.05


@dataclass(frozen=True)
class Coordinates:
    """A cleaned curve: starts at (0, 1), times never fall, survival never rises.

    `read` counts the points given, `moved` is the largest change made to a survival value, and
    `warnings` and `assumptions` say in words what was done. `raw_time` and `raw_surv` are the
    points in order of time before jitter was removed, `back` is the largest step back in time.
    """

    time: np.ndarray
    surv: np.ndarray
    read: int
    moved: float
    warnings: tuple
    assumptions: tuple
    raw_time: np.ndarray
    raw_surv: np.ndarray
    back: float


@dataclass(frozen=True)
class RiskTable:
    """Rows of a number-at-risk table; the first is time 0 with all patients."""

    time: np.ndarray
    n: np.ndarray


def clean(time, surv, xmax=None):
    """Check digitised points and make them a survival curve.

    Points are put in order of time, jitter against the direction of the curve is removed by
    isotonic regression (Barlow et al. 1972), and the start (0, 1) is added where it is missing.
    Nothing else is moved; what was done is reported.

    Parameters
    ----------
    time : array of shape (points,)
        Months (or any one unit), 0 or later.
    surv : array of shape (points,)
        Survival as a proportion, or throughout in percent.
    xmax : float, optional
        End of the figure's time axis.

    Returns
    -------
    Coordinates
        The curve and what was changed.

    Raises
    ------
    ValueError
        If the points cannot be a survival curve.

    Examples
    --------
    >>> curve = clean([2, 5, 5, 9], [1.0, 1.0, 0.8, 0.81])
    >>> curve.time.tolist()
    [0.0, 2.0, 5.0, 5.0, 9.0]
    >>> curve.surv.round(3).tolist()
    [1.0, 1.0, 1.0, 0.805, 0.805]
    """
    time, surv = column(time, "time"), column(surv, "surv")
    if len(time) != len(surv):
        raise ValueError(f"time and surv differ in length: {len(time)} and {len(surv)}")
    if len(time) == 0:
        raise ValueError("time and surv are empty; at least one digitised point is needed")
    _check_times(time, xmax)
    warnings, assumptions = [], []
    surv, note = _as_proportion(time, surv)
    warnings += note
    surv, note = _within_one(surv)
    warnings += note
    read, back = len(time), max(0.0, float(-np.diff(time, prepend=time[0]).min()))
    order = np.lexsort((-surv, time))
    raw_time, raw_surv = time[order], surv[order]
    time, surv, moved, note = _in_order(time, surv)
    warnings += note
    if time[0] > 0 or surv[0] < 1:
        time, surv = np.insert(time, 0, 0.0), np.insert(surv, 0, 1.0)
        assumptions.append("the curve starts at survival 1 at time 0")
    return Coordinates(
        time,
        surv,
        read,
        moved,
        tuple(warnings),
        tuple(assumptions),
        raw_time,
        raw_surv,
        back,
    )


def column(values, name):
    """One-dimensional array of finite numbers, or an error naming the argument."""
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a list of numbers") from None
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(f"{name}[{bad[0]}] is {values[bad[0]]}; every value must be finite")
    return values


def _check_times(time, xmax):
    if time.min() < 0:
        at = int(time.argmin())
        raise ValueError(f"time[{at}] is {time[at]:g}; times must be 0 or later")
    if time.max() <= 0:
        raise ValueError("time: all points are at time 0; the curve needs at least one later")
    if xmax is None:
        return
    if not isinstance(xmax, int | float | np.number) or not (np.isfinite(xmax) and xmax > 0):
        raise ValueError(f"xmax is {xmax!r}; it must be the positive end of the time axis")
    if time.max() > xmax * (1 + BEYOND_AXIS):
        at = int(time.argmax())
        raise ValueError(
            f"time[{at}] is {time[at]:g}, beyond the end of the axis (xmax {xmax:g}); check "
            "the calibration or the unit of time"
        )


def _as_proportion(time, surv):
    """Divide percentages by 100; refuse a mixture of percent and proportion."""
    if surv.min() < 0:
        at = int(surv.argmin())
        raise ValueError(f"surv[{at}] is {surv[at]:g}; survival must be between 0 and 1")
    if surv.max() <= PERCENT_ABOVE:
        return surv, []
    if surv.max() > MOST_PERCENT:
        at = int(surv.argmax())
        raise ValueError(
            f"surv[{at}] is {surv[at]:g}; survival must be between 0 and 1 (or 100, in percent)"
        )
    order = np.lexsort((-surv, time))
    ordered = surv[order]
    small = (ordered > 0) & (ordered <= 1)
    before, after = ordered[:-1], ordered[1:]
    # In percent a value below 1 can only come last, and only from a low level.
    jump = (small[:-1] & (after > PERCENT_ABOVE)) | (small[1:] & (before > 20))
    if jump.any() or small[0]:
        at = int(order[np.flatnonzero(small)[0]])
        raise ValueError(
            f"surv mixes percent and proportion: surv[{at}] is {surv[at]:g} while the largest "
            f"value is {surv.max():g}; give all values on one scale, 0 to 1"
        )
    return np.round(surv / 100, 14), ["survival was given in percent and divided by 100"]


def _within_one(surv):
    top = surv.max()
    if top > 1 + OVERSHOOT:
        at = int(surv.argmax())
        raise ValueError(f"surv[{at}] is {surv[at]:g}; survival must be between 0 and 1")
    if top <= 1:
        return surv, []
    count = int((surv > 1).sum())
    return np.minimum(surv, 1.0), [
        f"{count} point(s) lay above survival 1 by up to {top - 1:.3g} and were set to 1"
    ]


def _in_order(time, surv):
    """Sort by time and remove rises; the foot of a step comes after its top."""
    warnings = []
    backwards = int((np.diff(time) < 0).sum())
    if backwards:
        warnings.append(f"time went backwards at {backwards} point(s); points were sorted")
    back = float(max(0.0, -np.diff(time).min())) if len(time) > 1 else 0.0
    order = np.lexsort((-surv, time))
    time, surv = time[order], surv[order]
    if not np.any(np.diff(surv) > 0):
        return time, surv, 0.0, warnings
    from scipy.optimize import isotonic_regression

    smooth = isotonic_regression(surv, increasing=False).x
    change = smooth - surv
    moved, rms = float(np.abs(change).max()), float(np.sqrt(np.mean(change**2)))
    slack = max(JITTER_TIME * time[-1], min(1.5 * back, MOST_JITTER_TIME * time[-1]))
    if _beyond_jitter(time, surv, smooth, slack) > JITTER_LIMIT:
        raise ValueError(
            f"surv rises too much for digitising jitter (root mean square {rms:.2f}); a "
            "survival curve never rises: is it 1 - survival, or do the points mix two arms?"
        )
    warnings.append(
        f"survival rose at {int((np.diff(surv) > 0).sum())} point(s); the jitter was removed, "
        f"moving points by up to {moved:.3g} (root mean square {rms:.2g})"
    )
    return time, smooth, moved, warnings


def _beyond_jitter(time, surv, smooth, slack):
    """Root mean square distance from the smooth curve moved by `slack` to either side."""
    above = surv - np.interp(time - slack, time, smooth)
    # A last drop may be read before the end of the line.
    below = np.interp(time + slack, time, smooth, right=surv.min()) - surv
    return float(np.sqrt(np.mean(np.maximum(np.maximum(above, below), 0.0) ** 2)))


def risk_table(risk_time, risk_n, n):
    """Check a number-at-risk table against the number of patients.

    Parameters
    ----------
    risk_time : array of shape (rows,) or None
        Times of the table's columns, rising.
    risk_n : array of shape (rows,) or None
        Patients at risk (followed to that time or longer), whole numbers that never rise.
    n : int
        Patients in the arm.

    Returns
    -------
    RiskTable
        With a first row (0, n); only that row when there is no table.

    Raises
    ------
    ValueError
        Naming the row and what is wrong with it.

    Examples
    --------
    >>> risk_table([6, 12], [30, 12], n=40).n.tolist()
    [40, 30, 12]
    """
    if (risk_time is None) != (risk_n is None):
        raise ValueError("risk_time and risk_n belong together; give both or neither")
    if risk_time is None:
        return RiskTable(np.zeros(1), np.array([n]))
    time, at_risk = column(risk_time, "risk_time"), column(risk_n, "risk_n")
    if len(time) != len(at_risk):
        raise ValueError(
            f"risk_time and risk_n differ in length: {len(time)} and {len(at_risk)}"
        )
    if len(time) == 0:
        raise ValueError("risk_time and risk_n are empty; leave both out if there is no table")
    _check_rows(time, at_risk, n)
    if time[0] > 0:
        time, at_risk = np.insert(time, 0, 0.0), np.insert(at_risk, 0, n)
    return RiskTable(time, at_risk.astype(int))


def _check_rows(time, at_risk, n):
    if time[0] < 0:
        raise ValueError(f"risk_time[0] is {time[0]:g}; times must be 0 or later")
    for i in range(len(time)):
        if at_risk[i] < 0 or at_risk[i] != round(at_risk[i]):
            raise ValueError(
                f"risk_n[{i}] is {at_risk[i]:g}; the numbers at risk must be whole and not "
                "negative (a weighted table cannot be used)"
            )
        if i and time[i] <= time[i - 1]:
            raise ValueError(
                f"risk_time[{i}] is {time[i]:g}, not after {time[i - 1]:g}; times must rise"
            )
        if i and at_risk[i] > at_risk[i - 1]:
            raise ValueError(
                f"risk_n[{i}] is {at_risk[i]:g}, above {at_risk[i - 1]:g} before it; the "
                "number at risk never rises"
            )
    if at_risk[0] > n:
        raise ValueError(f"risk_n[0] is {at_risk[0]:g}, more than the {n} patients (n)")
    if time[0] == 0 and at_risk[0] != n:
        raise ValueError(
            f"risk_n[0] is {at_risk[0]:g} at time 0 but n is {n}; the curve is of those at "
            "risk at time 0, so give that number as n, or correct the table"
        )


def whole(value, name, low, high=None):
    """Return a whole number within its range, or an error naming the argument."""
    try:
        number = int(value)
        exact = number == value and not isinstance(value, bool)
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact:
        raise ValueError(f"{name} is {value!r}; it must be a whole number")
    if number < low or (high is not None and number > high):
        bound = f"{low} or more" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} is {number}; it must be {bound}")
    return number
