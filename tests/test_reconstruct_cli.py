"""`oligomdt reconstruct`: files in, patients, draws and report out."""

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from test_guyot import at_risk, km_at, steps

from oligomdt import cli, reconstructkm

AXIS, TICKS = 36.0, np.arange(0, 36, 6.0)
ARMS = {"A": (1, 60, 7.0), "B": (2, 58, 12.0)}


def patients(seed, n, median):
    random = np.random.default_rng(seed)
    died = random.exponential(median / np.log(2), n)
    leaving = AXIS - random.uniform(0, 24, n)
    return np.minimum(died, leaving), (died <= leaving).astype(int)


TRUTH = {name: patients(*how) for name, how in ARMS.items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A figure's files: exact corners of both curves, and the numbers at risk."""
    curves = []
    table = ["arm," + ",".join(f"{tick:g}" for tick in TICKS)]
    for name, own in TRUTH.items():
        x, y = steps(*own)
        curves.append(pd.DataFrame({"time": x, "surv": y, "arm": name}))
        table.append(f"{name}," + ",".join(map(str, at_risk(own[0], TICKS))))
    pd.concat(curves).to_csv(tmp_path / "points.csv", index=False)
    (tmp_path / "table.csv").write_text("\n".join(table) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(text):
    return cli.main(["reconstruct", *shlex.split(text)])


BASE = "points.csv --risk-table table.csv --xmax 36 --draws 30"


def printed_numbers():
    """Statistics of the true patients as a paper prints them."""
    found = reconstructkm.statistics(TRUTH["A"], TRUTH["B"])
    return found, (
        f"--hr {found['hr']:.2f} --hr-ci {found['hr lower']:.2f} {found['hr upper']:.2f} "
        f"--p {found['p logrank']:.3f} --test logrank --model cox "
        f"--medians A={found['control median']:.1f},B={found['experimental median']:.1f}"
    )


def test_patients_come_back_from_the_files_of_a_figure(folder, capsys):
    assert run(f"{BASE} --out patients.csv --ensemble draws.csv --report report") == 0
    rebuilt = pd.read_csv("patients.csv")
    for name, (time, event) in TRUTH.items():
        own = rebuilt[rebuilt["arm"] == name]
        assert (len(own), own["event"].sum()) == (len(time), event.sum())
        assert at_risk(own["time"], TICKS).tolist() == at_risk(time, TICKS).tolist()
        grid = np.linspace(0.3, time.max(), 50)
        ours, true = (km_at(*one, grid) for one in (own[["time", "event"]].T.to_numpy(),
                                                    (time, event)))  # fmt: skip
        assert np.abs(ours - true).max() < 0.02
    draws = pd.read_csv("draws.csv")
    assert draws.groupby(["draw", "arm"]).size().unstack().eq([60, 58]).all(axis=None)
    assert draws["draw"].nunique() == 30
    out = capsys.readouterr().out
    died = TRUTH["A"][1].sum()
    assert out.startswith(f"A: 60 reconstructed patients, {died} events, median ")
    assert "n = 58 is taken from the number-at-risk table" in out
    assert re.search(r"^  grade [AB]: ", out, re.M) and "table met in every row" in out
    assert "'A', which is taken to be the control" in out


def test_the_report_is_a_picture_and_json(folder):
    assert run(f"{BASE} --report report") == 0
    report = json.loads((folder / "report/report.json").read_text())
    assert report["arms"]["A"]["n"] == 60 and report["seed"] == 0
    assert report["hazard_ratio"]["experimental"] == "B"
    assert (folder / "report/report.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sorted(path.name for path in (folder / "report").iterdir()) == [
        "report.json",
        "report.png",
    ]


def test_the_same_seed_writes_the_same_bytes(folder):
    for name in ("one", "two"):
        assert run(f"{BASE} --ensemble {name}.csv --out {name}-p.csv --report {name}") == 0
    assert run(f"{BASE} --seed 1 --ensemble other.csv") == 0
    for file in ("{}.csv", "{}-p.csv", "{}/report.json", "{}/report.png"):
        one, two = ((folder / file.format(name)).read_bytes() for name in ("one", "two"))
        assert one == two
    assert (folder / "one.csv").read_bytes() != (folder / "other.csv").read_bytes()


def test_printed_numbers_keep_their_digits_and_are_used(folder, capsys):
    found, options = printed_numbers()
    assert run(f"{BASE} {options} --report report") == 0
    report = json.loads((folder / "report/report.json").read_text())
    rows = {row["statistic"]: row for row in report["comparison"]["statistics"]}
    hr = float(f"{found['hr']:.2f}")
    assert rows["hr"]["low"] == pytest.approx(hr - 0.005)
    assert rows["hr"]["high"] == pytest.approx(hr + 0.005)
    assert rows["control median"]["stated"] == f"{found['control median']:.1f}"
    assert all(row["used"] for row in rows.values())
    assert "warning: the printed" not in capsys.readouterr().out


def test_a_contradiction_in_the_printed_hazard_ratio_is_reported(folder, capsys):
    found, _ = printed_numbers()
    upside_down = f"{1 / found['hr']:.2f}"
    assert run(f"{BASE} --hr {upside_down} --report report") == 0
    text = f"the printed hazard ratio {upside_down} cannot be had from these curves"
    assert text in capsys.readouterr().out
    report = json.loads((folder / "report/report.json").read_text())
    assert any(text in warning and "upside down" in warning for warning in report["warnings"])
    # The other arm as control turns the ratio, and then it fits.
    assert run(f"{BASE} --hr {upside_down} --control b") == 0
    assert "cannot be had" not in capsys.readouterr().out


def test_files_by_arm_in_percent_and_as_incidence(folder, capsys):
    for name, own in TRUTH.items():
        x, y = steps(*own)
        pd.DataFrame({"time": x, "surv": 1 - y}).to_csv(f"{name}.csv", index=False)
    assert run("A.csv B.csv --n B=58,A=60 --outcome incidence --xmax 36 --draws 5") == 0
    out = capsys.readouterr().out
    assert "A: 60 reconstructed patients" in out and "B: 58 reconstructed patients" in out
    assert "cumulative incidence was turned into survival" in out


def test_guyot_has_no_grade_and_no_draws(folder, capsys):
    assert run(f"{BASE} --method guyot --out patients.csv") == 0
    assert "no grade: " in capsys.readouterr().out
    assert len(pd.read_csv("patients.csv")) == 118


def test_grade_d_prints_no_hazard_ratio_but_writes_the_patients(folder, capsys):
    x = np.linspace(1, 30, 12)
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 12))
    for name, scale, off in zip("AB", (20.0, 30.0), noise, strict=True):
        y = np.round(np.exp(-x / scale) * 50 + off) / 50
        pd.DataFrame({"time": x, "surv": y}).to_csv(f"{name}.csv", index=False)
    options = "--n 400,400 --xmax 40 --draws 30 --censoring separate --out patients.csv"
    assert run(f"A.csv B.csv {options}") == 0
    out = capsys.readouterr().out
    assert "no hazard ratio is given: arm " in out and "is graded D" in out
    assert "hazard ratio, B versus A" not in out
    assert len(pd.read_csv("patients.csv")) == 800


def three_arms(folder):
    """A third arm, and the cumulative events of all three below their numbers at risk."""
    own = {**TRUTH, "C + drug": patients(3, 61, 16.0)}
    x, y = steps(*own["C + drug"])
    with (folder / "points.csv").open("a") as file:
        file.writelines(f"{a},{b},C + drug\n" for a, b in zip(x, y, strict=True))
    table = ["arm," + ",".join(f"{tick:g}" for tick in TICKS)]
    for name, (time, event) in own.items():
        died = [int(event[time < tick].sum()) for tick in TICKS]
        table.append(f"{name}," + ",".join(map(str, at_risk(time, TICKS))))
        table.append("events," + ",".join(map(str, died)))
    (folder / "table.csv").write_text("\n".join(table) + "\n")
    return own


def test_three_arms_with_their_events_are_compared_with_the_control(folder, capsys):
    own = three_arms(folder)
    assert run(f"{BASE} --control a --out patients.csv --ensemble d.csv --report report") == 0
    draws = pd.concat([pd.read_csv("d.csv"), pd.read_csv("patients.csv").assign(draw=-1)])
    for (name, _), draw in draws.groupby(["arm", "draw"]):
        time, event = own[name]
        for tick in TICKS:
            assert draw.loc[draw["time"] < tick, "event"].sum() == event[time < tick].sum()
    out = capsys.readouterr().out
    assert "hazard ratio, B versus A: " in out and "hazard ratio, C + drug versus A: " in out

    def refuse(text):
        raise ValueError(text)

    text = (folder / "report/report.json").read_text()
    report = json.loads(text, parse_constant=refuse)
    for found, name in zip(report["hazard_ratios"], ("B", "C + drug"), strict=True):
        true = reconstructkm.statistics(own["A"], own[name])["hr"]
        assert found["experimental"] == name
        assert found["hr"] == pytest.approx(true, rel=0.02)
    assert report["arms"]["C + drug"]["risk_events_slack"] == [0] * len(TICKS)


def test_three_arms_without_a_control_are_not_compared(folder, capsys):
    three_arms(folder)
    assert run(BASE) == 0
    out = capsys.readouterr().out
    assert "no hazard ratios: say which arm is the control" in out
    assert "versus" not in out


def test_a_wrong_row_is_named_with_the_number_that_mends_it(folder, capsys):
    right = (folder / "table.csv").read_text()
    _, a, b = right.splitlines()
    cells = a.split(",")
    (folder / "table.csv").write_text(
        right.replace(a, ",".join([*cells[:2], "50", *cells[3:]]))
    )
    assert run(BASE) == 0
    out = capsys.readouterr().out
    change = (
        f"smallest change that makes the input agree: {cells[2]} instead of 50 at risk at 6"
    )
    assert f"warning: A: {change}" in out
    assert "the contradiction removed that the warnings name" in out
    assert f"warning: {b.split(',')[0]}: " not in out


def test_the_resolution_and_the_way_of_reading_can_be_given(folder, capsys):
    assert run(f"{BASE} --resolution 0.06 0.0025 --observation clicks") == 0
    out = capsys.readouterr().out
    assert "taken as clicks (stated); a pixel is 0.06 in time and 0.0025 in survival" in out


BAD = {
    "missing.csv --n 60": "oligomdt reconstruct: missing.csv: No such file",
    f"{BASE} --resolution 0.06 25": "arm 'A': resolution is [0.06, 25.0]",
    "points.csv --n A=60": "n of arm 'B' is not known; give --n 'B=...'",
    f"{BASE} --n A=61": "--n of arm 'A' is 61, but the number-at-risk table starts with 60",
    f"{BASE} --n C=61": "--n names the arm 'C'; the curves are A, B",
    f"{BASE} --n A=60,a=60": "--n names the arm 'A' twice",
    f"{BASE} --n 60": "has 1 value(s) for 2 curve(s) (A, B)",
    f"{BASE} --n A=6.5": "--n of 'A' is '6.5'; it must be a whole number",
    f"{BASE} --n A=B=60": "cannot be read; write it as 'A=60,B=58'",
    f"{BASE} --events A=61": "arm 'A': events",
    f"{BASE} --control C": "control is 'C'; the arms are A, B",
    f"{BASE} --hr six": "hr: 'six' is not a printed number",
    f"{BASE} --hr 0.6 --hr-ci 0.9 0.4": "hr_ci: limits (0.9, 0.4) are in the wrong order",
    f"{BASE} --medians A=soon": "--medians of 'A': 'soon' is not a printed number",
    f"{BASE} --hr 0.6 --hr-ci 0.4 0.9 --level 95": "level is 95",
    f"{BASE} --hr 0.6 --level 0.9": "--level says nothing without --hr-ci",
    f"{BASE} --p 0.04 --model cox": "--model says nothing without --hr",
    f"{BASE} --draws -1": "draws",
    f"{BASE} --ensemble d.csv --draws 0": "--ensemble needs draws",
    f"{BASE} --xmax 3": "arm 'A': ",
    f"{BASE} --out points.csv": "--out points.csv is an input",
    f"{BASE} --out x.csv --ensemble ./x.csv": "--ensemble ./x.csv is also --out",
    f"{BASE} --out nowhere/x.csv": "--out nowhere/x.csv: give a file in a folder that exists",
    f"{BASE} --report table.csv": "--report table.csv: give a folder",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_is_one_clear_line_and_writes_nothing(folder, capsys, command):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    more = "" if "--out" in command else " --out never.csv"
    assert run(command + more) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert BAD[command] in captured.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_one_curve_has_no_hazard_ratio_to_compare(folder, capsys):
    (folder / "A.csv").write_text("time,surv\n2,0.9\n5,0.8\n9,0.7\n")
    assert run("A.csv --n 10 --hr 0.6") == 2
    assert "--hr needs two arms; the files have 1 curve(s)" in capsys.readouterr().err


def test_when_one_output_fails_none_is_written(folder, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError("no space left on the disk")

    (folder / "patients.csv").write_text("as before")
    (folder / "report").mkdir()
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert run(f"{BASE} --out patients.csv --report report") == 2
    assert "no space left on the disk" in capsys.readouterr().err
    assert (folder / "patients.csv").read_text() == "as before"
    assert not list((folder / "report").iterdir())
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_an_arm_may_have_a_comma_in_its_name(folder, capsys):
    text = '"A, high",,B,\nX,Y,X,Y\n2,0.9,2,0.9\n5,0.8,5,0.7\n'
    (folder / "pair.csv").write_text(text)
    assert run("pair.csv --n 'A, high=10,B=20' --draws 5") == 0
    assert capsys.readouterr().out.startswith("A, high: 10 reconstructed patients, 2 events")


def test_the_example_of_the_help_runs(folder, capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["reconstruct", "--help"])
    assert done.value.code == 0
    *_, make, _, example = capsys.readouterr().out.rstrip().splitlines()
    text, file = re.fullmatch(r"  printf '(.*)' > (\S+)", make).groups()
    (folder / file).write_text(text.replace("\\n", "\n"))
    assert run(example.removeprefix("example: oligomdt reconstruct ")) == 0
    assert capsys.readouterr().out.startswith("A: 10 reconstructed patients, 3 events")
    assert len(pd.read_csv("patients.csv")) == 10
