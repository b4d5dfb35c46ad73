"""Cox regression of one two-arm comparison."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from .ipd import check_level, event_table, patients


@dataclass(frozen=True)
class CoxResult:
    """A hazard ratio, experimental versus control.

    `log_hr`, `se`, `ci_low` and `ci_high` are on the log scale; `hr`, `hr_low` and `hr_high`
    are the same on the ratio scale. `p` is the two-sided Wald p-value, `n` and `events` count
    both arms.
    """

    log_hr: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    p: float
    n: int
    events: int
    ties: str

    @property
    def hr(self):
        """Hazard ratio; below 1 favours the experimental arm."""
        return float(np.exp(self.log_hr))

    @property
    def hr_low(self):
        """Lower confidence limit of the hazard ratio."""
        return float(np.exp(self.ci_low))

    @property
    def hr_high(self):
        """Upper confidence limit of the hazard ratio."""
        return float(np.exp(self.ci_high))


def cox(ipd, ties="efron", level=0.95, strata=None):
    """Estimate the hazard ratio by Cox regression with the arm as the only covariate.

    The partial likelihood of Cox (1972, doi:10.1111/j.2517-6161.1972.tb00899.x), tied times by
    Efron (1977, doi:10.1080/01621459.1977.10480613) or Breslow (1974, doi:10.2307/2529620),
    maximised by Newton's method to machine precision.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    ties : {"efron", "breslow"}
        How tied event times are handled.
    level : float
        Confidence level, between 0 and 1.
    strata : str, optional
        Column of `ipd` whose values have their own baseline hazards (the trial, in a
        one-stage analysis).

    Returns
    -------
    CoxResult
        On the log scale, with the ratio scale as properties.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or no finite hazard ratio exists.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> fit = cox(ipd)
    >>> round(fit.hr, 3), fit.n, fit.events
    (0.461, 8, 5)
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties: {ties!r} is not one of 'efron', 'breslow'")
    check_level(level)
    p = patients(ipd, strata)
    risk1, risk0, died1 = risk_sets(event_table(p), ties)
    _require_finite(risk1, risk0, died1, p)
    log_hr = maximise(risk1, risk0, died1)
    se = 1 / np.sqrt(information(risk1, risk0, log_hr).sum())
    z = ndtri((1 + level) / 2)
    return CoxResult(
        log_hr=float(log_hr),
        se=float(se),
        ci_low=float(log_hr - z * se),
        ci_high=float(log_hr + z * se),
        level=float(level),
        p=float(2 * ndtr(-abs(log_hr) / se)),
        n=len(p.time),
        events=int(p.event.sum()),
        ties=ties,
    )


def risk_sets(table, ties):
    """One row per event: the experimental and control patients at risk, and the events.

    With Efron's rule the l-th of d tied events counts the d events as being at risk with
    weight 1 - (l - 1) / d. `died1` is the share of the events at that time that are in the
    experimental arm.
    """
    row = np.repeat(np.arange(len(table.d)), table.d)
    d, d1 = table.d[row], table.d1[row]
    rank = np.arange(len(row)) - np.repeat(np.cumsum(table.d) - table.d, table.d)
    removed = rank / d if ties == "efron" else np.zeros(len(row))
    risk1 = table.n1[row] - removed * d1
    risk0 = (table.n - table.n1)[row] - removed * (d - d1)
    return risk1, risk0, d1 / d


def _require_finite(risk1, risk0, died1, p):
    for arm in p.arms():
        if not p.arm(arm)[1].any():
            raise ValueError(f"no event in the {arm} arm: the hazard ratio is not finite")
    # The score's limits as the log hazard ratio goes to plus and minus infinity.
    if (
        died1.sum() >= np.count_nonzero(risk1 > 0) - 1e-9
        or died1.sum() <= np.count_nonzero(risk0 == 0) + 1e-9
    ):
        raise ValueError(
            "the hazard ratio is not finite: whenever both arms were at risk, every event was "
            "in the same arm"
        )


def share(risk1, risk0, log_hr):
    """Probability that the event at each row is in the experimental arm."""
    with np.errstate(divide="ignore"):
        return expit(log_hr + np.log(risk1) - np.log(risk0))


def information(risk1, risk0, log_hr):
    """Contribution of every event to the observed information."""
    p = share(risk1, risk0, log_hr)
    return p * (1 - p)


def maximise(risk1, risk0, died1):
    """Log hazard ratio at which the score is zero: Newton's steps inside a closing bracket."""
    low, high, log_hr = -50.0, 50.0, 0.0
    for _ in range(200):
        p = share(risk1, risk0, log_hr)
        score = (died1 - p).sum()
        low, high = (log_hr, high) if score > 0 else (low, log_hr)
        step = score / max((p * (1 - p)).sum(), 1e-300)
        following = log_hr + step
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - log_hr) < 1e-12:
            return following
        log_hr = following
    raise ArithmeticError("the Cox score equation did not converge")
