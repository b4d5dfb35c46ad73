"""The analysis of the five trials: what is pooled, by which numbers, and never twice."""

import importlib
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from oligomdt import analysis, evidence, pooling
from oligomdt.analysis import printing

Z90, Z95 = 1.6448536269514722, 1.959963984540054


@pytest.fixture(scope="module")
def estimates():
    return analysis.published_estimates()


@pytest.fixture(scope="module")
def synthesis(estimates):
    return analysis.histology_synthesis(estimates)


def row(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


# ------------------------------------------------------------------ published estimates


def test_results_that_are_pooled_are_the_planned_ones(estimates):
    pooled = estimates[estimates["pooled"]]
    assert dict(zip(pooled["result"], pooled["group"], strict=True)) == {
        "CURB-NSCLC": "NSCLC",
        "Gomez-2016": "NSCLC",
        "Iyengar-2018": "NSCLC",
        "CURB-breast": "breast",
        "EXTEND-breast": "breast",
        "SABR-COMET-2022": "mixed",
    }


def test_a_90_per_cent_interval_is_read_as_one(estimates):
    gomez = row(estimates, result="Gomez-2016")
    se = (math.log(0.66) - math.log(0.18)) / (2 * Z90)
    assert gomez["se"] == pytest.approx(se, rel=1e-12)
    assert gomez["hr95_low"] == pytest.approx(0.35 * math.exp(-Z95 * se), rel=1e-12)
    assert gomez["hr95_high"] == pytest.approx(0.35 * math.exp(Z95 * se), rel=1e-12)
    assert (gomez["ci_low"], gomez["ci_high"], gomez["level"]) == (0.18, 0.66, 0.90)


def test_95_per_cent_limits_stay_as_printed(estimates):
    printed = estimates[estimates["level"] == 0.95]
    assert len(printed) == 8
    assert (printed["hr95_low"] == printed["ci_low"]).all()
    assert (printed["hr95_high"] == printed["ci_high"]).all()


def test_unchecked_hazard_ratios_are_marked(estimates):
    unread = estimates.loc[~estimates["checked"], "result"]
    assert set(unread) == {"Iyengar-2018", "SABR-COMET-2019"}


def test_no_hazard_ratio_is_an_error():
    gomez = evidence.load()["Gomez"]
    cohort = gomez.cohort("NSCLC")
    only_2019 = {"2019": cohort.result("2019")}
    trial = gomez.model_copy(
        update={"cohorts": {"NSCLC": cohort.model_copy(update={"results": only_2019})}}
    )
    with pytest.raises(ValueError, match="no result has a hazard ratio"):
        analysis.published_estimates({"Gomez": trial})


# ------------------------------------------------------------------ nobody is counted twice


@pytest.mark.parametrize(
    ("also", "words"),
    [
        ("CURB-whole", "CURB-whole and CURB-NSCLC and CURB-breast share patients"),
        ("SABR-COMET-2019", "SABR-COMET-2019 and SABR-COMET-2022 share patients"),
        ("EXTEND-whole", "EXTEND-breast and EXTEND-whole share patients"),
    ],
)
@pytest.mark.parametrize(
    "function", [analysis.pooled_rows, analysis.histology_synthesis, analysis.interaction]
)
def test_a_patient_is_never_counted_twice(estimates, also, words, function):
    wrong = estimates.copy()
    chosen = wrong["result"] == also
    wrong.loc[chosen, "pooled"] = True
    wrong.loc[chosen & wrong["group"].isna(), "group"] = "NSCLC"
    with pytest.raises(ValueError, match=words):
        function(wrong)


def test_the_same_result_twice_is_refused(estimates):
    twice = pd.concat([estimates, estimates[estimates["result"] == "CURB-NSCLC"]])
    with pytest.raises(ValueError, match="share patients"):
        analysis.pooled_rows(twice)


def test_a_result_without_a_group_is_never_pooled(estimates):
    wrong = estimates.assign(pooled=estimates["result"] == "EXTEND-whole")
    with pytest.raises(ValueError, match="EXTEND-whole has no group"):
        analysis.pooled_rows(wrong)


def test_nothing_to_pool_and_a_missing_column_are_errors(estimates):
    with pytest.raises(ValueError, match="nothing to pool"):
        analysis.pooled_rows(estimates.assign(pooled=False))
    with pytest.raises(ValueError, match="no column 'part_of'"):
        analysis.pooled_rows(estimates.drop(columns="part_of"))


def test_contrast_needs_both_histologies(estimates):
    without = estimates[estimates["group"] != "breast"]
    with pytest.raises(ValueError, match="no pooled result in breast"):
        analysis.interaction(without)


# ------------------------------------------------------------------ synthesis


@pytest.mark.parametrize(
    ("group", "hr", "low", "high", "factor"),
    [
        # R metafor 3.8-1, rma(yi, sei, method = "REML"), and its knha factor.
        ("NSCLC", 0.369, 0.239, 0.568, 0.14),
        ("breast", 0.813, 0.486, 1.359, 0.07),
    ],
)
def test_pooled_hazard_ratios_are_those_of_metafor(synthesis, group, hr, low, high, factor):
    for method in ("common effect", "REML Wald"):
        found = row(synthesis, group=group, method=method)
        # The reference has three decimals.
        np.testing.assert_allclose(found[["hr", "low", "high"]].astype(float), [hr, low, high],
                                   atol=6e-4)  # fmt: skip
    note = row(synthesis, group=group, method="REML HKSJ")["note"]
    assert f"factor {factor:.2g}"[:10] in note


def posterior_by_integration(y, v, scale):
    """Mean over tau of the normal posterior of mu: a route that shares no code."""

    def parts(tau):
        w = 1 / (v + tau**2)
        mu, total = (w @ y) / w.sum(), w.sum()
        log = -0.5 * np.log(v + tau**2).sum() - 0.5 * np.log(total)
        log += -0.5 * (w @ (y - mu) ** 2) - 0.5 * (tau / scale) ** 2
        return math.exp(log), mu, total**-0.5

    def mass(x):
        def integrand(tau):
            density, mu, sd = parts(tau)
            return density * stats.norm.cdf(x, mu, sd)

        return integrate.quad(integrand, 0, 10 * scale, epsabs=1e-13, epsrel=1e-11, limit=200)[
            0
        ]

    constant = mass(np.inf)
    return lambda x: mass(x) / constant


@pytest.mark.parametrize("group", ["NSCLC", "breast"])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_bayesian_limits_hold_the_mass_they_claim(estimates, synthesis, group, scale):
    own = estimates[estimates["pooled"] & (estimates["group"] == group)]
    below = posterior_by_integration(own["log_hr"].to_numpy(), own["se"].to_numpy() ** 2, scale)
    found = row(synthesis, group=group, method=f"Bayes half-normal {scale:g}")
    for column, mass in (("low", 0.025), ("hr", 0.5), ("high", 0.975)):
        # Both are integrals in double precision; quad stops at about 1e-10.
        assert below(math.log(found[column])) == pytest.approx(mass, abs=1e-7)
    assert below(0.0) == pytest.approx(found["p_benefit"], abs=1e-7)
    assert below(math.log(0.8)) == pytest.approx(found["p_relevant"], abs=1e-7)


def test_one_primary_row_for_each_histology(synthesis):
    primary = synthesis[synthesis["role"] == "primary"]
    assert primary["group"].tolist() == ["NSCLC", "breast", "mixed"]
    assert primary["method"].tolist() == ["Bayes half-normal 0.5"] * 2 + ["single trial"]
    assert primary["patients"].tolist() == [28 + 31 + 24 + 25 + 15 + 14, 23 + 24 + 21 + 22, 99]
    assert primary["checked"].tolist() == [False, True, True]


def test_a_single_trial_is_shown_as_printed_and_not_pooled(synthesis):
    mixed = synthesis[synthesis["group"] == "mixed"]
    assert len(mixed) == 1
    assert mixed[["hr", "low", "high"]].iloc[0].tolist() == [0.45, 0.28, 0.72]
    assert mixed[["tau", "p_benefit", "predictive_low"]].isna().all(axis=None)


def test_five_trials_follow_the_plan_for_five():
    many = pd.DataFrame(
        {
            "result": list("ABCDE"),
            "trial": list("ABCDE"),
            "cohort": "whole",
            "part_of": "",
            "label": list("ABCDE"),
            "group": "NSCLC",
            "pooled": True,
            "n_control": 10,
            "n_experimental": 10,
            "log_hr": [-0.9, -0.1, -0.5, -0.4, 0.1],
            "se": 0.2,
            "checked": True,
        }
    )
    frame = analysis.histology_synthesis(many)
    assert frame.loc[frame["role"] == "primary", "method"].tolist() == [
        "REML wider of Wald and HKSJ"
    ]


# ------------------------------------------------------------------ contrast


def test_contrast_is_that_of_metafor(estimates):
    frame = analysis.interaction(estimates)
    # R metafor 3.8-1, rma(yi, sei, mods = ~ histology): p of the moderator.
    assert row(frame, contrast="all trials", method="REML Wald")["p"] == pytest.approx(
        0.021, abs=5e-4
    )
    assert row(frame, contrast="all trials", method="REML ad hoc HKSJ")["p"] == pytest.approx(
        0.104, abs=5e-4
    )


def test_contrast_within_curb_uses_its_two_cohorts_only(estimates):
    within = row(analysis.interaction(estimates), contrast="within CURB")
    assert within["results"] == "CURB-NSCLC; CURB-breast"
    se = math.hypot(math.log(0.75 / 0.22), math.log(1.43 / 0.43)) / (2 * Z95)
    log_ratio = math.log(0.41 / 0.78)
    assert within["ratio"] == pytest.approx(0.41 / 0.78, rel=1e-12)
    assert within["low"] == pytest.approx(math.exp(log_ratio - Z95 * se), rel=1e-9)
    assert within["high"] == pytest.approx(math.exp(log_ratio + Z95 * se), rel=1e-9)


def test_mixed_histologies_take_no_part_in_the_contrast(estimates):
    frame = analysis.interaction(estimates)
    assert not frame["results"].str.contains("SABR-COMET").any()
    between = frame[frame["contrast"] == "between trials"]
    assert not between["results"].str.contains("CURB").any()


# ------------------------------------------------------------------ sensitivity


@pytest.fixture(scope="module")
def scenarios():
    return analysis.sensitivity()


def test_every_kind_of_scenario_is_there(scenarios):
    kinds = set(scenarios.loc[scenarios["group"] == "NSCLC", "kind"])
    assert kinds == {
        "primary analysis",
        "report",
        "CI level",
        "unchecked values",
        "reading of a trial",
        "adjusted",
        "leave one out",
        "trial added",
        "reconstructed",
        "estimator",
        "prior",
    }


def test_primary_scenario_is_the_primary_analysis(scenarios, synthesis):
    for group in ("NSCLC", "breast", "mixed"):
        left = row(scenarios, group=group, kind="primary analysis")
        right = row(synthesis, group=group, role="primary")
        assert left[["hr", "low", "high"]].tolist() == right[["hr", "low", "high"]].tolist()


def test_only_the_misread_level_is_a_mistake(scenarios):
    wrong = scenarios[scenarios["mistake"]]
    assert wrong["scenario"].tolist() == ["Gomez: 90 % limits read as 95 %"]
    assert "mistake" in wrong["changed"].iloc[0]
    main = row(scenarios, group="NSCLC", kind="primary analysis")
    spread = np.log(wrong["high"].iloc[0] / wrong["low"].iloc[0])
    assert spread < np.log(main["high"] / main["low"])  # falsely precise


def test_unchecked_values_can_be_left_out(scenarios):
    without = row(scenarios, group="NSCLC", kind="unchecked values")
    assert without["trials"] == "CURB, NSCLC (2024); Gomez (2016)"
    same = row(scenarios, scenario="without Iyengar (2018)")
    assert without["hr"] == same["hr"]


def test_added_trial_moves_the_result_towards_its_own(scenarios):
    added = row(scenarios, scenario="NRG-LU002 added")
    main = row(scenarios, group="NSCLC", kind="primary analysis")
    assert main["hr"] < added["hr"] < 0.93
    assert added["k"] == 4
    assert "†" in added["changed"]


def test_a_scenario_on_an_unread_value_says_so(scenarios):
    """NSCLC holds Iyengar, whose hazard ratio was not read; the breast trials were read."""
    lung = scenarios[scenarios["group"] == "NSCLC"].set_index("scenario")["checked"]
    read = set(lung[lung].index)
    readings = scenarios[scenarios["kind"] == "reading of a trial"]["scenario"]
    assert read == {"without Iyengar (2018)", "without unchecked values", *readings}
    assert scenarios.loc[scenarios["group"] == "breast", "checked"].all()
    mixed = scenarios[scenarios["group"] == "mixed"].set_index("scenario")["checked"]
    assert mixed["primary analysis"] and not mixed["SABR-COMET: report of 2019"]


def test_a_p_that_was_not_read_marks_the_reading_of_it():
    trial = evidence.load()["Iyengar"]
    result = trial.cohort("NSCLC").result()
    unread = result.model_copy(update={"p": result.p.model_copy(update={"checked": False})})
    module = importlib.import_module("oligomdt.analysis.sensitivity")
    assert module._read(result) and not module._read(unread)


def test_second_reading_of_iyengar_uses_p_and_progressions(scenarios):
    found = row(scenarios, kind="reading of a trial")
    assert "10 and 4 patients with progression" in found["changed"]
    z = stats.norm.isf(0.005)
    log_hr, se = -z * math.sqrt(1 / 10 + 1 / 4), math.sqrt(1 / 10 + 1 / 4)
    estimates = analysis.published_estimates()
    own = estimates[estimates["result"].isin(["CURB-NSCLC", "Gomez-2016"])]
    posterior = pooling.bayes([*own["log_hr"], log_hr], [*own["se"], se])
    assert found["hr"] == pytest.approx(posterior.hr, rel=1e-9)


def test_other_report_takes_the_place_of_the_primary_one(scenarios):
    mixed = row(scenarios, scenario="SABR-COMET: report of 2019")
    assert mixed[["hr", "low", "high"]].tolist() == [0.47, 0.30, 0.76]
    gomez = row(scenarios, scenario="Gomez: report of 2019")
    assert gomez["k"] == 3
    assert "reconstructed" in gomez["changed"]


def test_nothing_is_estimated_where_the_draws_disagree_on_the_direction(monkeypatch):
    module = importlib.import_module("oligomdt.analysis.sensitivity")
    rebuilt = analysis.reconstructed_estimates()
    rebuilt.loc[rebuilt["result"] == "Gomez-2019", "below_1"] = 0.6
    monkeypatch.setattr(module, "reconstructed_estimates", lambda trials: rebuilt)
    found = row(analysis.sensitivity(), scenario="Gomez: report of 2019")
    assert np.isnan(found[["hr", "low", "high"]].astype(float)).all()
    assert found["interval"] == "not estimated"
    assert "direction of the effect open" in found["changed"]


def test_estimators_change_the_interval_not_the_data(scenarios):
    rows = scenarios[(scenarios["kind"] == "estimator") & (scenarios["group"] == "breast")]
    assert len(rows) == 6
    assert rows["hr"].round(10).nunique() == 1  # tau2 is 0 for all of them
    width = np.log(rows["high"] / rows["low"]).set_axis(rows["scenario"])
    assert width["REML, Wald"] < width["REML, HKSJ"] < width["REML, ad hoc HKSJ"]


# ------------------------------------------------------------------ derived values


def test_derived_values_follow_their_formulas():
    trials = evidence.load()
    gomez = analysis.derived(trials["Gomez"].cohort("NSCLC").result()).set_index("quantity")
    se = math.log(0.66 / 0.18) / (2 * Z90)
    value = gomez["value"]
    assert value["standard error of ln HR"] == pytest.approx(se, rel=1e-12)
    assert value["events that such an interval implies"] == pytest.approx(
        49**2 / (24 * 25) / se**2, rel=1e-12
    )
    assert value["HR from the medians"] == pytest.approx(3.9 / 11.9, rel=1e-12)
    wald = 2 * stats.norm.sf(abs(math.log(0.35)) / se)
    assert value["Wald p-value"] == pytest.approx(wald, rel=1e-9)
    assert "90 % CI 0.18 to 0.66" in gomez["inputs"]["Wald p-value"]


def test_derived_values_from_events_and_from_percentages():
    trials = evidence.load()
    curb = analysis.derived(trials["CURB"].cohort("whole").result()).set_index("quantity")
    se = curb["value"]["standard error of ln HR from the events"]
    assert se == pytest.approx(math.sqrt(1 / 44 + 1 / 42), rel=1e-12)
    iyengar = analysis.derived(trials["Iyengar"].cohort("NSCLC").result()).set_index("quantity")
    assert iyengar["value"]["patients with progression, control"] == 10
    assert iyengar["value"]["patients with progression, experimental"] == 4
    assert "†" in iyengar["inputs"]["standard error of ln HR"]


def test_nothing_to_derive_gives_an_empty_table():
    frame = analysis.derived(evidence.load()["SABR-COMET"].cohort("whole").result("2020"))
    assert frame.empty
    assert list(frame.columns) == ["quantity", "value", "formula", "inputs"]


# ------------------------------------------------------------------ headline and printing


def test_headline_prints_the_primary_results(synthesis):
    numbers = analysis.headline()
    for group in ("NSCLC", "breast", "mixed"):
        found = row(synthesis, group=group, role="primary")
        for column in ("hr", "low", "high"):
            assert float(numbers[f"{group}_{column}"]) == pytest.approx(
                found[column], abs=0.005
            )
    assert numbers["NSCLC_dagger"] == "†"
    assert numbers["breast_dagger"] == ""
    assert (numbers["trials"], numbers["patients"]) == ("5", "326")


def test_headline_names_the_trial_that_is_not_pooled():
    numbers = analysis.headline()
    context = evidence.context()["NRG-LU002"]
    assert numbers["NRG-LU002_hr"] == context.hr.estimate.label == "0.93"
    assert numbers["NRG-LU002_interval"] == "0.66 to 1.31†"
    assert numbers["NRG-LU002_n"] == "215"


@given(value=st.integers(-9999, 9999), places=st.integers(0, 3))
@settings(deadline=None, max_examples=50)
def test_numbers_are_rounded_half_up(value, places):
    number = value / 1000
    text = printing.decimals(number, places)
    scaled = abs(value) * 10**places / 1000
    wanted = math.floor(scaled + 0.5 + 1e-9) / 10**places
    assert abs(float(text)) == pytest.approx(wanted)
    assert not text.startswith("-0") or float(text) != 0
    assert len(text.partition(".")[2]) == places


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "100"), (0.994, "99"), (0.996, "more than 99"), (0.004, "less than 1")],
)
def test_probabilities_are_never_rounded_to_certainty(value, text):
    assert printing.percent(value) == text
