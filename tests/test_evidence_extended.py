"""The trials beyond the review: every number as its source prints it, each stated once."""

import csv
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from oligomdt import evidence
from oligomdt.evidence import NotFound
from oligomdt.evidence.summary import stated_values

DATA = ROOT / "data"

# Hazard ratio, limits and level as printed; p; what is done with it; where it is shown.
FROZEN = {
    "CURB": ("0.53", "0.35", "0.81", 0.95, "0.0035", "pooled", "oligoprogressive"),
    "CURB-NSCLC": ("0.41", "0.22", "0.75", 0.95, "0.0039", "pooled", "oligoprogressive"),
    "CURB-breast": ("0.78", "0.43", "1.43", 0.95, "0.43", "pooled", "oligoprogressive"),
    "Gomez": ("0.35", "0.18", "0.66", 0.90, "0.0054", "pooled", "oligometastatic"),
    "Iyengar": ("0.304", "0.113", "0.815", 0.95, "0.01", "pooled", "oligometastatic"),
    "SABR-COMET": ("0.45", "0.28", "0.72", 0.95, "<0.001", "pooled", "oligometastatic"),
    "EXTEND": ("0.54", "0.41", "0.72", 0.95, "<0.001", "pooled", "oligometastatic"),
    "EXTEND-breast": ("0.91", "0.34", "2.48", 0.95, "0.86", "pooled", "oligometastatic"),
    "EXTEND-prostate-intermittent": (
        *("0.25", "0.12", "0.55", 0.95, "<0.001"),
        *("pooled", "oligometastatic"),
    ),
    "EXTEND-prostate-continuous": (
        *("0.5", None, None, None, "0.036"),
        *("scenario", "oligometastatic"),
    ),
    "EXTEND-pancreas": ("0.43", None, None, None, "0.03", "scenario", "oligometastatic"),
    "EXTEND-kidney": (None, None, None, None, None, "listed", "oligometastatic"),
    "EXTEND-other": (None, None, None, None, None, "listed", "oligometastatic"),
    "NRG-LU002": ("0.93", "0.66", "1.31", 0.95, None, "scenario", "oligometastatic"),
    "SINDAS": ("0.6188", "0.3949", "0.9697", 0.95, "<0.001", "scenario", "oligometastatic"),
    "NorthStar": ("0.66", "0.50", "0.87", 0.95, "0.025", "scenario", "mixed"),
    "NorthStar-up-to-3": ("0.67", None, None, None, None, "scenario", "oligometastatic"),
    "NRG-BR002": ("0.92", "0.71", "1.17", 0.70, "0.36", "pooled", "oligometastatic"),
    "CLOCC": ("0.63", "0.42", "0.95", 0.95, "0.025", "pooled", "oligometastatic"),
    "STOP": (None, None, None, None, None, "listed", "oligoprogressive"),
    "CORE": (None, None, None, None, None, "listed", "oligometastatic"),
    "ESO-Shanghai-13": (None, None, None, None, None, "listed", "oligometastatic"),
    "STOMP": ("0.6", "0.4", "0.9", 0.80, "0.11", "listed", "oligorecurrent"),
    "ORIOLE": ("0.30", "0.11", "0.81", 0.95, "0.002", "scenario", "oligorecurrent"),
    "STOMP-ORIOLE": ("0.44", None, None, None, None, "listed", "oligorecurrent"),
    "ARTO": ("0.35", "0.21", "0.57", 0.95, "<0.001", "pooled", "oligometastatic"),
    "RADIOSA": ("0.43", "0.26", "0.72", 0.95, "0.001", "listed", "oligorecurrent"),
    "FORCE": (None, None, None, None, None, "listed", "oligometastatic"),
}
# Patients control and experimental, median months control and experimental, planned.
ARMS = {
    "EXTEND-prostate-intermittent": ("44", "43", "15.8", "not reached", None),
    "EXTEND-prostate-continuous": ("42", "45", "22", "47", "87"),
    "EXTEND-pancreas": ("21", "19", "2.5", "10.3", None),
    "SINDAS": ("65", "68", "12.5", "20.2", "200"),
    "NorthStar": ("63", "56", "17.5", "25.3", "143"),
    "NorthStar-up-to-3": ("26", "24", "22.4", "33.1", None),
    "NRG-BR002": (None, None, "23", "19.5", "402"),
    "CLOCC": ("59", "60", "9.9", "16.8", None),
    "STOP": ("31", "59", "4.3", "8.4", "90"),
    "STOMP": ("31", "31", "13", "21", None),
    "ORIOLE": ("18", "36", "5.8", "not reached", None),
    "STOMP-ORIOLE": (None, None, "5.9", "11.9", None),
    "ARTO": ("82", "75", None, None, None),
    "RADIOSA": ("51", "51", "15.1", "32.2", None),
    "NRG-LU002": ("81", "134", None, None, "300"),
}
# Patients planned and enrolled; another contrast than MDT against no MDT; one arm only.
REGISTER = {
    "SABR-COMET-3": ("297", None),
    "SABR-COMET-10": ("159", None),
    "SABR-SYNC": ("180", None),
    "SARON": ("340", None),
    "HALT": ("110", "113"),
    "SUPPRESS-NSCLC": ("68", None),
    "STOP-2": ("194", None),
    "NCT06523673": (None, None),
    "CCTG-BR38": ("320", None),
    "OligoRARE": ("200", None),
    "PROMISE-005": ("145", None),
    "LONESTAR": (None, "339"),
    "NCT04216121": (None, None),
    "NCT03696277": (None, None),
    "GETUG-StORM-01": ("77", None),
    "NCT04070209": (None, None),
    "MEDCARE-2": (None, None),
    "MEDCARE-3": ("246", None),
    "STEREO-OS": ("196", None),
    "OLIGOMA": (None, None),
    "NCT06141070": ("240", None),
    "ESO-Shanghai-20": (None, None),
    "NCT05863351": (None, None),
    "METANOVA": ("200", None),
    "SABR-5": (None, "381"),
    "SABR-SCAN": (None, None),
    "OLIGOPELVIS": (None, None),
}
PUBLISHED = {
    "WOLVERINE": [
        ("0.44", "0.35", "0.56"),
        ("0.45", "0.35", "0.57"),
        ("0.6", "0.42", "0.85"),
        ("0.59", "0.46", "0.76"),
        ("0.58", "0.37", "0.92"),
        ("0.58", "0.37", "0.91"),
        ("0.63", "0.39", "1.0"),
        ("0.64", "0.4", "1.01"),
    ],
    "Chen-2026": [
        ("0.45", "0.32", "0.64"),
        ("0.56", "0.4", "0.78"),
        ("0.5", "0.32", "0.78"),
        ("0.57", "0.42", "0.78"),
        ("0.49", "0.38", "0.64"),
        ("0.7", "0.52", "0.93"),
    ],
    "IPDMA-RADICAL-NSCLC": [("0.62", "0.5", "0.76"), ("0.6", "0.48", "0.75")],
    "Berner-Wygoda-2025": [],
    "Averbuch-2024": [],
    "Persson-2024": [],
    "Rim-2022": [],
}


@pytest.fixture(scope="module")
def records():
    return evidence.extended()


@pytest.fixture(scope="module")
def register():
    return evidence.ongoing()


def text(number):
    return number.text if hasattr(number, "text") and number else number or None


def printed(hr):
    interval = hr.interval if hr else None
    if not interval:
        return (text(hr.estimate) if hr else None, None, None)
    return text(hr.estimate), text(interval.lower), text(interval.upper)


# ------------------------------------------------------------------ the numbers


def test_the_records_are_these(records):
    assert set(records) == set(FROZEN)


@pytest.mark.parametrize("name", FROZEN)
def test_hazard_ratio_is_as_printed(records, name):
    record = records[name]
    interval = record.hr.interval if record.hr else None
    level = interval.level if interval else None
    found = (*printed(record.hr), level, text(record.p))
    assert (*found, record.status_in_pool, record.setting_class) == FROZEN[name]


@pytest.mark.parametrize("name", ARMS)
def test_patients_and_medians_are_in_the_right_arm(records, name):
    record = records[name]
    arms = record.n_by_arm or {}
    counts = tuple(text(arms[role]) if arms else None for role in ("control", "experimental"))
    medians = (None, None)
    if record.medians:
        both = (record.medians.control, record.medians.experimental)
        medians = tuple(one.text for one in both)
    assert (*counts, *medians, text(record.planned)) == ARMS[name]


def test_intervals_of_medians_keep_their_level(records):
    br002, stomp = records["NRG-BR002"].medians, records["STOMP"].medians
    assert [br002.control_ci.label, br002.control_ci.level] == ["18 to 29", 0.7]
    assert [br002.experimental_ci.label, br002.experimental_ci.level] == ["17 to 36", 0.7]
    assert [stomp.control_ci.label, stomp.control_ci.level] == ["12 to 17", 0.8]
    assert [stomp.experimental_ci.label, stomp.experimental_ci.level] == ["14 to 29", 0.8]


def test_limits_without_a_level_have_none(records):
    limits = records["NorthStar-up-to-3"].limits
    assert (limits.lower.text, limits.upper.text) == ("0.43", "1.03")
    assert records["NorthStar-up-to-3"].hr.interval is NotFound


def test_the_other_report_of_northstar(records):
    hr = records["NorthStar"].scenarios[2].hr
    assert (*printed(hr), hr.interval.level) == ("0.60", "0.40", "0.92", 0.95)


def test_exactly_these_values_were_not_read(records):
    found = {
        (record.id, path)
        for record in records.values()
        for path, value in stated_values(record)
        if not value.checked
    }
    limits = ("hr/interval/lower", "hr/interval/upper")
    whole = [(name, "hr/estimate") for name in ("Iyengar", "SINDAS", "ORIOLE")]
    names = ("Iyengar", "SINDAS", "ORIOLE", "NRG-LU002")
    assert found == {*whole, *((name, limit) for name in names for limit in limits)}


def test_every_value_has_a_registered_source(records, register):
    registered = evidence.sources()
    for record in (*records.values(), *register.values(), *evidence.external().values()):
        for path, value in stated_values(record):
            assert value.sources, (record.id, path)
            assert all(ref.id in registered and ref.where for ref in value.sources), path


def test_the_register_is_these_trials(register):
    found = {name: (text(r.planned), text(r.enrolled)) for name, r in register.items()}
    assert found == REGISTER


def test_the_register_says_what_is_another_question(register):
    other = {name for name, r in register.items() if r.same_contrast is False}
    single = {name for name, r in register.items() if r.randomised is False}
    assert single == {"NCT03696277", "MEDCARE-2", "SABR-5"}
    assert other - single == {"STOP-2", "NCT06523673", "CCTG-BR38", "SABR-SCAN"}
    assert all(register[name].contrast_note for name in other)


def test_published_meta_analyses_are_as_printed():
    pools = evidence.external()
    found = {
        name: [printed(outcome.hr) for outcome in pool.outcomes if outcome.hr]
        for name, pool in pools.items()
    }
    assert found == PUBLISHED
    assert all(o.reason for pool in pools.values() for o in pool.outcomes)


# ------------------------------------------------------------------ the rules


def test_nrg_lu002_is_stated_once():
    block = yaml.load((DATA / "extended" / "nsclc.yaml").read_text(), yaml.BaseLoader)
    assert {"hr", "n", "n_by_arm", "p", "year"}.isdisjoint(block["NRG-LU002"])
    outside = evidence.context()["NRG-LU002"]
    assert evidence.extended()["NRG-LU002"].hr == outside.hr


def test_a_result_of_the_reviewed_trials_is_that_of_their_file(records):
    for record in records.values():
        if record.held_in.startswith("trials/"):
            _, trial, cohort = record.held_in.split("/")
            result = evidence.load()[trial].cohort(cohort).result()
            assert (record.hr, record.p) == (result.hr, result.p)
            assert record.n_by_arm["control"] == result.arms["control"].n


def test_what_is_not_pooled_says_what_is_missing(records):
    for record in records.values():
        assert record.reason
        if record.status_in_pool != "pooled" and record.eligible:
            assert record.missing, record.id


def test_wholes_name_their_parts(records):
    wholes = {name: set(r.contains) for name, r in records.items() if r.contains}
    baskets = {name for name in records if name.startswith("EXTEND-")}
    assert wholes == {
        "CURB": {"CURB-NSCLC", "CURB-breast"},
        "EXTEND": baskets,
        "NorthStar": {"NorthStar-up-to-3"},
        "STOMP-ORIOLE": {"STOMP", "ORIOLE"},
    }
    assert len(baskets) == 6


# ------------------------------------------------------------------ bad input


@pytest.fixture
def tree(tmp_path):
    ignored = shutil.ignore_patterns("reconstructed")
    return Path(shutil.copytree(DATA, tmp_path / "data", ignore=ignored))


BAD = {
    "an unknown place of the result": (
        "core.yaml",
        "held_in: trials/CURB/NSCLC",
        "held_in: trials/CURB/NSLC",
        "CURB-NSCLC/held_in: no result `trials/CURB/NSLC`; did you mean `trials/CURB/NSCLC`",
    ),
    "a number stated twice": (
        "nsclc.yaml",
        "  phase: phase 2/3\n",
        "  phase: phase 2/3\n  n: {value: 215, sources: {review_beckham: text}}\n",
        "NRG-LU002: `n` is stated in context/NRG-LU002; leave it out here",
    ),
    "a part that holds its whole": (
        "core.yaml",
        "CURB-NSCLC:\n  trial: CURB\n",
        "CURB-NSCLC:\n  trial: CURB\n  contains: [CURB]\n",
        "CURB/contains: `CURB-NSCLC` contains CURB; a part cannot hold its whole",
    ),
    "an unknown part": (
        "core.yaml",
        "contains: [CURB-NSCLC,",
        "contains: [CURB-NSCL,",
        "CURB/contains: `CURB-NSCL` is not another record; did you mean `CURB-NSCLC`",
    ),
    "another endpoint in a pool": (
        "prostate.yaml",
        "  reason: its hazard ratio is of ADT",
        "  pools: [histology]\n  reason: its hazard ratio is of ADT",
        "STOMP: the endpoint is ADT-free survival; only progression-free survival is pooled",
    ),
    "not eligible in a pool": (
        "prostate.yaml",
        "  eligible: false\n",
        "  eligible: false\n  pools: [histology]\n",
        "RADIOSA: not eligible, yet `pools` is given",
    ),
    "an unread value in a pool": (
        "prostate.yaml",
        "    sources: {oriole_jamaoncol_2020_findings: results}\n    checked: false\n",
        "    sources: {oriole_jamaoncol_2020_findings: results}\n",
        "ORIOLE/hr/estimate: checked, but source `oriole_jamaoncol_2020_findings` was not read",
    ),
    "a pool without limits": (
        "others.yaml",
        "    interval: {lower: 0.42, upper: 0.95, level: 0.95}\n",
        "    interval: not found\n",
        "CLOCC/pools: pooled, but no hazard ratio with both limits",
    ),
    "a scenario that rests on nothing": (
        "extend.yaml",
        "  p: 0.036\n",
        "  p: not found\n",
        "EXTEND-prostate-continuous/scenarios/1: rests on p, which the record does not state",
    ),
    "a scenario without its level": (
        "nsclc.yaml",
        "      rests_on: limits\n      level: 0.95\n",
        "      rests_on: limits\n",
        "NRG-LU002/scenarios/1: a scenario that rests on limits says their `level`",
    ),
    "a level in per cent": (
        "nsclc.yaml",
        "      level: 0.80\n",
        "      level: 80\n",
        "level 80 is not a proportion; write 0.95 for 95 %",
    ),
    "nothing missing and not pooled": (
        "prostate.yaml",
        "  missing: [hazard ratio of progression-free survival]\n",
        "",
        "STOMP: eligible and not pooled: say in `missing` what is missing",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_record_is_refused(tree, case):
    name, old, new, message = BAD[case]
    file = tree / "extended" / name
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError) as caught:
        evidence.extended(tree)
    assert message in str(caught.value)
    assert caught.value.file == f"data/extended/{name}"


def test_a_record_in_two_files_is_refused(tree):
    shutil.copy(tree / "extended" / "others.yaml", tree / "extended" / "copy.yaml")
    with pytest.raises(evidence.EvidenceError, match="is already in data/extended/copy.yaml"):
        evidence.extended(tree)


def test_a_contrast_that_differs_is_explained(tree):
    file = tree / "ongoing.yaml"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("  contrast_note: one arm\n", "", 1), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="NCT03696277: another contrast: say in"):
        evidence.ongoing(tree)


def test_a_comparison_with_an_unknown_record_is_refused(tree):
    file = tree / "external.yaml"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("against: [Gomez,", "against: [Gomes,"), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="no record `Gomes` in extended/"):
        evidence.external(tree)


def test_a_folder_without_the_layer_has_none():
    tree = Path(__file__).parent / "data" / "evidence"
    assert not evidence.extended(tree)
    assert not evidence.ongoing(tree)
    assert not evidence.external(tree)


# ------------------------------------------------------------------ every single number


def numbers_of(layer, name, record):
    """Every number of a record as text: the stated values, and those inside of remarks."""
    for path, value in stated_values(record):
        yield (layer, name, path, value.text, "yes" if value.checked else "no")
    whole = [getattr(record, field, None) for field in ("medians", "events")]
    parts = [*getattr(record, "outcomes", ()), record]
    findings = [one for one in whole if one] + [f for part in parts for f in part.findings]
    for finding in findings:
        if re.search(r"\d", finding.note):
            yield (layer, name, f"{finding.what}/note", finding.note, "")


def test_every_number_is_the_frozen_one(records, register):
    """Any change of a number, of the arm it is in, or of its dagger needs a change here too."""
    file = ROOT / "tests" / "data" / "extended_values.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        frozen = [tuple(row) for row in csv.reader(stream)][1:]
    own = {name: r for name, r in records.items() if not r.held_in.startswith("trials/")}
    layers = {"extended": own, "ongoing": register, "external": evidence.external()}
    found = [
        row
        for layer, block in layers.items()
        for name, record in block.items()
        for row in numbers_of(layer, name, record)
    ]
    assert sorted(found) == sorted(frozen)
