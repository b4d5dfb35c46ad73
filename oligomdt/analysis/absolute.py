"""Absolute effects: what a hazard ratio means for 100 patients at a given time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence
from oligomdt.analysis.estimates import published_estimates
from oligomdt.analysis.ipd_synthesis import curve_reconstructions, draws_of
from oligomdt.analysis.pooled_curve import control_survival
from oligomdt.analysis.sensitivity import default_row, with_context
from oligomdt.analysis.synthesis import histology_synthesis
from oligomdt.evidence import Trial
from oligomdt.pooling.validation import check_level, check_positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["absolute_effects", "absolute_synthesis"]

TIMES = (6, 12, 24)
# Nodes of the control curve, in standard errors, over which the interval is integrated.
NODES = np.linspace(-8, 8, 801)


def absolute_effects(
    control_survival: pd.DataFrame,
    log_hr: float,
    se: float,
    times: Iterable[float] = TIMES,
    level: float = 0.95,
) -> pd.DataFrame:
    """Patients of 100 who are free of progression with and without the treatment.

    Under proportional hazards a control group with survival S has survival ``S**HR`` under
    treatment. Both S and HR are uncertain: the logarithm of HR and ``ln(-ln S)`` are taken as
    normal and independent, and the limits of the difference are the quantiles of its
    distribution, by numerical integration. (GRADE's absolute effects for times to an event:
    Skoetz and others 2020, doi:10.1016/j.jclinepi.2019.10.015.)

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
        Where a column or a time is missing or stands twice, a survival is outside 0 to 1, or a
        standard error is missing or negative.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> control = pd.DataFrame({"time": [6], "surv": [0.5], "se": [0.0]})
    >>> frame = absolute_effects(control, np.log(0.5), 0.2, times=[6])
    >>> shown = ["per_100_experimental", "difference", "low", "high"]
    >>> frame[shown].iloc[0].astype(float).round(1).tolist()
    [70.7, 20.7, 9.9, 29.1]
    """
    import pandas as pd

    log_hr, se, level = float(log_hr), check_positive("se", se), check_level(level)
    if not np.isfinite(log_hr):
        raise ValueError(f"log_hr is {log_hr}; it must be a finite number")
    rows = []
    for time in times:
        surv, surv_se = _control_at(control_survival, float(time))
        rows.append({"time": float(time), **_row(surv, surv_se, log_hr, se, level)})
    if not rows:
        raise ValueError("times is empty; give at least one time in months")
    return pd.DataFrame(rows)


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


def _row(surv: float, surv_se: float, log_hr: float, se: float, level: float) -> dict[str, Any]:
    if not 0 < surv < 1:
        note = "control survival is not known at this time"
        if not np.isnan(surv):
            note = f"control survival is {surv:g}: a hazard ratio gives no difference"
        return dict.fromkeys(COLUMNS, np.nan) | {"note": note}
    hazard = -np.log(surv)
    # Of ln(-ln S), by the delta method.
    spread = surv_se / (surv * hazard)
    z = _normal_quantile((1 + level) / 2)
    treated = hazard * np.exp(log_hr)
    both = np.hypot(spread, se)
    difference = [_difference_quantile(q, hazard, spread, log_hr, se) for q in _tails(level)]
    shown = (
        (surv, *_limits(hazard, z * spread)),
        (np.exp(-treated), *_limits(treated, z * both)),
        (np.exp(-treated) - surv, *difference),
    )
    values = (100 * float(value) for part in shown for value in part)
    return dict(zip(COLUMNS, values, strict=True)) | {"note": ""}


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _limits(hazard: float, half: float) -> tuple[float, float]:
    return np.exp(-hazard * np.exp(half)), np.exp(-hazard * np.exp(-half))


def _difference_quantile(
    probability: float, hazard: float, spread: float, log_hr: float, se: float
) -> float:
    """Quantile of S1 - S0 when ln(-ln S0) and the log hazard ratio are normal."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    nodes, weights = NODES, np.exp(-(NODES**2) / 2)
    if spread == 0:
        nodes, weights = np.zeros(1), np.ones(1)
    hazards = hazard * np.exp(spread * nodes)
    controls, weights = np.exp(-hazards), weights / weights.sum()

    def excess(difference: float) -> float:
        # S1 - S0 is at most the difference where the log hazard ratio is at least `needed`.
        treated = np.clip(controls + difference, 0, 1)
        with np.errstate(divide="ignore"):
            needed = np.log(-np.log(treated)) - np.log(hazards)
        return weights @ ndtr((log_hr - needed) / se) - probability

    return brentq(excess, -1.0, 1.0, xtol=1e-12)


def _normal_quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))


def absolute_synthesis(
    trials: Mapping[str, Trial] | None = None, times: Iterable[float] = TIMES
) -> pd.DataFrame:
    """What the pooled hazard ratio of each histology means for 100 patients.

    The hazard ratio is that of the main analysis (`histology_synthesis` of the published
    hazard ratios), and again with each trial of the context added (such as NRG-LU002); its
    standard error is taken from the width of its 95 % interval on the log scale. The control
    survival is reconstructed: of each trial's control arm by itself, because they differ, and
    of all of them together (`control_survival`).

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
        columns of `absolute_effects`, `checked` (of the hazard ratio and of the reports behind
        the control survival). A group without a published hazard ratio has no row.

    Examples
    --------
    >>> frame = absolute_synthesis(times=[6])  # doctest: +SKIP
    """
    import pandas as pd

    times = [float(time) for time in times]
    trials = evidence.load() if trials is None else trials
    ratios = _hazard_ratios(trials)
    frames = []
    for group, members in curve_reconstructions(trials).items():
        rows = [one.row for one in draws_of(members, trials)]
        control = control_survival(members, times, [row["label"] for row in rows])
        read = {row["label"]: row["checked"] for row in rows}
        for scenario, main in ratios.get(group, {}).items():
            se = np.log(main["high"] / main["low"]) / (2 * _normal_quantile(0.975))
            for baseline, own in control.groupby("baseline", sort=False):
                checked = read.get(baseline, all(read.values())) and bool(main["checked"])
                said = {"group": group, "scenario": scenario, "baseline": baseline}
                said |= {"hr": float(main["hr"])}
                frame = absolute_effects(own, np.log(main["hr"]), se, times)
                frames.append(frame.assign(**said, checked=checked))
    first = ["group", "scenario", "baseline", "hr"]
    frame = pd.concat(frames, ignore_index=True)
    return frame[first + [name for name in frame if name not in first]]


def _hazard_ratios(trials: Mapping[str, Trial]) -> dict[str, dict[str, dict[str, Any]]]:
    """Group to scenario to pooled hazard ratio with its limits."""
    estimates = published_estimates(trials)
    synthesis = histology_synthesis(estimates)
    found = {}
    for main in synthesis[synthesis["role"] == "primary"].to_dict("records"):
        studies = estimates[estimates["pooled"] & (estimates["group"] == main["group"])]
        scenarios = {"main analysis": main}
        for other, more in with_context(main["group"], studies):
            checked = bool(more["checked"].all())
            scenarios[f"with {other.id}"] = default_row(more) | {"checked": checked}
        found[main["group"]] = scenarios
    return found
