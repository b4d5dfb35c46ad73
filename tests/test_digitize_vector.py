"""Vector figures with known curves: arms, steps, marks, names and numbers at risk come back."""

import doctest
import importlib
import io
import pkgutil
import re

import drawn_figure as drawn
import numpy as np
import pytest
from conftest import ROOT
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from oligomdt import digitize
from oligomdt.digitize import legend, limits, pdf

THREE = {**drawn.ARMS, "Both": drawn.arm(3, mean=25.0)}
BLACK = ("black",) * 3

LOOKS = {
    "plain": {},
    "percent": {"percent": True},
    "truncated": {"lowest": 0.5, "arms": {"A": drawn.arm(5, 200, 90.0)}, "legend": 3},
    "three arms": {"arms": THREE, "legend": "lower left"},
    "bands and grid": {"band": True, "grid": True},
    "one colour, dashed": {"colours": BLACK, "dashes": ("solid", "dashed", "dotted")},
    "three dashes": {
        "arms": THREE, "colours": BLACK, "dashes": ("solid", "dashed", "dotted"), "marks": "+",
    },
    "table below": {"table": "below", "marks": "+"},
    "table inside": {"table": "inside", "lowest": -0.25, "legend": "upper right"},
    "padded, open box": {"pad": 0.04, "box": False, "legend": "lower left"},
    "no marks": {"marks": None},
    "years": {"unit": "years", "step": 12},
    "rings": {"marks": "o"},
    "letter": {"letters": True, "legend": "center right"},
}  # fmt: skip


def read(content, tmp_path, name="figure", **options):
    path = tmp_path / f"{name}.{'pdf' if content.startswith(b'%PDF') else 'svg'}"
    path.write_bytes(content)
    return digitize.digitize(path, **options)


def check(found, arms, *, marks=True, longest=36.0):
    """Every arm is there and its numbers are the true ones."""
    assert sorted(arm.name for arm in found.arms) == sorted(arms)
    for arm in found.arms:
        true = arms[arm.name]
        time, surv = np.append(true.time, true.end), np.append(true.surv, true.surv[-1])
        if time[-1] == time[-2]:
            time, surv = time[:-1], surv[:-1]
        assert arm.time == pytest.approx(time, abs=1e-5 * longest)
        assert arm.surv == pytest.approx(surv, abs=1e-5)
        expected = true.censored if marks else []
        assert arm.censor_time == pytest.approx(np.array(expected), abs=1e-5 * longest)


@pytest.mark.parametrize("look", ["svg", "shapes", "pdf"])
@pytest.mark.parametrize("name", LOOKS)
def test_what_was_drawn_is_read(name, look, tmp_path):
    options = LOOKS[name]
    arms = options.get("arms", drawn.ARMS)
    found = read(drawn.draw(**{"look": look, **options}), tmp_path)
    check(found, arms, marks=options.get("marks", "|") is not None)
    assert found.x_axis.unit == options.get("unit", "months")
    assert found.y_axis.percent == options.get("percent", False)
    assert found.x_axis.residual < 0.01 and found.y_axis.residual < 0.01
    assert (found.risk_table is None) == (options.get("table") is None)
    if found.risk_table is not None:
        step = options.get("step", 6)
        for arm, counts in found.risk_table.counts.items():
            assert counts == tuple(arms[arm].at_risk(t) for t in range(0, 37, step))
        assert found.risk_table.time.tolist() == list(range(0, 37, step))


def test_tables_have_the_columns_of_the_benchmark(tmp_path):
    found = read(drawn.draw(table="below"), tmp_path)
    assert list(found.points()) == ["arm", "time", "survival"]
    assert list(found.censor()) == ["arm", "time"]
    assert list(found.risk()) == ["arm", "time", "n_risk"]
    assert len(found.risk()) == 14
    assert found.warnings == ()


def test_a_curve_cut_by_the_axis_ends_there(tmp_path):
    found = read(drawn.draw(longest=18, look="pdf"), tmp_path)
    for arm in found.arms:
        true = drawn.ARMS[arm.name]
        assert arm.time[-1] == pytest.approx(min(18.0, true.end), abs=1e-4)
        assert arm.censor_time == pytest.approx(true.censored[true.censored <= 18], abs=1e-4)


def test_confidence_limits_are_no_arms(tmp_path):
    true = drawn.arm(7, 60)
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, {"All": true}, marks=None)
    x = np.append(true.time, true.end)
    for factor in (0.8, 1.2):
        y = np.minimum(np.append(true.surv, true.surv[-1]) * factor, 1.0)
        y[0] = 1.0
        y[25] += 0.02 if factor > 1 else 0.0  # an upper limit may rise
        axes.plot(x, y, drawstyle="steps-post", color=drawn.COLOURS[0], ls="--", lw=0.8)
    found = read(drawn.save(figure, "svg"), tmp_path)
    check(found, {"All": true}, marks=False)
    assert any("confidence limits" in warning for warning in found.warnings)


def test_lines_in_pieces_are_joined(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, {}, legend=None)
    for (name, true), colour in zip(drawn.ARMS.items(), drawn.COLOURS, strict=False):
        x, y = np.append(true.time, true.end), np.append(true.surv, true.surv[-1])
        for k in range(len(x) - 1):
            axes.plot(x[k : k + 2], [y[k]] * 2, color=colour)
            if y[k + 1] < y[k]:
                axes.plot([x[k + 1]] * 2, y[k : k + 2], color=colour)
        axes.text(true.end - 3, y[-1] + 0.03, name, color=colour)
    check(read(drawn.save(figure, "pdf"), tmp_path), drawn.ARMS, marks=False)


def test_lines_turned_into_areas_are_read_along_their_middle(tmp_path):
    true = drawn.ARMS["Control"]
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, {}, legend=None)
    x = np.repeat(np.append(true.time, true.end), 2)[1:]
    y = np.repeat(np.append(true.surv, true.surv[-1]), 2)[:-1]
    edge = np.r_[np.c_[x + 0.08, y + 0.004], np.c_[x - 0.08, y - 0.004][::-1]]
    axes.fill(*edge.T, color="navy", lw=0)
    found = read(drawn.save(figure, "svg"), tmp_path, names=["Control"])
    check(found, {"Control": true}, marks=False)


def test_marks_drawn_in_one_go_with_the_line_are_marks(tmp_path):
    true = drawn.ARMS["Control"]
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, {}, legend=None)
    points, level, k = [(0.0, 1.0)], 1.0, 0
    # A mark at the time of a drop stands on the level after it, so drops go first.
    events = [(t, 0, s) for t, s in zip(true.time[1:], true.surv[1:], strict=True)]
    for t, k, s in sorted(events + [(t, 1, 0.0) for t in true.censored]):
        points.append((t, level))
        if k:
            points += [(t, level + 0.02), (t, level - 0.02), (t, level)]
        else:
            level = s
            points.append((t, level))
    axes.plot(*np.array(points).T, color="navy")
    found = read(drawn.save(figure, "svg"), tmp_path, names=["Control"])
    assert found.arms[0].censor_time == pytest.approx(np.unique(true.censored), abs=1e-4)
    assert found.arms[0].surv[-1] == pytest.approx(true.surv[-1], abs=1e-6)


def test_names_at_the_end_of_leader_lines(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, drawn.ARMS, legend=None, colours=BLACK, marks=None)
    for k, (name, true) in enumerate(drawn.ARMS.items()):
        y = true.surv[np.searchsorted(true.time, 10.0, side="right") - 1]
        place = (18, 0.9) if k == 0 else (1, 0.12)
        arrow = {"arrowstyle": "-", "lw": 0.7}
        axes.annotate(name, (10.0, y), place, arrowprops=arrow)
    check(read(drawn.save(figure, "pdf"), tmp_path), drawn.ARMS, marks=False)


def test_names_that_are_only_near_are_said_to_be_so(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, drawn.ARMS, legend=None, colours=BLACK, marks=None)
    for name, true in drawn.ARMS.items():
        y = true.surv[np.searchsorted(true.time, 10.0, side="right") - 1]
        axes.text(10.0, y + (0.06 if name != "Control" else -0.08), name)
    found = read(drawn.save(figure, "svg"), tmp_path)
    check(found, drawn.ARMS, marks=False)
    assert any("nearest curves" in warning for warning in found.warnings)
    assert all(arm.confidence < 1 for arm in found.arms)


def test_an_arm_without_an_event_is_an_arm(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, {"Control": drawn.ARMS["Control"]}, marks=None)
    axes.plot([0, 30], [1, 1], color="green", lw=1.4, label="MDT")
    axes.plot([0, 36], [0.99, 0.99], color="black", lw=1.4, label="not an arm")
    axes.legend(loc="center right")
    found = read(drawn.save(figure, "pdf"), tmp_path)
    assert [arm.name for arm in found.arms] == ["MDT", "Control"]
    assert found.arms[0].time.tolist() == pytest.approx([0, 30], abs=1e-5)
    assert found.arms[0].surv.tolist() == [1, 1]
    assert any("arms without an event" in warning for warning in found.warnings)


@pytest.mark.parametrize("sign", ["|", "+", "/", "x"])
@pytest.mark.parametrize("look", ["svg", "pdf"])
def test_marks_may_be_letters(sign, look, tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, drawn.ARMS, marks=None)
    for true, colour in zip(drawn.ARMS.values(), drawn.COLOURS, strict=False):
        k = np.searchsorted(true.time, true.censored, side="right") - 1
        for place in zip(true.censored, true.surv[k], strict=True):
            axes.text(*place, sign, ha="center", va="center", color=colour, fontsize=8)
    found = read(drawn.save(figure, look), tmp_path)
    for arm in found.arms:
        # A letter stands where its font puts it: to a thousandth of the axis.
        assert arm.censor_time == pytest.approx(drawn.ARMS[arm.name].censored, abs=0.036)


def test_marks_under_another_are_still_counted(tmp_path):
    marks = "".join(f"BT /H 8 Tf {x} 207.2 Td (|) Tj ET " for x in (89, 99, 99, 99.05, 120))
    content = f"{drawn.axes_of_pdf()}\n1 0 0 RG {drawn.steps(TIME, SURV, 25.0)}\n{marks}"
    found = read(drawn.pdf(content), tmp_path)
    assert len(found.arms[0].censor_time) == 5


@pytest.mark.parametrize("look", ["svg", "shapes", "pdf"])
def test_every_arm_may_have_a_table_of_its_own(look, tmp_path):
    figure = Figure(figsize=(6, 6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.2, 0.5, 0.75, 0.45))
    drawn.panel(axes, drawn.ARMS)
    place = axes.get_xaxis_transform()
    for k, (name, true) in enumerate(drawn.ARMS.items()):
        y = -0.3 - 0.3 * k
        words = f"{name}\nAt risk {len(true.times)}"
        axes.text(0.8, y - 0.06, words, transform=place, ha="right", fontsize=7)
        axes.text(-1, y - 0.12, "Events", transform=place, ha="right", fontsize=7)
        for time in range(6, 37, 6):
            here = {"transform": place, "ha": "center", "fontsize": 7}
            axes.text(time, y - 0.06, str(true.at_risk(time)), **here)
            axes.text(time, y - 0.12, str(len(true.times) - true.at_risk(time)), **here)
    found = read(drawn.save(figure, look), tmp_path)
    expected = {
        name: tuple(true.at_risk(time) for time in range(0, 37, 6))
        for name, true in drawn.ARMS.items()
    }
    assert found.risk_table.counts == expected


def test_rows_that_belong_to_no_arm_are_left_out_and_said(tmp_path):
    content = drawn.draw(table="below", colours=("black", "black"), dashes=("solid", "dashed"))
    found = read(content, tmp_path, names=["one", "two"])
    assert found.risk_table is None
    assert any("no row has the name or colour" in warning for warning in found.warnings)


# -- panels and pages


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Four panels, A to D, of other arms each; and those arms."""
    figure = Figure(figsize=(9, 7))
    FigureCanvasAgg(figure)
    arms = []
    for k, axes in enumerate(figure.subplots(2, 2).flat):
        arms.append({"MDT": drawn.arm(20 + k), "Control": drawn.arm(30 + k, mean=6.0)})
        drawn.panel(axes, arms[-1], marks="+")
        axes.set_title(f"Cohort {k}")
        axes.text(-0.15, 1.05, "ABCD"[k], transform=axes.transAxes, fontweight="bold")
    path = tmp_path_factory.mktemp("four") / "four.pdf"
    path.write_bytes(drawn.save(figure, "pdf"))
    return path, arms


def test_panels_are_listed_row_by_row(four):
    found = digitize.panels(four[0])
    assert [panel.name for panel in found] == ["A", "B", "C", "D"]
    assert [panel.title for panel in found] == [f"Cohort {k}" for k in range(4)]


@pytest.mark.parametrize(("wanted", "k"), [("A", 0), ("d", 3), (2, 1)])
def test_a_panel_is_chosen_by_letter_or_number(four, wanted, k):
    check(digitize.digitize(four[0], panel=wanted), four[1][k])


def test_several_panels_and_no_choice_is_an_error(four):
    with pytest.raises(digitize.DigitizeError, match=r"4 panels \(A \(Cohort 0\).*--panel"):
        digitize.digitize(four[0])
    with pytest.raises(digitize.DigitizeError, match="no panel E.*--panel"):
        digitize.digitize(four[0], panel="E")


def test_names_come_from_the_legend_of_the_panel(tmp_path):
    figure = Figure(figsize=(9, 4))
    FigureCanvasAgg(figure)
    arms = [{"A": drawn.arm(50), "B": drawn.arm(51)}, {"C": drawn.arm(52), "D": drawn.arm(53)}]
    for k, axes in enumerate(figure.subplots(1, 2)):
        drawn.panel(axes, arms[k])
    content = drawn.save(figure, "pdf")
    for k in range(2):
        check(read(content, tmp_path, panel=k + 1), arms[k])


def test_a_name_without_a_curve_is_said(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, drawn.ARMS)
    axes.plot([0, 36], [1.0, 0.2], color="green", lw=1.4, label="Modelled")
    axes.legend()
    found = read(drawn.save(figure, "svg"), tmp_path)
    check(found, drawn.ARMS)
    assert any("also names Modelled, for which no curve" in text for text in found.warnings)


def test_panels_that_share_the_labels_of_survival(tmp_path):
    figure = Figure(figsize=(9, 4))
    FigureCanvasAgg(figure)
    arms = [{"MDT": drawn.arm(40 + k)} for k in range(2)]
    for k, axes in enumerate(figure.subplots(1, 2, sharey=True)):
        drawn.panel(axes, arms[k])
    check(read(drawn.save(figure, "svg"), tmp_path, panel=2), arms[1])


def test_the_page_with_the_figure_is_found(tmp_path):
    from matplotlib.backends.backend_pdf import PdfPages

    path = tmp_path / "article.pdf"
    with PdfPages(path) as pages:
        for number in range(3):
            figure = Figure(figsize=(8, 11))
            FigureCanvasAgg(figure)
            for k in range(30):
                line = f"Of {k} patients, 12 (21 %) had progressed at {k + 3} months"
                figure.text(0.1, 0.95 - 0.013 * k, line, fontsize=7)
            if number == 1:
                axes = figure.add_axes((0.15, 0.2, 0.35, 0.25))
                axes.tick_params(labelsize=6)
                drawn.panel(axes, drawn.ARMS)
            pages.savefig(figure)
    found = digitize.digitize(path)
    check(found, drawn.ARMS)
    assert found.source == "article.pdf page 2"


# -- options


def test_given_names_colours_and_ranges_are_used(tmp_path):
    content = drawn.draw(legend=None, percent=True)
    found = read(content, tmp_path, names=["two", "one"], colours=["#1f4e9c", "#c0392b"])
    check(found, {"one": drawn.ARMS["MDT + systemic"], "two": drawn.ARMS["Control"]})
    assert [arm.name for arm in found.arms] == ["two", "one"]
    found = read(content, tmp_path, x_range=(0, 72), y_range=(0, 100), unit="weeks")
    assert found.arms[0].time[-1] == pytest.approx(2 * drawn.ARMS["MDT + systemic"].end)
    assert found.x_axis.unit == "weeks"
    assert found.settings["x_range"] == (0.0, 72.0)


def test_a_page_without_labels_is_read_with_ranges(tmp_path):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn.panel(axes, drawn.ARMS, legend=None)
    axes.set_xticklabels([])
    axes.set_yticklabels([])
    content = drawn.save(figure, "svg")
    with pytest.raises(digitize.DigitizeError, match="--x-range"):
        read(content, tmp_path)
    found = read(content, tmp_path, x_range=(0, 36), y_range=(0, 1), names=list(drawn.ARMS))
    check(found, drawn.ARMS)


# -- what PDF and SVG may do


TIME, SURV = np.array([0.0, 3.25, 8.0, 17.5]), np.array([1.0, 0.8, 0.55, 0.3])


def one_curve(found):
    assert [len(arm.time) for arm in found.arms] == [5]
    assert found.arms[0].time == pytest.approx([*TIME, 25.0], abs=1e-4)
    assert found.arms[0].surv == pytest.approx([*SURV, SURV[-1]], abs=1e-5)


@pytest.mark.parametrize(
    "page", ["", "/MediaBox [-50 -20 420 330]", "/CropBox [10 10 390 290]"]
)
def test_pages_may_start_anywhere(page, tmp_path):
    path = f"0.9 0.1 0 0.2 K 1 w {drawn.steps(TIME, SURV, 25.0)}"
    found = read(drawn.pdf(f"{drawn.axes_of_pdf()}\n{path}", page=page, packed=True), tmp_path)
    one_curve(found)
    red, green, blue = found.arms[0].colour
    assert blue > green > red  # cyan, magenta and black become a blue


@pytest.mark.parametrize(
    ("turn", "matrix", "size"),
    [
        (90, "0 1 -1 0 300 0", "300 400"),
        (180, "-1 0 0 -1 400 300", "400 300"),
        (270, "0 -1 1 0 0 400", "300 400"),
    ],
)
def test_a_turned_page_is_read_as_it_shows(turn, matrix, size, tmp_path):
    content = f"q {matrix} cm {drawn.axes_of_pdf()}\n{drawn.steps(TIME, SURV, 25.0)} Q"
    page = f"/Rotate {turn} /MediaBox [0 0 {size}]"
    one_curve(read(drawn.pdf(content, page=page), tmp_path))


def test_forms_and_matrices_are_followed(tmp_path):
    path = drawn.steps(TIME, SURV, 25.0)
    content = drawn.pdf(
        f"{drawn.axes_of_pdf()}\nq 2 0 0 2 -50 -25 cm /F0 Do Q",
        forms=(f"q 0.5 0 0 0.5 25 12.5 cm 1 0 0 RG {path} Q",),
    )
    found = read(content, tmp_path)
    one_curve(found)
    assert found.arms[0].colour == (255, 0, 0)


def test_labels_may_be_one_string_with_spaces(tmp_path):
    axes = re.sub(r"BT /H 8 Tf \S+ 36 Td .*?ET", "", drawn.axes_of_pdf())
    # A space is 0.278 and a digit 0.556 of the size: the next label is 100 points on.
    words = "0" + 43 * " " + "10" + 41 * " " + "20" + 41 * " " + "30"
    axes += f"\nBT /H 8 Tf 47.8 36 Td ({words}) Tj ET"
    found = read(drawn.pdf(f"{axes}\n1 0 0 RG {drawn.steps(TIME, SURV, 25.0)}"), tmp_path)
    one_curve(found)
    assert [value for _, value in found.x_axis.ticks] == [0, 10, 20, 30]


def test_numbers_at_risk_beside_their_tick_belong_to_it(tmp_path):
    words = ["BT /H 7 Tf 5 12 Td (At risk) Tj ET"]
    for x, count in zip((50, 150, 250, 350), (120, 61, 20, 3), strict=True):
        words.append(f"BT /H 7 Tf {x + 1} 4 Td ({count}) Tj ET")
    content = f"{drawn.axes_of_pdf()}\n{' '.join(words)}\n1 0 0 RG "
    found = read(drawn.pdf(content + drawn.steps(TIME, SURV, 25.0)), tmp_path)
    assert found.risk_table.time.tolist() == [0, 10, 20, 30]
    assert list(found.risk_table.counts.values()) == [(120, 61, 20, 3)]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_page_that_holds_only_an_image_gives_its_pixels(mode):
    x, y = np.meshgrid(np.arange(240), np.arange(180))
    pixels = np.stack([x, 255 - y, (x + y) / 2], axis=2).astype(np.uint8)
    if mode == "L":
        pixels = pixels[:, :, 0]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PDF", resolution=150)
    drawing = pdf.read(buffer.getvalue(), "scan.pdf")
    assert (drawing.kind, drawing.width, drawing.height) == ("raster", 240, 180)
    true = pixels if mode == "RGB" else np.repeat(pixels[..., None], 3, axis=2)
    # The image is packed as JPEG: nearly the same.
    assert np.abs(drawing.image.astype(float) - true).max() < 12


def test_a_turned_page_that_holds_only_an_image_is_shown_upright():
    content = "q 0 220 -160 0 230 40 cm BI /W 4 /H 3 /CS /RGB /BPC 8 /F /AHx ID "
    content += "".join("ff0000" if k % 4 == 0 else "00ff00" for k in range(12)) + "> EI Q"
    drawing = pdf.read(drawn.pdf(content, page="/Rotate 90"), "scan.pdf")
    assert drawing.kind == "raster" and drawing.width > drawing.height
    assert drawing.image[:, 0].tolist() == [[255, 0, 0]] * 3
    assert drawing.image[:, 1:].reshape(-1, 3).tolist() == [[0, 255, 0]] * 9


def test_an_image_that_lies_on_its_side_is_shown_as_the_page_shows_it():
    content = "q 0 220 -160 0 230 40 cm BI /W 4 /H 3 /CS /RGB /BPC 8 /F /AHx ID "
    content += "".join("ff0000" if k % 4 == 0 else "00ff00" for k in range(12)) + "> EI Q"
    image = pdf.read(drawn.pdf(content), "scan.pdf").image
    assert image.shape[0] > image.shape[1]  # the first column has become the foot
    assert image[-2, :].mean(axis=0)[0] > 200 and image[2, :].mean(axis=0)[1] > 200


def test_an_image_of_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "PIXELS", 5)
    content = "q 300 0 0 200 40 40 cm BI /W 3 /H 2 /CS /G /BPC 8 /F /AHx ID 00ff00ff00ff> EI Q"
    with pytest.raises(digitize.DigitizeError, match="3 x 2 pixels.*crop"):
        pdf.read(drawn.pdf(content), "scan.pdf")


SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="400" height="300" viewBox="0 0 400 300"><style>.c{fill:none;stroke:#123456}</style>%s
<g transform="translate(0,300) scale(1,-1)"><path class="c" d="%s"/>
<path d="M50 250V50H350" style="fill:none;stroke:black"/>%s</g>%s</svg>"""


def svg(extra="", path=None, marks=""):
    """The axes of the hand-written PDF as SVG."""
    x, y = 50 + 10 * np.append(TIME, 25.0), 50 + 200 * np.append(SURV, SURV[-1])
    if path is None:
        path = f"M{x[0]} {y[0]}" + "".join(
            f"H{a}V{b}" for a, b in zip(x[1:], y[1:], strict=True)
        )
    ticks = "".join(f'<path d="M{50 + 10 * v} 50v-4" stroke="#000"/>' for v in (0, 10, 20, 30))
    ticks += "".join(f'<path d="M50 {50 + 200 * v}h-4" stroke="#000"/>' for v in (0, 0.5, 1))
    text = "".join(
        f'<text x="{50 + 10 * v}" y="264" font-size="8" text-anchor="middle">{v}</text>'
        for v in (0, 10, 20, 30)
    )
    text += "".join(
        f'<text font-size="8" text-anchor="end" transform="translate(42 {253 - 200 * v})">'
        f"<tspan>{v}</tspan></text>"
        for v in (0, 0.5, 1)
    )
    return (SVG % (extra, path, ticks + marks, text)).encode()


def test_styles_transforms_and_relative_paths(tmp_path):
    found = read(svg(), tmp_path)
    one_curve(found)
    assert found.arms[0].colour == (0x12, 0x34, 0x56)
    x, y = 10 * np.diff(np.append(TIME, 25.0)), 200 * np.diff(np.append(SURV, SURV[-1]))
    path = "m50,250" + "".join(f"h{a:g}v{b:g}" for a, b in zip(x, y, strict=True))
    one_curve(read(svg(path=path), tmp_path))


@pytest.mark.parametrize(
    ("size", "height"), [("1.5em", 12), ("150%", 12), ("1rem", 16), ("em", 8), ("x-large", 16)]
)
def test_sizes_of_letters_in_parts_of_others(size, height, tmp_path):
    words = f"<g font-size='8'><text font-size='{size}' x='300' y='20'>Words</text></g>"
    found = read(svg(extra=words), tmp_path)
    (text,) = [text for text in found.drawing.texts if text.text == "Words"]
    assert text.height == pytest.approx(0.72 * 0.75 * height)


@pytest.mark.parametrize("ink", ["rgba(0, 0, 0, 0)", "rgb(0 0 0 / 0%)", "#00000000", "#0000"])
def test_a_line_that_cannot_be_seen_is_no_arm(ink, tmp_path):
    hidden = f"<path fill='none' stroke='{ink}' d='M50 50H100V100H200V150H300'/>"
    one_curve(read(svg(extra=hidden), tmp_path))


def test_a_colour_that_is_its_own_is_black(tmp_path):
    line = "<g color='currentcolor'><path stroke='currentColor' d='M0 0h9'/></g>"
    found = read(svg(extra=line), tmp_path)
    assert (0, 0, 0) in {stroke.colour for stroke in found.drawing.strokes}


@pytest.mark.parametrize(
    ("short", "long"),
    [("C0 9 9 9 9 0S18 -9 18 0", "C0 9 9 9 9 0C9 -9 18 -9 18 0"), ("Q4 9 9 0T18 0", None)],
)
def test_a_smooth_curve_goes_on_as_the_one_before(short, long, tmp_path):
    long = long or short.replace("T18 0", "Q14 -9 18 0")
    lines = "".join(f"<path fill='none' stroke='red' d='M0 0{d}'/>" for d in (short, long))
    strokes = read(svg(extra=lines), tmp_path).drawing.strokes
    one, other = [stroke.points for stroke in strokes if stroke.colour == (255, 0, 0)]
    assert one == pytest.approx(other)


def test_a_large_scan_in_a_pdf_is_read_at_a_smaller_size():
    buffer = io.BytesIO()
    Image.new("RGB", (5000, 3000), "white").save(buffer, "PDF", resolution=600)
    drawing = pdf.read(buffer.getvalue(), "scan.pdf")
    assert drawing.image.shape == (1500, 2500, 3)
    assert "1/2 of its size" in drawing.notes[0]


def test_an_arm_without_a_name_does_not_take_that_of_another():
    found, _ = legend.completed([legend.Name("Arm 2", "legend"), None, None])
    assert [name.text for name in found] == ["Arm 2", "Arm 1", "Arm 3"]


def test_two_drops_drawn_as_one_slant_become_halves(tmp_path):
    found = read(svg(path="M50 250H100L100.1 200H300"), tmp_path)
    assert found.arms[0].surv == pytest.approx([1.0, 0.875, 0.75, 0.75], abs=1e-6)
    assert found.arms[0].time == pytest.approx([0.0, 5.0, 5.01, 25.0], abs=1e-6)


def test_repeated_elements_are_marks(tmp_path):
    marks = '<defs><path id="m" d="M0 -3V3M-3 0H3" stroke="#123456"/></defs>'
    marks += "".join(f'<use xlink:href="#m" x="{x}" y="210"/>' for x in (90, 100, 120.5))
    found = read(svg(marks=marks), tmp_path)
    assert found.arms[0].censor_time == pytest.approx([4.0, 5.0, 7.05], abs=1e-6)


MODULES = [f"oligomdt.digitize.{one.name}" for one in pkgutil.iter_modules(digitize.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize(
    ("look", "names", "space"),
    [
        ("svg", ("Arm 1", "Arm 2"), "   "),
        ("shapes", ("Arm 1", "Arm 2"), "   "),
        ("pdf", ("Arm 1", "Arm 2"), "   "),
        ("svg", ("MDT", "Control"), ""),
        ("pdf", ("MDT", "Control"), ""),
    ],
)
def test_a_name_and_the_first_number_at_risk_in_one_text_are_two(look, names, space, tmp_path):
    """As `lifelines.plotting.add_at_risk_counts` and right-aligned tables print them."""
    arms = dict(zip(names, drawn.ARMS.values(), strict=True))
    figure = Figure(figsize=(6, 4.5))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.2, 0.32, 0.75, 0.62))
    drawn.panel(axes, arms)
    place = axes.get_xaxis_transform()
    axes.text(-0.5, -0.26, "At risk", transform=place, ha="right", fontsize=8)
    for row, (name, one) in enumerate(arms.items()):
        for time in range(0, 37, 6):
            cell = f"{one.at_risk(time)}" if time else f"{name}{space}{one.at_risk(0)}"
            # A name that touches its number reaches past the first tick.
            x = time + (0 if time or space else 1)
            axes.text(x, -0.34 - 0.07 * row, cell, transform=place, ha="right", fontsize=8)
    found = read(drawn.save(figure, look), tmp_path)
    assert found.warnings == ()
    assert found.risk_table.time.tolist() == list(range(0, 37, 6))
    for name, one in arms.items():
        expected = tuple(one.at_risk(time) for time in range(0, 37, 6))
        assert found.risk_table.counts[name] == expected


def test_a_number_that_is_part_of_a_name_is_no_number_at_risk(tmp_path):
    arms = dict(zip(("Arm 1", "Arm 2"), drawn.ARMS.values(), strict=True))
    found = read(drawn.draw(arms=arms, table="below"), tmp_path)
    assert sorted(found.risk_table.counts) == ["Arm 1", "Arm 2"]
    assert found.risk_table.time.tolist() == list(range(0, 37, 6))
