"""Survival curves of several reconstructed trials put together, with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oligomdt import evidence
from oligomdt.analysis.curves import ARMS, DEFINED, SPARSE
from oligomdt.analysis.estimates import describe, pooled_rows
from oligomdt.evidence import Trial
from oligomdt.survival.ipd import followed_times

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["common_horizon", "control_survival", "known_until", "pooled_curve"]

STEP = 0.25
ALL = "all trials"


class ArmCurves(NamedTuple):
    """Kaplan-Meier curves of one arm of one trial: a row per data set, a column per time."""

    surv: np.ndarray
    variance: np.ndarray
    defined: np.ndarray
    n_risk: np.ndarray


def known_until(reconstruction: Any) -> dict[str, float]:
    """Time until which the curve of each arm is known in every data set.

    A curve is known until the last patient's time; a curve that has reached 0 stays there.

    Parameters
    ----------
    reconstruction : Reconstruction
        As from `reconstruct`.

    Returns
    -------
    dict of str to float
        Arm to months; infinity where the curve reaches 0 in every data set.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> known_until(analysis.reconstruct("CURB-breast"))["experimental"]
    12.0
    """
    data = reconstruction.data
    last = data.groupby(["arm", "draw"])["time"].transform("max")
    # A curve ends at 0 where everybody whose time is the last has an event then.
    censored = data[(data["time"] >= last) & (data["event"] == 0)]
    ends = censored.groupby("arm")["time"].min()
    return {arm: float(ends.get(arm, np.inf)) for arm in ARMS}


def common_horizon(reconstructions: Sequence[Any]) -> int:
    """The longest time to which all trials can be compared.

    The last whole month at which, in every data set of every trial, the curves of both arms
    are known. Beyond it a restricted mean would be extrapolated in some data set.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction
        Of different trials.

    Returns
    -------
    int
        Months.

    Raises
    ------
    ValueError
        Where there is no reconstruction, or nothing is known at one month.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> common_horizon([analysis.reconstruct("CURB-breast")])
    12
    """
    if not reconstructions:
        raise ValueError("reconstructions is empty; give at least one trial")
    shortest = min(min(known_until(one).values()) for one in reconstructions)
    if np.isinf(shortest):
        # Every curve ends at 0: compare until the last event of all.
        shortest = max(float(one.data["time"].max()) for one in reconstructions)
    horizon = int(np.floor(shortest))
    if horizon < 1:
        raise ValueError(f"the curves are known together for {shortest:.2g} months only")
    return horizon


def arm_curves(reconstruction: Any, arm: str, grid: np.ndarray) -> ArmCurves:
    """Kaplan-Meier curves of one arm in every data set, on a grid of times."""
    from oligomdt.survival.kaplan_meier import curve

    own = reconstruction.data[reconstruction.data["arm"] == arm]
    # Reconstructed times carry the noise of floats; the grid must still meet them.
    time, event = np.round(own["time"].to_numpy(), 6), own["event"].to_numpy()
    rows = []
    for place in own.groupby("draw", sort=True).indices.values():
        km = curve(time[place], event[place])
        at = np.searchsorted(km.time, grid, side="right") - 1
        defined = (grid <= km.time[-1]) | (km.surv[-1] == 0)
        at_risk = np.append(km.n_risk, 0)[np.searchsorted(km.time, grid, side="left")]
        rows.append((km.surv[at], _variance(km, at, grid), defined, at_risk))
    return ArmCurves(*(np.array(part) for part in zip(*rows, strict=True)))


def _variance(km: Any, at: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Greenwood's variance; half a patient is added where the curve is at 1 or at 0.

    There Greenwood's formula gives no variance, or none that exists, although few patients
    show little.
    """
    surv, staying = km.surv[at], (km.n_risk - km.n_event - km.n_censor)[at]
    variance = km.se[at] ** 2
    variance = np.where(surv == 0, half_patient(before_the_end(km)), variance)
    return np.where((surv == 1) & (grid > 0), half_patient(staying), variance)


def before_the_end(km: Any) -> float:
    """Patients that a curve which ends at 0 rests on just before it does.

    The number at risk over S, as in the variance of Peto and others (1977,
    doi:10.1038/bjc.1977.1): all patients where nobody was censored, few where a curve falls to
    0 because one of the last to be followed has an event.
    """
    last = int(np.argmax(km.surv == 0))
    return float(km.n_risk[last] / km.surv[last - 1])


def half_patient(n: Any) -> Any:
    """Variance of a proportion of 0 or 1 among n patients with half a patient added."""
    return 0.5 * (n + 0.5) / (n + 1) ** 3


def pooled_curve(reconstructions: Sequence[Any], horizon: float | None = None) -> pd.DataFrame:
    """Survival in each arm, averaged over trials with the same weights in both arms.

    ``S(t) = sum(w_j * S_j(t))``, with w_j the share of trial j in all patients of both arms:
    the curve of a population that is made up of the trials in proportion to their size (direct
    adjustment; Makuch 1982, doi:10.1016/0021-9681(82)90058-3). Because both arms have the same
    weights, patients are compared within their trial only. The variance of S(t) is Greenwood's
    (with half a patient added where a curve is at 0 or 1) plus that between the data sets of
    the reconstruction (Rubin's rules); limits are made on the scale of arcsin(sqrt(S)), which
    behaves near 1 (Borgan and Liestol 1990, Scandinavian Journal of Statistics 17:35-41). They
    hold for these trials: how much another trial would differ is not in them.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction
        Of different patients.
    horizon : float, optional
        Months; default `common_horizon`, and not beyond it.

    Returns
    -------
    pandas.DataFrame
        `arm`, `time` (months, on a grid), `surv`, `low`, `high` (95 %), `se`, `within_se`
        (without the uncertainty of the reconstruction), `share` (of the variance that the
        reconstruction adds; nan where there is no variance), `n_risk` (median over data sets,
        summed over trials).

    Raises
    ------
    ValueError
        Where there is no reconstruction, two hold the same patients, or the horizon lies
        beyond what is known.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> curve = pooled_curve([analysis.reconstruct("CURB-breast")])
    >>> float(curve.loc[curve["time"] == 0, "surv"].iloc[0])
    1.0
    """
    import pandas as pd

    refuse_shared_patients(reconstructions)
    known = common_horizon(reconstructions)
    horizon = float(known if horizon is None else horizon)
    if not 0 < horizon <= known:
        raise ValueError(
            f"horizon is {horizon:g} months; all curves are known from 0 to {known} months"
        )
    grid = np.arange(int(np.floor(horizon / STEP + 1e-9)) + 1) * STEP
    weights, frames = trial_weights(reconstructions), []
    for arm in ARMS:
        curves = [arm_curves(one, arm, grid) for one in reconstructions]
        frames.append(_averaged(curves, weights).assign(arm=arm, time=grid))
    columns = ["arm", "time", "surv", "low", "high", "se", "within_se", "share", "n_risk"]
    return pd.concat(frames, ignore_index=True)[columns]


def _averaged(each: Sequence[ArmCurves], weights: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    surv, within, between, n_risk = np.zeros((4, each[0].surv.shape[1]))
    for weight, curves in zip(weights, each, strict=True):
        draws = len(curves.surv)
        surv += weight * curves.surv.mean(axis=0)
        within += weight**2 * curves.variance.mean(axis=0)
        if draws > 1:
            between += weight**2 * (1 + 1 / draws) * curves.surv.var(axis=0, ddof=1)
        n_risk += np.median(curves.n_risk, axis=0)
    total = within + between
    low, high = _arcsine_limits(surv, np.sqrt(total))
    with np.errstate(invalid="ignore"):
        share = np.where(total > 0, between / total, np.nan)
    return pd.DataFrame(
        {
            "surv": surv,
            "low": low,
            "high": high,
            "se": np.sqrt(total),
            "within_se": np.sqrt(within),
            "share": share,
            "n_risk": n_risk,
        }
    )


def _arcsine_limits(surv: np.ndarray, se: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits of S; where S is 0 or 1, z standard errors from it, within 0 to 1."""
    z = 1.959963984540054
    inside = (surv > 0) & (surv < 1)
    s = np.where(inside, surv, 0.5)
    angle, half = np.arcsin(np.sqrt(s)), z * se / (2 * np.sqrt(s * (1 - s)))
    low, high = (
        np.where(
            inside,
            np.sin(np.clip(angle + sign * half, 0, np.pi / 2)) ** 2,
            np.clip(surv + sign * z * se, 0, 1),
        )
        for sign in (-1, 1)
    )
    return low, high


def trial_weights(reconstructions: Sequence[Any]) -> np.ndarray:
    """Share of each trial in all patients of both arms."""
    sizes = np.array([len(one.data) / one.data["draw"].nunique() for one in reconstructions])
    return sizes / sizes.sum()


def control_survival(
    reconstructions: Sequence[Any], times: Iterable[float], labels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Survival of the control arms at chosen times: of each trial, and of all together.

    The control groups of trials can differ so much that an average stands for none of them;
    what a hazard ratio means for patients should then be read for each.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction
        Of different patients.
    times : iterable of float
        Months.
    labels : sequence of str, optional
        Names of the trials; default the results' ids.

    Returns
    -------
    pandas.DataFrame
        One row per trial and time, then those of "all trials" where there are several:
        `baseline` (the trial), `time`, `surv`, `se` (with the uncertainty of the
        reconstruction), `share`. nan where the curve of a trial should not be read, as in
        `survival_band`: known in fewer than nine of ten data sets, or fewer than a tenth of
        the arm still at risk. S keeps its last value in the data sets that end earlier.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> frame = control_survival([analysis.reconstruct("CURB-breast")], [6, 24])
    >>> frame["surv"].round(2).tolist()
    [0.2, nan]
    """
    import pandas as pd

    refuse_shared_patients(reconstructions)
    names = labels or [one.result.id for one in reconstructions]
    # The first time is that of all patients.
    grid = np.array([0.0, *followed_times(list(times))])
    each = [arm_curves(one, "control", grid) for one in reconstructions]
    sizes = trial_weights(reconstructions)
    parts = [(name, [one], np.ones(1)) for name, one in zip(names, each, strict=True)]
    if len(each) > 1:
        parts.append((ALL, each, sizes))
    frames = []
    for name, members, weights in parts:
        frame = _averaged(members, weights)[["surv", "se", "share"]]
        frame.loc[~np.all([_readable(one) for one in members], axis=0)] = np.nan
        frames.append(frame.assign(baseline=name, time=grid).iloc[1:])
    columns = ["baseline", "time", "surv", "se", "share"]
    return pd.concat(frames, ignore_index=True)[columns]


def arm_survival(reconstruction: Any, arm: str, times: Iterable[float]) -> pd.DataFrame:
    """Survival of one reconstructed arm at chosen times, with 95 % limits.

    Parameters
    ----------
    reconstruction : Reconstruction
        As from `reconstruct`.
    arm : str
        "control" or "experimental".
    times : iterable of float
        Months.

    Returns
    -------
    pandas.DataFrame
        One row per time: `time`, `surv`, `low`, `high` (as in `pooled_curve`); nan where the
        curve should not be read, as in `control_survival`.

    Examples
    --------
    >>> from oligomdt import analysis
    >>> frame = arm_survival(analysis.reconstruct("CURB-breast"), "control", [6, 24])
    >>> frame["surv"].round(2).tolist()
    [0.2, nan]
    """
    grid = np.array([0.0, *followed_times(list(times))])
    curves = arm_curves(reconstruction, arm, grid)
    frame = _averaged([curves], np.ones(1))[["surv", "low", "high"]]
    frame.loc[~_readable(curves)] = np.nan
    return (
        frame.assign(time=grid).iloc[1:][["time", "surv", "low", "high"]].reset_index(drop=True)
    )


def control_pull(
    reconstructions: Sequence[Any], times: Iterable[float], labels: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """How far ln(-ln S) of each baseline of `control_survival` moves with that of each trial.

    A trial's own curve moves with itself alone. The average ``S = sum(w_j S_j)`` moves with
    that of trial j by ``w_j S_j H_j / (S H)``, where ``H = -ln S``, to first order.

    Parameters
    ----------
    reconstructions, times, labels
        As in `control_survival`.

    Returns
    -------
    dict of str to numpy.ndarray
        Baseline to an array of shape (times, trials).

    Examples
    --------
    >>> from oligomdt import analysis
    >>> control_pull([analysis.reconstruct("CURB-breast")], [6])
    {'CURB-breast': array([[1.]])}
    """
    grid = followed_times(list(times))
    names = labels or [one.result.id for one in reconstructions]
    pull = {
        name: np.tile(row, (len(grid), 1))
        for name, row in zip(names, np.eye(len(names)), strict=True)
    }
    if len(reconstructions) > 1:
        sizes = trial_weights(reconstructions)
        each = [arm_curves(one, "control", grid).surv.mean(axis=0) for one in reconstructions]
        own = sizes[:, None] * _slope(np.array(each))
        whole = _slope(sizes @ np.array(each))
        pull[ALL] = np.divide(own, whole, out=np.zeros_like(own), where=whole > 0).T
    return pull


def _slope(surv: np.ndarray) -> np.ndarray:
    """S H, by which S falls where ln(-ln S) rises by 1; 0 where S is 0 or 1."""
    inside = (surv > 0) & (surv < 1)
    return np.where(inside, -surv * np.log(np.where(inside, surv, 0.5)), 0.0)


def _readable(curves: ArmCurves) -> np.ndarray:
    """Whether a curve should be read at each time; the first time is 0."""
    at_risk = np.median(curves.n_risk, axis=0)
    return (curves.defined.mean(axis=0) >= DEFINED) & (at_risk >= SPARSE * at_risk[0])


def refuse_shared_patients(
    reconstructions: Sequence[Any], trials: Mapping[str, Trial] | None = None
) -> None:
    """Refuse results that hold the same patients (see `pooled_rows`)."""
    import pandas as pd

    if not reconstructions:
        raise ValueError("reconstructions is empty; give at least one trial")
    trials = evidence.load() if trials is None else trials
    rows = []
    for one in reconstructions:
        trial = trials[one.result.trial]
        row = describe(trial, trial.cohorts[one.result.cohort], one.result)
        # Of one trial alone or of a whole trial too, which has no group of its own.
        rows.append(row | {"pooled": True, "group": "", "log_hr": np.nan, "se": np.nan})
    pooled_rows(pd.DataFrame(rows))
