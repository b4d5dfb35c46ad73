"""Files that are no figure, broken, hostile or too large: one error that names the way out."""

import gzip
import zlib

import drawn_figure as drawn
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_digitize_vector import SURV, TIME, read, svg

from oligomdt.digitize import DigitizeError, digitize, limits, panels
from oligomdt.digitize.settings import checked


def figure_with(change, look="svg", **options):
    """A figure that was changed before it was saved."""
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, options.pop("arms", drawn.ARMS), **options)
    change(axes)
    return drawn.save(figure, look)


def smooth(axes):
    x = np.linspace(0, 36, 100)
    axes.plot(x, np.exp(-x / 12), "r")


def rising(axes):
    true = drawn.ARMS["Control"]
    axes.step(true.time, 1 - true.surv, where="post")


def uneven(axes):
    axes.set_xticks(range(0, 37, 6), ["0", "7", "9", "1", "30", "2", "77"])


FIGURES = {
    "no axes": (figure_with(lambda axes: axes.axis("off")), "x-range and --y-range"),
    "no curve": (figure_with(lambda axes: None, arms={}, legend=None), "no falling step line"),
    "smooth": (figure_with(smooth, arms={}, legend=None), "slope instead of stepping.*PNG"),
    "rising": (figure_with(rising, arms={}, legend=None), "rise.*cumulative incidence"),
    "uneven": (figure_with(uneven), r"x axis make no line \(.*--x-range"),
    "no survival": (
        figure_with(lambda axes: axes.set_yticks([0, 0.5, 1], ["0", "200", "400"])),
        "0 to 400, which is no survival.*--y-range",
    ),
    "only words": (figure_with(lambda axes: axes.axis("off"), look="pdf"), "--x-range"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_what_is_not_found_is_named_with_the_option(name, tmp_path):
    content, message = FIGURES[name]
    with pytest.raises(DigitizeError, match=message):
        read(content, tmp_path)


def test_nothing_is_read_before_time_0_or_above_survival_1(tmp_path):
    found = read(drawn.draw(), tmp_path, x_range=(-0.05, 36), y_range=(0, 1.0005))
    told = "; ".join(found.warnings)
    assert "a curve ran 0.05 before time 0 and was put on it" in told
    assert "a curve ran 0.0005 above survival 1 and was put on it" in told
    for arm in found.arms:
        assert arm.time.min() == 0 and arm.censor_time.min() >= 0 and arm.surv.max() == 1


@pytest.mark.parametrize("option", [{"x_range": (-1, 36)}, {"y_range": (0, 1.03)}])
def test_a_curve_far_beyond_the_axes_is_refused(option, tmp_path):
    with pytest.raises(DigitizeError, match="a curve runs .* give its range with --[xy]-range"):
        read(drawn.draw(), tmp_path, **option)


def test_arms_that_cannot_be_told_apart(tmp_path):
    many = {f"arm {k}": drawn.arm(k, 12) for k in range(9)}
    content = drawn.draw(many, colours=("black",) * 9, dashes=("solid",) * 9, legend=None)
    with pytest.raises(DigitizeError, match="9 curves.*cannot be told apart.*--colours"):
        read(content, tmp_path)
    with pytest.raises(DigitizeError, match="2 curve.*#c0392b.*not 3.*--colours"):
        read(drawn.draw(), tmp_path, arms=3)
    with pytest.raises(DigitizeError, match="no curve has the colour #00ff00.*#c0392b"):
        read(drawn.draw(), tmp_path, colours=["#00ff00"])
    with pytest.raises(DigitizeError, match="2 curve.*1 name"):
        read(drawn.draw(), tmp_path, names=["one"])


def test_names_that_are_not_there_are_not_made_up(tmp_path):
    found = read(drawn.draw(legend=None), tmp_path)
    assert [arm.name for arm in found.arms] == ["Arm 1", "Arm 2"]
    assert any("no name was found for 2 of 2" in warning for warning in found.warnings)


def test_an_axis_without_a_unit_says_so(tmp_path):
    found = read(figure_with(lambda axes: axes.set_xlabel("Time")), tmp_path)
    assert found.x_axis.unit is None
    assert any("--unit" in warning for warning in found.warnings)


OPTIONS = {
    "x_range": ((36, 0), "lower value first"),
    "y_range": ("none", "must be 2 numbers"),
    "box": ((1, 2, 0, 5), "left, top, right, bottom"),
    "page": (0, "whole number from 1"),
    "arms": (2.0, "whole number"),
    "percent": ("yes", "True or False"),
    "unit": ("hours", "one of days, weeks, months, years"),
    "names": (["a", "a"], "different name"),
    "colours": (["blue"], "#1f77b4"),
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("names", 5, "names is 5; give a list"),
        ("colours", 5, "colours is 5; give a list"),
        ("colours", [5], "colour 5: write it as"),
        ("percent", [True], "True or False"),
        ("unit", ["days"], "one of days"),
    ],
)
def test_options_of_another_type_are_refused(name, value, message):
    with pytest.raises(DigitizeError, match=message):
        checked(**{name: value})


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_checked(name):
    value, message = OPTIONS[name]
    with pytest.raises(DigitizeError, match=message):
        checked(**{name: value})


def test_options_that_disagree():
    with pytest.raises(DigitizeError, match="disagree.*arms: 3, names: 2"):
        checked(arms=3, names=["a", "b"])


# -- files

CURVE = drawn.axes_of_pdf() + "\n1 0 0 RG " + drawn.steps(TIME, SURV, 25.0)
LOCK = "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >> /ID [<00> <00>]"

FILES = {
    "empty": (b"", "not a figure that can be read"),
    "words": (b"Of 58 patients, 21 progressed.", "give an SVG, PDF, PNG"),
    "half an SVG": (svg()[:-50], "not whole: line"),
    "XML that is no SVG": (b"<a><b>&lt;svg <svg/></b></a>", "not SVG"),
    "SVG that draws nothing": (b"<svg width='9' height='9'/>", "draws nothing"),
    "SVG without a size": (b"<svg><path d='M0 0h9'/></svg>", "no size"),
    "SVG of an image": (
        b"<svg width='9' height='9'><image href='data:image/png;base64,AAAA'/></svg>",
        "only an image; save that image as PNG",
    ),
    "half a packed SVG": (gzip.compress(svg())[:200], "not whole|broken"),
    "half a PDF": (drawn.pdf(CURVE)[:150], "broken"),
    "locked PDF": (drawn.pdf(CURVE, trailer=LOCK.format("ab" * 32)), "password.*unlocked copy"),
    "empty page": (drawn.pdf(""), "page 1 of .* is empty"),
    "no such page": (drawn.pdf(CURVE), "has 1 page.*page 3 does not exist"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_read(name, tmp_path):
    content, message = FILES[name]
    options = {"page": 3} if name == "no such page" else {}
    with pytest.raises(DigitizeError, match=message):
        read(content, tmp_path, **options)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(DigitizeError, match="is not a file"):
        digitize(tmp_path / "nothing.svg")
    with pytest.raises(DigitizeError, match="is not a file"):
        panels(tmp_path)


# -- hostile files


def test_entities_are_not_unfolded(tmp_path):
    laughs = "".join(f"<!ENTITY l{k} '{f'&l{k - 1};' * 10 if k else 'ha'}'>" for k in range(9))
    content = f"<!DOCTYPE svg [{laughs}]><svg width='9' height='9'><text>&l8;</text></svg>"
    with pytest.raises(DigitizeError, match="nested entities"):
        read(content.encode(), tmp_path)


def test_nothing_outside_the_file_is_opened(tmp_path, monkeypatch):
    secret = tmp_path / "secret.svg"
    secret.write_text("<svg><g id='a'><text>secret</text></g></svg>")
    doctype = f"<!DOCTYPE svg [<!ENTITY e SYSTEM '{secret.as_uri()}'>]>"
    with pytest.raises(DigitizeError, match="outside entity"):
        read(doctype.encode() + svg(), tmp_path)
    links = f"<use href='{secret.as_uri()}#a'/><image href='{secret.as_uri()}'/>"
    links += f"<script href='{secret.as_uri()}'/><style>@import url({secret.as_uri()});</style>"
    path = tmp_path / "figure.svg"
    path.write_bytes(svg(extra=links))
    opened = []
    real = type(path).read_bytes
    monkeypatch.setattr(type(path), "read_bytes", lambda p: opened.append(p) or real(p))
    monkeypatch.setattr("socket.socket", lambda *_: pytest.fail("a connection was opened"))
    found = digitize(path)
    assert opened == [path]
    assert not any("secret" in text.text for text in found.drawing.texts)


def test_elements_that_repeat_themselves_end(tmp_path):
    loop = '<g id="a"><use xlink:href="#a"/><use xlink:href="#a"/></g>'
    with pytest.raises(DigitizeError, match="groups within groups"):
        read(svg(extra=loop), tmp_path)


def test_elements_that_multiply_end(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PATHS", 2000)
    groups = "<defs><path id='g0' d='M0 0h9'/>" + "".join(
        f"<g id='g{k}'>" + f"<use xlink:href='#g{k - 1}'/>" * 10 + "</g>" for k in range(1, 9)
    )
    with pytest.raises(DigitizeError, match="more than 2000"):
        read(svg(extra=groups + "</defs><use xlink:href='#g8'/>"), tmp_path)


def test_a_packed_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UNPACKED", 10**6)
    with pytest.raises(DigitizeError, match="unpacks to more than 1000000 bytes"):
        read(drawn.pdf(b" " * 2 * 10**6, packed=True), tmp_path)
    path = tmp_path / "bomb.svgz"
    path.write_bytes(gzip.compress(b" " * 2 * 10**6))
    with pytest.raises(DigitizeError, match="unpacks to more than 1000000 bytes"):
        digitize(path)


def test_a_bomb_packed_twice_is_small_enough_to_open(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UNPACKED", 10**6)
    twice = zlib.compress(zlib.compress(b" " * 2 * 10**6, 9), 9)
    content = drawn.pdf(b"x" * len(twice)).replace(b"x" * len(twice), twice)
    content = content.replace(b"<<  /Length", b"<< /Filter [/FlateDecode /FlateDecode] /Length")
    with pytest.raises(DigitizeError):
        read(content, tmp_path)


LIMITS = {
    "BYTES": (10, "svg", "has .* bytes; at most 10"),
    "PATHS": (3, "svg", "more than"),
    "POINTS": (3, "svg", "corners"),
    "CHARACTERS": (3, "svg", "characters"),
    "DEPTH": (1, "svg", "groups within groups"),
    "RULES": (0, "svg", "style rules"),
    "SECONDS": (-1.0, "svg", "seconds"),
    "LINES": (0, "svg", "lines fall from survival 1"),
    "PANELS": (0, "svg", "more than 0 panels"),
    "ARMS": (0, "svg", "cannot be told apart"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_held(name, tmp_path, monkeypatch):
    value, _, message = LIMITS[name]
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(DigitizeError, match=message):
        read(svg(), tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("PATHS", 2, "objects"), ("POINTS", 3, "corners"), ("CHARACTERS", 3, "characters"),
     ("PAGES", 0, "pages"), ("SECONDS", -1.0, "seconds")],
)  # fmt: skip
def test_every_limit_is_held_for_a_page(name, value, message, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(DigitizeError, match=message):
        read(drawn.pdf(CURVE), tmp_path)


def test_a_limit_is_held_by_the_last_path_of_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "POINTS", 3)
    with pytest.raises(DigitizeError, match="corners"):
        read(drawn.pdf("50 50 m 60 50 l 60 60 l 70 60 l 70 70 l S"), tmp_path)


def test_too_many_small_shapes_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MARKS", 2)
    found = read(drawn.draw(), tmp_path)
    assert all(len(arm.censor_time) == 0 for arm in found.arms)
    assert any("marks were not read" in warning for warning in found.warnings)
