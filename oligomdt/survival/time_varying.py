"""Hazard ratios that change over time: before and after a cut, or with a function of time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, expit, ndtr, ndtri

from .cox import STEPS, CoxResult, cox, log_likelihood, risk_sets
from .ipd import check_level, chosen_times, event_table, number, patients

FUNCTIONS = {"log": np.log, "identity": np.asarray}


@dataclass(frozen=True)
class PiecewiseResult:
    """Hazard ratios up to `cut` and after it.

    `early` and `late` are Cox fits; `change` is the late minus the early log hazard ratio. The
    two fits share no event, so that their errors are independent.
    """

    cut: float
    early: CoxResult
    late: CoxResult

    @property
    def change(self):
        """Late minus early log hazard ratio; above 0, the effect wanes."""
        return self.late.log_hr - self.early.log_hr

    @property
    def change_se(self):
        """Standard error of the change."""
        return float(np.hypot(self.late.se, self.early.se))

    @property
    def change_p(self):
        """Two-sided Wald p-value of "no change"."""
        return float(2 * ndtr(-abs(self.change) / self.change_se))


def piecewise(ipd, cut, ties="efron", level=0.95, strata=None):
    """Estimate one hazard ratio up to a cut and another one after it.

    Cox regression of the follow-up up to `cut`, everybody event-free then being censored there,
    and of the follow-up of those still at risk after it. An event at the cut itself is early.
    The cut has to be chosen before the data are seen. The late hazard ratio compares those who
    stayed event-free until the cut, who are no longer the groups that were randomised.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    cut : float
        Months, above 0.
    ties : {"efron", "breslow", "exact"}
        How tied event times are handled.
    level : float
        Confidence level, between 0 and 1.
    strata : str, optional
        Column of `ipd` whose values have their own baseline hazards.

    Returns
    -------
    PiecewiseResult
        The two Cox fits, and the change between them.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, the cut is not a positive time, or one of the two
        hazard ratios is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 9, 3, 5, 7, 10, 12],
    ...                     "event": [1, 1, 1, 1, 0, 1, 1, 1, 1, 0],
    ...                     "arm": ["control"] * 5 + ["experimental"] * 5})
    >>> fit = piecewise(ipd, cut=5)
    >>> round(fit.early.hr, 3), round(fit.late.hr, 3)
    (0.88, 0.434)
    """
    cut = number("cut", cut)
    if not (np.isfinite(cut) and cut > 0):
        raise ValueError(f"cut: {cut:g} is not a positive time")
    p = patients(ipd, strata)
    after = p.time > cut
    if not after.any():
        raise ValueError(f"cut: {cut:g} is not before the last time ({p.time.max():g})")
    up_to = ipd.assign(time=np.minimum(p.time, cut), event=np.where(after, 0, p.event))
    pieces = {"up to": up_to, "after": ipd[after]}
    fits = {}
    for where, rows in pieces.items():
        try:
            fits[where] = cox(rows, ties=ties, level=level, strata=strata)
        except ValueError as error:
            raise ValueError(f"{where} the cut at {cut:g}: {error}") from error
    return PiecewiseResult(cut, fits["up to"], fits["after"])


@dataclass(frozen=True)
class TimeVaryingResult:
    """Coefficients of the arm and of arm x g(t), with their covariance.

    The log hazard ratio at time t is `coefficients` @ (1, g(t)). `p` is the two-sided Wald
    p-value of "the hazard ratio does not change". `first` and `last` are the first and last
    event times (months) with both arms at risk: the data say nothing of other times.
    """

    transform: str
    coefficients: np.ndarray
    covariance: np.ndarray
    level: float
    p: float
    log_likelihood: float
    first: float
    last: float

    def hr_at(self, times):
        """Hazard ratio at chosen times with its pointwise confidence interval.

        Parameters
        ----------
        times : float or sequence of float
            Months, above 0.

        Returns
        -------
        DataFrame
            `time`, `log_hr`, `se`, `hr`, `hr_low`, `hr_high`; `nan` at times outside `first`
            to `last`.

        Raises
        ------
        ValueError
            If a time is not finite and positive.
        """
        times = chosen_times(times)
        if not (np.isfinite(times).all() and np.all(times > 0)):
            raise ValueError("times: every time must be finite and above 0")
        known = (times >= self.first) & (times <= self.last)
        design = np.column_stack([np.ones(len(times)), FUNCTIONS[self.transform](times)])
        design[~known] = np.nan
        log_hr = design @ self.coefficients
        se = np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        width = ndtri((1 + self.level) / 2) * se
        columns = {"time": times, "log_hr": log_hr, "se": se, "hr": np.exp(log_hr)}
        columns |= {"hr_low": np.exp(log_hr - width), "hr_high": np.exp(log_hr + width)}
        return pd.DataFrame(columns)


def time_varying(ipd, transform="log", level=0.95, strata=None):
    """Estimate a hazard ratio that changes with the logarithm of time, or with time itself.

    Cox regression with the covariates arm and arm x g(t), as Cox (1972,
    doi:10.1111/j.2517-6161.1972.tb00899.x) proposed to look at proportional hazards; ties by
    Efron's rule. Pool both coefficients with their covariance, not the hazard ratio at one
    time only.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    transform : {"log", "identity"}
        g(t): the natural logarithm of t (months), or t.
    level : float
        Confidence level of `hr_at`, between 0 and 1.
    strata : str, optional
        Column of `ipd` whose values have their own baseline hazards.

    Returns
    -------
    TimeVaryingResult
        Two coefficients, their covariance, and `hr_at(times)`.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, an event time is 0 (for "log"), or no finite
        coefficients exist.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> fit = time_varying(ipd)
    >>> fit.hr_at([3, 6])["hr"].round(2).tolist()
    [0.4, 0.55]
    """
    if transform not in FUNCTIONS:
        raise ValueError(f"transform: {transform!r} is not one of {', '.join(FUNCTIONS)}")
    check_level(level)
    table = event_table(patients(ipd, strata))
    if transform == "log" and np.any(table.time <= 0):
        raise ValueError("transform 'log' needs event times above 0")
    _require_mixture(table)
    rows = risk_sets(table, "efron")
    # With one arm at risk any hazard ratio gives an event the same likelihood.
    both = (rows[0] > 0) & (rows[1] > 0)
    constant = -np.log((rows[0] + rows[1])[~both]).sum()
    rows, time = [row[both] for row in rows], np.repeat(table.time, table.d)[both]
    design = np.column_stack([np.ones(len(time)), FUNCTIONS[transform](time)])
    coefficients, covariance = _maximise(*rows, design)
    wald = coefficients[1] ** 2 / covariance[1, 1]
    return TimeVaryingResult(
        transform=transform,
        coefficients=coefficients,
        covariance=covariance,
        level=float(level),
        p=float(chdtrc(1, wald)),
        log_likelihood=float(log_likelihood(*rows, design @ coefficients) + constant),
        first=float(time.min()),
        last=float(time.max()),
    )


def _require_mixture(table):
    """Refuse events that a hazard ratio going to zero or infinity explains best.

    That is so when one time parts the events of one arm from those of the other, and only then:
    the log hazard ratio, monotone in time, can change its sign once.
    """
    both = (table.n1 > 0) & (table.n1 < table.n)
    first = table.time[both & (table.d1 > 0)]
    second = table.time[both & (table.d > table.d1)]
    if not (
        len(first) and len(second) and first.max() > second.min() and second.max() > first.min()
    ):
        raise ValueError(
            "the hazard ratio over time is not finite: one time parts the events of one arm "
            "from those of the other"
        )


def _maximise(risk1, risk0, died1, design):
    """Newton's method with halved steps; coefficients and the inverse information."""
    odds = np.log(risk1) - np.log(risk0)
    centre = design[:, 1].mean()
    scale = np.ptp(design[:, 1])
    rows = np.column_stack([design[:, 0], (design[:, 1] - centre) / scale])
    found = np.zeros(2)
    height = log_likelihood(risk1, risk0, died1, rows @ found)
    for _ in range(STEPS):
        probability = expit(rows @ found + odds)
        information = (rows.T * (probability * (1 - probability))) @ rows
        gradient = rows.T @ (died1 - probability)
        if np.linalg.det(information) <= 0:
            break
        step = np.linalg.solve(information, gradient)
        # Its squared length in standard errors; the next step would be the square of it.
        near = gradient @ step < 1e-18
        while (
            following := log_likelihood(risk1, risk0, died1, rows @ (found + step))
        ) < height - 1e-12 * abs(height):
            step /= 2
        found, height = found + step, following
        if near:
            return _on_time_scale(found, np.linalg.inv(information), centre, scale)
    raise ValueError(
        f"the hazard ratio over time did not converge in {STEPS} steps: the events say almost "
        "nothing of how it changes"
    )


def _on_time_scale(found, covariance, centre, scale):
    """Coefficients of g(t) from those of (g(t) - centre) / scale."""
    back = np.array([[1.0, -centre / scale], [0.0, 1 / scale]])
    return back @ found, back @ covariance @ back.T
