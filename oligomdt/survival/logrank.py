"""The log-rank test with its observed and expected events."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from .ipd import event_table, patients


@dataclass(frozen=True)
class LogRankResult:
    """Observed and expected events by arm, O - E and its variance in the experimental arm."""

    observed: dict
    expected: dict
    o_minus_e: float
    variance: float
    chi2: float
    p: float

    @property
    def log_hr(self):
        """One-step (Peto) estimate of the log hazard ratio, (O - E) / V."""
        return self.o_minus_e / self.variance

    @property
    def se(self):
        """Standard error of the one-step estimate, 1 / sqrt(V)."""
        return self.variance**-0.5


def logrank(ipd, strata=None):
    """Test the two arms' survival for equality by the log-rank test.

    Mantel (1966, Cancer Chemotherapy Reports 50:163-170): at each event time the events of the
    experimental arm are compared with their hypergeometric expectation, d n1 / n, with variance
    d (n1 / n) (1 - n1 / n) (n - d) / (n - 1); with strata the sums run over all of them.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    strata : str, optional
        Column of `ipd` within whose values the arms are compared.

    Returns
    -------
    LogRankResult
        `observed` and `expected` map the arm's name to a number of events; `o_minus_e` and
        `variance` are those of the experimental arm; chi-squared has one degree of freedom.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or the variance is zero because no event happened
        while both arms were at risk.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> test = logrank(ipd)
    >>> round(test.o_minus_e, 3), round(test.p, 3)
    (-0.921, 0.395)
    """
    p = patients(ipd, strata)
    t = event_table(p)
    fraction = t.n1 / t.n
    expected1 = float((t.d * fraction).sum())
    hypergeometric = (t.n - t.d) / np.maximum(t.n - 1, 1)
    variance = float((t.d * fraction * (1 - fraction) * hypergeometric).sum())
    if variance <= 0:
        raise ValueError(
            "nothing to test: no event happened while both arms were at risk and somebody "
            "stayed event-free"
        )
    observed1, total = int(t.d1.sum()), int(t.d.sum())
    difference = observed1 - expected1
    chi2 = difference**2 / variance
    return LogRankResult(
        observed={"control": total - observed1, "experimental": observed1},
        expected={"control": total - expected1, "experimental": expected1},
        o_minus_e=float(difference),
        variance=variance,
        chi2=float(chi2),
        p=float(chdtrc(1, chi2)),
    )
