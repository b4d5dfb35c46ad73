"""A test of proportional hazards."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from .cox import _require_finite, maximise, risk_sets, share
from .ipd import event_table, patients
from .kaplan_meier import curve

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True)
class PhTestResult:
    """Score test of a hazard ratio that changes with the transformed time."""

    transform: str
    chi2: float
    df: int
    p: float


def ph_test(ipd, transform="km"):
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
    if transform not in TRANSFORMS:
        raise ValueError(f"transform: {transform!r} is not one of {', '.join(TRANSFORMS)}")
    p = patients(ipd)
    table = event_table(p)
    risk1, risk0, died1 = risk_sets(table, "efron")
    _require_finite(risk1, risk0, died1, p)
    probability = share(risk1, risk0, maximise(risk1, risk0, died1))
    g = _transformed(p, np.repeat(table.time, table.d), transform)
    g = g - g.mean()
    weight = probability * (1 - probability)
    score = np.sum(g * (died1 - probability))
    spread = np.sum(g**2 * weight)
    variance = spread - np.sum(g * weight) ** 2 / weight.sum()
    if variance <= 1e-10 * spread:
        raise ValueError(
            "all events with both arms at risk are at one time: a change over time cannot be "
            "tested"
        )
    chi2 = float(score**2 / variance)
    return PhTestResult(transform=transform, chi2=chi2, df=1, p=float(chdtrc(1, chi2)))


def _transformed(p, time, transform):
    if transform == "identity":
        return time
    if transform == "log":
        if time[0] <= 0:
            raise ValueError("transform 'log' needs event times above 0")
        return np.log(time)
    if transform == "rank":
        # The mean rank among the times of all patients, censored ones included, as R has it.
        ordered = np.sort(p.time)
        return (
            np.searchsorted(ordered, time, "left") + np.searchsorted(ordered, time, "right") + 1
        ) / 2
    everyone = curve(p.time, p.event)
    before = np.append(1.0, everyone.surv)[np.searchsorted(everyone.time, time, side="left")]
    return 1 - before
