"""What a coming trial would change, and how much information there is today.

The number of events of a trial that has not reported is not known. It is an argument here,
never a number of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.estimates import pooled_rows
from oligomdt.analysis.printing import decimals, percent, ratio
from oligomdt.analysis.sensitivity import with_context
from oligomdt.analysis.synthesis import PRIMARY_SCALE, PRIOR_SCALES, RELEVANT_HR, bayes_row
from oligomdt.pooling.validation import check_several

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "coming_trials",
    "future_power",
    "information",
    "planning_numbers",
    "tipping",
    "tipping_by_prior",
    "tipping_lines",
]

EVENTS = (20, 30, 50, 75, 100, 150, 200, 400, 600, 1000)
FEW_EVENTS = (50, 100, 200, 400)
# Between them GRADE's rough limit of an appreciable benefit (see `evidence_size`).
TARGETS = (0.6, 0.7, 0.75, RELEVANT_HR)
# Hazard ratios of a coming trial that are shown.
LOWEST, HIGHEST = 0.1, 10.0
# The 95 % credible interval leaves out 1 where a probability reaches this.
CLEAR = 0.975
MDT, CONTROL, OPEN = "favours MDT", "favours control", "open"
PRIOR = pooling.HalfNormal(PRIMARY_SCALE)
PLANNED_GROUPS = ("NSCLC", "breast", "mixed")


def tipping(
    estimates: pd.DataFrame,
    group: str,
    events: Iterable[float] = EVENTS,
    hrs: Iterable[float] = tuple(np.geomspace(0.2, 3, 25).round(3)),
) -> pd.DataFrame:
    """The answer in one cancer after one more trial, by its events and its hazard ratio.

    The trials of today and the new one (1:1, standard error from its events) are pooled by
    the Bayesian model of the main analysis, half-normal(0.5) prior on tau.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.
    group : str
        "NSCLC", "breast", "mixed", or one of these with a trial of the context, such as
        "NSCLC with NRG-LU002".
    events, hrs : iterable of float
        Events and hazard ratios that the new trial may have, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per pair: `group`, `k` (trials pooled, the new one included), `events`,
        `new_hr`, `hr`, `low`, `high` (95 % credible), `p_benefit` (probability of HR below
        1), `p_relevant` (below 0.8), `conclusion`: "favours MDT" where the interval lies
        below 1, "favours control" where it lies above, else "open".

    Raises
    ------
    ValueError
        For an unknown group, or events or hazard ratios not above 0.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = tipping(published_estimates(), "NSCLC", events=[100], hrs=[0.5, 2])
    >>> frame["conclusion"].tolist()
    ['favours MDT', 'open']
    """
    import pandas as pd

    sets = _sets(estimates)
    if group not in sets:
        raise ValueError(f"group is {group!r}; it must be one of {', '.join(sets)}")
    y, s = _numbers(sets[group])
    rows = []
    counts, ratios = check_several("events", events), check_several("hrs", hrs)
    for count in counts:
        for new in ratios:
            trial = pooling.from_total_events(new, count)
            effect = pooling.bayes([*y, trial.log_hr], [*s, trial.se], tau_prior=PRIOR)
            row = {"group": group, "k": effect.k, "events": float(count), "new_hr": float(new)}
            found = bayes_row(effect)
            kept = {name: found[name] for name in ("hr", "low", "high", "p_benefit")}
            kept["p_relevant"] = found["p_relevant"]
            rows.append(row | kept | {"conclusion": _conclusion(found["p_benefit"])})
    return pd.DataFrame(rows)


def _conclusion(p_benefit: float) -> str:
    if p_benefit >= CLEAR:
        return MDT
    return CONTROL if p_benefit <= 1 - CLEAR else OPEN


def _sets(estimates: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The trials of each group, and with each trial of the context that belongs there."""
    sets = {}
    for group, studies in pooled_rows(estimates).groupby("group", sort=False):
        sets[group] = studies
        for other, more in with_context(group, studies):
            sets[f"{group} with {other.name}"] = more
    order = {name: place for place, name in enumerate(PLANNED_GROUPS)}
    return dict(sorted(sets.items(), key=lambda item: order.get(item[0].split(" ")[0], 9)))


def _numbers(studies: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return studies["log_hr"].to_numpy(float), studies["se"].to_numpy(float)


def _described(
    name: str, studies: pd.DataFrame, prior: pooling.HalfNormal = PRIOR
) -> dict[str, Any]:
    y, s = _numbers(studies)
    now = pooling.bayes(y, s, tau_prior=prior)
    return {
        "group": name,
        "k": len(studies),
        "checked": bool(studies["checked"].all()),
        "tau_scale": prior.scale,
        "today": _conclusion(now.mu.p_hr_below(1)),
        "hr_today": now.hr,
        "low_today": now.hr_low,
        "high_today": now.hr_high,
        "p_today": now.mu.p_hr_below(1),
    }


def tipping_lines(
    estimates: pd.DataFrame,
    events: Iterable[float] = EVENTS,
    tau_scale: float = PRIMARY_SCALE,
) -> pd.DataFrame:
    """The hazard ratios of a new trial between which the answer is clear.

    The boundaries of the map of `tipping`, found exactly, and those of the common effect
    beside them.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.
    events : iterable of float
        Events that the new trial may have, above 0.
    tau_scale : float
        Scale of the half-normal prior on tau; 0.5 in the main analysis.

    Returns
    -------
    pandas.DataFrame
        One row per set of trials and number of events: `group`, `k` (trials of today),
        `checked` (all of them), `tau_scale`, `today` (the conclusion), `hr_today`, `low_today`,
        `high_today`, `p_today` (probability of HR below 1), `events`; `mdt_low` and
        `mdt_high`, between which the new hazard ratio leaves an interval below 1, and
        `control_low` and `control_high`, likewise above 1. They are looked for from 0.1 to
        10: a limit of 0.1 or 10 is the end of the search, nan means that none is there; of
        several ranges the one nearest to 1 is given. `common_mdt` and `common_control`:
        limits of the common effect, which has no lower or upper end.

    Raises
    ------
    ValueError
        As `pooled_rows`, or for events not above 0.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = tipping_lines(published_estimates(), events=[100])
    >>> frame["group"].tolist()
    ['NSCLC', 'NSCLC with NRG-LU002', 'breast', 'mixed']
    """
    import pandas as pd

    counts, prior = check_several("events", events), pooling.HalfNormal(tau_scale)
    rows = []
    for name, studies in _sets(estimates).items():
        data, described = _numbers(studies), _described(name, studies, prior)
        common = pooling.pool(*data, tau2="CE")
        for count in counts:
            needed = pooling.result_needed(*data, count, CLEAR, tau_prior=prior)
            simple = pooling.result_needed_common_effect(common.mu, common.se, count)
            row = described | {"events": count}
            row["mdt_low"], row["mdt_high"] = _shown(needed.benefit)
            row["control_low"], row["control_high"] = _shown(needed.harm)
            row |= {"common_mdt": simple.benefit, "common_control": simple.harm}
            rows.append(row)
    return pd.DataFrame(rows)


def tipping_by_prior(
    estimates: pd.DataFrame, events: float = 100.0, scales: Iterable[float] = PRIOR_SCALES
) -> pd.DataFrame:
    """What a new trial of one size must show, by the scale of the prior on tau.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.
    events : float
        Events that the new trial may have, above 0.
    scales : iterable of float
        Scales of the half-normal prior on tau, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per set of trials and scale, with the columns of `tipping_lines`.

    Raises
    ------
    ValueError
        As `tipping_lines`.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = tipping_by_prior(published_estimates(), scales=[0.25])
    >>> frame["tau_scale"].unique().tolist()
    [0.25]
    """
    import pandas as pd

    frames = [tipping_lines(estimates, [events], scale) for scale in scales]
    frame = pd.concat(frames)
    order = list(dict.fromkeys(frame["group"]))
    place = frame["group"].map(order.index)
    return frame.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def _shown(ranges: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    """The range nearest to 1 within the hazard ratios that are shown; nan where none is."""
    inside = [
        (max(low, LOWEST), min(high, HIGHEST))
        for low, high in ranges
        if low < HIGHEST and high > LOWEST
    ]
    if not inside:
        return np.nan, np.nan
    return min(inside, key=lambda ends: max(np.log(ends[0]), -np.log(ends[1]), 0.0))


def future_power(estimates: pd.DataFrame, events: Iterable[float] = FEW_EVENTS) -> pd.DataFrame:
    """How likely one more trial is to settle the answer.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.
    events : iterable of float
        Events that the new trial may have, above 0.

    Returns
    -------
    pandas.DataFrame
        One row per set of trials and number of events: `group`, `k`, `checked`, `today`,
        `hr_today`, `low_today`, `high_today`, `p_today` as in `tipping_lines`; `events`;
        `bayes_mdt`, `bayes_control` and `bayes_open`, the probabilities of each conclusion
        of the Bayesian model when the new trial's result is drawn from its predictive
        distribution (a result outside 0.01 to 100 counts as open); the probability that the
        updated two-sided test at 5 % favours MDT:
        `predictive_common` and `predictive_random` (the result is drawn around today's
        estimate and pooled with it; tau 0, or the posterior median of tau, `tau`, taken as
        known in drawing and in pooling),
        `conditional_relevant`, `conditional_random` and `conditional_null` (drawn around a
        hazard ratio of 0.8, of 0.8 with that tau, and of 1); `alone_relevant`, the power of
        the new trial by itself where the hazard ratio is 0.8.

    Raises
    ------
    ValueError
        As `pooled_rows`, or for events not above 0.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = future_power(published_estimates(), events=[100])
    >>> bool((frame[["bayes_mdt", "bayes_open", "bayes_control"]].sum(axis=1) > 0.999).all())
    True
    """
    import pandas as pd

    counts = check_several("events", events)
    rows = []
    for name, studies in _sets(estimates).items():
        described = _described(name, studies)
        for count in counts:
            row = described | {"events": count}
            rows.append(row | _chances(*_numbers(studies), count))
    return pd.DataFrame(rows)


def _chances(y: np.ndarray, s: np.ndarray, events: float) -> dict[str, float]:
    bayes = pooling.bayesian_predictive_power(y, s, events, CLEAR, tau_prior=PRIOR)
    common = pooling.pool(y, s, tau2="CE")
    tau = pooling.bayes(y, s, tau_prior=PRIOR).tau.median
    random = pooling.pool(y, np.sqrt(s**2 + tau**2), tau2="CE")
    simple, spread = (common.mu, common.se, events), (random.mu, random.se, events)
    target = np.log(RELEVANT_HR)
    return {
        "bayes_mdt": bayes.benefit,
        "bayes_open": 1 - bayes.benefit - bayes.harm,
        "bayes_control": bayes.harm,
        "tau": tau,
        "predictive_common": pooling.predictive_power(*simple).benefit,
        "predictive_random": pooling.predictive_power_random_effects(*spread, tau**2).benefit,
        "conditional_relevant": pooling.conditional_power(*simple, target).benefit,
        "conditional_random": pooling.conditional_power(*spread, target, tau**2).benefit,
        "conditional_null": pooling.conditional_power(*simple, 0.0).benefit,
        "alone_relevant": pooling.power(events, RELEVANT_HR).same_direction,
    }


def information(estimates: pd.DataFrame, hrs: Iterable[float] = TARGETS) -> pd.DataFrame:
    """The information of today beside the optimal information size.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.
    hrs : iterable of float
        Hazard ratios to be shown, with power 80 % at two-sided 5 %.

    Returns
    -------
    pandas.DataFrame
        One row per set of trials and hazard ratio: `group`, `k`, `checked`, `target_hr`;
        `have`, the events of a 1:1 trial as precise as the common-effect estimate; `needed`,
        the required events (80 % power) and `needed_90` (90 %); `d2`, the diversity by REML;
        `size`, the needed events adjusted for it; `d2_prior` and `size_prior`, the same with
        tau at the median of the prior; `fraction`, `have` over the larger size; `alpha`, the
        cumulative two-sided level of an O'Brien-Fleming-type rule at that fraction: what a
        first look there could use, and less at a later one.

    Raises
    ------
    ValueError
        As `pooled_rows`, or for a hazard ratio that is 1 or not above 0.

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> frame = information(published_estimates(), [0.7])
    >>> frame["needed"].round().unique().tolist()
    [247.0]
    """
    import pandas as pd

    targets = check_several("hrs", hrs)
    rows = []
    for name, studies in _sets(estimates).items():
        checked = bool(studies["checked"].all())
        described = {"group": name, "k": len(studies), "checked": checked}
        y, s = _numbers(studies)
        common = pooling.pool(y, s, tau2="CE").se
        have = pooling.equivalent_events(common)
        d2 = max(0.0, 1 - (common / pooling.pool(y, s).se) ** 2)
        spread = pooling.pool(y, np.sqrt(s**2 + PRIOR.median**2), tau2="CE").se
        d2_prior = 1 - (common / spread) ** 2
        for hr in targets:
            size, size_prior = (pooling.information_size(hr, d2=d) for d in (d2, d2_prior))
            fraction = have / max(size, size_prior)
            rows.append(
                described
                | {
                    "target_hr": hr,
                    "have": have,
                    "needed": pooling.required_events(hr),
                    "needed_90": pooling.required_events(hr, power=0.9),
                    "d2": d2,
                    "size": size,
                    "d2_prior": d2_prior,
                    "size_prior": size_prior,
                    "fraction": fraction,
                    "alpha": pooling.alpha_spent(min(1.0, fraction)),
                }
            )
    return pd.DataFrame(rows)


def coming_trials(register: Mapping[str, evidence.OngoingTrial] | None = None) -> pd.DataFrame:
    """Randomised trials under way that name PFS as an endpoint, and what they compare.

    Parameters
    ----------
    register : mapping, optional
        Trial id to `evidence.OngoingTrial`; default `evidence.ongoing()`.

    Returns
    -------
    pandas.DataFrame
        One row per trial in the cancers of the maps: `trial`, `registration`, `group`,
        `setting`, `experimental`, `control`, `endpoint`, `planned`, `enrolled` (patients) and
        `status` (and when it was so) as texts, "not found" where a source does not say;
        `comparison` ("as here", or what is different, or "not known"; with the remark on the
        trial where there is one).

    Raises
    ------
    ValueError
        Where there is no such trial.

    Examples
    --------
    >>> frame = coming_trials().set_index("trial")
    >>> frame.loc["STOP-2", "planned"]
    '194'
    """
    import pandas as pd

    register = evidence.ongoing() if register is None else register
    rows = [
        {
            "trial": one.name,
            "registration": str(one.registration),
            "group": one.group,
            "setting": one.setting_class,
            "experimental": str(one.experimental),
            "control": str(one.control),
            "endpoint": str(one.primary_endpoint),
            "planned": str(one.planned),
            "enrolled": str(one.enrolled),
            "status": "; ".join(dict.fromkeys((str(one.status), str(one.status_date)))),
            "comparison": _comparison(one),
        }
        for one in register.values()
        if one.randomised and one.group in PLANNED_GROUPS and "PFS" in str(one.primary_endpoint)
    ]
    if not rows:
        raise ValueError("register: no randomised trial names PFS as an endpoint")
    return pd.DataFrame(rows)


def _comparison(one: evidence.OngoingTrial) -> str:
    if one.contrast_note:
        return one.contrast_note
    if not one.same_contrast:
        return "not known"
    return f"the same treatments as here. {one.note}" if one.note else "as here"


def planning_numbers(estimates: pd.DataFrame) -> dict[str, str]:
    """The numbers that the page on planning states, as text.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `published_estimates`.

    Returns
    -------
    dict of str to str
        Of each set of trials, its name with underscores: ``NSCLC_have`` (events of a trial
        as precise), ``NSCLC_size`` (events needed for a hazard ratio of 0.8 with tau at the
        median of the prior), ``NSCLC_needed_100`` and ``..._400`` (the largest hazard ratio
        of a new trial with so many events after which the interval lies below 1; "no HR"
        without one), ``NSCLC_common_100`` (of the common effect), ``NSCLC_hr_now``,
        ``..._low_now``, ``..._high_now``, and the probabilities in per cent
        ``NSCLC_mdt_100``, ``NSCLC_open_100``, ``NSCLC_conditional_100``; with a dagger where
        a value was not read in its source. ``alone_100`` (power of the new trial by itself),
        ``relevant_needed`` (events for a hazard ratio of 0.8).

    Examples
    --------
    >>> from oligomdt.analysis import published_estimates
    >>> planning_numbers(published_estimates())["relevant_needed"]
    '631'
    """
    counts = (100.0, 400.0)
    numbers = {}
    for row in information(estimates, [RELEVANT_HR]).to_dict("records"):
        numbers["relevant_needed"] = decimals(row["needed"], 0)
        numbers |= _marked(row, {"have": row["have"], "size": row["size_prior"]}, _count)
    for row in tipping_lines(estimates, counts).to_dict("records"):
        end = _count(row["events"])
        limits = {f"needed_{end}": row["mdt_high"], f"common_{end}": row["common_mdt"]}
        today = {f"{name}_now": row[f"{name}_today"] for name in ("hr", "low", "high")}
        numbers |= _marked(row, limits | today, _ratio)
    for row in future_power(estimates, counts).to_dict("records"):
        end = _count(row["events"])
        chances = {
            f"mdt_{end}": row["bayes_mdt"],
            f"open_{end}": row["bayes_open"],
            f"conditional_{end}": row["conditional_relevant"],
        }
        numbers |= _marked(row, chances, _percent)
        numbers[f"alone_{end}"] = _percent(row["alone_relevant"])
    return numbers


def _marked(
    row: Mapping[str, Any], values: Mapping[str, float], text: Callable[[float], str]
) -> dict[str, str]:
    """Texts under the name of the set, with a dagger where a value was not read."""
    name = row["group"].replace(" ", "_")
    dagger = "" if row["checked"] else evidence.DAGGER
    return {f"{name}_{key}": text(value) + dagger for key, value in values.items()}


def _count(value: float) -> str:
    return decimals(value, 0)


def _percent(value: float) -> str:
    return f"{percent(value)} %"


def _ratio(value: float) -> str:
    return "no HR" if np.isnan(value) else ratio(value)
