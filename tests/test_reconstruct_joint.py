"""Pairs of reconstructed arms against printed statistics: reference, property, name."""

import dataclasses
import math
import time as clock
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from oligomdt import survival
from oligomdt.reconstructkm import Comparison, Landmark, StatedArm
from oligomdt.reconstructkm.joint import _resample, condition, contradictions, statistics


def patients(seed, n, rate, digits=None, follow_up=24.0):
    """Exponential survival, uniform censoring; rounding the times makes ties."""
    random = np.random.default_rng(seed)
    end = random.uniform(0.3 * follow_up, follow_up, n)
    died = random.exponential(1 / rate, n)
    time = np.minimum(died, end)
    if digits is not None:
        time = np.round(time, digits)
    return time, (died <= end).astype(int)


def perturbed(arm, seed, draws, jitter=0.8):
    """Copies of a data set with jittered times and a few events exchanged for censorings."""
    random = np.random.default_rng(seed)
    time, event = arm
    for _ in range(draws):
        moved = np.abs(time + random.normal(0, jitter, len(time)))
        flip = random.random(len(time)) < 0.04
        yield moved, np.where(flip, 1 - event, event)


def stated(control, experimental, control_says=None, experimental_says=None, **others):
    arms = {
        "control": StatedArm(len(control[0]), **(control_says or {})),
        "experimental": StatedArm(len(experimental[0]), **(experimental_says or {})),
    }
    return Comparison(arms, **others)


def as_printed(found):
    """Hazard ratio, limits and p as a paper would print them."""
    return {
        "hr": f"{found['hr']:.2f}",
        "hr_ci": (f"{found['hr lower']:.2f}", f"{found['hr upper']:.2f}"),
        "p": "<0.001" if found["p logrank"] < 0.001 else f"{found['p logrank']:.3f}",
        "test": "logrank",
    }


def ipd(control, experimental):
    arms = {"control": control, "experimental": experimental}
    frames = [pd.DataFrame({"time": t, "event": e, "arm": a}) for a, (t, e) in arms.items()]
    return pd.concat(frames, ignore_index=True)


# --- reference values -----------------------------------------------------------------------


@pytest.mark.parametrize("digits", [None, 0], ids=["distinct times", "heavy ties"])
def test_cox_and_logrank_are_those_of_lifelines(digits):
    """Lifelines stops Newton's method when the step is 1e-7: 1e-5 relative is what it gives."""
    from lifelines import CoxPHFitter
    from lifelines.statistics import logrank_test

    control, experimental = patients(1, 60, 0.12, digits), patients(2, 75, 0.07, digits)
    found = statistics(control, experimental, level=0.9)
    frame = ipd(control, experimental)
    frame["arm"] = (frame["arm"] == "experimental").astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        model = CoxPHFitter(alpha=0.1).fit(
            frame, "time", "event", fit_options={"precision": 1e-12}
        )
        rank = logrank_test(control[0], experimental[0], control[1], experimental[1])
    fitted = model.summary.loc["arm"]
    assert found["hr"] == pytest.approx(fitted["exp(coef)"], rel=1e-5)
    assert found["hr lower"] == pytest.approx(fitted["exp(coef) lower 90%"], rel=1e-5)
    assert found["hr upper"] == pytest.approx(fitted["exp(coef) upper 90%"], rel=1e-5)
    assert found["p wald"] == pytest.approx(fitted["p"], rel=1e-4)
    # A closed form on both sides: only rounding differs.
    assert found["p logrank"] == pytest.approx(rank.p_value, rel=1e-9)


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_arm_statistics_are_those_of_the_survival_room(transform):
    control, experimental = patients(3, 40, 0.12, 0), patients(4, 50, 0.05, 0)
    found = statistics(control, experimental, level=0.8, transform=transform, landmarks=[6, 12])
    frame = ipd(control, experimental)
    medians = survival.median(frame, 0.8, transform).set_index("arm")
    at = survival.survival_at(frame, [6, 12], 0.8, transform).set_index(["arm", "time"])
    for arm, data in (("control", control), ("experimental", experimental)):
        assert found[f"{arm} events"] == data[1].sum()
        names = {"": "median", " lower": "ci_low", " upper": "ci_high"}
        for suffix, column in names.items():
            wanted = medians.loc[arm, column]
            assert found[f"{arm} median{suffix}"] == (
                math.inf if math.isnan(wanted) else pytest.approx(wanted)
            )
        for t in (6, 12):
            for suffix, column in {**names, "": "surv"}.items():
                wanted = at.loc[(arm, t), column]
                assert found[f"{arm} S({t}){suffix}"] == pytest.approx(wanted, abs=1e-12)


def test_a_flat_stretch_at_one_half_has_its_median_in_the_middle():
    found = statistics(([2, 4, 6, 8], [1, 1, 1, 1]), ([1, 2, 3, 4], [1, 1, 0, 0]))
    assert found["control median"] == 5
    assert found["experimental median"] == 3


def test_an_arm_without_events_gives_finite_numbers():
    found = statistics(([1, 2, 3], [1, 1, 0]), ([2, 3, 4], [0, 0, 0]))
    assert found["experimental median"] == math.inf
    assert 0 < found["hr"] < 0.01
    assert 0 < found["p logrank"] < 1


# --- properties -----------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(5, 60), st.integers(5, 60), st.booleans())
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_inverts_the_hazard_ratio(seed, n0, n1, tied):
    first = patients(seed, n0, 0.15, 0 if tied else None)
    second = patients(seed + 1, n1, 0.1, 0 if tied else None)
    one, other = statistics(first, second), statistics(second, first)
    assert one["hr"] * other["hr"] == pytest.approx(1, rel=1e-6)
    assert one["hr lower"] * other["hr upper"] == pytest.approx(1, rel=1e-6)
    for name in ("p logrank", "p wald"):
        assert one[name] == pytest.approx(other[name], rel=1e-6)
    assert one["control median"] == other["experimental median"]


@given(st.integers(0, 10**6), st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_weights_pairs_and_seed(seed, draws):
    control, experimental = patients(seed, 30, 0.12), patients(seed + 1, 30, 0.08)
    truth = statistics(control, experimental)
    ensembles = list(perturbed(control, seed, 12)), list(perturbed(experimental, seed + 2, 9))
    says = stated(control, experimental, hr=f"{truth['hr']:.2f}")
    chosen = condition(*ensembles, says, draws=draws, seed=seed)
    again = condition(*ensembles, says, draws=draws, seed=seed)
    assert np.array_equal(chosen.pairs, again.pairs)
    assert chosen.weights.shape == (12, 9)
    assert chosen.weights.sum() == pytest.approx(1)
    assert 1 <= chosen.effective <= 108 + 1e-6
    assert chosen.pairs.shape == (draws, 2)
    count = np.unique(chosen.pairs, axis=0, return_counts=True)[1]
    if draws <= chosen.effective:
        assert count.max() == 1
    else:  # systematic resampling keeps every count within one of its expectation
        for (a, b), times in zip(np.unique(chosen.pairs, axis=0), count, strict=True):
            assert abs(times - draws * chosen.weights[a, b]) < 1 + 1e-6
    assert chosen.weights[chosen.best] == chosen.weights.max()


@given(st.integers(0, 10**6), st.integers(2, 20))
@settings(max_examples=30, deadline=None)
def test_a_heavy_pair_comes_once_while_enough_others_are_effective(seed, draws):
    weight = np.r_[0.15, np.full(40, 0.85 / 40)]
    effective = 1 / (weight**2).sum()
    chosen = _resample(weight, draws, effective, np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == draws
    if draws * weight[0] > 1:
        assert 0 in chosen
    many = _resample(weight, 200, effective, np.random.default_rng(seed))
    assert (many == 0).sum() in (30, 31)


def test_seeds_differ():
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    ensembles = list(perturbed(control, 7, 20)), list(perturbed(experimental, 8, 20))
    runs = [
        condition(*ensembles, stated(control, experimental), draws=20, seed=s).pairs
        for s in range(4)
    ]
    assert any(not np.array_equal(runs[0], run) for run in runs[1:])


def test_without_statements_all_pairs_weigh_the_same():
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    ensembles = list(perturbed(control, 7, 10)), list(perturbed(experimental, 8, 10))
    chosen = condition(*ensembles, stated(control, experimental), draws=100)
    assert chosen.effective == pytest.approx(100)
    assert len(np.unique(chosen.pairs, axis=0)) == 100
    assert chosen.statistics.empty
    assert contradictions(chosen) == ()
    # The best pair is in the middle of the cloud.
    middle = abs(chosen.log_hr - chosen.log_hr.mean()) / chosen.log_hr.std()
    assert middle[chosen.best] < 1


def test_conditioning_on_true_statistics_narrows_the_error_of_the_log_hazard_ratio():
    """Over 24 trials of 60 + 60 patients, and in the point estimate as well."""
    before, after, best, covered = [], [], [], []
    for trial in range(24):
        control, experimental = patients(100 + trial, 60, 0.12), patients(200 + trial, 60, 0.08)
        truth = statistics(control, experimental)
        ensembles = (
            list(perturbed(control, 300 + trial, 20)),
            list(perturbed(experimental, 400 + trial, 20)),
        )
        says = stated(control, experimental, **as_printed(truth))
        chosen = condition(*ensembles, says, draws=50, seed=trial)
        error = chosen.log_hr - math.log(truth["hr"])
        before.append(np.sqrt((error**2).mean()))
        after.append(np.sqrt((error[tuple(chosen.pairs.T)] ** 2).mean()))
        best.append((abs(error.mean()), abs(error[chosen.best])))
        covered.append(chosen.statistics.set_index("statistic").loc["hr", "met"])
        assert contradictions(chosen) == ()
    assert np.mean(after) < 0.5 * np.mean(before)
    assert np.mean([b for _, b in best]) < 0.5 * np.mean([m for m, _ in best])
    assert min(covered) < 0.5  # the statement did have something to choose


def test_events_and_medians_choose_the_draws_of_their_own_arm():
    control, experimental = patients(11, 50, 0.12), patients(12, 50, 0.08)
    ensembles = list(perturbed(control, 13, 25)), list(perturbed(experimental, 14, 25))
    counts = np.array([event.sum() for _, event in ensembles[0]])
    wanted = int(np.sort(counts)[12])
    says = stated(control, experimental, {"events": wanted})
    chosen = condition(*ensembles, says, draws=20)
    # One event more or less is a near miss, exp(-0.5 (1 / (SD / 4))^2), not an impossibility.
    assert (counts[chosen.pairs[:, 0]] == wanted).mean() > 0.9
    assert (counts == wanted).mean() < 0.5
    assert chosen.statistics["met"].item() == pytest.approx((counts == wanted).mean())
    assert len(set(chosen.pairs[:, 1].tolist())) > 5


def test_not_reached_is_a_statement_like_others():
    """Half of the draws reach their median; the printed one does not."""
    short = ([1, 2, 3, 4, 20, 20, 20], [1, 1, 1, 1, 0, 0, 0])
    never = ([1, 2, 3, 4, 20, 20, 20], [1, 1, 1, 0, 0, 0, 0])
    arms = {"control": StatedArm(7, median="not reached"), "experimental": StatedArm(7)}
    chosen = condition([short, never], [short], Comparison(arms), draws=8)
    row = chosen.statistics.iloc[0]
    assert (row["low"], row["reached_low"], row["reached_high"]) == (math.inf, 4, math.inf)
    assert row["met"] == 0.5
    assert chosen.best == (1, 0)
    assert chosen.weights[1, 0] > 0.8


def test_an_unknown_transform_is_found_from_the_limits():
    control, experimental = patients(21, 40, 0.12), patients(22, 40, 0.08)
    for transform in ("log-log", "log", "plain"):
        truth = statistics(control, experimental, transform=transform, landmarks=[12])
        says = {}
        for arm in ("control", "experimental"):
            surv, low, high = (
                f"{truth[f'{arm} S(12){s}']:.3f}" for s in ("", " lower", " upper")
            )
            says[arm] = {"landmarks": [Landmark(12, surv, (low, high))]}
        known = stated(control, experimental, says["control"], says["experimental"])
        ensembles = (
            [control, *perturbed(control, 23, 9)],
            [experimental, *perturbed(experimental, 24, 9)],
        )
        chosen = condition(*ensembles, known, draws=10)
        assert chosen.fit.transform == transform
        assert chosen.best == (0, 0)


def test_a_p_value_of_an_unknown_test_may_come_from_either():
    control, experimental = patients(31, 30, 0.12), patients(32, 30, 0.08)
    truth = statistics(control, experimental)
    assert f"{truth['p wald']:.4f}" != f"{truth['p logrank']:.4f}"
    for name in ("p wald", "p logrank"):
        says = stated(control, experimental, p=f"{truth[name]:.4f}")
        assert condition([control], [experimental], says).statistics["met"].item() == 1
    wrong = dataclasses.replace(says, p=f"{truth['p wald']:.4f}", test="logrank")
    assert condition([control], [experimental], wrong).statistics["met"].item() == 0


def test_what_is_not_forced_is_reported_but_does_not_choose():
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    ensembles = list(perturbed(control, 7, 10)), list(perturbed(experimental, 8, 10))
    says = stated(control, experimental, hr="9.00", not_forced={"hr": "a misprint"})
    chosen = condition(*ensembles, says)
    near = stated(control, experimental, hr="0.60", not_forced={"hr": "adjusted"})
    assert condition(*ensembles, near).effective == pytest.approx(100)
    assert condition(*ensembles, stated(control, experimental, hr="0.60")).effective < 60
    assert chosen.effective == pytest.approx(100)
    assert chosen.statistics.loc[0, ["forced", "used", "reason"]].tolist() == [
        False,
        False,
        "a misprint",
    ]
    assert contradictions(chosen) == ()


def test_the_tolerance_of_another_model_widens_the_interval_by_its_size():
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    says = stated(control, experimental, hr="0.70")
    plain = condition([control], [experimental], says).statistics.iloc[0]
    wide = condition([control], [experimental], says, model="stratified").statistics.iloc[0]
    own = condition([control], [experimental], says, tolerance=0.2).statistics.iloc[0]
    assert (plain["low"], plain["high"]) == pytest.approx((0.695, 0.705))
    assert math.log(plain["low"] / wide["low"]) == pytest.approx(0.05)
    assert math.log(own["high"] / plain["high"]) == pytest.approx(0.2)


def test_the_tolerance_widens_the_p_value_by_its_share_of_the_standard_error():
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    says = stated(control, experimental, p="0.04")
    chosen = condition([control], [experimental], says, tolerance=0.1)
    score = norm.isf(chosen.statistics[["low", "high"]].iloc[0].to_numpy() / 2)
    assert score[0] - norm.isf(0.035 / 2) == pytest.approx(0.1 / chosen.se.item())
    assert norm.isf(0.045 / 2) - score[1] == pytest.approx(0.1 / chosen.se.item())


# --- contradictions -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trial():
    control, experimental = patients(41, 150, 0.15), patients(42, 150, 0.08)
    ensembles = (
        list(perturbed(control, 43, 20, jitter=0.1)),
        list(perturbed(experimental, 44, 20, jitter=0.1)),
    )
    return control, experimental, ensembles, statistics(control, experimental)


def test_a_wrong_hazard_ratio_is_named_with_the_number_that_would_be_right(trial):
    control, experimental, ensembles, _ = trial
    says = stated(control, experimental, hr="0.90")
    chosen = condition(*ensembles, says, draws=20)
    (found,) = contradictions(chosen)
    high = np.exp(chosen.log_hr.max())
    assert (found.statistic, found.stated, found.inverted) == ("hr", "0.90", False)
    assert found.needed == f"{high:.2f}"
    gap = math.log(0.895) - chosen.log_hr.max()
    assert found.distance == pytest.approx(gap / chosen.log_hr.std())
    assert found.message == (
        f"the printed hazard ratio 0.90 cannot be had from these curves: pairs give "
        f"{np.exp(chosen.log_hr.min()):.2f} to {high:.2f}; it would have to be {high:.2f} "
        "(another model, arm order or data cut?)"
    )
    # It cannot choose between the pairs either; and the number it needs is no contradiction.
    assert not chosen.statistics["used"].item()
    assert chosen.effective == pytest.approx(400)
    right = condition(*ensembles, stated(control, experimental, hr=found.needed))
    assert contradictions(right) == ()
    assert right.statistics["met"].item() > 0


def test_the_needed_number_allows_for_the_tolerance(trial):
    control, experimental, ensembles, _ = trial
    says = stated(control, experimental, hr="0.90")
    (strict,) = contradictions(condition(*ensembles, says))
    (lenient,) = contradictions(condition(*ensembles, says, tolerance=0.05))
    assert float(lenient.needed) > float(strict.needed)
    right = condition(
        *ensembles, stated(control, experimental, hr=lenient.needed), tolerance=0.05
    )
    assert right.statistics["met"].item() > 0


def test_an_inverted_hazard_ratio_is_recognised(trial):
    control, experimental, ensembles, truth = trial
    inverse = {
        "hr": f"{1 / truth['hr']:.2f}",
        "hr_ci": (f"{1 / truth['hr upper']:.2f}", f"{1 / truth['hr lower']:.2f}"),
    }
    found = contradictions(condition(*ensembles, stated(control, experimental, **inverse)))
    assert [one.statistic for one in found] == ["hr", "hr lower", "hr upper"]
    assert all(one.inverted for one in found)
    assert "upside down" in found[0].message
    assert inverse["hr"] in found[0].message
    lower = inverse["hr_ci"][0]
    assert f"the printed hazard ratio lower limit {lower} cannot" in found[1].message


def test_a_wrong_number_of_events_and_median_are_named(trial):
    control, experimental, ensembles, truth = trial
    says = stated(control, experimental, {"events": 40}, {"median": "2.5"}, hr="0.99")
    found = {one.statistic: one for one in contradictions(condition(*ensembles, says))}
    assert set(found) == {"control events", "experimental median", "hr"}
    least = min(event.sum() for _, event in ensembles[0])
    assert found["control events"].needed == str(least)
    assert float(found["experimental median"].needed) < truth["experimental median"] + 1
    assert "another arm" in found["control events"].message


def test_numbers_that_hold_singly_but_not_together_are_named():
    """Two data sets of the control arm: each meets one of the two numbers."""
    early = ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1])
    late = ([5, 6, 7, 8, 9, 10], [1, 1, 1, 0, 0, 0])
    arms = {
        "control": StatedArm(6, events=6, median="7.5"),
        "experimental": StatedArm(6),
    }
    chosen = condition([early, late], [early], Comparison(arms))
    assert contradictions(chosen) == ()  # 2 SD away: not far by the usual measure
    (found,) = contradictions(chosen, k=1.5)
    assert found.together
    assert "together with the other numbers" in found.message


def test_a_true_trial_has_no_contradictions_at_all(trial):
    control, experimental, ensembles, truth = trial
    says = {}
    for arm in ("control", "experimental"):
        says[arm] = {
            "events": int(truth[f"{arm} events"]),
            "median": f"{truth[f'{arm} median']:.1f}",
        }
    both = stated(
        control, experimental, says["control"], says["experimental"], **as_printed(truth)
    )
    assert contradictions(condition(*ensembles, both)) == ()


def test_draws_that_all_agree_contradict_what_they_do_not_give():
    arm = ([1, 2, 3, 4], [1, 1, 0, 0])
    arms = {"control": StatedArm(4, events=3), "experimental": StatedArm(4, events=2)}
    (found,) = contradictions(condition([arm, arm], [arm], Comparison(arms)))
    assert (found.needed, found.distance) == ("2", math.inf)
    assert "every pair gives 2" in found.message


def test_a_last_digit_off_by_one_is_no_contradiction():
    """The draws agree, so no distance in SDs exists; the rounding interval is the measure."""
    control, experimental = patients(5, 40, 0.12), patients(6, 40, 0.08)
    hr = statistics(control, experimental)["hr"]
    for off, expected in ((0, 0), (1, 0), (-1, 0), (4, 1), (-4, 1)):
        says = stated(control, experimental, hr=f"{round(hr, 2) + off / 100:.2f}")
        assert len(contradictions(condition([control], [experimental], says))) == expected


def test_numbers_that_would_be_right_are_written_as_papers_do():
    early = ([1.25, 2.25, 3.25, 4.25] * 5, [1, 1, 1, 1] * 5)
    late = ([21, 22, 23, 24] * 5, [1, 1, 0, 0] * 5)
    arms = {
        "control": StatedArm(20, median="not reached"),
        "experimental": StatedArm(20, median="12.0"),
    }
    says = Comparison(arms, p="0.90", test="logrank")
    found = {one.statistic: one for one in contradictions(condition([early], [late], says))}
    assert found["control median"].needed == "2.8"
    assert found["experimental median"].needed == "23.0"
    assert found["p"].needed == "<0.01"
    assert "the printed p value 0.90 cannot be had" in found["p"].message
    arms = {"control": StatedArm(20), "experimental": StatedArm(20, median="12.0")}
    never = ([21, 22, 23, 24] * 5, [1, 0, 0, 0] * 5)
    (beyond,) = contradictions(condition([early], [never], Comparison(arms)))
    assert beyond.needed == "not reached"


# --- speed ----------------------------------------------------------------------------------


def test_a_thousand_pairs_take_less_than_a_second():
    control, experimental = patients(51, 200, 0.12, 1), patients(52, 200, 0.08, 1)
    ensembles = list(perturbed(control, 53, 32)), list(perturbed(experimental, 54, 32))
    truth = statistics(control, experimental)  # compiles
    says = stated(control, experimental, {"median": "6"}, **as_printed(truth))
    start = clock.perf_counter()
    condition(*ensembles, says)
    assert clock.perf_counter() - start < 1


# --- input that cannot be used --------------------------------------------------------------

ARM = ([1.0, 2.0, 3.0], [1, 0, 1])
SAYS = Comparison({"control": StatedArm(3), "experimental": StatedArm(3)}, hr="0.5")


@pytest.mark.parametrize(
    ("control", "experimental", "words"),
    [
        ([], [ARM], "control_draws is empty; give at least one draw"),
        ([ARM], [], "experimental_draws is empty"),
        ([ARM, ([1, 2], [1, 1])], [ARM], r"control_draws\[1\] has 2 times .* give 3 of each"),
        ([ARM], [([1, 2, 3], [1, 1])], r"experimental_draws\[0\] has 3 times and 2 events"),
        ([([], [])], [ARM], r"control_draws\[0\] has 0 times and 0 events; give 1 of each"),
        ([ARM], [([-1, 2, 3], [1, 1, 1])], r"experimental_draws\[0\]: give times of 0 or"),
        ([ARM], [([1, 2, 3], [1, 2, 1])], "events of 0 or 1"),
        ([([1, 2, math.nan], [1, 1, 1])], [ARM], r"control_draws\[0\] time\[2\] is nan"),
        ([3], [ARM], r"control_draws\[0\] is not a draw; give a pair \(time, event\)"),
        ([([1, 2], [1, 1])], [ARM], "control_draws have 2 patients, but n of the control arm"),
    ],
)
def test_draws_that_cannot_be_used_are_named(control, experimental, words):
    with pytest.raises(ValueError, match=words):
        condition(control, experimental, SAYS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"draws": 0}, "draws is 0; it must be 1 or more"),
        ({"draws": 2.5}, "draws is 2.5; it must be a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"model": "weibull"}, "model is 'weibull'; give one of cox, unknown"),
        ({"tolerance": -0.1}, "tolerance is -0.1; give a log hazard ratio of 0 or more"),
        ({"tolerance": math.nan}, "tolerance is nan"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        condition([ARM], [ARM], SAYS, **change)


@pytest.mark.parametrize("level", [95, 0, 1, math.nan])
def test_a_level_is_a_proportion(level):
    with pytest.raises(ValueError, match="level is .*; give a proportion such as 0.95"):
        statistics(ARM, ARM, level=level)
    with pytest.raises(ValueError, match="level is .*; give a proportion such as 0.95"):
        dataclasses.replace(SAYS, hr_level=level)


def test_other_arguments_are_named():
    with pytest.raises(
        ValueError, match="transform is 'logit'; give one of log-log, log, plain"
    ):
        statistics(ARM, ARM, transform="logit")
    with pytest.raises(ValueError, match=r"experimental\[0\]: give times"):
        statistics(ARM, ([1], [3]))
    with pytest.raises(ValueError, match="k is 0; give a number of standard deviations"):
        contradictions(condition([ARM], [ARM], SAYS), k=0)
    half = {"control": StatedArm(3), "experimental": StatedArm(3)}
    whole = {"control": StatedArm(6), "experimental": StatedArm(6)}
    parts = [Comparison(half, name="a"), Comparison(half, name="b")]
    with pytest.raises(ValueError, match="comparison has parts; condition each part"):
        condition([ARM], [ARM], Comparison(whole, parts=parts))
