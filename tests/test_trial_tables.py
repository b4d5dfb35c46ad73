"""The tables of the pages: nothing stated is left out, nothing is called met that is not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from oligomdt import evidence
from oligomdt.evidence import DAGGER
from oligomdt.evidence.summary import stated_values
from oligomdt.figures import overview_tables, page, trial_tables

INVENTED = ROOT / "tests" / "data" / "evidence"
TRIALS = evidence.load()
RESULTS = [result for trial in TRIALS.values() for result in trial.results()]
COLUMNS = ["statistic", "stated", "reached_low", "reached_high", "met", "forced", "reason"]


@pytest.fixture(scope="module")
def invented():
    """A trial that exists only for the tests."""
    return evidence.load(INVENTED)["TEST-TRIAL"]


def rebuilt(result, *rows, events=(14, 15)):
    """A reconstruction with given statistics; control events differ between the draws."""
    draws = []
    for number, count in enumerate(events):
        for role, happened in (("control", count), ("experimental", 10)):
            size = int(result.arms[role].n)
            event = np.arange(size) < happened
            draws.append(
                pd.DataFrame({"draw": number, "event": event.astype(int), "arm": role})
            )
    return SimpleNamespace(
        result=result,
        basis="statistics",
        data=pd.concat(draws),
        statistics=pd.DataFrame(rows, columns=COLUMNS),
    )


def rows_of(frame):
    return frame.set_index("Statistic").to_dict("index")


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.id)
def test_every_stated_number_is_in_the_table(result):
    shown = trial_tables.stated(result)["Stated"].tolist()
    for part in (*result.arms.values(), result.hr, result.hr_adjusted, result.followup):
        for name, value in stated_values(part):
            counted_as_event = name == "progressions" and result.arms["control"].events
            if counted_as_event or name.endswith("time"):
                continue
            assert str(value) in shown, name
            shown.remove(str(value))
    if result.p:
        assert str(result.p) in shown


def test_a_statistic_that_every_draw_meets_is_met(invented):
    result = invented.cohort("whole").result()
    met = ("control median", "5.0", 4.95, 5.05, 1.0, True, "")
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result, met)))
    assert row["Median PFS in months, control"] == {
        "Stated": "5.0",
        "Reconstructed": "4.95 to 5.05",
        "Met": "yes",
    }


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "no"), (0.004, "in fewer than 1 % of draws"), (0.35, "in 35 % of draws")],
)
def test_a_statistic_that_a_draw_misses_is_not_met(invented, share, words):
    result = invented.cohort("whole").result()
    missed = ("hr lower", "0.23", 0.2, 0.21, share, False, "not read in its source")
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result, missed)))
    assert row["Hazard ratio, lower 95 % limit"]["Met"] == f"{words}. Not read in its source."


def test_events_taken_as_a_lower_limit_are_said_to_be(invented):
    result = invented.cohort("whole").result("2022")
    taken = ("control events", "at least 17", 17, 19, 1.0, True, "")
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result, taken)))
    assert row["PFS events, control"] == {
        "Stated": "not reported",
        "Reconstructed": "17 to 19",
        "Met": "yes, taken as at least 17",
    }


def test_events_that_are_not_reported_show_the_range_that_was_drawn(invented):
    result = invented.cohort("NSCLC").result()
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result, events=(7, 9))))
    assert row["PFS events, control"]["Reconstructed"] == "7 to 9"
    assert row["PFS events, control"]["Stated"] == "not reported"
    assert "yes" not in row["PFS events, control"]["Met"]


def test_a_count_that_the_draws_do_not_have_is_not_met(invented):
    result = invented.cohort("whole").result()
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result, events=(15, 16))))
    assert row["PFS events, control"]["Met"] == "no"
    assert row["Patients, control"]["Met"] == "yes"


def test_what_was_not_compared_is_not_called_met(invented):
    result = invented.cohort("whole").result()
    row = rows_of(trial_tables.stated_and_reconstructed(rebuilt(result)))
    followup = "Median follow-up in months"
    for label in ("Hazard ratio", "p-value", "Hazard ratio, adjusted", followup):
        assert row[label]["Met"].startswith("not compared"), label


def test_unread_values_carry_a_dagger(invented):
    result = invented.cohort("whole").result("2022")
    row = rows_of(trial_tables.stated(result))
    assert row["Hazard ratio"]["Stated"] == "0.45"
    assert row["Hazard ratio, upper 90 % limit"]["Stated"] == f"0.99{DAGGER}"


@pytest.mark.parametrize(
    ("low", "high", "text", "shown"),
    [
        (0.405, 0.411, "0.41", "0.405 to 0.411"),
        (9.95, 10.05, "10.0", "9.95 to 10.05"),
        (7.15, np.inf, "7.2", "7.15 to not reached"),
        (28, 28, "28", "28"),
        (29.5, 30.5, "30", "29.5 to 30.5"),
        (1e-6, 0.0004, "<0.001", "below 0.0001 to 0.0004"),
    ],
)
def test_ranges_have_one_digit_more_than_the_stated_value(low, high, text, shown):
    stated = evidence.Stated.model_validate(
        {"value": text, "sources": (evidence.SourceRef(id="a", where="b"),)}
    )
    assert trial_tables.spread(low, high, stated) == shown


def test_conflicts_and_gaps_of_all_trials_are_listed():
    for trial in TRIALS.values():
        texts = [*trial.conflicts, *(t for r in trial.results() for t in r.conflicts)]
        listed = trial_tables.conflicts(trial)
        assert [text for block in listed.values() for text in block] == texts
        gaps = [result for result in trial.results() if result.not_reported]
        assert len(trial_tables.missing(trial)) == len(gaps)


def test_other_results_keep_every_finding(invented):
    for trial in (*TRIALS.values(), invented):
        findings = [f for report in trial.reports.values() for f in report.findings]
        for result in trial.results():
            findings += [*result.baseline, *result.patterns, *result.other_results]
        assert len(trial_tables.other_results(trial)) == len(findings)


def test_sources_of_a_trial_are_those_its_values_name():
    register = evidence.sources()
    for trial in TRIALS.values():
        named = {ref.id for _, value in stated_values(trial) for ref in value.sources}
        assert len(trial_tables.used_sources(trial, register)) == len(named)


def test_overview_has_one_row_per_pooled_cohort():
    frame = overview_tables.overview(TRIALS)
    groups = [c.group for trial in TRIALS.values() for c in trial.cohorts.values() if c.group]
    assert frame["Group"].tolist() == groups
    gomez = frame.set_index("Trial").loc["Gomez"]
    assert gomez["HR (interval)"] == "0.35 (0.18 to 0.66, 90 % CI)"
    assert (gomez["Control"], gomez["MDT"]) == ("24", "25")


def test_every_result_is_either_in_the_overview_or_explained():
    left_out = overview_tables.never_pooled(TRIALS)
    assert len(left_out) + len(overview_tables.overview(TRIALS)) == len(RESULTS)
    assert left_out["Not pooled because"].str.len().min() > 0


def test_unchecked_values_are_all_listed():
    frame = overview_tables.unchecked(TRIALS.values())
    unread = [v for r in RESULTS for _, v in stated_values(r) if not v.checked]
    assert frame.iloc[:, -1].tolist() == [value.text for value in unread]
    assert len(frame) > 0


def test_landmarks_are_read_off_the_curves_and_not_where_few_are_left():
    curve = pd.DataFrame(
        {
            "kind": "curve",
            "basis": "statistics",
            "label": "A",
            "arm": "control",
            "time": [0.0, 5.0, 7.0, 12.0],
            "surv": [1.0, 0.8, 0.6, 0.4],
            "low": [1.0, 0.7, 0.5, 0.3],
            "high": [1.0, 0.9, 0.7, 0.5],
            "sparse": [False, False, False, True],
        }
    )
    row = overview_tables.landmarks([curve]).iloc[0]
    assert row["3 months"] == "1.00 (1.00 to 1.00)"
    assert row["6 months"] == "0.80 (0.70 to 0.90)"
    assert row["12 months"] == row["24 months"] == "–"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that looks like the book's."""
    for name in ("_config.yml", "_toc.yml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "_build" / "results"


def test_a_shown_table_is_saved_and_keeps_its_headings(folder):
    frame = pd.DataFrame({"Item": ["a"], "HR (interval)": ["0.5†"]})
    text = page.show(frame, "A caption.", "one")._repr_html_()
    pd.testing.assert_frame_equal(pd.read_csv(folder / "one.csv"), frame)
    assert "HR (interval)" in text
    assert "not read in its source" in text


def test_a_drawn_figure_is_saved_and_carries_its_alt_text(folder):
    from oligomdt import analysis
    from oligomdt.figures.prior import alt_prior, prior_data

    frame = prior_data(analysis.prior_sensitivity(analysis.published_estimates()))
    svg = page.draw("prior", frame, "prior").data
    assert (folder / "prior.csv").is_file()
    assert f"<dc:description>{alt_prior(frame)[:40]}" in svg


def test_no_sentence_is_said_to_be_none():
    assert page.listed([]).data == "None found."
    assert page.listed({}).data == "None found."
    assert page.listed(["One.", "Two."]).data == "- One.\n- Two."
    assert page.listed({"Here": ["One."]}).data == "- **Here**\n  - One."
