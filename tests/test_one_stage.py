"""One-stage Cox models: a brute-force second route, limits, invariances, bad input."""

import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.ipd import patients
from scipy.optimize import minimize

from oligomdt import pooling, survival


def trial(seed, log_hr, n=60, name="A", hazard=0.1):
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % 2
    time = rng.exponential(1 / (hazard * np.exp(log_hr * arm)))
    end = rng.uniform(8, 40, n)
    return pd.DataFrame(
        {
            "time": np.minimum(time, end),
            "event": (time <= end).astype(int),
            "arm": np.where(arm == 1, "experimental", "control"),
            "trial": name,
        }
    )


def trials(*effects, seed=1, **options):
    rows = [trial(seed + i, b, name=f"trial {i}", **options) for i, b in enumerate(effects)]
    return pd.concat(rows, ignore_index=True)


def log_partial_likelihood(rows, log_hr):
    """Cox's partial likelihood event by event, without ties."""
    total = 0.0
    for time, arm in rows.loc[rows["event"] == 1, ["time", "arm"]].values:
        at_risk = rows[rows["time"] >= time]["arm"] == "experimental"
        others = np.log(at_risk.sum() * np.exp(log_hr) + (~at_risk).sum())
        total = total + (log_hr if arm == "experimental" else 0.0) - others
    return total


def test_random_effect_agrees_with_integration_on_a_fine_grid():
    """The marginal likelihood by the trapezoid rule, maximised without derivatives."""
    ipd = trials(-1.2, 0.1, -0.4, 0.5)
    grid = np.linspace(-7, 7, 6001)
    heights = [log_partial_likelihood(own, grid) for _, own in ipd.groupby("trial")]

    def negative(x):
        mu, tau2 = x[0], np.exp(x[1])
        density = np.exp(-((grid - mu) ** 2) / (2 * tau2)) / np.sqrt(2 * np.pi * tau2)
        tops = [height.max() for height in heights]
        areas = [
            np.trapezoid(np.exp(height - top) * density, grid)
            for height, top in zip(heights, tops, strict=True)
        ]
        return -(np.sum(np.log(areas)) + np.sum(tops))

    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000}
    found = minimize(negative, [-0.3, -1.5], method="Nelder-Mead", options=options)
    effect = pooling.one_stage_random(ipd)
    assert effect.tau2 > 0.1
    assert effect.mu == pytest.approx(found.x[0], abs=2e-6)
    assert effect.tau2 == pytest.approx(np.exp(found.x[1]), rel=1e-5)
    assert effect.log_likelihood == pytest.approx(-found.fun, abs=1e-9)
    step = 1e-3
    curvature = sum(
        sign * negative([found.x[0] + shift, found.x[1]])
        for sign, shift in ((1, step), (-2, 0), (1, -step))
    )
    assert effect.se == pytest.approx((curvature / step**2) ** -0.5, rel=1e-4)


def test_trials_that_agree_leave_the_stratified_cox_model():
    ipd = trials(-0.5, -0.5, -0.5)
    copies = pd.concat([ipd.assign(trial=f"{ipd['trial'].iloc[0]} {i}") for i in range(3)])
    random, common = pooling.one_stage_random(copies), pooling.one_stage(copies)
    assert random.tau2 == 0
    assert random.mu == pytest.approx(common.mu, abs=1e-9)
    assert random.se == pytest.approx(common.se, rel=1e-6)
    assert random.log_likelihood == pytest.approx(common.log_likelihood, abs=1e-9)
    assert common.mu == pytest.approx(survival.cox(copies, strata="trial").log_hr, abs=1e-12)


def test_large_trials_give_the_two_stage_maximum_likelihood_result():
    """With many events the partial likelihood of a trial is normal in its log HR."""
    ipd = trials(-1.0, -0.6, -0.1, 0.2, -0.5, n=1500)
    fits = [survival.cox(own) for _, own in ipd.groupby("trial")]
    two = pooling.pool([fit.log_hr for fit in fits], [fit.se for fit in fits], tau2="ML")
    one = pooling.one_stage_random(ipd)
    assert one.mu == pytest.approx(two.mu, abs=1e-3)
    assert one.se == pytest.approx(two.se, rel=5e-3)
    assert one.tau2 == pytest.approx(two.tau2, rel=0.01)


@given(seed=st.integers(0, 10_000), unit=st.floats(0.01, 100))
@settings(deadline=None, max_examples=10)
def test_arms_order_and_unit(seed, unit):
    ipd = trials(-1.0, 0.4, -0.2, seed=seed)
    swapped = ipd.assign(
        arm=ipd["arm"].map({"control": "experimental", "experimental": "control"})
    )
    other = ipd.sample(frac=1, random_state=seed).assign(time=lambda rows: rows["time"] * unit)
    for analyse in (pooling.one_stage, pooling.one_stage_random):
        effect = analyse(ipd)
        turned, moved = analyse(swapped), analyse(other)
        assert turned.mu == pytest.approx(-effect.mu, abs=1e-6)
        assert (turned.se, moved.se) == pytest.approx((effect.se, effect.se), rel=1e-5)
        assert moved.mu == pytest.approx(effect.mu, abs=1e-6)
        assert turned.tau2 == pytest.approx(effect.tau2, abs=1e-5)
        assert effect.ci_low < effect.mu < effect.ci_high


def test_interaction_is_left_open_where_a_trial_has_no_finite_hazard_ratio():
    """Such a trial still counts: it moves the common hazard ratio."""
    ipd = trials(-0.5, -0.3)
    empty = trial(9, 0.0, n=20, name="no event with treatment")
    empty.loc[empty["arm"] == "experimental", "event"] = 0
    both = pd.concat([ipd, empty])
    effect = pooling.one_stage(both)
    assert np.isnan(effect.interaction_p) and np.isnan(effect.interaction_chi2)
    assert effect.mu < pooling.one_stage(ipd).mu
    assert pooling.one_stage_random(both).mu < pooling.one_stage_random(ipd).mu


def test_five_trials_of_the_reference_differ_more_than_chance_suggests():
    effect = pooling.one_stage_random(patients("ipd_five_trials"))
    assert effect.tau2 == pytest.approx(0.0644, abs=1e-4)
    assert effect.k == 5


def test_one_trial_and_missing_names_are_refused():
    ipd = trials(-0.5)
    assert np.isnan(pooling.one_stage(ipd).interaction_p)
    with pytest.raises(ValueError, match="'trial' names one trial only"):
        pooling.one_stage_random(ipd)
    with pytest.raises(ValueError, match="no column 'centre'"):
        pooling.one_stage(ipd, by="centre")
    with pytest.raises(ValueError, match="every patient needs a stratum"):
        pooling.one_stage(ipd.assign(trial=[None, *ipd["trial"][1:]]))
    with pytest.raises(ValueError, match="for 95 % write 0.95"):
        pooling.one_stage(ipd, level=95)
    with pytest.raises(ValueError, match="no event in the experimental arm"):
        pooling.one_stage(ipd.assign(event=ipd["event"] * (ipd["arm"] == "control")))


def opposite(first, second, *, third=False):
    """Trials of 20 patients: events in the control arm only, in the other only, and in both."""

    def arm(name, events, trial, shift):
        time, event = np.arange(1, 11) + shift, np.arange(10) < events
        return pd.DataFrame({"time": time, "event": event * 1, "arm": name, "trial": trial})

    counts = {"A": (first, 0), "B": (0, second)} | ({"C": (5, 4)} if third else {})
    return pd.concat(
        arm(name, events, trial, shift)
        for trial, pair in counts.items()
        for name, events, shift in zip(("control", "experimental"), pair, (0, 0.5), strict=True)
    )


def swap(ipd):
    return ipd.assign(
        arm=ipd["arm"].map({"control": "experimental", "experimental": "control"})
    )


@pytest.mark.parametrize("events", [(5, 5), (5, 1), (1, 1)])
def test_trials_without_a_hazard_ratio_that_pull_apart_are_refused(events):
    """However large tau2 is, half of the trials can lie at each end."""
    message = r"no maximum in tau2 to rely on: trials A, B have no finite hazard ratio"
    for ipd in (opposite(*events), swap(opposite(*events))):
        with pytest.raises(ValueError, match=message):
            pooling.one_stage_random(ipd)


def test_a_trial_with_a_hazard_ratio_keeps_tau2_finite():
    """Two trials that pull apart and one between: checked by the trapezoid rule."""
    ipd = opposite(5, 5, third=True)
    effect, turned = pooling.one_stage_random(ipd), pooling.one_stage_random(swap(ipd))
    assert turned.mu == pytest.approx(-effect.mu, abs=1e-6)
    assert turned.tau2 == pytest.approx(effect.tau2, rel=1e-6)
    grid = np.linspace(-60, 60, 12001)
    parts = [log_partial_likelihood(own, grid) for _, own in ipd.groupby("trial")]

    def height(mu, tau2):
        density = np.exp(-((grid - mu) ** 2) / (2 * tau2)) / np.sqrt(2 * np.pi * tau2)
        return sum(np.log(np.trapezoid(np.exp(part) * density, grid)) for part in parts)

    best = height(effect.mu, effect.tau2)
    assert effect.log_likelihood == pytest.approx(best, abs=1e-6)
    for mu, tau2 in ((-0.3, 0), (0.3, 0), (0, -1), (0, 1)):
        assert height(effect.mu + mu, effect.tau2 + tau2) < best


def test_a_search_that_ends_on_a_slope_is_no_result(monkeypatch):
    module = importlib.import_module("oligomdt.pooling.one_stage")
    monkeypatch.setattr(module, "_maximise", lambda likelihood, start: (start + 0.1, 0.5))
    with pytest.raises(ValueError, match="the search found no maximum"):
        pooling.one_stage_random(trials(-1.2, 0.1, -0.4))
