"""The benchmark of the digitiser: its committed results, their tables, and the specimens."""

import math

import leukaemia
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from oligomdt.digitize import DigitizeError, digitize
from oligomdt.figures import digitiser_tables, specimen

FOLDER = ROOT / "benchmarks" / "digitize"
ROW = {
    "kind": "raster", "difficulty": "all", "method": "oligomdt", "figures": 2, "arms": 4,
    "missing": 1, "wrong": 1, "refused": 0, "iae_median": 0.00004, "iae_p90": 0.2,
    "step_recall": 0.9, "step_precision": math.nan, "cens_f1": math.nan,
    "risk_cells_ok_pct": 99.9, "label_ok_pct": 75, "axes_ok_pct": 100, "two_arms": 2,
    "loghr_figures": 1, "loghr_err_median": 0.01, "seconds_median": 1.2, "seconds_max": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def committed():
    return pd.read_csv(FOLDER / "results.csv")


def results(*changes):
    return pd.DataFrame([ROW | change for change in changes])


def test_committed_results_add_up(committed):
    ours = committed[committed["method"] == "oligomdt"]
    for _, own in ours.groupby("kind"):
        whole = own[own["difficulty"] == "all"].iloc[0]
        parts = own[own["difficulty"] != "all"]
        for column in ("figures", "arms", "missing", "wrong", "refused", "loghr_figures"):
            assert parts[column].sum() == whole[column], column
        assert whole["arm_fail_pct"] == pytest.approx(
            100 * (whole["missing"] + whole["wrong"]) / whole["arms"], rel=1e-3
        )


def test_committed_figures_are_those_of_the_results(committed):
    figures = pd.read_csv(FOLDER / "figures.csv")
    whole = committed[(committed["method"] == "oligomdt") & (committed["difficulty"] == "all")]
    assert whole["figures"].sum() == len(figures) == figures["figure"].nunique()
    assert whole["arms"].sum() == figures["arms"].sum()
    assert whole["refused"].sum() == figures["refused"].notna().sum()


def test_other_tools_are_shown_beside_ours(committed):
    if "raster" in set(committed.loc[committed["method"] == "oligomdt", "kind"]):
        assert committed["method"].nunique() >= 8
        assert len(digitiser_tables.tools(committed)) == committed["method"].nunique()


def test_failures_and_the_best_other_tool_are_stated():
    frame = results(
        {},
        {"method": "slow", "iae_median": 0.02, "missing": 0, "wrong": 2},
        {"method": "far", "iae_median": 0.5},
        {"method": "pixel-limit", "iae_median": 0.001},
    )
    row = digitiser_tables.by_difficulty(frame).iloc[0]
    assert row["Missing or wrong"] == "2 of 4"
    assert row["Median error"] == "below 0.0001"
    assert row["Best other tool"] == "slow"
    assert row["Best other tool: missing or wrong"] == "2 of 4"


def test_without_other_tools_there_is_a_dash():
    row = digitiser_tables.by_difficulty(results({"kind": "vector"})).iloc[0]
    assert row["Best other tool"] == digitiser_tables.NONE
    assert digitiser_tables.tools(results({"kind": "vector"})).empty


def test_what_else_is_read_says_over_how_many_figures():
    row = digitiser_tables.further(results({})).iloc[0]
    assert row["Median error of the log hazard ratio"] == "0.0100 (1 of 2 figures)"
    assert row["Censoring marks, F1"] == digitiser_tables.NONE
    assert row["Cells of numbers at risk right"] == "99.9 %"


# ------------------------------------------------------------------ the specimens


@pytest.fixture(scope="module")
def patients():
    names = {"experimental": "6-MP", "control": "Placebo"}
    frame = leukaemia.patients()
    return frame.assign(arm=frame["arm"].map(names))


@pytest.mark.parametrize("look", ["colours", "dashes", "bare", "twins"])
def test_a_specimen_in_a_vector_file_is_read_as_it_was_drawn(patients, look, tmp_path):
    file = tmp_path / "specimen.pdf"
    specimen.specimen(patients, specimen.LOOKS[look]).savefig(file)
    read = digitize(file)
    assert specimen.distances(read, patients).max() < 1e-6
    assert (read.risk_table is not None) == specimen.LOOKS[look].risk
    named = {arm.name for arm in read.arms} == {"6-MP", "Placebo"}
    assert named == specimen.LOOKS[look].legend


def test_a_specimen_without_labels_is_refused(patients, tmp_path):
    file = tmp_path / "specimen.svg"
    specimen.specimen(patients, specimen.LOOKS["unlabelled"]).savefig(file)
    with pytest.raises(DigitizeError, match="--x-range"):
        digitize(file)


def test_a_specimen_has_two_arms(patients):
    with pytest.raises(ValueError, match="arm has 1 names"):
        specimen.specimen(patients[patients["arm"] == "6-MP"])


def test_the_distance_is_the_mean_difference():
    from types import SimpleNamespace

    truth = pd.DataFrame({"time": [1.0, 2.0], "event": [1, 1], "arm": "A"})  # 1, 0.5, 0
    arm = SimpleNamespace(time=np.array([0.0, 1.5]), surv=np.array([1.0, 0.5]))
    found = specimen.distances(SimpleNamespace(arms=[arm]), truth)
    assert found["A"] == pytest.approx(0.5 * 0.5 / 2)


def test_the_alt_text_of_an_overlay_has_its_numbers(patients, tmp_path):
    file = tmp_path / "specimen.svg"
    specimen.specimen(patients).savefig(file)
    text = specimen.alt_overlay(digitize(file))
    assert "time axis 0 to 35; survival axis 0 to 1" in text
    assert "6-MP to survival 0.45 at 35 with 12 censoring marks" in text


# Looks drawn at random ------------------------------------------------------------------------


def unseen(*rows):
    row = {
        "figure": 1, "kind": "png", "dpi": 90, "arms": 2, "refused": math.nan, "found": 2,
        "wrong": 0, "error": 0.002, "warnings": 0, "names_right": 2, "names_exchanged": 0,
        "cells": 10, "cells_right": 9, "cells_false": 1, "marks": 20, "marks_read": 16,
        "marks_right": 12, "seconds": 1.0,
    }  # fmt: skip
    return pd.DataFrame([row | change for change in rows])


def test_failures_of_unseen_figures_are_counted_by_kind():
    frame = unseen(
        {},
        {"found": 3, "warnings": 1},
        {"wrong": 1, "names_right": 0, "names_exchanged": 2},
        {"refused": "no axes", "found": math.nan, "wrong": math.nan, "names_right": math.nan},
        {"kind": "svg"},
    )
    vector, png = digitiser_tables.unseen(frame).to_dict("records")
    assert (png["Figures"], png["Refused"]) == ("4", "1")
    assert png["A curve missing, wrong or too many"] == "2"
    assert png["Of these without a warning"] == "1"
    assert png["Figures with names exchanged"] == "1"
    assert png["Names right"] == "66.67 %"
    assert (png["Marks found"], png["Marks that are true"]) == ("60 %", "75 %")
    assert (vector["Figures"], vector["Refused"]) == ("1", "0")


def test_committed_unseen_figures_are_all_there():
    frame = pd.read_csv(FOLDER / "unseen.csv")
    assert frame["figure"].tolist() == list(range(3000, 3150))
    read = frame[frame["refused"].isna()]
    assert (read["found"] > 0).all()
    assert (
        read["cells_right"].fillna(0) + read["cells_false"].fillna(0) <= read["cells"].fillna(0)
    ).all()
    assert (read["marks_right"] <= read["marks_read"]).all()
