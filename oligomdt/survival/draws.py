"""Cox regression of many data sets at once."""

from dataclasses import replace

import numpy as np
import pandas as pd

from .cox import STEPS, risk_sets
from .ipd import event_table, patients


def cox_draws(ipd, ties="efron"):
    """Estimate the hazard ratio in each of many draws by Cox regression.

    As `cox`, draw by draw, but all Newton steps are taken together: sixty thousand data sets of
    sixty patients take seconds.

    Parameters
    ----------
    ipd : DataFrame
        One row per draw and patient: `draw`, `time` (months, 0 or later), `event` (0 or 1),
        `arm`. Draws need not be of the same size.
    ties : {"efron", "breslow"}
        How tied event times are handled.

    Returns
    -------
    DataFrame
        One row per draw, in order of appearance: `draw`, `log_hr`, `se`, `n`, `events`.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame with a column `draw`, or the hazard ratio of a
        draw is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"draw": [0] * 8 + [1] * 8,
    ...                     "time": [2, 4, 6, 8, 3, 7, 9, 12] * 2,
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0] + [1, 0, 1, 1, 1, 1, 1, 0],
    ...                     "arm": (["control"] * 4 + ["experimental"] * 4) * 2})
    >>> cox_draws(ipd)[["log_hr", "se"]].round(3).values.tolist()
    [[-0.775, 0.931], [-0.915, 0.928]]
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties: {ties!r} is not one of 'efron', 'breslow'")
    code, draws = _draws(ipd)
    p = replace(patients(ipd.drop(columns="draw")), stratum=code)
    table = event_table(p)
    rows = (*risk_sets(table, ties), np.repeat(table.stratum, table.d))
    _require_finite(*rows, draws)
    log_hr, se = _maximise(*rows, len(draws))
    n, events = np.bincount(code), np.bincount(rows[3])
    return pd.DataFrame({"draw": draws, "log_hr": log_hr, "se": se, "n": n, "events": events})


def _draws(ipd):
    if not isinstance(ipd, pd.DataFrame):
        raise TypeError(f"ipd must be a pandas DataFrame, not {type(ipd).__name__}")
    if "draw" not in ipd.columns:
        raise ValueError("ipd has no column 'draw'; for one data set use cox")
    code, draws = pd.factorize(ipd["draw"])
    if np.any(code < 0):
        raise ValueError("ipd column 'draw': missing value; every row belongs to a draw")
    return code, draws


def _require_finite(risk1, risk0, died1, draw, draws):
    # The score's limits as the log hazard ratio goes to plus and minus infinity.
    observed, lowest, highest = (
        np.bincount(draw, x, minlength=len(draws)) for x in (died1, risk0 == 0, risk1 > 0)
    )
    bad = np.flatnonzero((observed <= lowest + 1e-9) | (observed >= highest - 1e-9))
    if len(bad):
        raise ValueError(
            f"draw {draws[bad[0]]} (one of {len(bad)} such draws): the hazard ratio is not "
            "finite: whenever both arms were at risk, every event was in the same arm"
        )


def _maximise(risk1, risk0, died1, draw, size):
    """Log hazard ratios and standard errors: Newton's steps inside closing brackets."""
    with np.errstate(divide="ignore"):
        odds = risk0 / risk1
    rows = np.bincount(draw, minlength=size)
    first = np.cumsum(rows) - rows
    observed = np.add.reduceat(died1, first)
    low, high, log_hr = np.full(size, -50.0), np.full(size, 50.0), np.zeros(size)
    for _ in range(STEPS):
        p = 1 / (1 + odds * np.repeat(np.exp(-log_hr), rows))
        score = observed - np.add.reduceat(p, first)
        information = np.add.reduceat(p * (1 - p), first)
        low, high = np.where(score > 0, log_hr, low), np.where(score > 0, high, log_hr)
        following = log_hr + score / np.maximum(information, 1e-300)
        outside = (following <= low) | (following >= high)
        following = np.where(outside, (low + high) / 2, following)
        step, log_hr = np.abs(following - log_hr).max(), following
        if step < 1e-12:
            return log_hr, information**-0.5
    raise ValueError(f"the Cox score equations did not converge in {STEPS} steps")
