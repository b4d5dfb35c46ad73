"""The records: how values are read, what the five trials hold, what cannot be changed."""

import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from oligomdt import evidence
from oligomdt.evidence import NotReached, NotReported, SourceRef, Stated
from oligomdt.evidence.summary import stated_values

TREE = Path(__file__).parent / "data" / "evidence"
DATA = Path(__file__).parents[1] / "data"
SOURCE = (SourceRef(id="somewhere", where="page 1"),)


@pytest.fixture(scope="module")
def trials():
    return evidence.load()


@pytest.fixture(scope="module")
def invented():
    return evidence.load(TREE)["TEST-TRIAL"]


# ---- values as printed


@pytest.mark.parametrize(
    ("printed", "value", "decimals", "relation"),
    [
        ("10.0", 10.0, 1, "="),
        ("0.30", 0.3, 2, "="),
        ("7", 7.0, 0, "="),
        ("0.000", 0.0, 3, "="),
        ("<0.001", 0.001, 3, "<"),
        (">12", 12.0, 0, ">"),
    ],
)
def test_a_number_keeps_the_digits_it_was_printed_with(printed, value, decimals, relation):
    stated = Stated.model_validate({"value": printed, "sources": SOURCE})
    assert (stated.value, stated.text, stated.decimals) == (value, printed, decimals)
    assert stated.relation == relation
    assert float(stated) == value


@given(st.integers(0, 10**6), st.integers(0, 6))
@settings(deadline=None, max_examples=40)
def test_any_printed_number_is_read_back_to_the_digit(digits, decimals):
    printed = f"{digits / 10**decimals:.{decimals}f}"
    stated = Stated.model_validate({"value": printed, "sources": SOURCE})
    assert stated.text == printed
    assert f"{stated.value:.{stated.decimals}f}" == printed


@pytest.mark.parametrize(
    "text", ["1,5", "about 3", "-2", "nan", ".inf", "1e3", "67 %", "", None]
)
def test_what_is_not_a_printed_number_is_refused(text):
    with pytest.raises(ValidationError, match="write it as printed"):
        Stated.model_validate({"value": text, "sources": SOURCE})


def test_zero_is_a_stated_value_and_absence_is_not(invented):
    arm = invented.cohort("whole").result().arms["experimental"]
    assert arm.withdrawals
    assert int(arm.withdrawals) == 0
    assert not arm.progressions
    assert arm.progressions is NotReported
    assert arm.median_ci.upper is NotReached
    assert NotReported is not NotReached
    assert repr(NotReported) == "not reported"
    assert repr(NotReached) == "not reached"


def test_records_survive_pickling_and_copying(invented):
    again = pickle.loads(pickle.dumps(invented))
    assert again == invented
    arm = again.cohort("whole").result().arms["experimental"]
    assert arm.median_ci.upper is NotReached
    assert copy.deepcopy(arm.progressions) is NotReported
    error = evidence.EvidenceError("data/trials/x.yaml", "id", "wrong", 3)
    assert str(pickle.loads(pickle.dumps(error))) == "data/trials/x.yaml:3: id: wrong"


def test_records_cannot_be_changed(invented):
    with pytest.raises(ValidationError, match="frozen"):
        invented.name = "other"
    with pytest.raises(TypeError):
        invented.cohorts["new"] = None
    with pytest.raises(KeyError, match="there is whole, NSCLC, breast"):
        invented.cohort("prostate")


def test_an_unchecked_value_shows_its_dagger(invented):
    interval = invented.cohort("whole").result("2022").hr.interval
    assert str(interval.lower) == "0.21†"
    assert interval.label == "0.21 to 0.99†"
    assert str(invented.cohort("whole").result().hr.interval) == "0.23 to 1.10"


# ---- what blocks hand down


def test_sources_and_checked_are_handed_down_until_overridden(invented):
    whole = invented.cohort("whole")
    first, second = whole.result("2020"), whole.result("2022")
    assert first.hr.estimate.sources == (SourceRef(id="test_2020", where="abstract"),)
    assert second.p.sources == (SourceRef(id="test_2022", where="text"),)
    assert second.hr.interval.lower.sources == (SourceRef(id="test_unread", where="table"),)
    assert second.hr.estimate.checked
    assert not second.hr.interval.lower.checked
    assert not second.hr.interval.checked
    assert not second.hr.checked
    assert first.hr.checked


def test_every_stated_value_has_a_source():
    for folder in (DATA, TREE):
        records = [*evidence.load(folder).values(), *evidence.context(folder).values()]
        registered = evidence.sources(folder)
        for record in records:
            for path, value in stated_values(record):
                assert value.sources, path
                assert all(ref.id in registered and ref.where for ref in value.sources), path


def test_a_result_takes_its_reports_followup_unless_it_is_a_part(invented):
    whole, lung, breast = (invented.cohort(name) for name in ("whole", "NSCLC", "breast"))
    followup = whole.result("2020").followup
    assert followup == invented.reports["2020"].followup
    assert (followup.median.text, followup.lower_quartile.value) == ("12.50", 6)
    by_arm = whole.result("2022").followup.median_by_arm
    assert by_arm["control"].text == "30.0"
    assert by_arm["control"].sources[0].id == "test_2022"
    assert lung.result().followup is NotReported
    assert breast.result().followup.median.value == 9


def test_ids_come_from_the_place_of_a_block(invented):
    result = invented.cohort("whole").result("2022")
    assert (result.trial, result.cohort, result.report) == ("TEST-TRIAL", "whole", "2022")
    assert result.arms["experimental"].role == "experimental"
    assert invented.reports["2022"].id == "2022"


# ---- the data of the project


def test_the_five_trials_in_the_order_of_their_files(trials):
    assert list(trials) == ["CURB", "EXTEND", "Gomez", "Iyengar", "SABR-COMET"]


def test_each_histology_pools_its_cohorts_and_no_patient_twice(trials):
    groups = {}
    for trial in trials.values():
        for cohort in trial.cohorts.values():
            groups.setdefault(cohort.group, []).append((trial.id, cohort.id))
    assert groups == {
        "NSCLC": [("CURB", "NSCLC"), ("Gomez", "NSCLC"), ("Iyengar", "NSCLC")],
        "breast": [("CURB", "breast"), ("EXTEND", "breast")],
        "mixed": [("SABR-COMET", "whole")],
        None: [("CURB", "whole"), ("EXTEND", "whole")],
    }


def test_every_pooled_cohort_has_a_hazard_ratio_with_its_level(trials):
    levels = {}
    for trial in trials.values():
        for cohort in trial.cohorts.values():
            if cohort.group:
                result = cohort.result()
                assert result.hr.interval
                levels[result.id] = result.hr.interval.level
    assert levels.pop("Gomez-2016") == 0.90
    assert set(levels.values()) == {0.95}


def test_progressions_are_not_taken_for_events(trials):
    iyengar = trials["Iyengar"].cohort("NSCLC").result()
    for arm in iyengar.arms.values():
        assert arm.events is NotReported
        assert arm.progressed_percent
    gomez = trials["Gomez"].cohort("NSCLC").result("2019").arms["control"]
    assert (gomez.events, int(gomez.progressions)) == (NotReported, 20)


def test_exactly_the_values_that_were_not_read_are_unchecked(trials):
    found = set()
    records = [r for t in trials.values() for r in t.results()]
    for record in [*records, *evidence.context().values()]:
        found |= {(record.id, path) for path, v in stated_values(record) if not v.checked}
    limits = {"hr/interval/lower", "hr/interval/upper"}
    assert found == {
        ("Iyengar-2018", "hr/estimate"),
        *(("Iyengar-2018", limit) for limit in limits),
        *(("SABR-COMET-2019", limit) for limit in limits),
        *(("NRG-LU002", limit) for limit in limits),
    }


def test_the_trial_outside_the_review_is_known_and_not_among_the_trials(trials):
    outside = evidence.context()["NRG-LU002"]
    assert "NRG-LU002" not in trials
    assert outside.hr.estimate.text == "0.93"
    assert sum(int(n) for n in outside.n_by_arm.values()) == int(outside.n)


# ---- citations


def test_every_citation_key_is_in_the_references():
    text = (DATA / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@(?!comment)\w+\{([^,]+),", text, flags=re.MULTILINE)
    assert len(keys) == len(set(keys))
    cited = {source.cite for source in evidence.sources().values()}
    cited |= {r.cite for t in evidence.load().values() for r in t.reports.values()}
    cited |= {trial.cite for trial in evidence.context().values()}
    assert cited - {""} <= set(keys)


def test_registered_and_cited_identifiers_agree():
    text = (DATA / "references.bib").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^@article\{([^,]+),(.*?)^\}", text, flags=re.M | re.S))
    for source in evidence.sources().values():
        cited = re.search(r"doi\s*=\s*\{([^}]*)\}", entries.get(source.cite, ""))
        if cited:
            assert cited[1] == source.doi


# ---- the package


def test_loading_needs_no_plotting_and_no_statistics():
    code = (
        "import sys; from oligomdt import evidence; evidence.load(); "
        "heavy = {'matplotlib', 'lifelines', 'statsmodels', 'scipy'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_folder_is_found_by_environment(monkeypatch):
    monkeypatch.setenv("OLIGOMDT_DATA", str(TREE))
    assert list(evidence.load()) == ["TEST-TRIAL"]
    assert list(evidence.context()) == ["TEST-CONTEXT"]
