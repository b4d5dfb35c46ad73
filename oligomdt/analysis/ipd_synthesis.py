"""Synthesis of patient data: beyond the hazard ratio, with the reconstruction's uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.contrasts import (
    ESTIMANDS,
    RATIO,
    Estimand,
    rmst_difference,
    rmst_log_ratio,
)
from oligomdt.analysis.pooled_curve import arm_curves, trial_weights
from oligomdt.analysis.synthesis import PRIMARY_SCALE
from oligomdt.analysis.trial_draws import (
    Draws,
    combined_draws,
    comparison_times,
    curve_reconstructions,
    draws_of,
    over_draws,
)
from oligomdt.evidence import Trial
from oligomdt.pooling.validation import check_positive
from oligomdt.reconstructkm.mixing import effective_size

if TYPE_CHECKING:
    import pandas as pd

    from oligomdt.analysis.reconstruction import Reconstruction

__all__ = [
    "ipd_estimates",
    "ipd_prior_scales",
    "ipd_synthesis",
    "one_stage_synthesis",
    "rmst_draw_error",
]

# Contrasts that are not on the scale of the hazard ratio, and factors for the scale of their
# prior on tau.
OTHER_SCALES = ("rmst", "rmst_ratio", "landmark")
FACTORS = (0.4, 1.0, 1.5)


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
            frames.append(over_draws(apart, one, options).assign(group=group, **said))
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
        combined = combined_draws([(one.mu, one.se) for one in found], [])
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
