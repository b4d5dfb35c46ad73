"""`oligomdt pool`: a table of hazard ratios in, the pooled hazard ratio out."""

import csv
import math

import pytest
import reference

from oligomdt import cli

DATA = reference.load("datasets", "syn_k3_mixed_levels")


def table(folder, text):
    path = folder / "estimates.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def three(tmp_path):
    """The three made-up studies whose limits are of 95, 90 and 80 %."""
    own = DATA["input"]
    names = ("hr", "ci_lb", "ci_ub", "ci_level")
    rows = zip(own["study"], *(own[name] for name in names), strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    return table(tmp_path, "\n".join(["study,hr,lower,upper,level", *lines]) + "\n")


def results(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_limits_at_their_own_level_give_what_metafor_gives(three, tmp_path, capsys):
    out = tmp_path / "pooled.csv"
    assert cli.main(["pool", str(three), "--ci", "wald", "--out", str(out)]) == 0
    (row,) = results(out)
    want = DATA["random_effects"]["REML"]
    assert math.log(float(row["hr"])) == pytest.approx(want["estimate"], abs=1e-6)
    assert math.log(float(row["hr_low"])) == pytest.approx(want["wald"]["ci_lb"], abs=1e-6)
    posterior = DATA["bayes"]["half_normal_0.5"]["mu"]
    assert math.log(float(row["bayes_hr"])) == pytest.approx(posterior["median"], abs=1e-6)
    assert float(row["p_hr_below_1"]) == pytest.approx(posterior["p_below_zero"], abs=1e-6)
    printed = capsys.readouterr().out
    assert f"{math.exp(want['estimate']):.2f}" in printed
    assert "all studies (3):" in printed


def test_groups_are_pooled_and_compared(tmp_path, capsys):
    ratios = {"A": 0.5, "B": 1.0}
    rows = [f"{group}{i},{ratios[group]},0.3,{group}" for group in "AB" for i in range(3)]
    path = table(tmp_path, "\n".join(["study,hr,se,group", *rows]) + "\n")
    assert cli.main(["pool", str(path), "--by-group"]) == 0
    printed = capsys.readouterr().out
    # Equal studies: each group has the variance 0.09 / 3, and the ratio twice that.
    assert "A (3):" in printed
    assert "  A0: 0.50 (0.28 to 0.90)\n" in printed
    assert "B versus A: ratio of hazard ratios 2.00 (1.24 to 3.23, 95 %)" in printed


def test_uneven_limits_are_said(tmp_path, capsys):
    path = table(tmp_path, "study,hr,lower,upper\nOne,0.5,0.4,0.9\nTwo,0.6,0.4,0.9\n")
    assert cli.main(["pool", str(path)]) == 0
    assert capsys.readouterr().out.count("unevenly") == 1


BAD = {
    "no studies": ("study,hr,lower,upper\n", "has no studies"),
    "unknown column": ("study,hr,lower,upper,events\nA,1,0.5,2,9\n", "events"),
    "level empty": ("study,hr,lower,upper,level\nA,1,0.5,2,\n", "(A): level is ''"),
    "level of a se": ("study,hr,se,level\nA,1,0.2,0.9\n", "either lower and upper"),
    "both kinds": ("study,hr,lower,upper,se\nA,1,0.5,2,0.3\n", "either lower and upper"),
    "neither kind": ("study,hr\nA,1\n", "either lower and upper"),
    "text": ("study,hr,lower,upper\nA,1,0.5,two\n", r"line 2 (A): upper is 'two'"),
    "limits crossed": ("study,hr,lower,upper\nA,1,2,0.5\n", "line 2 (A): "),
    "level": ("study,hr,lower,upper,level\nA,1,0.5,2,95\n", "line 2 (A): level"),
    "se zero": ("study,hr,se\nA,1,0\n", "line 2 (A): hr and se must be above 0"),
    "no name": ("study,hr,se\n,1,0.1\n", "line 2: study is empty"),
    "cells": ("study,hr,se\nA,1\n", "line 2: as many cells as columns"),
    "binary": ("\x00\x01", "columns"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_table_is_refused_and_nothing_is_written(text, message, tmp_path, capsys):
    out = tmp_path / "pooled.csv"
    assert cli.main(["pool", str(table(tmp_path, text)), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "estimates.csv" in error
    assert not out.exists()


def test_a_missing_file_and_missing_groups_are_named(three, tmp_path, capsys):
    assert cli.main(["pool", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err
    assert cli.main(["pool", str(three), "--by-group"]) == 2
    assert "column group" in capsys.readouterr().err


def test_the_table_is_never_overwritten(three, capsys):
    before = three.read_bytes()
    assert cli.main(["pool", str(three), "--out", str(three)]) == 2
    assert three.read_bytes() == before
    assert "give another" in capsys.readouterr().err


def test_the_example_of_the_help_runs_on_its_table(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["pool", "--help"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = lines.index("study,hr,lower,upper,level,group")
    own = "\n".join(lines[start : lines.index("", start)]) + "\n"
    assert "example: oligomdt pool estimates.csv --by-group" in lines
    assert cli.main(["pool", str(table(tmp_path, own)), "--by-group"]) == 0


def test_printed_limits_are_shown_as_they_were_printed(tmp_path, capsys):
    rows = "One,0.41,0.22,0.75,0.95\nTwo,0.30,0.14,0.67,0.90\n"
    path = table(tmp_path, "study,hr,lower,upper,level\n" + rows)
    assert cli.main(["pool", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "One: 0.41 (0.22 to 0.75)" in printed
    # exp(ln 0.30 -+ 1.96 (ln 0.67 - ln 0.14) / (2 * 1.645))
    assert "Two: 0.30 (0.12 to 0.76)" in printed


def test_a_group_with_the_name_of_the_whole_is_refused(tmp_path, capsys):
    path = table(tmp_path, "study,hr,se,group\nA,1,0.1,all\nB,1,0.1,x\n")
    assert cli.main(["pool", str(path), "--by-group"]) == 2
    assert "rename it" in capsys.readouterr().err


def test_one_study_in_each_group_is_compared_without_tau2(tmp_path, capsys):
    path = table(tmp_path, "study,hr,se,group\nA,0.5,0.3,x\nB,1,0.4,y\n")
    assert cli.main(["pool", str(path), "--by-group"]) == 0
    printed = capsys.readouterr().out
    # ln 2 -+ 1.96 * 0.5
    assert "ratio of hazard ratios 2.00 (0.75 to 5.33, 95 %)" in printed
    assert "without tau2" in printed


def test_limits_too_large_for_a_number_are_told_as_infinite(tmp_path, capsys):
    path = table(tmp_path, "study,hr,se\nA,1e-100,0.1\nB,1e100,0.1\nC,1,0.1\n")
    assert cli.main(["pool", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "0.00 to inf" in printed
    assert "B: 1e+100 (" in printed
