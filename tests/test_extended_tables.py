"""The tables of the extended layer show every record, every dagger and every date."""

import pandas as pd
import pytest

from oligomdt import analysis, evidence
from oligomdt.figures import extended_tables, tables


@pytest.fixture(scope="module")
def records():
    return evidence.extended()


@pytest.fixture(scope="module")
def by_cancer(records):
    return analysis.extended_by_histology(records=records)


def column(frame, name, key):
    (value,) = frame.loc[frame["Trial"] == name, key]
    return value


def everything(records):
    uses = ("pooled", "scenario", "listed")
    return pd.concat([extended_tables.results(records, use) for use in uses])


def test_each_record_stands_once_under_its_kind_of_evidence(records):
    uses = ("pooled", "scenario", "listed")
    counts = [len(extended_tables.results(records, use)) for use in uses]
    assert counts == [12, 7, 9]
    frame = everything(records)
    assert frame["Trial"].is_unique
    assert (frame != "").all(axis=None)
    with pytest.raises(ValueError, match="use is 'all'; it is one of pooled, scenario, listed"):
        extended_tables.results(records, "all")


def test_one_table_shows_all_kinds_at_a_glance(records):
    frame = extended_tables.at_a_glance(records).set_index("Cancer")
    assert list(frame) == ["Counted", "Scenario", "Only listed"]
    assert frame.loc["NSCLC"].tolist() == [
        "CURB, NSCLC; Gomez; Iyengar†",
        "NRG-LU002†; SINDAS†; NorthStar; NorthStar, up to 3 metastases",
        "–",
    ]
    names = [name.strip("†") for cell in frame.to_numpy().ravel() for name in cell.split("; ")]
    assert sorted(n for n in names if n != "–") == sorted(r.name for r in records.values())


@pytest.mark.parametrize(
    ("trial", "printed"),
    [
        ("NRG-BR002 (2022)", "0.92 (0.71 to 1.17, 70 % CI); p 0.36 one-sided"),
        ("STOMP (2018)", "0.6 (0.4 to 0.9, 80 % CI); p 0.11; ADT-free survival"),
        ("NRG-LU002 (2024)", "0.93 (0.66 to 1.31†, 95 % CI)"),
        ("SINDAS (2023)", "0.6188† (0.3949 to 0.9697†, 95 % CI); p <0.001"),
        (
            "NorthStar, up to 3 metastases (2025)",
            "0.67 (0.43 to 1.03, level not printed)",
        ),
        ("EXTEND, pancreas (2024)", "0.43 (interval not found); p 0.03"),
        ("CORE (2023)", "not found"),
    ],
)
def test_a_result_shows_as_it_was_printed(records, trial, printed):
    assert column(everything(records), trial, "HR as printed") == printed


def test_another_question_is_called_so(records):
    why = column(extended_tables.results(records, "listed"), "RADIOSA (2025)", "Why")
    assert why == "Both arms received MDT; the trial asks about hormone therapy"


def test_what_is_missing_is_listed_for_all_that_is_not_pooled(records):
    frame = extended_tables.missing(records)
    eligible = [r for r in records.values() if r.eligible and r.status_in_pool != "pooled"]
    assert len(frame) == len(eligible) == 15
    assert column(frame, "STOP (2024)", "Median, control and MDT") == (
        "4.3 months and 8.4 months"
    )
    assert column(frame, "ORIOLE (2020)", "Median, control and MDT") == (
        "5.8 months and not reached"
    )
    stomp = column(frame, "STOMP (2018)", "Median, control and MDT")
    assert stomp == "13 months and 21 months, ADT-free survival"


def test_pools_and_scenarios_stand_in_different_tables(by_cancer):
    pools = extended_tables.pooled(by_cancer, "Cancer")
    tried = extended_tables.scenarios(by_cancer, "Cancer")
    assert pools["Cancer"].is_unique
    assert "one trial, not pooled" in set(pools["Trials"])
    assert (tried["It assumes that"].str.len() > 5).all()
    assert len(pools) + len(tried) + len(extended_tables.left_out(by_cancer, "Cancer")) == len(
        by_cancer
    )


def test_an_unread_value_carries_its_dagger_into_the_tables(by_cancer):
    tried = extended_tables.scenarios(by_cancer, "Cancer")
    unread = tried["Scenario"].str.contains("not read", regex=False)
    assert tried.loc[unread, "HR (95 %)"].str.endswith("†").all()
    assert unread.sum() == 3


def test_trials_without_a_number_of_patients_are_counted_apart(by_cancer):
    pools = extended_tables.pooled(by_cancer, "Cancer").set_index("Cancer")
    assert pools.loc["Breast cancer", "Patients"] == "90 + 1 trial without one agreed number"


def test_a_number_of_patients_on_which_reports_differ_shows_as_they_give_it(records):
    counted = extended_tables.results(records, "pooled")
    shown = column(counted, "NRG-BR002 (2022)", "Patients")
    assert shown == "125 to 129; its reports differ"
    (told,) = (text for text in records["NRG-BR002"].conflicts if "randomised" in text)
    assert all(number in told for number in ("125", "128", "129"))


def test_the_register_shows_design_size_endpoint_status_and_date():
    trials = evidence.ongoing()
    frame = extended_tables.register(trials.values())
    assert len(frame) == len(trials) == 27
    assert column(frame, "STOP-2 (NCT06918951)", "Patients") == "194 planned"
    assert column(frame, "STOP-2 (NCT06918951)", "Status (date)") == "recruiting (2025-12-15)"
    assert column(frame, "NCT06523673 (Zhejiang)", "Patients") == "not found"
    assert column(frame, "NCT04216121", "Same question") == "not known"
    assert column(frame, "HALT (NCT03256981; ISRCTN53398136)", "Patients") == (
        "110 planned, 113 enrolled"
    )
    stop2 = column(frame, "STOP-2 (NCT06918951)", "Same question")
    assert stop2.startswith("no: both arms have radiotherapy")
    assert column(frame, "OLIGOPELVIS", "Status (date)") == "not looked up (date not found)"


def test_later_results_show_what_is_shared():
    validation = analysis.external_validation()
    trials = extended_tables.later_trials(validation)
    assert trials["Same patients"].tolist()[0] == "none"
    assert trials["Same patients"].tolist()[1].startswith("43 of 334 patients")
    pools = extended_tables.published_pools(validation)
    assert pools["Its HR (95 %)"].tolist()[0] == "0.44 (0.35 to 0.56)"
    rest = extended_tables.not_compared(validation)
    assert len(trials) + len(pools) + len(rest) == len(validation)


def test_every_number_on_an_unread_value_has_its_dagger():
    validation = analysis.external_validation()
    trials = extended_tables.later_trials(validation).set_index("Trial")
    for name in ("Predicted HR (95 %)", "Printed HR expected in", "P(as far out)"):
        assert trials.loc["EXTEND (2026)", name].str.endswith("†").all()
        assert trials.loc["NRG-LU002 (2024)", name].endswith("†")
        assert "†" not in trials.loc["NRG-BR002 (2022)", name]
    later = validation.set_index("label")
    numbers = extended_tables.later_numbers(later.loc["NRG-LU002 (2024)"])
    assert {name: "†" in text for name, text in numbers.items()} == dict.fromkeys(numbers, True)
    read = extended_tables.later_numbers(later.loc["NRG-BR002 (2022)"])
    assert not any("†" in text for text in read.values())


def test_what_is_expected_of_a_trial_rests_on_its_own_limits_too():
    row = analysis.external_validation().query("label == 'NRG-BR002 (2022)'").iloc[0]
    numbers = extended_tables.later_numbers(row.to_dict() | {"checked_observed": False})
    marked = {name for name, text in numbers.items() if "†" in text}
    assert marked == {"expected", "observed", "as_far"}


def test_predictions_of_a_pool_are_marked_with_its_hazard_ratio(by_cancer):
    pooled = by_cancer[by_cancer["kind"] == "pooled"]
    shown = extended_tables.pooled(by_cancer, "Cancer")
    several = (pooled["k"] > 1).to_numpy()
    for name in ("New trial (95 %)", "P(HR < 1)"):
        marked = shown.loc[several, name].str.endswith("†").tolist()
        assert marked == (~pooled.loc[several, "checked"]).tolist()
    assert not pooled.loc[pooled["pool"] == "NSCLC", "checked"].item()
    numbers = analysis.extended_numbers(by_cancer)
    assert numbers["extended_NSCLC_new_low"].endswith("†")
    assert "†" not in numbers["extended_breast_new_low"]


def test_a_table_of_the_layer_explains_its_dagger(records):
    frame = extended_tables.results(records, "pooled")
    shown = tables.table(frame, "Results.", "glance", {name: name for name in frame})
    assert "not read in its source" in shown.caption


def test_conflicts_are_told(records):
    told = extended_tables.conflicts(records)
    assert set(told) >= {"NorthStar", "NRG-BR002", "SINDAS", "STOP"}


def test_every_record_outside_the_five_trials_has_its_sources_listed(records):
    frame = extended_tables.sources(records, evidence.sources())
    outside = [r for r in records.values() if not r.held_in.startswith("trials/")]
    assert set(frame["Trial"]) >= {record.name for record in outside}
    br002 = frame[frame["Trial"] == "NRG-BR002"]
    assert len(br002) == 5
    unread = frame[frame["Tier"] == "unread"]
    assert set(unread["Trial"]) == {"NRG-LU002", "SINDAS", "ORIOLE"}
    register = extended_tables.sources(evidence.ongoing(), evidence.sources())
    named_only = {"OLIGOPELVIS"}
    names = {trial.name for trial in evidence.ongoing().values()}
    assert set(register["Trial"]) == names - named_only
