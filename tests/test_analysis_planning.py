"""Priors by family and planning: the analyses agree with their parts and invent no number."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from oligomdt import analysis, pooling
from oligomdt.evidence import DAGGER
from oligomdt.figures import planning_tables
from oligomdt.figures.planning import range_text, set_title

SETS = ["NSCLC", "NSCLC with NRG-LU002", "breast", "mixed"]


@pytest.fixture(scope="module")
def estimates():
    return analysis.published_estimates()


@pytest.fixture(scope="module")
def lines(estimates):
    return analysis.tipping_lines(estimates, [60, 200])


@pytest.fixture(scope="module")
def families(estimates):
    return analysis.prior_families(estimates)


def only(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def data_of(estimates, group):
    own = estimates[estimates["pooled"] & (estimates["group"] == group)]
    return own["log_hr"].tolist(), own["se"].tolist()


# Families of the prior -----------------------------------------------------------------------


def test_families_share_the_median_and_differ_in_the_tail(families):
    for scale, own in families.groupby("matched_scale"):
        wanted = scale * stats.norm.ppf(0.75)
        assert own["prior_median"].tolist() == pytest.approx([wanted] * len(own))
        tail = own[own["group"] == "NSCLC"].set_index("family")["prior_95"]
        assert tail["uniform"] < tail["half-normal"] < tail["half-t"] < tail["half-Cauchy"]
    assert families.groupby(["group", "matched_scale"])["family"].nunique().eq(6).all()


def test_the_half_normal_family_is_the_main_analysis(families, estimates):
    synthesis = analysis.histology_synthesis(estimates)
    for group in ("NSCLC", "breast"):
        for scale in (0.25, 0.5, 1.0):
            ours = only(families, group=group, matched_scale=scale, family="half-normal")
            main = only(synthesis, group=group, method=f"Bayes half-normal {scale:g}")
            for name in ("hr", "low", "high", "p_benefit", "p_relevant"):
                assert ours[name] == pytest.approx(main[name], abs=1e-12)
    contrasts = analysis.interaction(estimates)
    main = only(contrasts, contrast="all trials", method="Bayes half-normal 0.5")
    ours = only(families, group="NSCLC / breast", matched_scale=0.5, family="half-normal")
    assert ours[["hr", "low", "high"]].tolist() == main[["ratio", "low", "high"]].tolist()
    assert ours["p_benefit"] == main["p_below_1"]
    assert np.isnan(ours["p_relevant"])


def test_what_rests_on_an_unread_value_says_so(families):
    checked = families.groupby("group")["checked"].first()
    assert checked.to_dict() == {"NSCLC": False, "NSCLC / breast": False, "breast": True}


# What a new trial must show ------------------------------------------------------------------


def test_today_is_the_result_of_the_book(lines, estimates):
    synthesis = analysis.histology_synthesis(estimates)
    assert lines["group"].drop_duplicates().tolist() == SETS
    for group in ("NSCLC", "breast"):
        main = only(synthesis, group=group, role="primary")
        ours = lines[lines["group"] == group].iloc[0]
        for name in ("hr", "low", "high"):
            assert ours[f"{name}_today"] == pytest.approx(main[name], abs=1e-12)
        assert ours["today"] == ("favours MDT" if main["high"] < 1 else "open")
    headline = analysis.headline()
    with_lu002 = lines[lines["group"] == "NSCLC with NRG-LU002"].iloc[0]
    assert f"{with_lu002['hr_today']:.2f}" == headline["NSCLC_with_NRG-LU002_hr"]


def test_the_map_changes_its_answer_at_the_lines(lines, estimates):
    for row in lines[lines["mdt_high"].notna()].to_dict("records"):
        edge = row["mdt_high"]
        map_ = analysis.tipping(
            estimates, row["group"], [row["events"]], [0.99 * edge, edge, 1.01 * edge]
        )
        inside, at, outside = map_.to_dict("records")
        assert inside["conclusion"] == "favours MDT" and inside["high"] < 1
        assert at["high"] == pytest.approx(1, abs=1e-7)
        assert outside["conclusion"] == "open" and outside["high"] > 1


def test_where_no_result_is_enough_the_map_is_open(lines, estimates):
    breast = lines[lines["group"] == "breast"]
    assert breast[["mdt_low", "mdt_high", "control_low", "control_high"]].isna().all(axis=None)
    map_ = analysis.tipping(estimates, "breast", [60, 200], np.geomspace(0.1, 10, 15))
    assert (map_["conclusion"] == "open").all()


def test_the_map_pools_the_new_trial_with_those_of_today(estimates):
    y, s = data_of(estimates, "breast")
    row = analysis.tipping(estimates, "breast", [150], [0.6]).iloc[0]
    direct = pooling.bayes([*y, np.log(0.6)], [*s, 2 / np.sqrt(150)], tau_scale=0.5)
    assert row["k"] == 3
    wanted = [direct.hr, direct.hr_low, direct.hr_high, direct.mu.p_hr_below(0.8)]
    assert row[["hr", "low", "high", "p_relevant"]].tolist() == pytest.approx(wanted)


def test_common_effect_lines_are_those_of_pooling(lines, estimates):
    y, s = data_of(estimates, "mixed")
    row = only(lines, group="mixed", events=60)
    for name, side in (("common_mdt", "ci_high"), ("common_control", "ci_low")):
        pooled = pooling.pool([*y, np.log(row[name])], [*s, 2 / np.sqrt(60)], tau2="CE")
        assert getattr(pooled, side) == pytest.approx(0, abs=1e-10)


def test_a_narrower_prior_asks_less_of_a_new_trial(estimates):
    frame = analysis.tipping_by_prior(estimates, events=200, scales=[0.1, 1.0])
    assert frame["tau_scale"].tolist() == [0.1, 1.0] * len(SETS)
    for _, own in frame.groupby("group"):
        narrow, wide = own["mdt_high"]
        assert np.isnan(wide) or narrow > wide


# Chances and information ---------------------------------------------------------------------


def test_chances_are_those_of_the_pooling_room(estimates):
    frame = analysis.future_power(estimates, [120])
    total = frame[["bayes_mdt", "bayes_open", "bayes_control"]].sum(axis=1)
    assert total.tolist() == pytest.approx([1] * len(SETS))
    y, s = data_of(estimates, "breast")
    row, common = only(frame, group="breast"), pooling.pool(y, s, tau2="CE")
    w = 1 / (np.square(s) + row["tau"] ** 2)
    mu, se = np.average(y, weights=w), w.sum() ** -0.5
    conditional = pooling.conditional_power(mu, se, 120, np.log(0.8), row["tau"] ** 2)
    assert row["conditional_random"] == pytest.approx(conditional.benefit, abs=1e-12)
    predictive = pooling.predictive_power(common.mu, common.se, 120)
    assert row["predictive_common"] == pytest.approx(predictive.benefit, abs=1e-12)
    # z of one trial with 120 events and hazard ratio 0.8.
    z = -np.log(0.8) * np.sqrt(30)
    assert row["alone_relevant"] == pytest.approx(stats.norm.sf(1.959964 - z), abs=1e-6)


@pytest.mark.parametrize(
    ("group", "events", "expected"),
    [
        ("breast", 50, 0.085),
        ("breast", 100, 0.133),
        ("breast", 400, 0.190),
        ("NSCLC with NRG-LU002", 100, 0.947),
        ("mixed", 100, 0.788),
        ("mixed", 400, 0.806),
    ],
)
def test_random_effects_chance_is_that_of_pooling_again(estimates, group, events, expected):
    """Numbers of an independent derivation, and every trial pooled again with the same tau."""
    row = only(analysis.future_power(estimates, [events]), group=group)
    assert row["predictive_random"] == pytest.approx(expected, abs=5e-4)
    if group == "NSCLC with NRG-LU002":
        return
    (y, s), rng, n = data_of(estimates, group), np.random.default_rng(events), 40000
    tau2 = row["tau"] ** 2
    w, last = 1 / (np.square(s) + tau2), 1 / (4 / events + tau2)
    mu = rng.normal((w @ y) / w.sum(), w.sum() ** -0.5, n)
    new = rng.normal(mu, np.sqrt(tau2 + 4 / events))
    z = (w @ y + last * new) / np.sqrt(w.sum() + last)
    assert row["predictive_random"] == pytest.approx(np.mean(z < -1.959964), abs=0.01)


def test_the_page_says_that_the_spent_level_is_cumulative():
    text = (ROOT / "book" / "planning.md").read_text(encoding="utf-8")
    assert "would allow at" not in text
    assert "It is cumulative: a first look" in text
    assert "first look" in analysis.information.__doc__


def test_information_by_hand(estimates):
    frame = analysis.information(estimates, [0.8])
    _, s = data_of(estimates, "NSCLC")
    row, v = only(frame, group="NSCLC"), np.square(s)
    assert row["have"] == pytest.approx(4 * np.sum(1 / v))
    needed = 4 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / np.log(0.8) ** 2
    assert row["needed"] == row["size"] == pytest.approx(needed)
    tau2 = (0.5 * stats.norm.ppf(0.75)) ** 2
    d2 = 1 - np.sum(1 / (v + tau2)) / np.sum(1 / v)
    assert row["d2_prior"] == pytest.approx(d2)
    assert row["size_prior"] == pytest.approx(needed / (1 - d2))
    assert row["fraction"] == pytest.approx(row["have"] / row["size_prior"])
    # With NRG-LU002 REML sees more spread than the prior's median: the larger size counts.
    other = only(frame, group="NSCLC with NRG-LU002")
    assert other["d2"] > other["d2_prior"]
    assert other["fraction"] == pytest.approx(other["have"] / other["size"])


# Trials under way ----------------------------------------------------------------------------


def test_coming_trials_are_those_of_the_register():
    register = yaml.safe_load((ROOT / "data" / "ongoing.yaml").read_text(encoding="utf-8"))
    frame = analysis.coming_trials().set_index("trial")
    for name in ("STOP-2", "NCT06523673 (Zhejiang)", "CCTG BR.38"):
        (entry,) = [one for one in register.values() if one["name"] == name]
        assert frame.loc[name, "planned"] == str(entry["planned"])
        # These compare something else, and the table says what.
        assert not entry["same_contrast"]
        assert frame.loc[name, "comparison"] == entry["contrast_note"]
    assert frame.loc["NCT06523673 (Zhejiang)", "planned"] == "not found"
    assert frame["group"].isin(["NSCLC", "breast", "mixed"]).all()


def test_no_number_of_events_is_taken_from_a_trial(lines, estimates):
    default = analysis.tipping_lines(estimates.query("group == 'mixed'"))["events"]
    planned = analysis.coming_trials()["planned"]
    assert not set(default.astype(int).astype(str)) & set(planned)
    assert "events" not in analysis.coming_trials()


def test_numbers_of_the_page(estimates):
    numbers = analysis.planning_numbers(estimates)
    at_100 = analysis.tipping_lines(estimates, [100]).set_index("group")
    for group in SETS:
        key = group.replace(" ", "_")
        shown, value = numbers[f"{key}_needed_100"], at_100.loc[group, "mdt_high"]
        if np.isnan(value):
            assert shown == "no HR"
        else:
            assert float(shown.removesuffix(DAGGER)) == pytest.approx(value, abs=0.005001)
        assert numbers[f"{key}_have"].endswith(DAGGER) != at_100.loc[group, "checked"]
    y, s = data_of(estimates, "mixed")
    needed = float(numbers["mixed_needed_400"])
    for hr, clear in ((needed - 0.006, True), (needed + 0.006, False)):
        after = pooling.bayes([*y, np.log(hr)], [*s, 2 / np.sqrt(400)])
        assert (after.hr_high < 1) == clear
    assert not any(key.startswith("STOP-2") for key in numbers)


def test_sentences_of_the_page_hold(estimates):
    frame = analysis.tipping_lines(estimates, [100, 400])
    breast = only_group(frame, "breast")
    assert breast[["mdt_high", "control_low"]].isna().all(axis=None)
    more = only_group(frame, "NSCLC with NRG-LU002")["mdt_high"]
    assert more.sub(1).abs().max() < 0.05
    # The map: blue reaches down to the lowest ratio tried, so below its line is blue.
    drawn = frame.dropna(subset="mdt_high")
    assert (drawn["mdt_low"] == 0.1).all() and frame["control_low"].isna().all()


def only_group(frame, group):
    return frame[frame["group"] == group]


def test_optimal_information_size_is_that_of_the_appraisal(estimates):
    table = analysis.information(estimates).set_index("target_hr")["needed"]
    size = analysis.evidence_size().iloc[0]
    assert table.loc[size["target_hr"]].unique() == pytest.approx([size["needed"]])
    assert table.loc[0.8].max() > size["needed"]


# Tables --------------------------------------------------------------------------------------


def test_tables_mark_what_was_not_read_and_round_nothing_to_certainty(estimates):
    lines = analysis.tipping_lines(estimates, [100])
    shown = planning_tables.needed(lines)
    assert shown["Trials pooled"].tolist() == [
        f"NSCLC{DAGGER}",
        f"NSCLC with NRG-LU002{DAGGER}",
        "Breast cancer",
        "Mixed histologies",
    ]
    assert shown["Favours control if the new HR is"].tolist() == ["none"] * 4
    # Of one trial the word is about the average over trials.
    said = "average over trials: open (one trial)"
    assert shown["Today"].tolist() == ["favours MDT", "favours MDT", "open", said]
    chances = planning_tables.chances(analysis.future_power(estimates, [100]))
    assert not chances.isin(["0 %", "100 %"]).any(axis=None)
    assert len(planning_tables.by_prior(lines)) == len(
        planning_tables.information(analysis.information(estimates, [0.8]))
    )


def test_table_of_coming_trials_says_what_is_different():
    shown = planning_tables.coming(analysis.coming_trials()).set_index("Trial")
    assert shown.index.is_unique
    assert shown.loc["HALT", "Patients"] == "110 planned, 113 enrolled"
    assert shown.loc["STOP-2", "Patients"] == "194 planned"
    assert shown.loc["OLIGOMA", "Patients"] == "not found"
    # Its arms are those of the comparison, its endpoint is not.
    assert "PFS" in shown.loc["HALT", "Comparison"]
    assert shown.loc["OLIGOMA", "Comparison"] == "as here"
    assert "PFS listed" in shown.loc["Swedish NSCLC trial", "Primary endpoint"]


def test_text_and_table_and_power_use_the_same_numbers_of_events(estimates):
    lines = analysis.tipping_lines(estimates.query("group == 'mixed'"))
    shown = planning_tables.needed(lines)["Events of the new trial"].unique().tolist()
    power = analysis.future_power(estimates)["events"].unique().tolist()
    assert shown == [f"{count:.0f}" for count in power]
    assert {"100", "400"} <= set(shown)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (np.nan, np.nan, "none"),
        (0.1, 0.6, "up to 0.60"),
        (0.2, 0.6, "0.20 to 0.60"),
        (2.0, 10.0, "from 2.00"),
        (0.1, 10.0, "any"),
    ],
)
def test_ranges_end_where_they_end_not_where_the_search_does(low, high, text):
    assert range_text(low, high) == text


def test_titles_of_sets():
    assert set_title("breast", True) == "Breast cancer"
    assert set_title("NSCLC with X", False) == f"NSCLC with X{DAGGER}"


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: analysis.tipping(e, "kidney"), "group is 'kidney'; it must be one of NSCLC"),
        (lambda e: analysis.tipping(e, "breast", [0]), "events .*0"),
        (lambda e: analysis.tipping(e, "breast", [50], [0]), "hrs is 0;"),
        (lambda e: analysis.tipping_lines(e, [-5]), "events is -5;"),
        (lambda e: analysis.tipping_lines(e, [50], tau_scale=0), "scale is 0"),
        (lambda e: analysis.future_power(e, [0]), "events is 0;"),
        (lambda e: analysis.information(e, [1]), "hr is 1.0; no number of events"),
        (lambda e: analysis.prior_families(e, [0]), "scale is 0.0"),
        (lambda e: analysis.prior_families(e.drop(columns="se")), "no column 'se'"),
        (lambda e: analysis.coming_trials({}), "no randomised trial names PFS"),
    ],
)
def test_bad_plans_are_refused(estimates, call, message):
    with pytest.raises(ValueError, match=message):
        call(estimates)


def test_a_group_of_one_trial_has_no_family_of_priors(estimates):
    one = estimates.assign(pooled=estimates["pooled"] & (estimates["group"] == "mixed"))
    assert analysis.prior_families(one).empty
    assert isinstance(analysis.prior_families(one), pd.DataFrame)


@pytest.mark.parametrize("ask", [analysis.information, analysis.future_power])
def test_nothing_asked_is_said(ask):
    with pytest.raises(ValueError, match="is empty; give at least one number above 0"):
        ask(analysis.published_estimates(), [])


def test_tipping_needs_numbers_above_zero():
    with pytest.raises(ValueError, match="events is -5"):
        analysis.tipping(analysis.published_estimates(), "NSCLC", events=[-5])
    with pytest.raises(ValueError, match="hrs is empty"):
        analysis.tipping(analysis.published_estimates(), "NSCLC", hrs=[])
