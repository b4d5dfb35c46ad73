"""`oligomdt digitize`: what it prints and writes, and what it refuses."""

import sys
from dataclasses import replace

import drawn_figure as drawn
import numpy as np
import pandas as pd
import pytest
from test_digitize_vector import svg

from oligomdt import cli, digitize
from oligomdt.commands import digitize as command
from oligomdt.digitize import overlay


@pytest.fixture
def figure(tmp_path):
    path = tmp_path / "figure.pdf"
    path.write_bytes(drawn.draw(look="pdf", table="below"))
    return path


def run(*words):
    return cli.main(["digitize", *map(str, words)])


def test_tables_and_overlay_are_written(figure, tmp_path, capsys):
    out, picture = tmp_path / "out", tmp_path / "check.png"
    assert run(figure, "--out", out, "--overlay", picture) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "figure.censor.csv",
        "figure.csv",
        "figure.risk.csv",
    ]
    points = pd.read_csv(out / "figure.csv")
    assert list(points) == ["arm", "time", "survival"]
    assert set(points.arm) == set(drawn.ARMS)
    risk = pd.read_csv(out / "figure.risk.csv")
    true = drawn.ARMS["Control"]
    expected = [true.at_risk(time) for time in range(0, 37, 6)]
    assert risk.n_risk[risk.arm == "Control"].tolist() == expected
    censor = pd.read_csv(out / "figure.censor.csv")
    assert (censor.arm == "Control").sum() == len(true.censored)
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "arm Control:" in said and "time: 0 to 36 months, from 7 labels" in said
    assert "numbers at risk at 0, 6, 12" in said and "warning" not in said


def test_without_outputs_it_only_tells(figure, tmp_path, capsys):
    assert run(figure) == 0
    assert "panel 1 of figure.pdf" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [figure]


def test_every_option_reaches_the_reader(figure, monkeypatch):
    class Seen(Exception):
        pass

    def spy(path, **options):
        assert options == {
            "page": 1, "panel": "A", "x_range": [0.0, 36.0], "y_range": [0.0, 100.0],
            "percent": True, "unit": "months", "arms": 2, "names": ["a", "b"],
            "colours": ["#000000", "#ff0000"], "box": [1.0, 2.0, 3.0, 4.0],
        }  # fmt: skip
        raise Seen

    monkeypatch.setattr(digitize, "digitize", spy)
    words = "--page 1 --panel A --x-range 0 36 --y-range 0 100 --percent --unit months --arms 2"
    words += " --names a b --colours #000000 #ff0000 --box 1 2 3 4"
    with pytest.raises(Seen):
        run(figure, *words.split())


def test_panels_are_listed(figure, capsys):
    assert run(figure, "--panels") == 0
    assert capsys.readouterr().out == "1\n"
    assert run(figure, "--panels", "--out", "x") == 2


def test_a_figure_that_cannot_be_read_writes_nothing(tmp_path, capsys):
    path = tmp_path / "figure.svg"
    path.write_bytes(svg(path="M50 250L300 100L320 90L330 80L340 70"))
    assert run(path, "--out", tmp_path / "out", "--overlay", tmp_path / "check.png") == 2
    assert capsys.readouterr().err.startswith("oligomdt digitize: no Kaplan-Meier curve")
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_that_cannot_be_written_are_refused_first(
    figure, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(digitize, "digitize", lambda *_, **__: pytest.fail("it was read"))
    assert run(figure, "--out", figure) == 2
    assert "--out" in capsys.readouterr().err
    assert run(figure, "--overlay", tmp_path / "no" / "check.png") == 2
    assert "--overlay" in capsys.readouterr().err
    assert run(figure, "--overlay", figure) == 2
    assert "is the figure" in capsys.readouterr().err
    assert run(figure, "--overlay", tmp_path / "a", "--page-html", tmp_path / "a") == 2
    assert "give two files" in capsys.readouterr().err


def test_all_or_nothing_is_written(figure, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(overlay, "png", lambda read: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(figure, "--out", out, "--overlay", tmp_path / "check.png")
    assert list(out.iterdir()) == []


def test_missing_packages_are_named(figure, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert run(figure) == 2
    said = capsys.readouterr().err
    assert "without pypdfium2" in said and "pip install 'oligomdt[digitize]'" in said


def test_the_overlay_shows_every_arm_and_tick(figure):
    read = digitize.digitize(figure)
    axes = overlay.draw(read).axes[0]
    said = {text.get_text().strip() for text in axes.texts}
    assert set(drawn.ARMS) <= said and {"36", "0.2", "40"} <= said
    curves = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert len(curves) == 2
    for arm, curve in zip(read.arms, curves, strict=True):
        assert curve.get_xdata() == pytest.approx(read.x_axis.position(arm.time))


def test_tables_of_two_panels_do_not_overwrite_each_other(figure, tmp_path):
    for panel in ((), ("--panel", "1")):
        assert run(figure, *panel, "--out", tmp_path / "out") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"figure.csv", "figure.risk.csv", "figure_1.csv", "figure_1.censor.csv"} <= names


def test_the_size_of_a_pixel_is_told_as_reconstruct_takes_it(figure):
    read = digitize.digitize(figure)
    assert "--resolution" not in command.summary(read)
    page = replace(read.drawing, kind="raster", image=np.zeros((9, 9, 3), np.uint8))
    said = command.summary(replace(read, drawing=page, resolution=(0.106, 0.00205)))
    assert "one pixel in time and survival: --resolution 0.106 0.00205 of reconstruct" in said
