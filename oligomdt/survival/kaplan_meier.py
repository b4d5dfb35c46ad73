"""The Kaplan-Meier curve, its quantiles, its value at chosen times; cumulative hazard."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from .ipd import check_level, followed_times, number, patients

TRANSFORMS = ("log-log", "log", "plain")
# S counts as equal to one half within this distance, as in R's survival package.
SAME = 1.5e-8


@dataclass(frozen=True)
class Curve:
    """Kaplan-Meier estimate of one arm at time 0 and every distinct time."""

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_censor: np.ndarray
    surv: np.ndarray
    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray


def curve(time, event, level=0.95, transform="log-log"):
    """Kaplan-Meier estimate of one arm's times and events (arrays)."""
    at, index = np.unique(np.append(time, 0.0), return_inverse=True)
    n_event = np.bincount(index[:-1], weights=event, minlength=len(at)).astype(int)
    leaving = np.bincount(index[:-1], minlength=len(at))
    n_risk = len(time) - np.cumsum(leaving) + leaving
    surv = np.cumprod(1 - n_event / np.maximum(n_risk, 1))
    surv[surv < 1e-14] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(
            np.where(n_event > 0, n_event / (n_risk * (n_risk - n_event.astype(float))), 0.0)
        )
        se = np.where(surv > 0, surv * np.sqrt(greenwood), np.nan)
    low, high = limits(surv, se, level, transform)
    return Curve(at, n_risk, n_event, leaving - n_event, surv, se, low, high)


def limits(surv, se, level, transform):
    """Pointwise confidence limits of S; equal to 1 while S is 1, undefined where S is 0."""
    z = ndtri((1 + level) / 2)
    inside = (surv > 0) & (surv < 1)
    s = np.where(inside, surv, 0.5)
    with np.errstate(invalid="ignore"):
        relative = se / s
        if transform == "log-log":
            width = z * relative / np.abs(np.log(s))
            low, high = s ** np.exp(width), s ** np.exp(-width)
        elif transform == "log":
            low, high = s * np.exp(-z * relative), s * np.exp(z * relative)
        else:
            low, high = s - z * se, s + z * se
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    outside = np.where(surv >= 1, 1.0, np.nan)
    return np.where(inside, low, outside), np.where(inside, high, outside)


def crossing(time, surv, level_crossed=0.5):
    """First time at which a curve is at or below a level; the middle of a flat stretch at it.

    `nan` when the curve stays above the level or is undefined where it would cross it.
    """
    below = np.flatnonzero(surv <= level_crossed + SAME)
    if len(below) == 0:
        return np.nan
    first = below[0]
    if abs(surv[first] - level_crossed) > SAME:
        return float(time[first])
    # S equals the level from time[first] until it next falls, or until follow-up ends.
    lower = below[surv[below] < level_crossed - SAME]
    end = lower[0] if len(lower) else len(time) - 1
    return float((time[first] + time[end]) / 2)


def _curves(ipd, level, transform):
    check_level(level)
    if transform not in TRANSFORMS:
        raise ValueError(f"transform: {transform!r} is not one of {', '.join(TRANSFORMS)}")
    p = patients(ipd, both_arms=False)
    return {arm: curve(*p.arm(arm), level, transform) for arm in p.arms()}


def km(ipd, level=0.95, transform="log-log"):
    """Estimate each arm's survival curve with pointwise confidence limits.

    Kaplan and Meier (1958, doi:10.1080/01621459.1958.10501452): S(t) is the product of
    1 - d / n over the event times up to t. Standard errors by Greenwood; limits by the stated
    transform of S.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    level : float
        Confidence level, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale on which the limits are symmetric. R's default is "log".

    Returns
    -------
    DataFrame
        `arm`, `time` (0 and every distinct time), `n_risk` (just before the time), `n_event`,
        `n_censor`, `surv`, `se`, `ci_low`, `ci_high`. Where S is 1 both limits are 1; where S
        is 0 the standard error and the limits do not exist and are `nan`.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or level or transform are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 4, 6], "event": [1, 1, 0, 0], "arm": "control"})
    >>> km(ipd)[["time", "n_risk", "n_event", "surv"]].values.tolist()
    [[0.0, 4.0, 0.0, 1.0], [2.0, 4.0, 1.0, 0.75], [4.0, 3.0, 1.0, 0.5], [6.0, 1.0, 0.0, 0.5]]
    """
    curves = _curves(ipd, level, transform)
    columns = {"arm": np.repeat(list(curves), [len(c.time) for c in curves.values()])}
    for name in Curve.__dataclass_fields__:
        columns[name] = np.concatenate([getattr(c, name) for c in curves.values()])
    return pd.DataFrame(columns)


def median(ipd, level=0.95, transform="log-log"):
    """Estimate each arm's median survival time with its confidence interval.

    The median is the first time at which S is one half or less; where S equals one half on a
    flat stretch it is the middle of that stretch, as in R's survival package. The interval
    (Brookmeyer and Crowley 1982, doi:10.2307/2530286) holds the times at which the confidence
    limits of S, on the stated transform, still include one half.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    level : float
        Confidence level, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale of the limits of S. R's default is "log".

    Returns
    -------
    DataFrame
        One row per arm: `arm`, `median`, `ci_low`, `ci_high` (months), `level`, `transform`.
        `nan` means not reached.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or level or transform are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 4, 6], "event": [1, 1, 0, 1], "arm": "control"})
    >>> float(median(ipd)["median"].iloc[0])
    5.0
    """
    rows = quantile(ipd, 0.5, level, transform).rename(columns={"quantile": "median"})
    return rows.drop(columns="probability")


def quantile(ipd, probability, level=0.95, transform="log-log"):
    """Estimate the time by which a share of each arm has had the event.

    The first time at which S is 1 - `probability` or less; flat stretches and confidence
    limits as in `median`, which is the quantile of 0.5.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    probability : float
        Share with the event, between 0 and 1: 0.25 for the time at which S falls to 0.75.
    level : float
        Confidence level, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale of the limits of S. R's default is "log".

    Returns
    -------
    DataFrame
        One row per arm: `arm`, `probability`, `quantile`, `ci_low`, `ci_high` (months),
        `level`, `transform`. `nan` means not reached.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, the probability is not between 0 and 1, or level
        or transform are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 5, 6], "event": [1, 1, 1, 0], "arm": "control"})
    >>> float(quantile(ipd, 0.6)["quantile"].iloc[0])
    5.0
    """
    if not 0 < number("probability", probability) < 1:
        raise ValueError(f"probability: {probability!r} is not between 0 and 1")
    rows = [
        {
            "arm": arm,
            "probability": float(probability),
            "quantile": crossing(c.time, c.surv, 1 - probability),
            "ci_low": crossing(c.time, c.ci_low, 1 - probability),
            "ci_high": crossing(c.time, c.ci_high, 1 - probability),
            "level": float(level),
            "transform": transform,
        }
        for arm, c in _curves(ipd, level, transform).items()
    ]
    return pd.DataFrame(rows)


def followup(ipd, level=0.95, transform="log-log"):
    """Estimate each arm's median follow-up by the reverse Kaplan-Meier method.

    Schemper and Smith (1996, doi:10.1016/0197-2456(96)00075-X): the Kaplan-Meier median with
    events and censorings exchanged, the follow-up that patients would have had if nobody had
    had an event. (The median of the observed times is shorter, the more so the more events.)

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    level : float
        Confidence level, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale of the limits of the curve.

    Returns
    -------
    DataFrame
        As of `median`; `nan` means not reached.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or level or transform are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 7, 9], "event": [1, 0, 0, 0], "arm": "control"})
    >>> float(followup(ipd)["median"].iloc[0])
    7.0
    """
    event = patients(ipd, both_arms=False).event
    return median(ipd.assign(event=1 - event), level, transform)


def survival_at(ipd, times, level=0.95, transform="log-log"):
    """Estimate each arm's survival at chosen times (landmarks).

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    times : float or sequence of float
        Months, 0 or later.
    level : float
        Confidence level, between 0 and 1.
    transform : {"log-log", "log", "plain"}
        Scale on which the limits are symmetric.

    Returns
    -------
    DataFrame
        `arm`, `time`, `n_risk` (followed to `time` or longer), `surv`, `se`, `ci_low`,
        `ci_high`. After an arm's last time S is not estimated and is `nan`, unless the curve
        has reached 0.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or a time is negative or not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 4, 6], "event": [1, 1, 0, 0], "arm": "control"})
    >>> survival_at(ipd, [3, 12])["surv"].tolist()
    [0.75, nan]
    """
    times = followed_times(times)
    frames = []
    for arm, c in _curves(ipd, level, transform).items():
        row = np.searchsorted(c.time, times, side="right") - 1
        beyond = (times > c.time[-1]) & (c.surv[-1] > 0)
        frame = {"arm": arm, "time": times, "n_risk": _followed(c, times)}
        for name in ("surv", "se", "ci_low", "ci_high"):
            frame[name] = np.where(beyond, np.nan, getattr(c, name)[row])
        frames.append(pd.DataFrame(frame))
    return pd.concat(frames, ignore_index=True)


def cumulative_hazard(ipd, times, level=0.95):
    """Estimate each arm's cumulative hazard at chosen times.

    Nelson (1972, doi:10.1080/00401706.1972.10488991) and Aalen (1978,
    doi:10.1214/aos/1176344247): the sum of d / n over the event times up to t, with variance
    the sum of d / n^2 and limits that are symmetric on the log scale.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`. One arm is
        enough.
    times : float or sequence of float
        Months, 0 or later.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        `arm`, `time`, `n_risk` (followed to `time` or longer), `cumhaz`, `se`, `ci_low`,
        `ci_high`. Before the first event all but `n_risk` are 0; after an arm's last time they
        are not estimated and are `nan`.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or a time is negative or not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 4, 6], "event": [1, 1, 0, 0], "arm": "control"})
    >>> cumulative_hazard(ipd, [3, 5])["cumhaz"].round(3).tolist()
    [0.25, 0.583]
    """
    times, z = followed_times(times), ndtri((1 + check_level(level)) / 2)
    p = patients(ipd, both_arms=False)
    frames = []
    for arm in p.arms():
        c = curve(*p.arm(arm))
        row = np.searchsorted(c.time, times, side="right") - 1
        n = np.maximum(c.n_risk, 1)
        known = np.where(times > c.time[-1], np.nan, 1.0)
        cumhaz = np.cumsum(c.n_event / n)[row] * known
        se = np.sqrt(np.cumsum(c.n_event / n**2))[row] * known
        factor = np.exp(z * se / np.where(cumhaz > 0, cumhaz, 1.0))
        frame = {"arm": arm, "time": times, "n_risk": _followed(c, times)}
        frame |= {"cumhaz": cumhaz, "se": se}
        frame |= {"ci_low": cumhaz / factor, "ci_high": cumhaz * factor}
        frames.append(pd.DataFrame(frame))
    return pd.concat(frames, ignore_index=True)


def _followed(c, times):
    return np.append(c.n_risk, 0)[np.searchsorted(c.time, times, side="left")]
