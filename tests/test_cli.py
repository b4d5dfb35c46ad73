"""The command line, as a curator types it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oligomdt import cli, evidence

ROOT = Path(__file__).parents[1]
TREE = Path(__file__).parent / "data" / "evidence"


def test_check_prints_what_the_data_hold(capsys):
    assert cli.main(["check"]) == 0
    out = capsys.readouterr().out
    for trial in evidence.load().values():
        assert f"{trial.name}  {trial.registration}" in out
        for result in trial.results():
            assert f"{result.id}, report {result.report}" in out
    assert "HR 0.35 (90 % CI 0.18 to 0.66); p 0.0054" in out
    assert "HR 0.304† (95 % CI 0.113 to 0.815†); p 0.01" in out
    assert "median 10.0 (95 % CI 7.2 to not reached)" in out
    assert "NRG-LU002  NCT03137771  (context, never pooled)" in out
    assert out.rstrip().endswith("No error found.")


def test_check_of_another_folder_shows_its_curve(capsys):
    assert cli.main(["check", "--data", str(TREE)]) == 0
    out = capsys.readouterr().out
    assert "curve: points control 6, experimental 2; Figure 1, A" in out
    assert "conflict: an invented conflict" in out
    assert "1 digitised curves" in out


def test_the_last_line_counts(capsys):
    cli.main(["check", "--data", str(TREE)])
    last = capsys.readouterr().out.splitlines()[-1]
    assert "1 trials, 3 cohorts, 4 results; " in last
    assert " 2 not checked (†); 1 conflicts between sources; 1 digitised curves." in last


def test_check_prints_the_one_error_and_fails(tmp_path, capsys):
    tree = Path(shutil.copytree(TREE, tmp_path / "data"))
    file = tree / "trials" / "test-trial.yaml"
    file.write_text(file.read_text().replace("level: 0.95", "level: 95", 1))
    assert cli.main(["check", "--data", str(tree)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert re.match(r"data/trials/test-trial\.yaml:\d+: cohorts/whole/", captured.err)
    assert "level 95 is not a proportion; write 0.95 for 95 %" in captured.err


def test_check_reads_the_curves_too(tmp_path, capsys):
    tree = Path(shutil.copytree(TREE, tmp_path / "data"))
    table = tree / "curves" / "TEST-TRIAL_whole_2020.csv"
    table.write_text(table.read_text().replace("control,risk,6,8", "control,risk,6,21"))
    assert cli.main(["check", "--data", str(tree)]) == 1
    assert "21 at risk exceed n 20" in capsys.readouterr().err


def test_quiet_check_is_silent_when_all_is_well(capsys):
    assert cli.main(["check", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", [[], ["check"], ["build"]])
def test_help_ends_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as done:
        cli.main([*command, "--help"])
    assert done.value.code == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("example: oligomdt ")


def test_the_example_of_check_runs_from_the_project_folder(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert cli.main(["check", "--data", "data", "--quiet"]) == 0


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main([])
    assert done.value.code == 2
    assert "command" in capsys.readouterr().err


def test_the_installed_program_runs():
    program = Path(sys.executable).with_name("oligomdt")
    if not program.exists():
        pytest.skip("the package is not installed beside this Python")
    done = subprocess.run([program, "check", "--quiet"], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_build_needs_a_book(tmp_path, capsys):
    assert cli.main(["build", str(tmp_path)]) == 1
    assert "no _config.yml" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "expected"), [(0, 0), (2, 1)])
def test_build_runs_the_documented_command(tmp_path, monkeypatch, capsys, status, expected):
    (tmp_path / "_config.yml").write_text("title: a book\n")
    calls = []

    def run(command, **options):
        calls.append((command, options))
        return subprocess.CompletedProcess(command, status, stdout="1234567890\n")

    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(cli.subprocess, "run", run)
    assert cli.main(["build", str(tmp_path)]) == expected
    command, options = calls[-1]
    assert Path(command[0]).name == "jupyter-book"
    assert command[1:] == ["build", str(tmp_path), "--all", "-W", "-n", "--keep-going"]
    assert options["env"]["SOURCE_DATE_EPOCH"] == "1234567890"
    shown = str(tmp_path / "_build" / "html" / "index.html") in capsys.readouterr().out
    assert shown == (status == 0)
