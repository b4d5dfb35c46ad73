"""Verdicts on the printed numbers of the extended layer, as worked out by hand beforehand."""

import pytest

from oligomdt import analysis, evidence


@pytest.fixture(scope="module")
def verdicts():
    frame = analysis.extended_consistency()
    return frame.groupby("label")["verdict"].first()


@pytest.mark.parametrize(
    "label", ["CLOCC (2012)", "NRG-BR002 (2022)", "STOMP (2018)", "ARTO (2023)"]
)
def test_numbers_that_agree_at_their_own_level_pass(verdicts, label):
    assert verdicts[label] == "consistent"


@pytest.mark.parametrize("label", ["SINDAS (2023)", "NorthStar (2025)", "ORIOLE (2020)"])
def test_numbers_that_do_not_fit_one_analysis_are_flagged(verdicts, label):
    assert verdicts[label] == "do not fit one analysis"


def test_the_level_that_would_fit_is_named():
    frame = analysis.extended_consistency()
    own = frame[(frame["label"] == "NorthStar (2025)") & (frame["gap"] > 0)]
    assert "80 % level" in own["reconciled_by"].item()


def test_a_result_that_cannot_be_right_is_never_pooled():
    flagged = set(analysis.extended_consistency().query("flagged")["label"])
    estimates = analysis.extended_estimates()
    pooled = set(estimates.loc[estimates["status"] == "pooled", "label"])
    assert flagged
    assert not flagged & pooled


def test_results_stated_elsewhere_are_left_to_their_own_check():
    names = {record.name for record in evidence.extended().values() if record.held_in}
    labels = analysis.extended_consistency()["label"]
    assert names
    assert not any(label.startswith(f"{name} (") for name in names for label in labels)
