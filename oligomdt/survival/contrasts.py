"""Contrasts of the two survival curves at one time."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .ipd import ARMS, check_level, number, patients
from .kaplan_meier import curve


@dataclass(frozen=True)
class LandmarkResult:
    """Survival of both arms at one time; contrasts are experimental versus control.

    `difference` above zero and `log_cumhaz_ratio` below zero favour the experimental arm. The
    latter is the log of the ratio of the cumulative hazards -ln S, which estimates the log
    hazard ratio where hazards are proportional; it and its standard error are `nan` where S of
    an arm is 0 or 1. Greenwood's standard error of S is `nan` where S is 0, and 0 where S is 1:
    the data then do not say how sure the estimate is.
    """

    time: float
    level: float
    control: float
    control_se: float
    experimental: float
    experimental_se: float
    difference: float
    difference_se: float
    difference_ci_low: float
    difference_ci_high: float
    log_cumhaz_ratio: float
    log_cumhaz_ratio_se: float
    log_cumhaz_ratio_ci_low: float
    log_cumhaz_ratio_ci_high: float


def landmark(ipd, time, level=0.95):
    """Compare the arms' survival at one time.

    Kaplan-Meier estimates with Greenwood standard errors (Klein and others 2007,
    doi:10.1002/sim.2864): the difference, and by the delta method the difference of ln(-ln S).

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    time : float
        The landmark in months, above 0 and not after either arm's last time (unless that arm's
        curve has reached 0).
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    LandmarkResult
        Survival of both arms, and the two contrasts with standard errors and limits.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or the curve of an arm is not known at `time`.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> at6 = landmark(ipd, 6)
    >>> at6.control, at6.experimental, at6.difference
    (0.25, 0.75, 0.5)
    """
    check_level(level)
    time = number("time", time)
    if not (np.isfinite(time) and time > 0):
        raise ValueError(f"time: {time:g} is not a positive time")
    p = patients(ipd)
    (s0, se0), (s1, se1) = (_at(*p.arm(arm), time, arm) for arm in ARMS)
    z = ndtri((1 + level) / 2)
    difference, se = s1 - s0, float(np.hypot(se1, se0))
    ratio = ratio_se = np.nan
    if min(s0, s1) > 0 and max(s0, s1) < 1:
        ratio = float(np.log(np.log(s1) / np.log(s0)))
        ratio_se = float(np.hypot(se1 / (s1 * np.log(s1)), se0 / (s0 * np.log(s0))))
    return LandmarkResult(
        time=time,
        level=float(level),
        control=s0,
        control_se=se0,
        experimental=s1,
        experimental_se=se1,
        difference=difference,
        difference_se=se,
        difference_ci_low=float(difference - z * se),
        difference_ci_high=float(difference + z * se),
        log_cumhaz_ratio=ratio,
        log_cumhaz_ratio_se=ratio_se,
        log_cumhaz_ratio_ci_low=float(ratio - z * ratio_se),
        log_cumhaz_ratio_ci_high=float(ratio + z * ratio_se),
    )


def _at(time, event, at, arm):
    c = curve(time, event)
    if at > c.time[-1] and c.surv[-1] > 0:
        raise ValueError(
            f"time: {at:g} is after the last time of the {arm} arm ({c.time[-1]:g}), where the "
            "curve is not known"
        )
    row = np.searchsorted(c.time, at, side="right") - 1
    return float(c.surv[row]), float(c.se[row])
