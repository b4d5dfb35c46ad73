"""Contrasts of the two arms of one data set, each with its standard error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oligomdt import survival
from oligomdt.analysis.pooled_curve import before_the_end, half_patient
from oligomdt.pooling.validation import check_choice

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ESTIMANDS", "two_stage"]


def hazard_ratio(ipd: pd.DataFrame) -> tuple[float, float]:
    """Log hazard ratio by Cox regression, and its standard error."""
    fit = survival.cox(ipd)
    return fit.log_hr, fit.se


def log_rank(ipd: pd.DataFrame) -> tuple[float, float]:
    """Log hazard ratio (O - E) / V of the log-rank test, and its standard error."""
    fit = survival.logrank(ipd)
    return fit.log_hr, fit.se


def rmst_difference(ipd: pd.DataFrame, horizon: float) -> tuple[float, float]:
    """Difference of the restricted mean survival times, months, and its standard error."""
    fit = survival.rmst(ipd, horizon)
    return fit.difference, fit.difference_se


def rmst_log_ratio(ipd: pd.DataFrame, horizon: float) -> tuple[float, float]:
    """Logarithm of the ratio of the restricted mean survival times, and its standard error."""
    fit = survival.rmst(ipd, horizon)
    parts = (fit.experimental, fit.control)
    return float(np.log(fit.ratio)), float(np.hypot(*(one.se / one.rmst for one in parts)))


def survival_difference(ipd: pd.DataFrame, time: float) -> tuple[float, float]:
    """Difference of survival at one time, and its standard error.

    Greenwood's variance, with half a patient added to an arm whose curve is at 1 or at 0.
    """
    fit = survival.landmark(ipd, time)
    variance = 0.0
    for arm in ("control", "experimental"):
        surv, se = getattr(fit, arm), getattr(fit, f"{arm}_se")
        if 0 < surv < 1:
            variance += se**2
        else:
            own = ipd[ipd["arm"] == arm]
            n = (own["time"] > time).sum() if surv else _before_the_end(own)
            variance += half_patient(float(n))
    return fit.difference, variance**0.5


def _before_the_end(own: pd.DataFrame) -> float:
    from oligomdt.survival.kaplan_meier import curve

    return before_the_end(curve(own["time"].to_numpy(), own["event"].to_numpy()))


def cumulative_hazard_ratio(ipd: pd.DataFrame, time: float) -> tuple[float, float]:
    """Logarithm of the ratio of the cumulative hazards at one time, and its standard error."""
    fit = survival.landmark(ipd, time)
    return fit.log_cumhaz_ratio, fit.log_cumhaz_ratio_se


def early_hazard_ratio(ipd: pd.DataFrame, cut: float) -> tuple[float, float]:
    """Log hazard ratio up to the cut, and its standard error."""
    return hazard_ratio(
        ipd.assign(
            time=np.minimum(ipd["time"], cut), event=ipd["event"].where(ipd["time"] <= cut, 0)
        )
    )


def late_hazard_ratio(ipd: pd.DataFrame, cut: float) -> tuple[float, float]:
    """Log hazard ratio after the cut, of those then still at risk, and its standard error."""
    late = ipd[ipd["time"] > cut]
    if late.empty:
        raise ValueError(f"cut: {cut:g} is not before the last time ({ipd['time'].max():g})")
    return hazard_ratio(late)


class Estimand(NamedTuple):
    """What is estimated in each trial: in words, on which scale, at which time, and how."""

    label: str
    scale: str
    option: str
    estimate: Callable[..., tuple[float, float]]


RATIO, MONTHS, PROPORTION = "ratio", "months", "proportion"
ESTIMANDS = {
    "cox": Estimand("hazard ratio, Cox", RATIO, "", hazard_ratio),
    "logrank": Estimand("hazard ratio, log-rank O-E", RATIO, "", log_rank),
    "early": Estimand("hazard ratio up to {:g} months", RATIO, "cut", early_hazard_ratio),
    "late": Estimand("hazard ratio after {:g} months", RATIO, "cut", late_hazard_ratio),
    "log_cumhaz": Estimand(
        "cumulative hazard ratio at {:g} months", RATIO, "time", cumulative_hazard_ratio
    ),
    "rmst": Estimand("difference in RMST to {:g} months", MONTHS, "horizon", rmst_difference),
    "rmst_ratio": Estimand("ratio of RMST to {:g} months", RATIO, "horizon", rmst_log_ratio),
    "landmark": Estimand(
        "difference in PFS at {:g} months", PROPORTION, "time", survival_difference
    ),
}


def two_stage(
    ipd: pd.DataFrame, estimand: str, by: str = "trial", **options: float
) -> pd.DataFrame:
    """Estimate the same contrast in each trial: the first of two stages.

    The second stage is `oligomdt.pooling.pool` or `oligomdt.pooling.bayes` on the columns
    `estimate` and `se` (Burke, Ensor and Riley 2017, doi:10.1002/sim.7141).

    Parameters
    ----------
    ipd : pandas.DataFrame
        One row per patient: `time` (months), `event` (0 or 1), `arm`, and the column `by`.
    estimand : str
        "cox", "logrank" (log hazard ratios), "early", "late" (log hazard ratios up to and after
        `cut`), "rmst" (difference, months), "rmst_ratio" (logarithm), both up to `horizon`,
        "landmark" (difference in survival) and "log_cumhaz" (log ratio of the cumulative
        hazards), both at `time`. Always experimental versus control.
    by : str
        Column that says which trial a patient was in.
    **options
        `cut`, `horizon` or `time` in months, where the estimand has one.

    Returns
    -------
    pandas.DataFrame
        One row per trial in order of appearance: `trial`, `estimate`, `se`.

    Raises
    ------
    ValueError
        For an unknown estimand, a missing or superfluous option, or a trial in which the
        contrast cannot be estimated; the message names the trial.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12], "trial": "A",
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> two_stage(ipd, "rmst", horizon=8)["estimate"].tolist()
    [1.5]
    """
    import pandas as pd

    one = estimand_named(estimand, options)
    if by not in ipd:
        raise ValueError(f"ipd has no column {by!r}; it must name the trial of each patient")
    if ipd[by].isna().any():
        raise ValueError(f"ipd column {by!r}: missing value; every patient needs a trial")
    rows = []
    for name, own in ipd.groupby(by, sort=False, observed=True):
        try:
            estimate, se = one.estimate(own, **options)
        except ValueError as error:
            raise ValueError(f"{by} {name!r}: {error}") from error
        if why := not_usable(estimate, se):
            raise ValueError(f"{by} {name!r}: {why}")
        rows.append({"trial": name, "estimate": estimate, "se": se})
    if not rows:
        raise ValueError("ipd is empty; it needs one row per patient")
    return pd.DataFrame(rows)


def estimand_named(estimand: str, options: Mapping[str, float]) -> Estimand:
    """The contrast of a name, if the option that it needs is given and no other."""
    check_choice("estimand", estimand, tuple(ESTIMANDS))
    one = ESTIMANDS[estimand]
    wanted = [one.option] if one.option else []
    if sorted(options) != wanted:
        needs = f"needs the option {one.option!r}" if one.option else "has no option"
        given = f"given: {', '.join(sorted(options)) or 'none'}"
        raise ValueError(f"estimand {estimand!r} {needs}, in months; {given}")
    return one


def not_usable(estimate: float, se: float) -> str:
    """Why an estimate cannot be pooled; empty if it can."""
    if not np.isfinite(estimate):
        return "the contrast is not defined, because the curve of an arm is at 0 or 1"
    if not (np.isfinite(se) and se > 0):
        return "its standard error is not defined, because the curve of an arm is at 0 or 1"
    return ""
