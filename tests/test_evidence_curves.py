"""Coordinate files: what they give, and the one error for each way they can be wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from oligomdt import evidence

TREE = Path(__file__).parent / "data" / "evidence"
NAME = "TEST-TRIAL_whole_2020"
CSV = f"curves/{NAME}.csv"
SIDECAR = f"curves/{NAME}.yaml"


@pytest.fixture
def tree(tmp_path):
    return Path(shutil.copytree(TREE, tmp_path / "data"))


def change(tree, file, old, new):
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the tests' own data has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def read(tree):
    return evidence.curves("TEST-TRIAL", "whole", "2020", tree)


def error_of(tree):
    with pytest.raises(evidence.EvidenceError) as caught:
        read(tree)
    return caught.value


def test_a_curve_comes_with_its_totals_and_its_origin():
    curve = read(TREE)
    control, experimental = curve.arms["control"], curve.arms["experimental"]
    np.testing.assert_array_equal(control.time, [0, 2.9, 3, 3, 9, 24])
    np.testing.assert_array_equal(control.surv, [1, 0.76, 0.75, 0.60, 0.30, 0.20])
    np.testing.assert_array_equal(control.risk_time, [0, 6, 12])
    np.testing.assert_array_equal(control.risk_n, [20, 8, 4])
    np.testing.assert_array_equal(control.censor_time, [7.5])
    assert (control.n, control.events, control.xmax) == (20, 16, 24)
    assert (experimental.n, experimental.events) == (20, 10)
    assert experimental.censor_time is None
    assert (curve.origin.source, curve.origin.figure) == ("test_2020", "Figure 1")
    assert (curve.trial, curve.cohort, curve.report) == ("TEST-TRIAL", "whole", "2020")


def test_the_size_of_a_pixel_is_read_where_the_digitiser_told_it(tree):
    assert read(tree).origin.pixel is None
    told = "300 x 200 pixels; one pixel is 0.08 months and 5e-03 of survival"
    sidecar = tree / SIDECAR
    lines = sidecar.read_text(encoding="utf-8").splitlines()
    changed = [f"resolution: {told}" if row.startswith("resolution:") else row for row in lines]
    assert changed != lines
    sidecar.write_text("\n".join(changed), encoding="utf-8")
    assert read(tree).origin.pixel == (0.08, 0.005)


def test_without_files_there_is_no_curve():
    assert evidence.curves("TEST-TRIAL", "NSCLC", "2020", TREE) is None


def test_no_curve_of_the_five_trials_is_committed_unless_somebody_digitised_it():
    for trial in evidence.load().values():
        for result in trial.results():
            curve = evidence.curves(result.trial, result.cohort, result.report)
            assert curve is None or curve.origin.digitised_by


def test_events_that_are_not_reported_are_none(tree):
    change(tree, "trials/test-trial.yaml", "events: 16", "events: not reported")
    assert read(tree).arms["control"].events is None


def test_a_small_rise_is_left_for_the_clean_up(tree):
    change(tree, CSV, "control,point,9,0.30", "control,point,9,0.62")
    assert 0.62 in read(tree).arms["control"].surv


BAD_CURVES = {
    "survival above 1": ("point,0,1\ncontrol", "point,0,1.01\ncontrol", "value", "above 1"),
    "percent": ("control,point,3,0.75", "control,point,3,75", "value", "the other arm is in"),
    "rising": (
        "control,point,9,0.30",
        "control,point,9,0.63",
        "value",
        "rises from 0.6 to 0.63",
    ),
    "negative time": ("control,point,9,", "control,point,-9,", "time", "zero or above"),
    "time not finite": ("control,point,9,", "control,point,inf,", "time", "finite"),
    "value not finite": ("point,9,0.30", "point,9,nan", "value", "finite"),
    "negative survival": ("point,9,0.30", "point,9,-0.30", "value", "zero or above"),
    "text": ("point,9,0.30", "point,9,low", "value", "'low' is not a number"),
    "no value": ("point,9,0.30", "point,9,", "value", "is not a number"),
    "rising risk": ("risk,12,4", "risk,12,9", "control/risk/value", "from 8 to 9 at 12 months"),
    "risk above n": ("control,risk,0,20", "control,risk,0,21", "control/risk", "exceed n 20"),
    "half a patient at risk": ("risk,12,4", "risk,12,4.5", "control/risk", "whole number"),
    "two risks at one time": ("risk,12,4", "risk,6,4", "control/risk", "two numbers at risk"),
    "beyond the axis": ("point,24,0.20", "point,25,0.20", "control/point/time", "xmax 24"),
    "censoring with a value": ("censor,7.5,", "censor,7.5,0.4", "value", "no value"),
    "unknown arm": ("control,point,9", "kontrol,point,9", "arm", "did you mean `control`?"),
    "unknown kind": ("control,point,9", "control,points,9", "kind", "did you mean `point`?"),
    "too few columns": (
        "control,point,9,0.30",
        "control,point,9",
        "",
        "3 columns instead of 4",
    ),
    "another header": ("arm,kind,time,value", "arm,time,value", "", "arm,kind,time,value"),
}


@pytest.mark.parametrize("kind", BAD_CURVES)
def test_a_bad_table_gives_one_clear_error(tree, kind):
    old, new, entry, words = BAD_CURVES[kind]
    change(tree, CSV, old, new)
    error = error_of(tree)
    assert error.file == f"data/{CSV}"
    assert entry in error.entry
    assert words in error.problem
    line = (tree / CSV).read_text(encoding="utf-8").splitlines()[error.line - 1]
    assert line in new or new.splitlines()[0] in line


def test_a_table_all_in_percent_is_refused(tree):
    lines = (tree / CSV).read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines]
    percent = [r[:3] + [str(float(r[3]) * 100)] if r[1] == "point" else r for r in rows]
    (tree / CSV).write_text("\n".join(",".join(r) for r in percent), encoding="utf-8")
    assert "divide percent by 100" in error_of(tree).problem


def test_an_arm_without_points_is_refused(tree):
    lines = (tree / CSV).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("experimental,point")]
    (tree / CSV).write_text("\n".join(kept), encoding="utf-8")
    error = error_of(tree)
    assert (error.entry, error.problem) == ("experimental", "no points of this arm's curve")


@pytest.mark.parametrize(
    ("old", "new", "entry", "words"),
    [
        ("source: test_2020", "source: test_2021", "source", "not registered"),
        ("figure: Figure 1\n", "", "figure", "is missing"),
        ("xmax: 24", "xmx: 24", "xmx", "did you mean `xmax`?"),
        ("xmax: 24", "xmax: -1", "xmax", "greater than 0"),
        ("2026-01-31", "31 January", "digitised_on", "date"),
    ],
)
def test_a_bad_origin_is_refused(tree, old, new, entry, words):
    change(tree, SIDECAR, old, new)
    error = error_of(tree)
    assert (error.file, error.entry) == (f"data/{SIDECAR}", entry)
    assert words in error.problem


@pytest.mark.parametrize("file", [CSV, SIDECAR])
def test_an_empty_or_missing_file_is_refused(tree, file):
    (tree / file).write_text("", encoding="utf-8")
    assert "the file is empty" in error_of(tree).problem
    (tree / file).unlink()
    error = error_of(tree)
    assert error.file == f"data/{file}"
    assert "missing" in error.problem


@pytest.mark.parametrize("name", ["TEST-TRIAL_whole_2021.csv", "TEST-TRIAL_all_2020.yaml"])
def test_a_file_of_no_result_is_refused_and_not_passed_over(tree, name):
    (tree / "curves" / name).write_text("x", encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="did you mean `TEST-TRIAL_whole_202"):
        evidence.load(tree)
