"""Synthesis of patient data: beyond the hazard ratio, with the reconstruction's uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence, pooling, survival
from oligomdt.analysis.estimates import describe
from oligomdt.analysis.pooled_curve import (
    arm_curves,
    before_the_end,
    common_horizon,
    half_patient,
    refuse_shared_patients,
    trial_weights,
)
from oligomdt.analysis.reconstruction import can_be_drawn, reconstruct
from oligomdt.analysis.synthesis import CONTRAST, PRIMARY_SCALE
from oligomdt.evidence import Cohort, Result, Trial
from oligomdt.pooling.validation import check_choice, check_positive
from oligomdt.reconstructkm.mixing import effective_size

if TYPE_CHECKING:
    import pandas as pd

    from oligomdt.analysis.reconstruction import Reconstruction

__all__ = [
    "ESTIMANDS",
    "comparison_times",
    "curve_reconstructions",
    "ipd_estimates",
    "ipd_prior_scales",
    "ipd_synthesis",
    "one_stage_synthesis",
    "rmst_draw_error",
    "synthesis_from_draws",
    "two_stage",
]

LANDMARKS = (6, 12, 24)


# ------------------------------------------------------------------ one trial, one data set


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
# Contrasts that are not on the scale of the hazard ratio, and factors for the scale of their
# prior on tau.
OTHER_SCALES = ("rmst", "rmst_ratio", "landmark")
FACTORS = (0.4, 1.0, 1.5)
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

    one = _chosen(estimand, options)
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
        if why := _not_usable(estimate, se):
            raise ValueError(f"{by} {name!r}: {why}")
        rows.append({"trial": name, "estimate": estimate, "se": se})
    if not rows:
        raise ValueError("ipd is empty; it needs one row per patient")
    return pd.DataFrame(rows)


def _chosen(estimand: str, options: Mapping[str, float]) -> Estimand:
    check_choice("estimand", estimand, tuple(ESTIMANDS))
    one = ESTIMANDS[estimand]
    wanted = [one.option] if one.option else []
    if sorted(options) != wanted:
        needs = f"needs the option {one.option!r}" if one.option else "has no option"
        given = f"given: {', '.join(sorted(options)) or 'none'}"
        raise ValueError(f"estimand {estimand!r} {needs}, in months; {given}")
    return one


def _not_usable(estimate: float, se: float) -> str:
    if not np.isfinite(estimate):
        return "the contrast is not defined, because the curve of an arm is at 0 or 1"
    if not (np.isfinite(se) and se > 0):
        return "its standard error is not defined, because the curve of an arm is at 0 or 1"
    return ""


# ------------------------------------------------------------------ many data sets of a trial


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
    one = _chosen(estimand, options)
    refuse_shared_patients(reconstructions)
    return _over_draws(draws_of(reconstructions), one, options)


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


def _over_draws(
    prepared: Sequence[Draws], one: Estimand, options: Mapping[str, float]
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for draws in prepared:
        pairs, reasons = [], []
        for frame in draws.frames:
            try:
                pair = one.estimate(frame, **options)
                reasons += [why] if (why := _not_usable(*pair)) else []
            except ValueError as error:
                pair, reasons = (np.nan, np.nan), [*reasons, str(error)]
            pairs.append(pair)
        rows.append(draws.row | _combined(pairs, reasons))
    first = ["result", "trial", "group", "label", "estimate", "se", "within_se", "share"]
    return pd.DataFrame(rows)[[*first, "draws", "basis", "checked", "note"]]


def _combined(pairs: Sequence[tuple[float, float]], reasons: Sequence[str]) -> dict[str, Any]:
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


# ------------------------------------------------------------------ what is analysed, and when


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


# ------------------------------------------------------------------ the trials of a histology


def ipd_estimates(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Every contrast of every reconstructed trial, at the times of `comparison_times`.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per contrast and trial: `group`, `estimand`, `what` (in words, with its time),
        `scale` ("ratio", "months" or "proportion"), `option` (its time, months, or nan),
        `tau_scale` (see `ipd_synthesis`), and the columns of `synthesis_from_draws`.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = ipd_estimates(trials)
    >>> frame.loc[frame["estimand"] == "cox", ["group", "result"]].values.tolist()
    [['NSCLC', 'CURB-NSCLC'], ['breast', 'CURB-breast']]
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    frames = []
    for group, members in curve_reconstructions(trials).items():
        apart, times = draws_of(members, trials), comparison_times(members)
        control = _control(members, times["horizon"])
        for estimand, options in _planned(times):
            one = ESTIMANDS[estimand]
            said = {
                "estimand": estimand,
                "what": one.label.format(*options.values()),
                "scale": one.scale,
                "option": float(next(iter(options.values()), np.nan)),
                "tau_scale": PRIMARY_SCALE * _unit(control, estimand, options),
            }
            frames.append(_over_draws(apart, one, options).assign(group=group, **said))
    frame = pd.concat(frames, ignore_index=True)
    first = ["group", "estimand", "what", "scale", "option", "tau_scale"]
    return frame[first + [name for name in frame if name not in first]]


def ipd_synthesis(estimates: pd.DataFrame) -> pd.DataFrame:
    """Pool every contrast over the reconstructed trials of each histology.

    The second of two stages: the Bayesian random-effects model of the main analysis
    (`histology_synthesis`), and the common effect beside it. The half-normal prior on tau has
    scale 0.5 for a log hazard ratio. On another scale it has 0.5 times what a change of the log
    hazard ratio by 1 means there at the pooled control curve under proportional hazards. That
    is the same assumption only to first order, where there is no effect, and for trials whose
    control arms are alike: on these scales control arms that differ spread the effects even
    where the hazard ratio is the same. `ipd_prior_scales` shows what other scales give.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `ipd_estimates`.

    Returns
    -------
    pandas.DataFrame
        One row per group and contrast: `group`, `estimand`, `what`, `scale`, `k` (trials in
        it), `estimate`, `low`, `high` (95 %, on the scale, ratios as such), `interval`
        ("credible", or "confidence" of a single trial), `p_benefit` (probability that the
        treatment is better), `common`, `common_low`, `common_high` (common effect), `share` (of
        the variance of the common effect that the reconstruction adds), `tau_scale` (of the
        prior), `checked`, `left_out` (trials in which it is not defined, with the reason).

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = ipd_synthesis(ipd_estimates(trials))
    >>> frame.loc[frame["estimand"] == "rmst", "what"].tolist()
    ['difference in RMST to 10 months', 'difference in RMST to 12 months']
    """
    import pandas as pd

    rows = []
    for names, own in estimates.groupby(["group", "what"], sort=False):
        first = own.iloc[0]
        said = dict(zip(("group", "what"), names, strict=True))
        said |= {"estimand": first["estimand"], "scale": first["scale"]}
        rows.append(said | _pooled(own, ESTIMANDS[first["estimand"]], first["tau_scale"]))
    return pd.DataFrame(rows)


def ipd_prior_scales(
    estimates: pd.DataFrame, factors: Iterable[float] = FACTORS
) -> pd.DataFrame:
    """Pool the differences and the ratio of means again with other scales of the prior on tau.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `ipd_estimates`.
    factors : iterable of float
        What the scale of the prior is multiplied by, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per group, contrast on another scale than that of the hazard ratio (of several
        trials), and factor: `factor` and the columns of `ipd_synthesis`.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> core = evidence.load()
    >>> trials = {name: core[name] for name in ("CURB", "EXTEND")}
    >>> frame = ipd_prior_scales(ipd_estimates(trials))
    >>> frame.loc[frame["estimand"] == "rmst", ["group", "factor"]].values.tolist()
    [['breast', 0.4], ['breast', 1.0], ['breast', 1.5]]
    """
    import pandas as pd

    own = estimates[estimates["estimand"].isin(OTHER_SCALES)]
    frames = []
    for factor in factors:
        factor = check_positive("factors", factor)
        pooled = ipd_synthesis(own.assign(tau_scale=factor * own["tau_scale"]))
        frames.append(pooled[pooled["k"] > 1].assign(factor=factor))
    return pd.concat(frames).sort_index(kind="stable").reset_index(drop=True)


def rmst_draw_error(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """How far the gain in months would move if the data sets were drawn again.

    The data sets of one chain of the sampler are alike, so that their mean is less certain
    than that of as many independent ones (`reconstructkm.mixing.effective_size`). This error
    is no part of the standard errors.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per trial that is drawn from statistics: `result`, `draws`, `effective` (number
        of independent data sets that would be worth as much) and `error` (standard error of
        the mean over data sets, months).

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = rmst_draw_error(trials)
    >>> frame[["result", "draws"]].values.tolist()
    [['CURB-NSCLC', 200], ['CURB-breast', 200]]
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for members in curve_reconstructions(trials).values():
        horizon = comparison_times(members)["horizon"]
        for one, draws in zip(members, draws_of(members, trials), strict=True):
            if one.chains:
                gains = [rmst_difference(frame, horizon)[0] for frame in draws.frames]
                worth = effective_size(np.reshape(gains, (one.chains, -1)))
                error = float(np.std(gains, ddof=1)) / worth**0.5
                row = {"result": one.result.id, "draws": len(gains)}
                rows.append(row | {"effective": worth, "error": error})
    return pd.DataFrame(rows)


ONE_STAGE_COLUMNS = (
    "group", "k", "what", "hr", "low", "high", "tau", "share",
    "interaction_p_low", "interaction_p", "interaction_p_high", "checked",
)  # fmt: skip


def one_stage_synthesis(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Hazard ratio from the patients of all reconstructed trials of a histology at once.

    Cox regression stratified by trial, with a common and with a random treatment effect
    (`pooling.one_stage`, `pooling.one_stage_random`), in each data set, combined by Rubin's
    rules; data set i of each trial goes with data set i of the others, which were drawn
    independently.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        Of each group of several trials two rows: `group`, `what`, `k`, `hr`, `low`, `high`
        (95 % confidence), `tau` (mean over data sets; nan for the common effect), `share`,
        `interaction_p` and `interaction_p_low`, `interaction_p_high` (likelihood-ratio test of
        treatment by trial: median and range over data sets; nan for the random effect and
        where it is not defined in some data set), `checked`.

    Examples
    --------
    A histology with one trial has nothing to combine:

    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> one_stage_synthesis(trials).empty
    True
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for group, members in curve_reconstructions(trials).items():
        if len(members) > 1:
            said = {"group": group, "k": len(members)}
            rows += [said | row for row in _one_stage_rows(draws_of(members, trials))]
    return pd.DataFrame(rows, columns=ONE_STAGE_COLUMNS)


def _planned(times: Mapping[str, Any]):
    """Every contrast with its time, in the order of the tables."""
    for estimand, one in ESTIMANDS.items():
        if one.option == "time":
            for time in times["landmarks"]:
                yield estimand, {"time": time}
        else:
            yield estimand, {one.option: times[one.option]} if one.option else {}


def _control(members: Sequence[Reconstruction], horizon: float) -> tuple[np.ndarray, ...]:
    """Times, and the pooled survival of the control arms: mean over data sets and trials."""
    grid = np.arange(10 * horizon + 1) / 10
    surv = sum(
        weight * arm_curves(one, "control", grid).surv.mean(axis=0)
        for weight, one in zip(trial_weights(members), members, strict=True)
    )
    return grid, surv


def _unit(
    control: tuple[np.ndarray, ...], estimand: str, options: Mapping[str, float]
) -> float:
    """What a log hazard ratio of 1 below 0 means on the scale of an estimand, to first order.

    With cumulative hazard H of the control arm, S changes by S H and the restricted mean by
    the area under S H.
    """
    grid, surv = control
    change = -surv * np.log(np.maximum(surv, 1e-12))
    if estimand == "landmark":
        return float(change[np.isclose(grid, options["time"])][0])
    if estimand in ("rmst", "rmst_ratio"):
        area = float(np.trapezoid(change, grid))
        return area if estimand == "rmst" else area / float(np.trapezoid(surv, grid))
    return 1.0


def _pooled(estimates: pd.DataFrame, one: Estimand, tau_scale: float) -> dict[str, Any]:
    own = estimates[estimates["estimate"].notna()]
    missing = estimates[estimates["estimate"].isna()]
    reasons = [f"{row['label']}: {row['note']}" for row in missing.to_dict("records")]
    said = {
        "k": len(own),
        "checked": bool(own["checked"].all()),
        "left_out": "; ".join(reasons),
        "tau_scale": tau_scale if len(own) > 1 else np.nan,
    }
    if own.empty:
        names = (*SHOWN, "p_benefit", *COMMON, "share")
        return dict.fromkeys(names, np.nan) | {"interval": ""} | said
    y, se = own["estimate"].to_numpy(), own["se"].to_numpy()
    fit = pooling.pool(y, se, tau2="CE")
    limits = _on_scale((fit.mu, fit.ci_low, fit.ci_high), one.scale)
    said |= dict(zip(COMMON, limits, strict=True))
    # With inverse-variance weights each trial has its weight in the variance of the mean.
    said["share"] = float(fit.weights @ own["share"].to_numpy())
    if len(own) == 1:
        same = dict(zip(SHOWN, limits, strict=True))
        return same | {"interval": "confidence", "p_benefit": np.nan} | said
    return _posterior(pooling.bayes(y, se, tau_scale=tau_scale), one) | said


SHOWN, COMMON = ("estimate", "low", "high"), ("common", "common_low", "common_high")


def _posterior(fit: pooling.BayesianEffect, one: Estimand) -> dict[str, Any]:
    limits = _on_scale((fit.mu.median, fit.mu.ci_low, fit.mu.ci_high), one.scale)
    below = float(fit.mu.p_hr_below(1))
    # A ratio of hazards favours treatment below 1, every other contrast above its null.
    better = below if _lower_is_better(one) else 1 - below
    shown = dict(zip(SHOWN, limits, strict=True))
    return shown | {"interval": "credible", "p_benefit": better}


def _lower_is_better(one: Estimand) -> bool:
    return one.scale == RATIO and one.estimate is not rmst_log_ratio


def _on_scale(values: Sequence[float], scale: str) -> list[float]:
    return [float(np.exp(value)) if scale == RATIO else float(value) for value in values]


def _one_stage_rows(apart: Sequence[Draws]) -> list[dict[str, Any]]:
    import pandas as pd

    fits: dict[str, list[pooling.OneStageEffect]] = {}
    for i in range(max(len(draws.frames) for draws in apart)):
        stacked = pd.concat(
            [
                draws.frames[i % len(draws.frames)].assign(trial=draws.row["result"])
                for draws in apart
            ],
            ignore_index=True,
        )
        fits.setdefault("common effect", []).append(pooling.one_stage(stacked))
        fits.setdefault("random effect", []).append(pooling.one_stage_random(stacked))
    rows = []
    for what, found in fits.items():
        combined = _combined([(one.mu, one.se) for one in found], [])
        estimate = pooling.Estimate(combined["estimate"], combined["se"])
        low, high = estimate.ci(0.95)
        p = np.array([one.interaction_p for one in found])
        tested = dict(
            zip(
                ("interaction_p_low", "interaction_p", "interaction_p_high"),
                np.quantile(p, [0, 0.5, 1]) if np.isfinite(p).all() else [np.nan] * 3,
                strict=True,
            )
        )
        tau = float(np.mean([one.tau2**0.5 for one in found]))
        rows.append(
            {"what": what, "hr": estimate.hr, "low": low, "high": high}
            | {"tau": tau if what == "random effect" else np.nan, "share": combined["share"]}
            | tested
            | {"checked": all(draws.row["checked"] for draws in apart)}
        )
    return rows
