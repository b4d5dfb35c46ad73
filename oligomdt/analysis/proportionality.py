"""Are the hazards proportional? The hazard ratio over time in each reconstructed trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling, survival
from oligomdt.analysis.trial_draws import curve_reconstructions, draws_of
from oligomdt.evidence import Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["hr_over_time", "proportionality", "weighted_tests"]

STEP = 0.25
# Fleming and Harrington's rho and gamma, and what they give weight to.
WEIGHTS = {"all alike": (0, 0), "early": (1, 0), "late": (0, 1)}


def proportionality(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Test proportional hazards in each reconstructed trial, over all of its data sets.

    In each data set a log hazard ratio that is linear in the logarithm of time is fitted; its
    slopes are combined by Rubin's rules. Beside it the p-values of the usual score test
    (Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515) in the data sets: where they
    differ widely, the published numbers leave open whether hazards are proportional.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per trial: `group`, `label`, `ratio` (of the hazard ratios when the time
        doubles; above 1 the effect wanes), `low`, `high` (95 %), `p` (of no change), `share`
        (of the variance of the slope that the reconstruction adds), `test_p_median`,
        `test_p_low`, `test_p_high` (median and middle 90 % of the score test's p over data
        sets), `test_below` (share of data sets with p below 0.05), `draws`, `checked`, `note`
        (where the change is not defined in some data sets, in how many and why; its numbers
        are then nan).

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = proportionality(trials)
    >>> frame[["group", "label", "draws"]].values.tolist()
    [['NSCLC', 'CURB, NSCLC (2024)', 200], ['breast', 'CURB, breast (2024)', 200]]
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for group, members in curve_reconstructions(trials).items():
        for draws in draws_of(members, trials):
            p = np.array([survival.ph_test(frame).p for frame in draws.frames])
            low, middle, high = np.quantile(p, [0.05, 0.5, 0.95])
            row = {"group": group, "label": draws.row["label"]} | _change(draws.frames)
            row |= {"test_p_median": middle, "test_p_low": low, "test_p_high": high}
            row |= {"test_below": float((p < 0.05).mean()), "draws": len(p)}
            rows.append(row | {"checked": draws.row["checked"]})
    return pd.DataFrame(rows)


def _change(frames: Sequence[pd.DataFrame]) -> dict[str, Any]:
    fits, reason = _fits(frames)
    names = ("ratio", "low", "high", "p", "share")
    if reason:
        return dict.fromkeys(names, np.nan) | {"note": reason}
    found = _combined(
        [one.coefficients[1] for one in fits],
        [one.covariance[1, 1] ** 0.5 for one in fits],
    )
    doubled = np.log(2) * np.array([found.estimate, *found.limits()])
    numbers = (*np.exp(doubled).tolist(), found.p, found.share)
    return dict(zip(names, numbers, strict=True)) | {"note": ""}


def _fits(frames: Sequence[pd.DataFrame]) -> tuple[list[survival.TimeVaryingResult], str]:
    """A fit for each data set, or in how many there is none and why."""
    fits, reasons = [], []
    for frame in frames:
        try:
            fits.append(survival.time_varying(frame))
        except ValueError as error:
            reasons.append(str(error))
    if reasons:
        return fits, f"not defined in {len(reasons)} of {len(frames)} data sets: {reasons[0]}"
    return fits, ""


def _combined(estimates: Sequence[float], se: Sequence[float]) -> pooling.CombinedEstimate:
    if len(estimates) > 1:
        return pooling.rubin(estimates, se)
    (value,), (error,) = estimates, se
    single = {"draws": 1, "within": error**2, "between": 0.0, "total": error**2}
    return pooling.CombinedEstimate(float(value), float(error), **single, share=0.0, df=np.inf)


def hr_over_time(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """The hazard ratio over time in each reconstructed trial.

    As in `proportionality`: linear in the logarithm of time in each data set, and combined over
    the data sets at each time. The straight line is an assumption, made to see a trend in few
    events; it is no estimate of the hazard ratio at one moment.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        `group`, `label`, `time` (months; from the first to the last event time that all data
        sets have with both arms at risk), `hr`, `low`, `high` (95 %), `within_low`,
        `within_high` (the same without the uncertainty of the reconstruction), `share`,
        `constant` (hazard ratio by Cox regression, mean over data sets), `basis`, `checked`. A
        trial in which the line is not defined in every data set is left out; `proportionality`
        says why.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = hr_over_time(trials)
    >>> frame["label"].unique().tolist()
    ['CURB, NSCLC (2024)', 'CURB, breast (2024)']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    frames = []
    for group, members in curve_reconstructions(trials).items():
        for draws in draws_of(members, trials):
            fits, reason = _fits(draws.frames)
            if not reason:
                constant = np.exp(np.mean([survival.cox(one).log_hr for one in draws.frames]))
                said = {"group": group, "label": draws.row["label"]}
                said |= {"constant": float(constant)}
                said |= {name: draws.row[name] for name in ("basis", "checked")}
                frames.append(_line(fits).assign(**said))
    if not frames:
        raise ValueError("trials: the hazard ratio over time is defined in none of them")
    columns = ["group", "label", "time", "hr", "low", "high", "within_low", "within_high"]
    frame = pd.concat(frames, ignore_index=True)
    return frame[[*columns, "share", "constant", "basis", "checked"]]


def _line(fits: Sequence[survival.TimeVaryingResult]) -> pd.DataFrame:
    import pandas as pd

    first, last = max(one.first for one in fits), min(one.last for one in fits)
    grid = np.arange(np.ceil(first / STEP), np.floor(last / STEP) + 1) * STEP
    design = np.column_stack([np.ones(len(grid)), np.log(grid)])
    log_hr = np.array([one.coefficients for one in fits]) @ design.T
    covariance = np.array([one.covariance for one in fits])
    se = np.sqrt(np.einsum("ti,mij,tj->mt", design, covariance, design))
    rows = []
    for time, estimates, errors in zip(grid, log_hr.T, se.T, strict=True):
        found = _combined(estimates, errors)
        within = 1.959963984540054 * found.within**0.5
        limits = found.limits()
        values = [found.estimate, *limits, found.estimate - within, found.estimate + within]
        rows.append([time, *np.exp(values), found.share])
    names = ["time", "hr", "low", "high", "within_low", "within_high", "share"]
    return pd.DataFrame(rows, columns=names)


def weighted_tests(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Log-rank tests that give weight to early or to late progressions.

    Fleming and Harrington's weights (`survival.weighted_logrank`) in each data set; the
    weighted O - E is combined over the data sets by Rubin's rules, and added over the trials of
    a histology, each compared within itself. Only one of the tests can be the planned one: the
    smallest p of three is not a p.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per trial and weight, then per histology of several trials ("all trials"):
        `group`, `label`, `weight` ("all alike": the usual test; "early", "late"), `z` (below 0
        favours the experimental arm), `p` (two-sided), `share` (of the variance that the
        reconstruction adds), `checked`.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = weighted_tests(trials)
    >>> frame.loc[frame["group"] == "NSCLC", "weight"].tolist()
    ['all alike', 'early', 'late']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for group, members in curve_reconstructions(trials).items():
        apart = draws_of(members, trials)
        for weight, (rho, gamma) in WEIGHTS.items():
            scores = [_score(draws.frames, rho, gamma) for draws in apart]
            said = {"group": group, "weight": weight}
            for draws, score in zip(apart, scores, strict=True):
                checked = {"label": draws.row["label"], "checked": draws.row["checked"]}
                rows.append(said | checked | _tested([score]))
            if len(apart) > 1:
                checked = {"checked": all(draws.row["checked"] for draws in apart)}
                rows.append(said | {"label": "all trials"} | checked | _tested(scores))
    return pd.DataFrame(rows)[["group", "label", "weight", "z", "p", "share", "checked"]]


def _score(
    frames: Sequence[pd.DataFrame], rho: float, gamma: float
) -> pooling.CombinedEstimate:
    found = [survival.weighted_logrank(frame, rho, gamma) for frame in frames]
    return _combined([one.u for one in found], [one.v**0.5 for one in found])


def _tested(scores: Sequence[pooling.CombinedEstimate]) -> dict[str, float]:
    total, within = (sum(getattr(s, part) for s in scores) for part in ("total", "within"))
    summed = pooling.Estimate(sum(one.estimate for one in scores), total**0.5)
    return {"z": summed.log_hr / summed.se, "p": summed.p, "share": 1 - within / total}
