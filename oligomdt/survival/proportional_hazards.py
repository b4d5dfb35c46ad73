"""Tests of proportional hazards."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from .cox import _require_finite, maximise, risk_sets, share
from .ipd import event_table, patients
from .kaplan_meier import curve

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True)
class PhTestResult:
    """Test of a hazard ratio that changes with the transformed time."""

    transform: str
    chi2: float
    df: int
    p: float


def ph_test(ipd, transform="km", strata=None):
    """Test whether the hazard ratio is the same at all times.

    The score test of an added covariate arm x g(t) at the fitted proportional-hazards model
    (Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515, in the exact form that R's
    `cox.zph` uses from survival 3.0 on), with Efron's handling of ties.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    transform : {"km", "rank", "identity", "log"}
        g(t): one minus the Kaplan-Meier curve of all patients just before t, the rank of
        t among all patients' times, t itself, or its logarithm.
    strata : str, optional
        Column of `ipd` whose values have their own baseline hazards (the trial, in a
        one-stage analysis); g(t) is that of all patients.

    Returns
    -------
    PhTestResult
        Chi-squared with one degree of freedom and its p-value. A small p-value speaks against
        one constant hazard ratio; a large one does not prove it.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, no finite hazard ratio exists, or all events are
        at one time.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> round(ph_test(ipd, "identity").p, 3)
    0.821
    """
    rows = _rows(ipd, transform, strata, _rank_of_all)
    variance = np.sum(rows.g**2 * rows.weight)
    variance -= np.sum(rows.g * rows.weight) ** 2 / rows.weight.sum()
    return _result(transform, np.sum(rows.g * rows.residual) ** 2 / variance)


def ph_correlation_test(ipd, transform="km"):
    """Test proportional hazards by the older approximation, the correlation with time.

    The test as Grambsch and Therneau (1994, doi:10.1093/biomet/81.3.515) printed it, which R
    used before survival 3.0 and other software still does: it takes the variance of the
    Schoenfeld residuals to be the same at all event times. Prefer `ph_test`, which does not;
    this one is here to check results of such software.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    transform : {"km", "rank", "identity", "log"}
        g(t) as in `ph_test`, but the rank is that among the event times.

    Returns
    -------
    PhTestResult
        Chi-squared with one degree of freedom and its p-value.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, no finite hazard ratio exists, or all events are
        at one time.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> round(ph_correlation_test(ipd, "identity").p, 3)
    0.82
    """
    rows = _rows(ipd, transform, None, _rank_of_events)
    variance = np.sum(rows.g**2) * rows.weight.mean()
    return _result(transform, np.sum(rows.g * rows.residual) ** 2 / variance)


@dataclass(frozen=True)
class _Rows:
    """One row per event: centred g(t), Schoenfeld residual, part of the information."""

    g: np.ndarray
    residual: np.ndarray
    weight: np.ndarray


def _rows(ipd, transform, strata, rank):
    if transform not in TRANSFORMS:
        raise ValueError(f"transform: {transform!r} is not one of {', '.join(TRANSFORMS)}")
    p = patients(ipd, strata)
    table = event_table(p)
    risk1, risk0, died1 = risk_sets(table, "efron")
    _require_finite(risk1, risk0, died1, p)
    probability = share(risk1, risk0, maximise(risk1, risk0, died1))
    time, weight = np.repeat(table.time, table.d), probability * (1 - probability)
    if np.ptp(time[weight > 0]) == 0:
        raise ValueError(
            "all events with both arms at risk are at one time: a change over time cannot be "
            "tested"
        )
    g = rank(p, time) if transform == "rank" else _transformed(p, time, transform)
    return _Rows(g - g.mean(), died1 - probability, weight)


def _result(transform, chi2):
    return PhTestResult(transform=transform, chi2=float(chi2), df=1, p=float(chdtrc(1, chi2)))


def _transformed(p, time, transform):
    if transform == "identity":
        return time
    if transform == "log":
        if time.min() <= 0:
            raise ValueError("transform 'log' needs event times above 0")
        return np.log(time)
    everyone = curve(p.time, p.event)
    before = np.append(1.0, everyone.surv)[np.searchsorted(everyone.time, time, side="left")]
    return 1 - before


def _rank_of_all(p, time):
    # The mean rank among the times of all patients, censored ones included, as R has it.
    return _mean_rank(np.sort(p.time), time)


def _rank_of_events(p, time):
    return _mean_rank(np.sort(time), time)


def _mean_rank(ordered, time):
    return (
        np.searchsorted(ordered, time, "left") + np.searchsorted(ordered, time, "right") + 1
    ) / 2
