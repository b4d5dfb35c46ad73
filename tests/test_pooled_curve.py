"""Pooled curves and the hazard ratio over time of reconstructed trials."""

import importlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_ipd_synthesis import rebuilt
from test_one_stage import trial

from oligomdt import analysis, evidence, survival

# Their names in the package are those of their main functions.
module = importlib.import_module("oligomdt.analysis.pooled_curve")
over_time = importlib.import_module("oligomdt.analysis.proportionality")


def at(frame, arm, time):
    return frame[(frame["arm"] == arm) & np.isclose(frame["time"], time)].iloc[0]


# ------------------------------------------------------------------ the pooled curve


def test_one_data_set_of_one_trial_is_its_kaplan_meier_curve():
    draw = trial(3, -0.5, n=80)
    curve = analysis.pooled_curve([rebuilt("NSCLC", [draw])])
    for time in (2, 4, 8):
        for row in survival.survival_at(draw, [time]).to_dict("records"):
            own = at(curve, row["arm"], time)
            assert own["surv"] == pytest.approx(row["surv"])
            assert (own["se"], own["within_se"]) == pytest.approx((row["se"], row["se"]))
            assert own["share"] == 0
            assert own["n_risk"] == row["n_risk"]


def test_two_trials_are_averaged_by_their_patients_and_rubins_rules():
    """Weights 80/120 and 40/120; (1 + 1/2) of the variance between the two data sets."""
    first = [trial(3, -0.5, n=80), trial(4, -0.5, n=80)]
    second = [trial(5, 0.3, n=40), trial(6, 0.3, n=40)]
    curve = analysis.pooled_curve([rebuilt("NSCLC", first), rebuilt("breast", second)])
    own = at(curve, "control", 4)
    surv, within, between = 0.0, 0.0, 0.0
    for weight, draws in ((2 / 3, first), (1 / 3, second)):
        rows = [survival.survival_at(one, [4]).set_index("arm").loc["control"] for one in draws]
        a, b = (row["surv"] for row in rows)
        surv += weight * (a + b) / 2
        within += weight**2 * (rows[0]["se"] ** 2 + rows[1]["se"] ** 2) / 2
        between += weight**2 * 1.5 * (a - b) ** 2 / 2
    assert own["surv"] == pytest.approx(surv)
    assert own["within_se"] == pytest.approx(within**0.5)
    assert own["se"] == pytest.approx((within + between) ** 0.5)
    assert own["share"] == pytest.approx(between / (within + between))


@given(seed=st.integers(0, 10_000))
@example(seed=1100)  # in all data sets nobody has an event at first
@settings(deadline=None, max_examples=6)
def test_pooled_curves_never_rise_and_lie_inside_their_limits(seed):
    first = [trial(seed + i, -0.5, n=40) for i in range(3)]
    second = [trial(seed + 50 + i, 0.0, n=30) for i in range(3)]
    curve = analysis.pooled_curve([rebuilt("NSCLC", first), rebuilt("breast", second)])
    for _, own in curve.groupby("arm"):
        assert own["surv"].iloc[0] == own["low"].iloc[0] == own["high"].iloc[0] == 1
        assert (np.diff(own["surv"]) <= 1e-12).all()
        assert own["surv"].between(own["low"] - 1e-12, own["high"] + 1e-12).all()
        assert own[["low", "high"]].stack().between(0, 1).all()
        assert (own["se"] >= own["within_se"]).all()


def test_half_a_patient_where_a_curve_has_no_variance_of_its_own():
    """Of 4 patients all with an event: (0.5 / 5) (4.5 / 5) / 5."""
    draw = pd.DataFrame(
        {
            "time": [1.0, 2.0, 3.0, 4.0] + [6.0] * 4,
            "event": [1] * 4 + [0] * 4,
            "arm": ["control"] * 4 + ["experimental"] * 4,
        }
    )
    curves = module.arm_curves(rebuilt("NSCLC", [draw]), "control", np.array([0.0, 0.5, 5.0]))
    assert curves.surv[0].tolist() == [1, 1, 0]
    # At time 0 nothing is estimated; at 0.5, 4 of 4 at risk.
    wanted = [0, 0.1 * 0.9 / 5, 0.1 * 0.9 / 5]
    np.testing.assert_allclose(curves.variance[0], wanted)


def test_a_curve_that_ends_at_zero_rests_on_those_who_were_left():
    """Of 4, 2 are censored and the last has an event: 1 at risk at S = 3/4, 4/3 patients."""
    arm = {"time": [1.0, 2.0, 2.0, 3.0], "event": [1, 0, 0, 1], "arm": "control"}
    other = {"time": [4.0, 8.0], "event": [1, 0], "arm": "experimental"}
    draw = pd.concat([pd.DataFrame(arm), pd.DataFrame(other)], ignore_index=True)
    curves = module.arm_curves(rebuilt("NSCLC", [draw]), "control", np.array([0.0, 5.0]))
    p = 0.5 / (4 / 3 + 1)
    wanted = p * (1 - p) / (4 / 3 + 1)
    assert curves.variance[0, 1] == pytest.approx(wanted)
    # More than of the two events alone would say, and the same in the difference at 5 months.
    row = analysis.two_stage(draw.assign(trial="X"), "landmark", time=5).iloc[0]
    assert row["se"] ** 2 == pytest.approx(wanted + 0.5 * 0.5 / 2)


def test_the_horizon_is_the_last_whole_month_that_all_curves_reach():
    def until(control, event, experimental):
        return pd.DataFrame(
            {
                "time": [1.0, control, 1.0, experimental],
                "event": [1, event, 1, 0],
                "arm": ["control", "control", "experimental", "experimental"],
            }
        )

    ended = rebuilt("NSCLC", [until(5.5, 1, 9.7), until(5.5, 1, 8.9)])
    assert analysis.known_until(ended) == {"control": np.inf, "experimental": 8.9}
    censored = rebuilt("breast", [until(7.2, 0, 12.0)])
    assert analysis.known_until(censored) == {"control": 7.2, "experimental": 12.0}
    assert analysis.common_horizon([ended]) == 8
    assert analysis.common_horizon([ended, censored]) == 7
    with pytest.raises(ValueError, match="known together for 0.4 months only"):
        analysis.common_horizon([rebuilt("NSCLC", [until(1.0, 0, 9.0).assign(time=0.4)])])
    with pytest.raises(
        ValueError, match="horizon is 9 months; all curves are known from 0 to 8"
    ):
        analysis.pooled_curve([ended], horizon=9)
    with pytest.raises(ValueError, match="reconstructions is empty"):
        analysis.pooled_curve([])


def test_control_survival_is_given_where_nine_of_ten_data_sets_know_it():
    draws = [trial(seed, -0.5, n=60) for seed in range(10)]
    late = min(draw.loc[draw["arm"] == "control", "time"].max() for draw in draws)
    short = [draw.assign(time=draw["time"].clip(upper=late / 2)) for draw in draws[:2]]
    short = [draw.assign(event=draw["event"] * (draw["time"] < late / 2)) for draw in short]
    times = [2, late * 0.9]
    full = analysis.control_survival([rebuilt("NSCLC", draws)], times)
    assert full["surv"].notna().all()
    cut = analysis.control_survival([rebuilt("NSCLC", [*short, *draws[2:]])], times, ["X"])
    assert cut["surv"].isna().tolist() == [False, True]
    assert cut["baseline"].tolist() == ["X", "X"]
    together = analysis.control_survival(
        [rebuilt("NSCLC", draws), rebuilt("breast", [*short, *draws[2:]])], times, ["X", "Y"]
    )
    assert together["surv"].isna().tolist() == [False, False, False, True, False, True]
    assert together["baseline"].tolist()[4:] == ["all trials"] * 2


def drawn(*times_and_events):
    """A reconstruction of a control arm: one list of (time, event) for each draw."""
    rows = [
        {"draw": draw, "time": time, "event": event, "arm": "control"}
        for draw, patients in enumerate(times_and_events)
        for time, event in patients
    ]
    return SimpleNamespace(
        data=pd.DataFrame(rows), result=evidence.load()["CURB"].cohort("NSCLC").result()
    )


def test_control_survival_of_one_data_set_is_kaplan_meier_with_greenwood():
    patients = [(2.0, 1), (4.0, 1), (8.0, 0), (10.0, 1), (30.0, 0)]
    frame = analysis.control_survival([drawn(patients)], [6, 12, 24])
    surv = [3 / 5, 3 / 5 * 1 / 2, 3 / 5 * 1 / 2]
    greenwood = [1 / (5 * 4) + 1 / (4 * 3)]
    greenwood += [greenwood[0] + 1 / (2 * 1)] * 2
    np.testing.assert_allclose(frame["surv"], surv)
    np.testing.assert_allclose(frame["se"], np.multiply(surv, np.sqrt(greenwood)))


def test_control_survival_adds_the_variation_between_data_sets():
    one = [(float(t), 1) for t in range(1, 11)]
    two = [(float(t), 1) for t in (1, 2, 3, 7, 8, 9, 10, 11, 12, 13)]
    (row,) = analysis.control_survival([drawn(one, two)], [6]).to_dict("records")
    within = np.mean([0.4 * 0.6 / 10, 0.7 * 0.3 / 10])
    between = np.var([0.4, 0.7], ddof=1) * 1.5
    assert row["surv"] == pytest.approx(0.55)
    assert row["se"] == pytest.approx(np.sqrt(within + between))


def test_control_survival_is_not_given_where_hardly_anybody_is_followed():
    followed = [(1.0, 1)] * 10 + [(5.0, 0)] * 10
    frame = analysis.control_survival([drawn(followed)], [3, 6]).set_index("time")
    assert frame.loc[3, "surv"] == pytest.approx(0.5)
    assert np.isnan(frame.loc[6, "surv"])
    # One patient of 20 left at 6 months: fewer than a tenth.
    sparse = [(1.0, 1)] * 10 + [(5.0, 0)] * 9 + [(9.0, 0)]
    frame = analysis.control_survival([drawn(sparse)], [3, 6]).set_index("time")
    assert np.isnan(frame.loc[6, "surv"])


def test_absolute_effects_of_each_histology():
    frame = analysis.absolute_synthesis()
    assert set(frame["group"]) == {"NSCLC", "breast", "mixed"}
    assert set(frame["scenario"]) == {"main analysis", "with NRG-LU002"}
    synthesis = analysis.histology_synthesis(analysis.published_estimates())
    primary = synthesis[synthesis["role"] == "primary"].set_index("group")["hr"]
    known = frame[frame["difference"].notna()]
    for row in known[known["scenario"] == "main analysis"].to_dict("records"):
        assert row["hr"] == pytest.approx(primary[row["group"]])
        powered = 100 * (row["per_100_control"] / 100) ** row["hr"]
        assert row["per_100_experimental"] == pytest.approx(powered)
    added = known[known["scenario"] == "with NRG-LU002"]
    assert set(added["group"]) == {"NSCLC"} and not added["checked"].any()
    unknown = frame[frame["difference"].isna()]
    assert (unknown["note"] != "").all()
    assert ((unknown["time"] == 24) & (unknown["baseline"] == "CURB, breast (2024)")).any()


# ------------------------------------------------------------------ proportional hazards


def waning(seed, later, n=400):
    """Hazard ratio 0.3 in the first three months, then `later`."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n) % 2
    need = rng.exponential(1, n)
    first, after = 0.15 * np.where(arm, 0.3, 1.0), 0.15 * np.where(arm, later, 1.0)
    time = np.where(need < 3 * first, need / first, 3 + (need - 3 * first) / after)
    return pd.DataFrame(
        {
            "time": np.minimum(time, 24),
            "event": (time <= 24).astype(int),
            "arm": np.where(arm, "experimental", "control"),
        }
    )


def test_a_waning_effect_is_seen_and_a_constant_one_is_not():
    found = over_time._change([waning(seed, 1.5) for seed in range(3)])
    assert found["low"] > 1 and found["p"] < 0.01
    constant = over_time._change([waning(seed, 0.3) for seed in range(3)])
    assert constant["low"] < 1 < constant["high"]


def test_change_and_line_of_data_sets_that_agree_are_those_of_one():
    draw = waning(1, 1.0, n=80)
    fit = survival.time_varying(draw)
    found = over_time._change([draw] * 5)
    assert found["ratio"] == pytest.approx(2 ** fit.coefficients[1])
    assert found["share"] == pytest.approx(0, abs=1e-9)
    assert found["p"] == pytest.approx(fit.p, rel=1e-6)
    line = over_time._line([fit] * 5)
    wanted = fit.hr_at(line["time"])
    np.testing.assert_allclose(line["hr"], wanted["hr"])
    np.testing.assert_allclose(line["low"], wanted["hr_low"], rtol=1e-6)
    np.testing.assert_allclose(line["within_high"], wanted["hr_high"], rtol=1e-6)
    assert line["time"].min() >= fit.first and line["time"].max() <= fit.last


def test_where_no_change_can_be_fitted_it_is_said():
    draw = waning(1, 1.0, n=80)
    found = over_time._change([draw, draw.assign(event=0)])
    assert np.isnan(found["ratio"])
    assert found["note"].startswith("not defined in 1 of 2 data sets: ")


def test_proportionality_of_the_trials():
    frame = analysis.proportionality()
    assert len(frame) == 6
    assert (frame["test_p_low"] <= frame["test_p_median"]).all()
    assert (frame["test_p_median"] <= frame["test_p_high"]).all()
    # What the chapter says: nothing excluded, and much of it left open by what was printed.
    assert (frame["low"] < 1).all() and (frame["high"] > 1).all()
    assert frame["share"].between(0.4, 0.7).all()
    assert (frame["high"] > 1.5).all()
    assert (frame["test_below"] > 0).sum() > len(frame) / 2


def test_weighted_tests_are_added_over_trials_and_draws():
    """One data set each: the stratified test. Two: the variance between them is added."""
    one = {"a": waning(1, 1.0, n=80), "b": waning(2, 0.5, n=60)}
    stacked = pd.concat([draw.assign(trial=name) for name, draw in one.items()])
    scores = [over_time._score([draw], 0, 1) for draw in one.values()]
    found = over_time._tested(scores)
    parts = [survival.weighted_logrank(draw, 0, 1) for draw in one.values()]
    z = sum(part.u for part in parts) / sum(part.v for part in parts) ** 0.5
    assert (found["z"], found["share"]) == (pytest.approx(z), 0)
    alike = over_time._tested([over_time._score([draw], 0, 0) for draw in one.values()])
    wanted = survival.logrank(stacked, strata="trial")
    assert alike["z"] == pytest.approx(wanted.o_minus_e / wanted.variance**0.5)
    assert alike["p"] == pytest.approx(wanted.p)
    two = over_time._score([waning(1, 1.0, n=80), waning(3, 1.0, n=80)], 0, 0)
    assert two.share > 0
    assert abs(over_time._tested([two])["z"]) < abs(two.estimate) / two.within**0.5


def test_weighted_tests_of_the_trials_agree_with_their_printed_p():
    """Gomez prints 0.0054 of a log-rank test."""
    frame = analysis.weighted_tests()
    usual = frame[frame["weight"] == "all alike"].set_index("label")
    assert usual.loc["Gomez (2016)", "p"] == pytest.approx(0.0054, abs=0.0005)
    assert usual["share"].max() < 0.02
    assert (frame["z"] < 0).all()  # the same way, as the chapter says
    assert (frame.loc[frame["label"] == "all trials", "group"]).unique().tolist() == [
        "NSCLC",
        "breast",
    ]


def test_no_hazard_ratio_over_time_is_an_error():
    with pytest.raises(ValueError, match="defined in none of them"):
        analysis.hr_over_time({})


def test_a_figure_alone_still_works():
    """One data set, as where the reconstruction rests on a figure."""
    one = SimpleNamespace(
        data=trial(1, -0.5).assign(draw=0), result=rebuilt("NSCLC", [trial(1, 0)]).result
    )
    assert analysis.pooled_curve([one])["share"].dropna().eq(0).all()
