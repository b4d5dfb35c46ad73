"""Contrasts of reconstructed trials: Rubin's rules, pooling, no patient twice."""

import importlib
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from test_one_stage import trial, trials

from oligomdt import analysis, evidence, pooling, survival
from oligomdt.figures import ipd_tables

# Its name in the package is that of its main function.
module = importlib.import_module("oligomdt.analysis.ipd_synthesis")
contrasts = importlib.import_module("oligomdt.analysis.contrasts")
OPTIONS = {
    "cox": {},
    "logrank": {},
    "early": {"cut": 5},
    "late": {"cut": 5},
    "rmst": {"horizon": 8},
    "rmst_ratio": {"horizon": 8},
    "landmark": {"time": 6},
    "log_cumhaz": {"time": 6},
}
each_estimand = pytest.mark.parametrize("estimand", OPTIONS)


def rebuilt(cohort, draws, trial_id="CURB"):
    """A reconstruction that holds the given data sets of a cohort."""
    result = evidence.load()[trial_id].cohort(cohort).result()
    data = pd.concat([one.assign(draw=i) for i, one in enumerate(draws)], ignore_index=True)
    return SimpleNamespace(data=data, basis="statistics", result=result)


@pytest.fixture(scope="module")
def estimates():
    return analysis.ipd_estimates()


@pytest.fixture(scope="module")
def synthesis(estimates):
    return analysis.ipd_synthesis(estimates)


# ------------------------------------------------------------------ one data set per trial


def test_every_estimand_has_a_test():
    assert set(OPTIONS) == set(contrasts.ESTIMANDS)


@each_estimand
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=4)
def test_swapping_the_arms_flips_the_sign(estimand, seed):
    ipd = trials(-0.6, 0.3, seed=seed, n=80)
    swapped = ipd.assign(
        arm=ipd["arm"].map({"control": "experimental", "experimental": "control"})
    )
    one = analysis.two_stage(ipd, estimand, **OPTIONS[estimand])
    other = analysis.two_stage(swapped, estimand, **OPTIONS[estimand])
    assert one["trial"].tolist() == ["trial 0", "trial 1"]
    np.testing.assert_allclose(other["estimate"], -one["estimate"], atol=1e-9)
    np.testing.assert_allclose(other["se"], one["se"], rtol=1e-9)


@each_estimand
def test_the_unit_of_time_matters_for_months_only(estimand):
    ipd = trials(-0.6, 0.3, n=80)
    days = ipd.assign(time=ipd["time"] * 30)
    options = {name: 30 * value for name, value in OPTIONS[estimand].items()}
    one = analysis.two_stage(ipd, estimand, **OPTIONS[estimand])
    other = analysis.two_stage(days, estimand, **options)
    factor = 30 if estimand == "rmst" else 1
    for column in ("estimate", "se"):
        np.testing.assert_allclose(other[column], factor * one[column], rtol=1e-8)


def test_early_and_late_are_the_two_pieces():
    ipd = trial(4, -0.5, n=100)
    ipd["time"] = np.ceil(ipd["time"])  # with events at the cut
    assert ((ipd["time"] == 5) & (ipd["event"] == 1)).any()
    pieces = survival.piecewise(ipd, 5)
    for name, piece in (("early", pieces.early), ("late", pieces.late)):
        row = analysis.two_stage(ipd, name, cut=5).iloc[0]
        assert row["estimate"] == pytest.approx(piece.log_hr, abs=1e-9)
        assert row["se"] == pytest.approx(piece.se, rel=1e-9)


def test_half_a_patient_where_a_curve_is_at_1_or_0():
    """9 of 9 at risk: (9.5 / 10) (0.5 / 10) / 10; the other arm by Greenwood."""
    ipd = pd.DataFrame(
        {
            "time": [5.0] * 9 + [1.0, 2.0, 5.0, 5.0],
            "event": [0] * 9 + [1, 1, 0, 0],
            "arm": ["experimental"] * 9 + ["control"] * 4,
            "trial": "A",
        }
    )
    row = analysis.two_stage(ipd, "landmark", time=3).iloc[0]
    assert row["estimate"] == pytest.approx(0.5)
    assert row["se"] == pytest.approx((0.95 * 0.05 / 10 + 0.5 * 0.5 / 4) ** 0.5)
    with pytest.raises(ValueError, match="trial 'A': the contrast is not defined"):
        analysis.two_stage(ipd, "log_cumhaz", time=3)


@pytest.mark.parametrize(
    ("estimand", "options", "message"),
    [
        ("hr", {}, "estimand is 'hr'; it must be one of cox"),
        ("cox", {"cut": 3}, "'cox' has no option, in months; given: cut"),
        ("rmst", {}, "'rmst' needs the option 'horizon', in months; given: none"),
        ("rmst", {"time": 3}, "needs the option 'horizon', in months; given: time"),
        ("rmst", {"horizon": 1000}, "trial 'trial 0': tau: 1000 is after the last time"),
        ("late", {"cut": 1000}, "trial 'trial 0': cut: 1000 is not before the last time"),
    ],
)
def test_bad_options_are_named(estimand, options, message):
    with pytest.raises(ValueError, match=message):
        analysis.two_stage(trials(-0.5, 0.1), estimand, **options)


def test_patients_without_a_trial_are_refused():
    ipd = trials(-0.5, 0.1)
    with pytest.raises(ValueError, match="no column 'study'"):
        analysis.two_stage(ipd, "cox", by="study")
    with pytest.raises(ValueError, match="every patient needs a trial"):
        analysis.two_stage(ipd.assign(trial=[None, *ipd["trial"][1:]]), "cox")
    with pytest.raises(ValueError, match="ipd is empty"):
        analysis.two_stage(ipd.iloc[:0], "cox")


# ------------------------------------------------------------------ many data sets


def test_rubins_rules_by_hand():
    """Mean; mean variance plus 4/3 of the variance between the three data sets."""
    draws = [trial(seed, -0.5, n=80) for seed in (1, 2, 3)]
    row = analysis.synthesis_from_draws([rebuilt("NSCLC", draws)], "rmst", horizon=8).iloc[0]
    each = [survival.rmst(draw, 8) for draw in draws]
    a, b, c = (one.difference for one in each)
    mean = (a + b + c) / 3
    between = ((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 2
    within = sum(one.difference_se**2 for one in each) / 3
    assert row["estimate"] == pytest.approx(mean)
    assert row["within_se"] == pytest.approx(within**0.5)
    assert row["se"] == pytest.approx((within + 4 / 3 * between) ** 0.5)
    assert row["share"] == pytest.approx(4 / 3 * between / (within + 4 / 3 * between))
    assert row["share"] > 0.01
    assert (row["draws"], row["note"], row["label"]) == (3, "", "CURB, NSCLC (2024)")


def test_data_sets_that_agree_add_no_variance():
    draw = trial(1, -0.5)
    row = analysis.synthesis_from_draws([rebuilt("NSCLC", [draw] * 4)], "cox").iloc[0]
    fit = survival.cox(draw)
    assert row["share"] == pytest.approx(0, abs=1e-12)
    assert (row["estimate"], row["se"]) == pytest.approx((fit.log_hr, fit.se))
    single = analysis.synthesis_from_draws([rebuilt("NSCLC", [draw])], "cox").iloc[0]
    assert (single["se"], single["share"]) == (pytest.approx(fit.se), 0)


def test_a_contrast_that_some_data_sets_lack_is_not_given():
    draws = [trial(seed, -0.5) for seed in (1, 2, 3)]
    empty = draws[2].assign(event=draws[2]["event"] * (draws[2]["arm"] == "control"))
    row = analysis.synthesis_from_draws([rebuilt("NSCLC", [*draws, empty])], "cox").iloc[0]
    assert np.isnan(row["estimate"]) and np.isnan(row["se"]) and np.isnan(row["share"])
    assert row["note"].startswith("not defined in 1 of 4 data sets: no event in the exper")


def test_a_mean_beyond_the_follow_up_is_refused():
    curb = analysis.reconstruct("CURB-breast")
    row = analysis.synthesis_from_draws([curb], "rmst", horizon=13).iloc[0]
    assert np.isnan(row["estimate"])
    assert "tau: 13 is after the last time" in row["note"]
    assert analysis.common_horizon([curb]) == 12


@pytest.mark.parametrize(
    "names",
    [("CURB-whole", "CURB-NSCLC"), ("Gomez-2016", "Gomez-2019"), ("CURB-NSCLC", "CURB-NSCLC")],
)
def test_no_patient_counts_twice(names):
    members = [analysis.reconstruct(name) for name in names]
    with pytest.raises(ValueError, match="share patients of"):
        analysis.synthesis_from_draws(members, "cox")
    with pytest.raises(ValueError, match="share patients of"):
        analysis.pooled_curve(members)


def test_the_reports_behind_the_curves_are_the_planned_ones():
    chosen = analysis.curve_reconstructions()
    assert {group: [one.result.id for one in own] for group, own in chosen.items()} == {
        "NSCLC": ["CURB-NSCLC", "Gomez-2016", "Iyengar-2018"],
        "breast": ["CURB-breast", "EXTEND-breast"],
        "mixed": ["SABR-COMET-2019"],
    }


def test_times_follow_the_rule():
    times = {
        g: analysis.comparison_times(own) for g, own in analysis.curve_reconstructions().items()
    }
    assert times["NSCLC"] == {"horizon": 9, "cut": 4, "landmarks": (6,)}
    assert times["breast"] == {"horizon": 12, "cut": 6, "landmarks": (6, 12)}
    assert times["mixed"] == {"horizon": 35, "cut": 17, "landmarks": (6, 12, 24)}


# ------------------------------------------------------------------ pooled


def test_cox_is_pooled_as_the_reconstructed_hazard_ratios_are(synthesis):
    """The path of the chapter on pooling: same data sets, other functions."""
    rebuilt_before = analysis.histology_synthesis(analysis.reconstructed_estimates())
    primary = rebuilt_before[rebuilt_before["role"] == "primary"].set_index("group")
    own = synthesis[synthesis["estimand"] == "cox"].set_index("group")
    for group in ("NSCLC", "breast"):
        for here, there in (("estimate", "hr"), ("low", "low"), ("high", "high")):
            assert own.loc[group, here] == pytest.approx(primary.loc[group, there], rel=1e-9)
        assert own.loc[group, "p_benefit"] == pytest.approx(primary.loc[group, "p_benefit"])


def test_the_share_is_what_the_chapter_says(estimates):
    """Little for hazard ratios; for the gain in months most where medians alone are printed."""
    share = estimates.set_index(["estimand", "result"])["share"]
    assert (share[["cox", "logrank"]] < 0.01).all()
    rmst = share["rmst"]
    bare = ["EXTEND-breast", "Iyengar-2018"]
    assert rmst[bare].min() > rmst.drop(bare).max()
    assert rmst[["CURB-NSCLC", "CURB-breast"]].max() < 0.1


def test_every_contrast_of_every_trial_is_there(estimates, synthesis):
    assert set(estimates["estimand"]) == set(contrasts.ESTIMANDS)
    assert estimates.groupby(["group", "what"])["label"].nunique().groupby(
        "group"
    ).first().to_dict() == {
        "NSCLC": 3,
        "breast": 2,
        "mixed": 1,
    }
    known = estimates["estimate"].notna()
    assert (estimates.loc[known, "note"] == "").all()
    assert estimates.loc[~known, "note"].str.contains("of 200 data sets: ").all()
    for row in synthesis.to_dict("records"):
        own = estimates[
            (estimates["group"] == row["group"]) & (estimates["what"] == row["what"])
        ]
        assert row["k"] == own["estimate"].notna().sum()
        for label in own.loc[own["estimate"].isna(), "label"]:
            assert label in row["left_out"]


def test_the_share_of_a_pooled_result_is_that_of_its_variance(estimates, synthesis):
    """Common effect: variance 1 / sum(1 / se^2), of which within is sum(w^2 within^2)."""
    own = estimates[(estimates["group"] == "NSCLC") & (estimates["estimand"] == "rmst")]
    w = own["se"] ** -2 / (own["se"] ** -2).sum()
    within, total = (w**2 * own["within_se"] ** 2).sum(), (w**2 * own["se"] ** 2).sum()
    row = synthesis[(synthesis["group"] == "NSCLC") & (synthesis["estimand"] == "rmst")].iloc[0]
    assert row["share"] == pytest.approx(1 - within / total)
    half = 1.959963984540054 * total**0.5
    assert row["common_high"] - row["common"] == pytest.approx(half)


def test_probability_of_benefit_has_one_direction(synthesis):
    several = synthesis[synthesis["k"] > 1]
    ratios = several["estimand"].isin(["cox", "logrank", "early", "late", "log_cumhaz"])
    null = several["scale"].map({"ratio": 1.0, "months": 0.0, "proportion": 0.0})
    better = np.where(ratios, several["estimate"] < null, several["estimate"] > null)
    assert ((several["p_benefit"] > 0.5) == better).all()
    assert synthesis.loc[synthesis["k"] < 2, "p_benefit"].isna().all()


@pytest.mark.parametrize(("estimand", "end"), [("rmst", 9), ("rmst_ratio", 9), ("landmark", 6)])
def test_the_prior_on_another_scale_is_the_slope_in_the_log_hazard_ratio(estimand, end):
    """Slope at ratio 1 of RMST, ln RMST and survival when survival is exp(-0.2 t) ** HR."""

    def area(log_hr):
        return quad(lambda t: np.exp(-0.2 * t * np.exp(log_hr)), 0, end)[0]

    changed = {
        "rmst": area,
        "rmst_ratio": lambda b: np.log(area(b)),
        "landmark": lambda b: np.exp(-0.2 * end * np.exp(b)),
    }[estimand]
    slope = (changed(-1e-4) - changed(1e-4)) / 2e-4
    grid = np.arange(91) / 10
    option = {"time": end} if estimand == "landmark" else {"horizon": end}
    unit = module._unit((grid, np.exp(-0.2 * grid)), estimand, option)
    assert unit == pytest.approx(slope, rel=1e-3)


def test_one_stage_agrees_with_the_common_effect(synthesis):
    one = analysis.one_stage_synthesis()
    assert one["group"].tolist() == ["NSCLC", "NSCLC", "breast", "breast"]
    two = synthesis[synthesis["estimand"] == "cox"].set_index("group")
    for row in one.to_dict("records"):
        assert row["hr"] == pytest.approx(two.loc[row["group"], "common"], rel=0.01)
        assert row["low"] == pytest.approx(two.loc[row["group"], "common_low"], rel=0.02)
    # Trials of this size agree: no heterogeneity to be seen, in any data set.
    assert (one.loc[one["what"] == "random effect", "tau"] == 0).all()
    tested = one[one["what"] == "common effect"]
    assert (tested["interaction_p_low"] <= tested["interaction_p"]).all()
    assert tested["interaction_p"].between(0.5, 1).all()


def test_a_combined_estimate_on_any_scale():
    combined = pooling.rubin([3.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    assert combined.estimate == 3
    low, high = combined.limits(0.95)
    assert (low + high) / 2 == pytest.approx(3)
    # Student t with 2 (1 + 1 / (4/3))^2 = 6.125 degrees of freedom: 2.4347.
    assert high - 3 == pytest.approx(2.4347 * (1 + 4 / 3) ** 0.5, abs=1e-3)


# ------------------------------------------------------------------ what the chapter says


def test_other_scales_of_the_prior_are_pooled_with_them(estimates):
    """By the model itself; the wider the prior, the less certain the direction."""
    frame = analysis.ipd_prior_scales(estimates)
    assert set(frame["estimand"]) == {"rmst", "rmst_ratio", "landmark"}
    own = frame[(frame["group"] == "breast") & (frame["estimand"] == "rmst")]
    assert own["factor"].tolist() == [0.4, 1.0, 1.5]
    studies = estimates[(estimates["group"] == "breast") & (estimates["estimand"] == "rmst")]
    for row in own.to_dict("records"):
        scale = row["factor"] * studies["tau_scale"].iloc[0]
        fit = pooling.bayes(studies["estimate"], studies["se"], tau_scale=scale)
        assert row["tau_scale"] == pytest.approx(scale)
        assert (row["low"], row["high"]) == pytest.approx((fit.mu.ci_low, fit.mu.ci_high))
    assert (np.diff(own["p_benefit"]) < 0).all()
    with pytest.raises(ValueError, match="factors is -1.0; it must be"):
        analysis.ipd_prior_scales(estimates, [-1.0])


def test_control_arms_that_differ_spread_the_differences_at_one_hazard_ratio():
    """Why a prior on another scale is the same assumption to first order only."""
    alike, apart = np.exp(-0.1 * 12 * np.ones(2)), np.exp(-12 * np.array([0.02, 0.18]))
    assert np.ptp(alike**0.5 - alike) == 0
    assert np.ptp(apart**0.5 - apart) > 0.1
    page = (ROOT / "book" / "ipd.md").read_text(encoding="utf-8")
    for text in (page, analysis.ipd_synthesis.__doc__):
        words = " ".join(text.split())
        assert "in other units" not in words
        assert "to first order" in words and "control arms that differ" in words


def test_why_the_measures_of_breast_cancer_disagree(estimates, synthesis):
    """The facts that the chapter gives, from the data sets themselves."""
    better = synthesis[synthesis["group"] == "breast"].set_index("what")["p_benefit"]
    gains = ["difference in RMST to 12 months", "difference in PFS at 6 months"]
    assert better[gains].min() > better["hazard ratio, Cox"] + 0.1
    none = 0
    for _, own in analysis.reconstruct("EXTEND-breast").data.groupby("draw"):
        at = survival.survival_at(own[["time", "event", "arm"]], [6]).set_index("arm")
        none += at.loc["experimental", "surv"] == 1
    assert none == 144
    share = estimates[estimates["result"] == "EXTEND-breast"].set_index("what")["share"]
    assert share[gains].between(0.385, 0.435).all()
    late = estimates["what"] == "difference in PFS at 12 months"
    se = estimates[late].set_index("result")["se"][["CURB-breast", "EXTEND-breast"]]
    assert se.iloc[0] ** -2 / (se**-2).sum() == pytest.approx(0.754, abs=0.002)
    curb = analysis.reconstruct("CURB-breast").data
    left = (curb["time"] > 12 - 1e-6).groupby([curb["draw"], curb["arm"]]).mean()
    assert left.groupby("arm").mean().max() < 0.15  # both curves near 0


def test_intervals_of_small_arms_are_slightly_too_short():
    """2000 trials with 20 patients in each arm: a little below 95 %, for both measures."""
    rng, held = np.random.default_rng(20), []
    rates = np.array([0.12, 0.06])
    truth = {"rmst": np.diff((1 - np.exp(-9 * rates)) / rates)[0]}
    truth["landmark"] = np.diff(np.exp(-6 * rates))[0]
    arm = np.repeat(["control", "experimental"], 20)
    for _ in range(2000):
        time = rng.exponential(1 / np.repeat(rates, 20))
        cut = rng.uniform(9, 24, 40)
        ipd = pd.DataFrame(
            {"time": np.minimum(time, cut), "event": (time <= cut).astype(int), "arm": arm}
        )
        ends = ipd.groupby("arm")["time"].max()
        if ends.min() < 9:  # the mean to 9 months is then not defined everywhere
            continue
        for name, (found, se) in (
            ("rmst", contrasts.rmst_difference(ipd, 9)),
            ("landmark", contrasts.survival_difference(ipd, 6)),
        ):
            held.append((name, abs(found - truth[name]) < 1.959964 * se))
    frame = pd.DataFrame(held, columns=["name", "held"]).groupby("name")["held"]
    assert frame.size().min() > 1900
    assert frame.mean().between(0.915, 0.948).all(), frame.mean()


def test_how_far_the_data_sets_are_worth_less_than_their_number():
    """Second route: halves of the chains apart, which would differ by twice the error."""
    again = analysis.rmst_draw_error().set_index("result")
    assert again["effective"].between(35, 55).all() and (again["draws"] == 200).all()
    assert 0.05 < again["error"].max() < 0.15  # the last digit of a gain in months
    draws = module.draws_of([analysis.reconstruct("SABR-COMET-2019")])[0]
    gains = np.array([contrasts.rmst_difference(one, 35)[0] for one in draws.frames])
    chains = gains.reshape(40, 5).mean(axis=1)
    wanted = chains.std(ddof=1) / 40**0.5
    assert again.loc["SABR-COMET-2019", "error"] == pytest.approx(wanted, rel=0.1)


# ------------------------------------------------------------------ what was not read


def test_every_number_that_rests_on_an_unread_value_has_a_dagger(synthesis):
    for group in ("NSCLC", "breast", "mixed"):
        own = synthesis[synthesis["group"] == group]
        table = ipd_tables.effects(synthesis, group)
        for row, shown in zip(own.to_dict("records"), table.to_dict("records"), strict=True):
            for column in ("Estimate (95 %)", "Common effect (95 %)"):
                if shown[column][0].isdigit():
                    assert shown[column].endswith("†") == (not row["checked"])
    frame = analysis.absolute_synthesis(times=[6])
    frame = frame[frame["difference"].notna()]
    table = ipd_tables.absolute(frame)
    for row, shown in zip(frame.to_dict("records"), table.to_dict("records"), strict=True):
        unread = row["group"] == "NSCLC"
        assert ("†" in shown["HR"]) == unread
        own = row["baseline"] in ("Iyengar (2018)", "SABR-COMET (2019)")
        own |= unread and row["baseline"] == "all trials"
        assert ("†" in shown["Without MDT (95 %)"]) == own
        for column in ("With MDT (95 %)", "Difference (95 %)"):
            assert ("†" in shown[column]) == (unread or own)


def test_the_page_marks_the_pooled_result_with_nrg_lu002():
    page = (ROOT / "book" / "ipd.md").read_text(encoding="utf-8")
    assert "{glue:text}`NSCLC_with_NRG-LU002_hr`†" in page
    assert page.count("NSCLC_with_NRG-LU002_hr`") == 1
    assert page.index("covers the limits and") < page.index("## Which patients")


@pytest.mark.parametrize("name", ["ipd", "appraisal"])
def test_pages_say_both_reasons_for_a_missing_month_and_which_report_of_gomez(name):
    words = " ".join((ROOT / "book" / f"{name}.md").read_text(encoding="utf-8").split())
    assert "known in fewer than nine of ten data sets, or" in words
    assert "fewer than a tenth of the control arm was still followed" in words
    assert "only from that one is" in words and "whose HR is pooled" in words
    assert "The intervals take that into account." in words
    # What the two pages take.
    chosen = analysis.curve_reconstructions()["NSCLC"][1].result.id
    assert (chosen, analysis.summary_of_findings()["result"].iloc[3]) == (
        "Gomez-2016",
        "Gomez-2019",
    )


def test_tables_of_the_page_name_reports_and_give_three_decimals_of_p():
    groups = analysis.curve_reconstructions()
    reports = ipd_tables.horizons(groups)["Report"].tolist()
    assert "CURB, NSCLC (2024)" in reports and not any("CURB-" in name for name in reports)
    shown = ipd_tables.weighted(analysis.weighted_tests()).set_index("Trial")
    cell = shown.loc["CURB, NSCLC (2024)", "Late: z (p)"]
    assert re.fullmatch(r"-\d\.\d\d \(0\.\d{3}\)", cell), cell
    assert shown.loc["all trials†", "All alike: z (p)"].endswith("(<0.001)")


def test_months_with_few_patients_are_named():
    """Second route: those that the table for 100 patients leaves out, of the control arms."""
    groups = analysis.curve_reconstructions()
    named = ipd_tables.sparse_landmarks(groups)
    assert "SABR-COMET (2019) at 24 months" in named
    for members in groups.values():
        times = analysis.comparison_times(members)["landmarks"]
        for one in members:
            known = analysis.control_survival([one], times).set_index("time")["surv"]
            for time in times:
                few = np.isnan(known[time])
                short = f"{one.result.report}) at {time} months"
                trial = one.result.trial.split("-")[0].upper()
                found = [
                    text for text in named if text.endswith(short) and trial in text.upper()
                ]
                if few:
                    assert found, (one.result.id, time)


def test_every_number_for_100_patients_has_its_interval():
    table = ipd_tables.absolute(analysis.absolute_synthesis(times=[6]))
    for column in ("Without MDT (95 %)", "With MDT (95 %)", "Difference (95 %)"):
        assert table[column].str.fullmatch(r"-?\d+ \(-?\d+ to \d+\)†?").all()
