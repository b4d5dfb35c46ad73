"""Reconstructions of the reports: stored draws are current, and a figure takes over."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from oligomdt import analysis, evidence, survival
from oligomdt.analysis import reconstruction
from oligomdt.analysis.comparisons import comparison
from oligomdt.analysis.statements import statements

TREE = Path(__file__).parent / "data" / "evidence"
DRAWN = [
    "CURB-whole",
    "CURB-NSCLC",
    "CURB-breast",
    "EXTEND-breast",
    "Gomez-2016",
    "Gomez-2019",
    "Iyengar-2018",
    "SABR-COMET-2019",
    "SABR-COMET-2020",
    "SABR-COMET-2022",
]


def stated_and_drawn(name):
    trials = evidence.load()
    result = analysis.find(name)
    stated, assumptions = comparison(result, trials[result.trial])
    return stated, assumptions, analysis.reconstruct(result)


def test_every_report_with_a_curve_statistic_is_reconstructed():
    known = [r for t in evidence.load().values() for r in t.results()]
    assert sorted(r.id for r in known if analysis.can_be_drawn(r)) == sorted(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_stored_draws_belong_to_the_present_data_and_sampler(name):
    """If this fails, `make ensembles` draws them anew; commit what it writes."""
    trials = evidence.load()
    result = analysis.find(name)
    trial = trials[result.trial]
    whole = next((trial.cohort(c).result(result.report) for c in trial.cohorts
                  if result.cohort in trial.cohort(c).parts), result)  # fmt: skip
    file = reconstruction.ensemble_folder() / f"{whole.id}.npz"
    with np.load(file) as stored:
        assert str(stored["key"]) == reconstruction.key(comparison(whole, trial)[0])


@pytest.mark.parametrize("name", DRAWN)
def test_forced_statements_hold_by_another_route(name):
    """Recomputed with `survival` in every tenth draw."""
    stated, _, rebuilt = stated_and_drawn(name)
    forced = rebuilt.statistics.set_index("statistic")["forced"]
    assert (rebuilt.statistics.loc[rebuilt.statistics["forced"], "met"] == 1).all()
    for draw in range(0, rebuilt.data["draw"].max() + 1, 10):
        transform = "log-log" if rebuilt.loglog[draw] else "log"
        one = dataclasses.replace(stated, parts=(), transform=transform)
        again = statements(one, rebuilt.data[rebuilt.data["draw"] == draw])
        again = again.set_index("statistic")
        missed = [s for s in forced.index[forced] if again.loc[s, "met"] != 1]
        assert missed == []


@pytest.mark.parametrize("name", DRAWN)
def test_every_arm_has_its_patients_in_every_draw(name):
    stated, _, rebuilt = stated_and_drawn(name)
    counts = rebuilt.data.groupby(["draw", "arm"]).size().unstack()
    assert len(counts) == reconstruction.DRAWS
    for arm, own in stated.arms.items():
        assert (counts[arm] == own.n).all()
    assert (rebuilt.data["time"] > 0).all()


def test_what_is_not_forced_says_why():
    rebuilt = analysis.reconstruct("SABR-COMET-2019")
    free = rebuilt.statistics[~rebuilt.statistics["forced"]]
    assert set(free["statistic"]) == {"hr lower", "hr upper"}
    assert (free["reason"].str.len() > 20).all()


def test_curb_is_censored_at_twelve_months():
    data = analysis.reconstruct("CURB-NSCLC").data
    assert data["time"].max() == 12
    early = data.query("event == 0 and time < 12").groupby(["draw", "arm"]).size()
    assert (early == 2).all()


def test_progressions_are_a_lower_limit_for_events():
    data = analysis.reconstruct("SABR-COMET-2019").data
    events = data.groupby(["draw", "arm"])["event"].sum().unstack()
    assert (events["control"] >= 28).all()
    assert (events["experimental"] >= 39).all()
    assert events["experimental"].nunique() > 1


def test_a_coordinate_file_switches_its_cohort_to_the_figure(tmp_path):
    """A trial that exists only in the tests; the stored draws of the five have no figure."""
    shutil.copytree(TREE, tmp_path / "data")
    figure = analysis.reconstruct(coordinates_result(tmp_path / "data"), tmp_path / "data")
    assert figure.basis == "figure"
    sizes = {"control": 20, "experimental": 20}
    assert figure.point.groupby("arm").size().to_dict() == sizes
    assert figure.data["draw"].nunique() == reconstruction.DRAWS
    for _, draw in figure.data.groupby("draw"):
        assert draw.groupby("arm").size().to_dict() == sizes
    assert "digitised on" in figure.assumptions[0]
    assert not figure.statistics["forced"].any()
    with pytest.raises(ValueError, match="rests on a figure"):
        figure.mixing()
    assert analysis.reconstruct("CURB-NSCLC").basis == "statistics"


def coordinates_result(tree):
    """The result of the test trial that has coordinates."""
    return evidence.load(tree)["TEST-TRIAL"].cohort("whole").result("2020")


def test_an_unknown_result_is_named():
    with pytest.raises(KeyError, match="no result 'CURB-lung'; known are"):
        analysis.find("CURB-lung")


def test_a_result_without_curve_statistics_is_refused():
    with pytest.raises(ValueError, match="EXTEND-whole cannot be reconstructed"):
        analysis.reconstruct("EXTEND-whole")


@pytest.mark.parametrize("name", ["Gomez-2019", "SABR-COMET-2020"])
def test_a_p_value_alone_takes_its_direction_from_the_trial(name):
    """Without it more than half of the draws of SABR-COMET 2020 had MDT doing harm."""
    rebuilt = analysis.reconstruct(name)
    assert "hr" not in set(rebuilt.statistics["statistic"])
    assert any("point the same way" in text for text in rebuilt.assumptions)
    for draw in range(0, reconstruction.DRAWS, 10):
        one = rebuilt.data[rebuilt.data["draw"] == draw]
        assert survival.cox(one[["time", "event", "arm"]]).hr < 1
