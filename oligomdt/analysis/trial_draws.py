"""The data sets drawn for each trial, and what they say together by Rubin's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.contrasts import Estimand, estimand_named, not_usable
from oligomdt.analysis.estimates import describe
from oligomdt.analysis.pooled_curve import common_horizon, refuse_shared_patients
from oligomdt.analysis.reconstruction import can_be_drawn, reconstruct
from oligomdt.analysis.synthesis import CONTRAST
from oligomdt.evidence import Cohort, Result, Trial

if TYPE_CHECKING:
    import pandas as pd

    from oligomdt.analysis.reconstruction import Reconstruction

__all__ = ["comparison_times", "curve_reconstructions", "synthesis_from_draws"]

LANDMARKS = (6, 12, 24)


def synthesis_from_draws(
    reconstructions: Sequence[Reconstruction], estimand: str, **options: float
) -> pd.DataFrame:
    """Estimate a contrast in each reconstructed trial, over all of its data sets.

    Each data set is analysed alone, and the estimates of a trial are combined by Rubin's rules
    before the trials are pooled (Burgess and others 2013, doi:10.1002/sim.5844), so that `se`
    holds the uncertainty of the reconstruction.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction
        Of different patients.
    estimand : str
        As in `two_stage`.
    **options
        As in `two_stage`.

    Returns
    -------
    pandas.DataFrame
        One row per trial: `result`, `trial`, `group`, `label`, `estimate` (log scale for
        ratios), `se`, `within_se` (without the uncertainty of the reconstruction), `share` (of
        the variance that the reconstruction adds), `draws`, `basis`, `checked`, `note`. Where
        the contrast is not defined in some data sets the numbers are nan and `note` says in how
        many and why: leaving these data sets out would select the others.

    Raises
    ------
    ValueError
        For an unknown estimand or option, or two results that hold the same patients.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> frame = synthesis_from_draws([analysis.reconstruct("CURB-NSCLC")], "rmst", horizon=9)
    >>> frame["draws"].tolist()
    [200]
    """
    one = estimand_named(estimand, options)
    refuse_shared_patients(reconstructions)
    return over_draws(draws_of(reconstructions), one, options)


class Draws(NamedTuple):
    """The data sets of one result, apart, with what a row says of the result."""

    row: dict[str, Any]
    frames: list[pd.DataFrame]


def draws_of(
    reconstructions: Sequence[Reconstruction], trials: Mapping[str, Trial] | None = None
) -> list[Draws]:
    """The data sets of each reconstruction, apart."""
    trials = evidence.load() if trials is None else trials
    apart = []
    for one in reconstructions:
        trial, result = trials[one.result.trial], one.result
        said = describe(trial, trial.cohorts[result.cohort], result)
        row = {name: said[name] for name in ("result", "trial", "group", "label")}
        row |= {"checked": bool(not result.hr or result.hr.checked), "basis": one.basis}
        columns = ["time", "event", "arm"]
        frames = [own[columns] for _, own in one.data.groupby("draw", sort=True)]
        apart.append(Draws(row, frames))
    return apart


def over_draws(
    prepared: Sequence[Draws], one: Estimand, options: Mapping[str, float]
) -> pd.DataFrame:
    """Estimate a contrast in every data set of every trial: see `synthesis_from_draws`."""
    import pandas as pd

    rows = []
    for draws in prepared:
        pairs, reasons = [], []
        for frame in draws.frames:
            try:
                pair = one.estimate(frame, **options)
                reasons += [why] if (why := not_usable(*pair)) else []
            except ValueError as error:
                pair, reasons = (np.nan, np.nan), [*reasons, str(error)]
            pairs.append(pair)
        rows.append(draws.row | combined_draws(pairs, reasons))
    first = ["result", "trial", "group", "label", "estimate", "se", "within_se", "share"]
    return pd.DataFrame(rows)[[*first, "draws", "basis", "checked", "note"]]


def combined_draws(
    pairs: Sequence[tuple[float, float]], reasons: Sequence[str]
) -> dict[str, Any]:
    """Estimates and standard errors of all data sets together, or why they have none."""
    if reasons:
        numbers = dict.fromkeys(("estimate", "se", "within_se", "share"), np.nan)
        note = f"not defined in {len(reasons)} of {len(pairs)} data sets: {reasons[0]}"
        return numbers | {"draws": len(pairs), "note": note}
    estimates, errors = np.array(pairs).T
    if len(pairs) == 1:
        one = {"estimate": float(estimates[0]), "se": float(errors[0]), "share": 0.0}
        return one | {"within_se": float(errors[0]), "draws": 1, "note": "one data set"}
    found = pooling.rubin(estimates, errors)
    return {
        "estimate": found.estimate,
        "se": found.se,
        "within_se": found.within**0.5,
        "share": found.share,
        "draws": found.draws,
        "note": "",
    }


def curve_reconstructions(
    trials: Mapping[str, Trial] | None = None,
) -> dict[str, list[Reconstruction]]:
    """Reconstructions of each histology for results beyond the hazard ratio.

    Of each cohort that the main analysis pools or shows, the same report, if it prints the
    median of both arms; else the latest report that does; else the same report. A curve that
    rests on survival after years alone says nothing of the first months.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    dict of str to list of Reconstruction
        Histology to one reconstruction per cohort; no patient is in two of them.

    Examples
    --------
    >>> chosen = curve_reconstructions()
    >>> [one.result.id for one in chosen["mixed"]]
    ['SABR-COMET-2019']
    """
    trials = evidence.load() if trials is None else trials
    chosen: dict[str, list[Reconstruction]] = {}
    for trial in trials.values():
        for cohort in trial.cohorts.values():
            result = _curve_result(trial, cohort) if cohort.group else None
            if result is not None:
                chosen.setdefault(cohort.group, []).append(reconstruct(result))
    for members in chosen.values():
        refuse_shared_patients(members, trials)
    order = {name: place for place, name in enumerate(CONTRAST)}
    return dict(sorted(chosen.items(), key=lambda item: order.get(item[0], len(order))))


def _curve_result(trial: Trial, cohort: Cohort) -> Result | None:
    def year(result: Result) -> int:
        return trial.reports[result.report].year

    main = cohort.results[cohort.primary]
    others = sorted(cohort.results.values(), key=year, reverse=True)
    for result in (main, *others):
        if can_be_drawn(result) and all(arm.median for arm in result.arms.values()):
            return result
    return main if can_be_drawn(main) else None


def comparison_times(reconstructions: Sequence[Reconstruction]) -> dict[str, Any]:
    """The times at which the trials of a histology are compared, by rule.

    `horizon`: `common_horizon`. `cut` between early and late: half of the horizon, in whole
    months (rounded down, at least 1). `landmarks`: those of 6, 12 and 24 months that the
    horizon reaches. No effect of treatment enters any of them.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction

    Returns
    -------
    dict
        `horizon`, `cut` (months) and `landmarks` (tuple of months).

    Examples
    --------
    >>> from oligomdt import analysis
    >>> comparison_times([analysis.reconstruct("CURB-breast")])["landmarks"]
    (6, 12)
    """
    horizon = common_horizon(reconstructions)
    cut = max(1, horizon // 2)
    landmarks = tuple(time for time in LANDMARKS if time <= horizon)
    return {"horizon": horizon, "cut": cut, "landmarks": landmarks}
