"""Restricted mean survival time and its contrasts."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from .ipd import ARMS, check_level, number, patients
from .kaplan_meier import curve


@dataclass(frozen=True)
class ArmRmst:
    """Restricted mean of one arm (months) and its standard error."""

    rmst: float
    se: float


@dataclass(frozen=True)
class RmstResult:
    """Restricted means by arm; difference and ratio are experimental versus control.

    The interval and p-value of the ratio are made on the log scale (delta method).
    """

    tau: float
    level: float
    control: ArmRmst
    experimental: ArmRmst
    difference: float
    difference_se: float
    difference_ci_low: float
    difference_ci_high: float
    difference_p: float
    ratio: float
    ratio_ci_low: float
    ratio_ci_high: float
    ratio_p: float


def rmst(ipd, tau, level=0.95):
    """Compare the mean survival time within the first `tau` months.

    The restricted mean is the area under the Kaplan-Meier curve up to `tau` (Royston and Parmar
    2013, doi:10.1186/1471-2288-13-152). Its standard error is
    sqrt(sum A_i^2 d_i / (n_i (n_i - d_i))), with A_i the area from event time t_i to `tau`: the
    error of the estimated mean, not the spread of the survival times.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    tau : float
        Horizon in months, above 0 and not after either arm's last time (unless that arm's
        curve has reached 0).
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    RmstResult
        Restricted mean and standard error of both arms, difference and ratio.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or the curve of an arm is not known up to `tau`.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> round(rmst(ipd, 8).difference, 2)
    1.5
    """
    check_level(level)
    tau = number("tau", tau)
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau: {tau:g} is not a positive time")
    p = patients(ipd)
    control, experimental = (_arm_rmst(*p.arm(arm), tau, arm) for arm in ARMS)
    z = ndtri((1 + level) / 2)
    difference = experimental.rmst - control.rmst
    se = float(np.hypot(experimental.se, control.se))
    log_ratio = np.log(experimental.rmst / control.rmst)
    log_se = np.hypot(experimental.se / experimental.rmst, control.se / control.rmst)
    return RmstResult(
        tau=tau,
        level=float(level),
        control=control,
        experimental=experimental,
        difference=float(difference),
        difference_se=se,
        difference_ci_low=float(difference - z * se),
        difference_ci_high=float(difference + z * se),
        difference_p=_two_sided(difference, se),
        ratio=float(np.exp(log_ratio)),
        ratio_ci_low=float(np.exp(log_ratio - z * log_se)),
        ratio_ci_high=float(np.exp(log_ratio + z * log_se)),
        ratio_p=_two_sided(log_ratio, log_se),
    )


def _two_sided(value, se):
    return float(2 * ndtr(-abs(value) / se)) if se > 0 else np.nan


def _arm_rmst(time, event, tau, arm):
    c = curve(time, event)
    if tau > c.time[-1] and c.surv[-1] > 0:
        raise ValueError(
            f"tau: {tau:g} is after the last time of the {arm} arm ({c.time[-1]:g}), where the "
            "curve is not known"
        )
    inside = c.time < tau
    areas = c.surv[inside] * np.diff(np.append(c.time[inside], tau))
    # Area from each time to tau; it is 0 where the curve is, so no variance is lost there.
    after = np.cumsum(areas[::-1])[::-1]
    n, d = c.n_risk[inside].astype(float), c.n_event[inside]
    counted = (d > 0) & (n > d)
    variance = np.sum(after[counted] ** 2 * d[counted] / (n * (n - d))[counted])
    return ArmRmst(rmst=float(areas.sum()), se=float(np.sqrt(variance)))
