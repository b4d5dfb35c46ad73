"""Absolute effects: what a hazard ratio means for 100 patients at a given time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.estimates import published_estimates
from oligomdt.analysis.pooled_curve import control_pull, control_survival
from oligomdt.analysis.reconstruction import can_be_drawn, find, reconstruct
from oligomdt.analysis.sensitivity import default_row, with_context
from oligomdt.analysis.synthesis import PRIMARY_SCALE, histology_synthesis
from oligomdt.analysis.trial_draws import curve_reconstructions, draws_of
from oligomdt.evidence import Trial
from oligomdt.pooling.validation import check_level, check_positive
from oligomdt.survival.ipd import followed_times

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

__all__ = ["absolute_effects", "absolute_synthesis"]

TIMES = (6, 12, 24)
# Nodes of the control curve, in standard errors, over which the interval is integrated.
NODES = np.linspace(-8, 8, 161)
# Share of the posterior of tau that its least likely nodes may leave out.
NEGLIGIBLE = 1e-12
# Standard error of ln(-ln S) beyond which the delta method says nothing about S.
WIDEST = 10.0


def absolute_effects(
    control_survival: pd.DataFrame,
    log_hr: float,
    se: float,
    times: Iterable[float] = TIMES,
    level: float = 0.95,
    covariance: float = 0.0,
) -> pd.DataFrame:
    """Patients of 100 who are free of progression with and without the treatment.

    Under proportional hazards a control group with survival S has survival ``S**HR`` under
    treatment. Both S and HR are uncertain: the logarithm of HR and ``ln(-ln S)`` are taken as
    jointly normal, and the limits of the difference are the quantiles of its distribution, by
    numerical integration. (GRADE's absolute effects for times to an event: Skoetz and others
    2020, doi:10.1016/j.jclinepi.2019.10.015.)

    The two are independent where S is that of other patients than those of the HR. Where S is
    the control arm of the very trial, an arm that happened to fare badly makes S too low and
    the HR too low together: under proportional hazards their covariance is -1 over the events
    of the control arm, and without it the limits are too narrow.

    Parameters
    ----------
    control_survival : pandas.DataFrame
        `time` (months), `surv` (0 to 1) and `se` (standard error of `surv`, 0 for a control
        survival that is taken as known), one row per time.
    log_hr, se : float
        Pooled log hazard ratio, experimental versus control, and its standard error (above 0).
    times : iterable of float
        Months; each must be a time of `control_survival`.
    level : float
        Level of the intervals, between 0 and 1.
    covariance : float
        Of `log_hr` and ``ln(-ln S)``; -1 / d for the control arm, with d events, of the one
        trial that gave the hazard ratio. Not used where S is taken as known.

    Returns
    -------
    pandas.DataFrame
        One row per time: `time`, `per_100_control` and `per_100_experimental` (of 100
        patients, those free of progression) with their limits `control_low`, `control_high`,
        `experimental_low`, `experimental_high`; `difference` (experimental minus control,
        above 0 favours the experimental arm), `low`, `high`; `note`. Where the control
        survival is not known (nan), or is 0 or 1 so that a hazard ratio says nothing of a
        difference, the numbers are nan and `note` says why.

    Raises
    ------
    ValueError
        Where a column or a time is missing or stands twice, a survival is outside 0 to 1, a
        standard error is missing or negative, or the covariance is more than the standard
        errors allow.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> control = pd.DataFrame({"time": [6], "surv": [0.5], "se": [0.0]})
    >>> frame = absolute_effects(control, np.log(0.5), 0.2, times=[6])
    >>> shown = ["per_100_experimental", "difference", "low", "high"]
    >>> frame[shown].iloc[0].astype(float).round(1).tolist()
    [70.7, 20.7, 9.9, 29.1]
    """
    se, level = check_positive("se", se), check_level(level)
    for name, value in (("log_hr", log_hr), ("covariance", covariance)):
        if not np.isfinite(float(value)):
            raise ValueError(f"{name} is {float(value)}; it must be a finite number")
    alone = pooling.NormalMixture(np.ones(1), np.array([float(log_hr)]), np.array([se]), level)
    return posterior_effects(control_survival, alone, times, level, covariance)


def posterior_effects(
    control_survival: pd.DataFrame,
    effect: pooling.NormalMixture,
    times: Iterable[float] = TIMES,
    level: float = 0.95,
    covariance: ArrayLike = 0.0,
) -> pd.DataFrame:
    """Patients of 100, as `absolute_effects`, with a posterior in place of a normal log HR.

    The posterior of a mean over few studies has longer tails than a normal with the same 95 %
    limits, and need not be symmetric.

    Parameters
    ----------
    control_survival, times, level
        As in `absolute_effects`.
    effect : pooling.NormalMixture
        Posterior of the log hazard ratio; its median is applied.
    covariance : array_like
        Of the log hazard ratio and ``ln(-ln S)``, one for all or shape (times, nodes of the
        mixture).

    Returns
    -------
    pandas.DataFrame
        As of `absolute_effects`.

    Raises
    ------
    ValueError
        As `absolute_effects`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from oligomdt import pooling
    >>> effect = pooling.bayes([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2]).mu
    >>> control = pd.DataFrame({"time": [6], "surv": [0.5], "se": [0.05]})
    >>> frame = posterior_effects(control, effect, times=[6])
    >>> frame[["difference", "low", "high"]].iloc[0].astype(float).round(1).tolist()
    [15.7, -3.5, 29.8]
    """
    import pandas as pd

    times = _some_times(times)
    shape = (len(times), len(effect.weights))
    kept = effect.weights > NEGLIGIBLE * effect.weights.max()
    weights = effect.weights[kept] / effect.weights[kept].sum()
    rows = []
    for time, shared in zip(times, np.broadcast_to(covariance, shape), strict=True):
        surv, surv_se = _control_at(control_survival, time)
        parts = (weights, effect.means[kept], effect.sds[kept], shared[kept])
        rows.append({"time": time, **_row(time, surv, surv_se, effect.median, parts, level)})
    return pd.DataFrame(rows)


def _some_times(times: Iterable[float]) -> list[float]:
    found = followed_times(list(times)).tolist()
    if not found:
        raise ValueError("times is empty; give at least one time in months")
    return found


def _control_at(control: pd.DataFrame, time: float) -> tuple[float, float]:
    for column in ("time", "surv", "se"):
        if column not in control:
            raise ValueError(f"control_survival has no column {column!r}")
    own = control[np.isclose(control["time"].astype(float), time)]
    if len(own) != 1:
        found = f"{len(own)} rows" if len(own) else "no row"
        raise ValueError(f"control_survival has {found} at {time:g} months; it needs one")
    surv, se = float(own["surv"].iloc[0]), float(own["se"].iloc[0])
    if not (np.isnan(surv) or 0 <= surv <= 1):
        raise ValueError(
            f"control_survival at {time:g} months: surv is {surv:g}; it must be from 0 to 1"
        )
    if 0 < surv < 1 and not (np.isfinite(se) and se >= 0):
        raise ValueError(
            f"control_survival at {time:g} months: se is {se:g}; it must be 0 or above"
        )
    return surv, se


COLUMNS = (
    "per_100_control", "control_low", "control_high",
    "per_100_experimental", "experimental_low", "experimental_high",
    "difference", "low", "high",
)  # fmt: skip


def _row(
    time: float,
    surv: float,
    surv_se: float,
    log_hr: float,
    parts: tuple[np.ndarray, ...],
    level: float,
) -> dict[str, Any]:
    if not 0 < surv < 1:
        note = "control survival is not known at this time"
        if not np.isnan(surv):
            note = f"control survival is {surv:g}: a hazard ratio gives no difference"
        return dict.fromkeys(COLUMNS, np.nan) | {"note": note}
    hazard = -np.log(surv)
    # Of ln(-ln S), by the delta method.
    spread = surv_se / (surv * hazard)
    if spread > WIDEST:
        raise ValueError(
            f"control_survival at {time:g} months: se is {surv_se:g}, too much for a survival "
            f"of {surv:g}; there ln(-ln S) is not known to within {WIDEST:g}"
        )
    weights, means, sds, shared = parts
    shared = shared if spread > 0 else np.zeros(len(means))
    if (np.abs(shared) >= spread * sds).any() and spread > 0:
        most = float((spread * sds).min())
        raise ValueError(
            f"covariance is {float(shared[np.abs(shared).argmax()]):.3g}; with these standard "
            f"errors it must be between {-most:.3g} and {most:.3g}"
        )
    half = _normal_quantile((1 + level) / 2) * spread
    treated = pooling.NormalMixture(
        weights, np.log(hazard) + means, np.sqrt(spread**2 + sds**2 + 2 * shared), level
    )
    joint = _joint(spread, weights, means, sds, shared)
    difference = [_difference_quantile(q, hazard, *joint) for q in _tails(level)]
    shown = (
        (surv, np.exp(-hazard * np.exp(half)), np.exp(-hazard * np.exp(-half))),
        (
            surv ** np.exp(log_hr),
            *(np.exp(-np.exp(limit)) for limit in (treated.ci_high, treated.ci_low)),
        ),
        (surv ** np.exp(log_hr) - surv, *difference),
    )
    values = (100 * float(value) for part in shown for value in part)
    return dict(zip(COLUMNS, values, strict=True)) | {"note": ""}


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _joint(
    spread: float,
    weights: np.ndarray,
    means: np.ndarray,
    sds: np.ndarray,
    shared: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Nodes of ln(-ln S0) with the log hazard ratio given each: weights, means and SDs."""
    if spread == 0:
        return np.zeros(1), weights[None, :], means[None, :], sds[None, :]
    density = np.exp(-(NODES**2) / 2)
    slope = shared / spread
    return (
        spread * NODES,
        density[:, None] / density.sum() * weights,
        means + np.outer(NODES, slope),
        np.sqrt(sds**2 - slope**2)[None, :],
    )


def _difference_quantile(
    probability: float,
    hazard: float,
    shift: np.ndarray,
    weights: np.ndarray,
    means: np.ndarray,
    sds: np.ndarray,
) -> float:
    """Quantile of S1 - S0, the shift being that of ln(-ln S0)."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    hazards = hazard * np.exp(shift)
    controls = np.exp(-hazards)

    def excess(difference: float) -> float:
        # S1 - S0 is at most the difference where the log hazard ratio is at least `needed`.
        treated = np.clip(controls + difference, 0, 1)
        with np.errstate(divide="ignore"):
            needed = np.log(-np.log(treated)) - np.log(hazards)
        return float((weights * ndtr((means - needed[:, None]) / sds)).sum()) - probability

    return brentq(excess, -1.0, 1.0, xtol=1e-10)


def _normal_quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))


def absolute_synthesis(
    trials: Mapping[str, Trial] | None = None, times: Iterable[float] = TIMES
) -> pd.DataFrame:
    """What the pooled hazard ratio of each histology means for 100 patients.

    The hazard ratio is that of the main analysis (`histology_synthesis` of the published
    hazard ratios), and again with each trial of the context added (such as NRG-LU002): its
    posterior, or of a single trial the normal with its limits. The control survival is
    reconstructed: of each trial's control arm by itself, because they differ, and of all of
    them together (`control_survival`). Its covariance with the pooled hazard ratio is that of
    `PooledRatio.covariance`.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    times : iterable of float
        Months.

    Returns
    -------
    pandas.DataFrame
        One row per group, hazard ratio, baseline and time: `group`, `scenario` ("main
        analysis", or "with" the trial added), `baseline` (a trial, or "all trials"), `hr`, the
        columns of `absolute_effects`, `hr_checked`, `control_checked` (of the reports behind
        the control survival), `checked` (both). A group without a published hazard ratio has
        no row.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = absolute_synthesis(trials, times=[6])
    >>> frame[["group", "scenario"]].values.tolist()
    [['NSCLC', 'main analysis'], ['NSCLC', 'with NRG-LU002'], ['breast', 'main analysis']]
    """
    import pandas as pd

    times = _some_times(times)
    trials = evidence.load() if trials is None else trials
    ratios = _hazard_ratios(trials)
    frames = []
    for group, members in curve_reconstructions(trials).items():
        rows = [one.row for one in draws_of(members, trials)]
        labels = [row["label"] for row in rows]
        control = control_survival(members, times, labels)
        pull = control_pull(members, times, labels)
        read = {row["label"]: row["checked"] for row in rows}
        for scenario, ratio in ratios.get(group, {}).items():
            own = np.array([ratio.covariance(one, trials) for one in members])
            for baseline, curve in control.groupby("baseline", sort=False):
                said = {"group": group, "scenario": scenario, "baseline": baseline}
                said |= {"hr": ratio.hr, "hr_checked": ratio.checked}
                said |= {"control_checked": read.get(baseline, all(read.values()))}
                said |= {"checked": said["hr_checked"] and said["control_checked"]}
                frame = posterior_effects(
                    curve, ratio.effect, times, covariance=pull[baseline] @ own
                )
                frames.append(frame.assign(**said))
    first = ["group", "scenario", "baseline", "hr"]
    frame = pd.concat(frames, ignore_index=True)
    return frame[first + [name for name in frame if name not in first]]


class PooledRatio(NamedTuple):
    """A pooled hazard ratio, its distribution, and how much each trial weighs in it.

    `weights` has a row per study and a column per node of the mixture `effect`: given tau, the
    mean of the posterior is the average of the studies with these weights.
    """

    hr: float
    effect: pooling.NormalMixture
    checked: bool
    studies: pd.DataFrame
    weights: np.ndarray

    def covariance(self, control: Any, trials: Mapping[str, Trial]) -> np.ndarray:
        """Covariance of the log hazard ratio with ln(-ln S) of a control arm, by node.

        -w / d, with w the weight of the trial and d the events of its control arm in the
        comparison that gave its hazard ratio (mean of 1 / d over its data sets): the score of
        the control arm is in both. 0 for the control arm of a trial that is not pooled.
        """
        studies, result = self.studies, control.result
        mine = (studies["trial"] == result.trial) & (studies["cohort"] == result.cohort)
        if not mine.any():
            return np.zeros(self.weights.shape[1])
        (place,) = np.flatnonzero(mine)
        compared = find(studies["result"].iloc[place], trials)
        data = (reconstruct(compared) if can_be_drawn(compared) else control).data
        events = data[data["arm"] == "control"].groupby("draw")["event"].sum()
        return -self.weights[place] * float((1 / events).mean())


def pooled_ratio(studies: pd.DataFrame, row: Mapping[str, Any]) -> PooledRatio:
    """Distribution behind a row of `histology_synthesis` (or `default_row`) of these studies.

    Examples
    --------
    >>> studies = published_estimates()
    >>> studies = studies[studies["pooled"] & (studies["group"] == "breast")]
    >>> ratio = pooled_ratio(studies, default_row(studies))
    >>> round(ratio.hr, 2), round(ratio.effect.p_hr_below(1), 2)
    (0.82, 0.71)
    """
    log_hr, se = studies["log_hr"].to_numpy(), studies["se"].to_numpy()
    if row["interval"] == "credible":
        fit = pooling.bayes(log_hr, se, tau_scale=PRIMARY_SCALE)
        effect, tau = fit.mu, fit.tau.nodes.ravel()
    else:
        width = np.log(row["high"] / row["low"]) / (2 * _normal_quantile(0.975))
        one = (np.ones(1), np.log([float(row["hr"])]), np.array([width]))
        effect, tau = pooling.NormalMixture(*one, 0.95), np.nan_to_num([float(row["tau"])])
    inverse = 1 / (se[:, None] ** 2 + tau**2)
    checked = bool(studies["checked"].all())
    return PooledRatio(
        float(row["hr"]), effect, checked, studies, inverse / inverse.sum(axis=0)
    )


def _hazard_ratios(trials: Mapping[str, Trial]) -> dict[str, dict[str, PooledRatio]]:
    """Group to scenario to pooled hazard ratio."""
    estimates = published_estimates(trials)
    synthesis = histology_synthesis(estimates)
    found = {}
    for main in synthesis[synthesis["role"] == "primary"].to_dict("records"):
        studies = estimates[estimates["pooled"] & (estimates["group"] == main["group"])]
        scenarios = {"main analysis": pooled_ratio(studies, main)}
        for other, more in with_context(main["group"], studies):
            scenarios[f"with {other.id}"] = pooled_ratio(more, default_row(more))
        found[main["group"]] = scenarios
    return found
