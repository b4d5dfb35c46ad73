"""What the pages say in words of the trials is what the files in data/ hold.

Each claim is read off the files without the package where that can be done. A change of the
data that makes a sentence false fails here, with the sentence.
"""

import re

import pytest
import yaml
from conftest import ROOT

from oligomdt import analysis, evidence
from oligomdt.figures import benchmark, overview_tables
from oligomdt.figures.extended_tables import RANDOMISED


def read(name):
    return yaml.load((ROOT / "data" / name).read_text(encoding="utf-8"), yaml.BaseLoader)


def page(name):
    return (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")


def words(name):
    """The text of a page with its lines joined."""
    return re.sub(r"\s+", " ", page(name))


def unread(block):
    return block.get("checked") == "false"


LU002 = read("context.yaml")["NRG-LU002"]
IYENGAR = read("trials/iyengar.yaml")["cohorts"]["NSCLC"]["results"]["2018"]
CURB = read("trials/curb.yaml")
REGISTER = read("ongoing.yaml")
NSCLC = ("CURB-NSCLC", "Gomez", "Iyengar")
CORE = read("extended/core.yaml")

# Page, sentence as it stands there, and whether the data bear it out.
CLAIMS = {
    "NRG-LU002 is better read than Iyengar": (
        "limits",
        "Its HR was read and its limits were not; of Iyengar, which is one of the five, "
        "neither the HR nor its limits were read.",
        unread(IYENGAR["hr"]) and not unread(LU002["hr"]) and unread(LU002["hr"]["interval"]),
    ),
    "only CURB is oligoprogressive": (
        "intro",
        "Of the NSCLC trials only CURB treated oligoprogression",
        [n for n in NSCLC if CORE[n]["setting_class"] == "oligoprogressive"] == ["CURB-NSCLC"],
    ),
    "drivers in Iyengar": (
        "limits",
        "Iyengar took no patient with an EGFR or ALK alteration that can be targeted.",
        "no EGFR- or ALK-targetable" in read("trials/iyengar.yaml")["design"]["eligibility"],
    ),
    "no number on harm": (
        "limits",
        "No such number of the five trials is recorded here.",
        not any(
            re.search(r"\btoxicit|adverse event|treatment-related|grade [3-5]", text, re.I)
            for file in (ROOT / "data" / "trials").glob("*.yaml")
            for text in [file.read_text(encoding="utf-8")]
        ),
    ),
    "doses": (
        "limits",
        "The doses of the five trials are not recorded here.",
        not any(
            re.search(r"\d+ ?Gy\b", file.read_text(encoding="utf-8"))
            for file in (ROOT / "data" / "trials").glob("*.yaml")
        ),
    ),
    "split by oestrogen receptor": (
        "limits",
        "a split by oestrogen receptor gave similar results; its numbers are not shown",
        "split by ER status is said to give similar results; its data are not shown."
        in " ".join(CURB["cohorts"]["breast"]["results"]["2024"]["notes"]),
    ),
    "EXTEND per protocol": (
        "extended",
        "The report of the whole EXTEND trial is per protocol. How its breast basket was "
        "analysed is not known from what was read.",
        all(
            arm["n"]["note"] == "per protocol"
            for arm in read("trials/extend.yaml")["cohorts"]["whole"]["results"]["2026"][
                "arms"
            ].values()
        )
        and read("trials/extend.yaml")["design"]["analysis_set"] == "not reported",
    ),
    "ablation of CLOCC": (
        "extended",
        "CLOCC, in colorectal cancer, used radiofrequency ablation.",
        "radiofrequency ablation" in read("extended/others.yaml")["CLOCC"]["experimental"],
    ),
    "reservation about HALT": (
        "ongoing",
        "counts as progression only what cannot be irradiated again",
        "cannot be irradiated again" in REGISTER["HALT"]["contrast_note"],
    ),
    "reservation about SUPPRESS-NSCLC": (
        "ongoing",
        "In SUPPRESS-NSCLC the control arm may change its systemic therapy.",
        "may change its systemic therapy" in REGISTER["SUPPRESS-NSCLC"]["contrast_note"],
    ),
    "reservations are two": (
        "ongoing",
        "of them with a reservation",
        [
            n
            for n, r in REGISTER.items()
            if r["same_contrast"] == "true" and "contrast_note" in r
        ]
        == ["HALT", "SUPPRESS-NSCLC"],
    ),
    "published trial of the register": (
        "ongoing",
        "which is published and has one arm",
        [(n, r["randomised"]) for n, r in REGISTER.items() if r["status"] == "published"]
        == [("SABR-5", "false")],
    ),
    "nothing is digitised": (
        "accuracy",
        "no curve of its trials has been digitised so far",
        "; 0 digitised curves." in evidence.summary(),
    ),
    "CURB's p of overall survival": (
        "limits",
        "The p-value of CURB does not fit its HR and limits",
        "overall-survival hazard ratio"
        in " ".join(CURB["cohorts"]["whole"]["results"]["2024"]["conflicts"]),
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_sentence_stands_on_its_page_and_the_data_bear_it_out(name):
    where, sentence, true = CLAIMS[name]
    assert sentence in words(where)
    assert true


def test_the_pool_of_patient_data_is_that_of_wolverine():
    """The page compares with the model of the patients' data, not with the trials' results."""
    assert 'outcomes["PFS, from the patients\' data"]' in page("extended")
    outcomes = {one["name"]: one for one in read("external.yaml")["WOLVERINE"]["outcomes"]}
    chosen = outcomes["PFS, from the patients' data"]["hr"]
    assert "Cox" in chosen["method"]
    later = analysis.external_validation()
    row = later[later["outcome"] == "PFS, from the patients' data"].iloc[0]
    assert row["observed"] == float(chosen["estimate"])
    counted = analysis.extended_by_histology()
    own = counted[(counted["pool"] == "prostate") & (counted["kind"] == "pooled")].iloc[0]
    assert own["hr"] < row["predicted"] < row["observed"]


def test_no_method_moves_the_hazard_ratio_as_much_as_the_trial_left_out():
    frame = analysis.sensitivity()
    own = frame[frame["group"] == "NSCLC"]
    methods = own[own["kind"].isin(["estimator", "prior"])]
    main = own.loc[own["kind"] == "primary analysis", "hr"].iloc[0]
    added = own.loc[own["kind"] == "trial added"].iloc[0]
    others = own[~own["kind"].isin(["primary analysis", "trial added"])]
    assert (others["hr"] - main).abs().max() < added["hr"] - main
    # Of the interval it is not true, and the page says so.
    assert methods["high"].max() > added["high"]
    assert "That is true of the HR only." in words("pooling")


def test_patients_are_counted_on_whom_reports_differ():
    records = evidence.extended()
    told = [r.id for r in records.values() for one in r.findings if one.what == RANDOMISED]
    assert told == ["NRG-BR002"]
    assert not any(records[name].n or records[name].n_by_arm for name in told)


def test_overall_survival_of_every_trial_stands_in_one_table():
    trials, records = evidence.load(), evidence.extended()
    frame = overview_tables.overall_survival(trials, records)
    for name in trials:
        assert frame["Trial"].str.startswith(name).any(), name
    silent = frame.loc[frame["What was reported"] == overview_tables.UNKNOWN, "Trial"]
    assert silent.tolist() == ["Iyengar"]
    gomez = frame[frame["Trial"].str.startswith("Gomez")].iloc[0]
    assert (gomez["Control"], gomez["p"]) == ("17.0 (10.1 to 39.8, 95 % CI)", "0.017")
    comet = frame[frame["Trial"] == "SABR-COMET, all histologies, 2022"].iloc[0]
    assert comet["HR"] == "0.50 (0.30 to 0.84, 95 % CI)"
    # Second route: how often the files state something on overall survival as a finding.
    stated = [
        finding
        for file in (ROOT / "data" / "trials").glob("*.yaml")
        for cohort in read(f"trials/{file.name}")["cohorts"].values()
        for result in cohort["results"].values()
        for finding in result.get("other_results", [])
        if "overall survival" in finding["what"]
    ]
    own = frame[frame["Trial"].str.split(",").str[0].isin(list(trials))]
    with_numbers = own[["Control", "HR"]].ne("").any(axis=1)
    assert with_numbers.sum() == len(stated) >= 5


def test_methods_that_beat_ours_are_listed_with_both_errors():
    frame = benchmark.benchmark_data()
    table = benchmark.beaten_table(frame)
    for column, name in (("median", "Median"), ("p90", "90th percentile")):
        assert (table["Error"] == name).sum() == len(benchmark.beaten(frame, column))
    assert (table["Its error"].astype(float) < table.iloc[:, -1].astype(float)).all()
    with pytest.raises(ValueError, match="no other engine has a smaller error"):
        benchmark.beaten_table(frame[frame["engine"] == "oligomdt"])
