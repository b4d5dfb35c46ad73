"""Names of the arms in images, and numbers at risk: figures drawn here."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from oligomdt.digitize import agreement, digitize, hue, legend, ocr, risk_table, spelling
from oligomdt.digitize.axis import Axis
from oligomdt.digitize.drawing import Drawing, Text

reads = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="the recogniser of text is not made for 3.13 yet"
)

HIGH = np.array([0, 4, 9, 14, 20, 25.0]), np.array([1, 0.9, 0.8, 0.7, 0.62, 0.6])
LOW = np.array([0, 1, 3, 6, 10, 15.0]), np.array([1, 0.8, 0.6, 0.35, 0.2, 0.1])
COUNTS = {"SBRT arm": (50, 40, 30, 12, 0), "No SBRT": (50, 15, 5, 2, 0)}


def draw(path, *, colours=("black", "black"), labels=None, counts=COUNTS, tints=("black",) * 2):
    """Two curves without a legend; `labels` stand beside them, `counts` below."""
    figure, axes = plt.subplots(figsize=(6, 4.2))
    figure.subplots_adjust(left=0.22, right=0.97, top=0.95, bottom=0.32)
    for (time, surv), colour in zip((HIGH, LOW), colours, strict=True):
        axes.step(np.r_[time, 28], np.r_[surv, surv[-1]], where="post", color=colour, lw=1.5)
    for (x, y, name), tint in zip(labels or (), tints, strict=False):
        axes.text(x, y, name, color=tint)
    axes.set(xlim=(0, 32), ylim=(0, 1), xticks=range(0, 33, 8))
    axes.set(xlabel="Time (months)", ylabel="Survival")
    if counts:
        axes.text(-0.2, -0.22, "Number at risk", transform=axes.transAxes)
        for row, (name, cells) in enumerate(counts.items()):
            y = -0.3 - 0.09 * row
            axes.text(-0.06, y, name, transform=axes.transAxes, ha="right")
            for time, count in zip(range(0, 33, 8), cells, strict=True):
                axes.text(time / 32, y, str(count), transform=axes.transAxes, ha="center")
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def named(read):
    """Names from the highest curve to the lowest."""
    return [arm.name for arm in sorted(read.arms, key=lambda arm: -arm.surv[-1])]


# -- spaces and case


@reads
@pytest.mark.parametrize("face", ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"])
@pytest.mark.parametrize("dpi", [110, 200])
def test_spaces_and_case_are_as_the_ink_has_them(face, dpi):
    words = [
        "SBRT + SOC",
        "SOC alone",
        "Observation",
        "MDT arm",
        "No MDT",
        "Low risk",
        "Surgery",
    ]
    figure = plt.figure(figsize=(3, 3))
    for row, word in enumerate(words):
        figure.text(0.1, 0.05 + 0.13 * row, word, fontsize=10, family=face)
    figure.set_dpi(dpi)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3]
    plt.close(figure)
    page = Drawing("raster", pixels.shape[1], pixels.shape[0], image=pixels)
    assert sorted(text.text for text in ocr.lettered(page).texts) == sorted(words)


def ink(heights, gaps, foot=20):
    """Boxes as letters, and where each stands."""
    part, places, x = np.zeros((foot, 200), bool), [], 0
    for height, gap in zip(heights, gaps, strict=True):
        part[foot - height :, x : x + 8] = True
        places.append(x + 4.0)
        x += 8 + gap
    return part[:, : x + 1], places


def test_a_wide_gap_is_a_space_and_a_narrow_one_is_not():
    part, places = ink([20, 15, 15, 15, 15], [2, 10, 2, 2, 0])
    assert spelling.corrected("Loran", places, part) == "Lo ran"
    part, places = ink([20, 15, 15, 15, 15], [2, 5, 2, 2, 0])
    assert spelling.corrected("Loran", places, part) == "Loran"


def test_the_height_of_a_letter_tells_its_case():
    part, places = ink([20, 20, 20, 15, 15], [2, 2, 2, 2, 0])
    assert spelling.corrected("SoCan", places, part) == "SOCan"
    part, places = ink([15, 20, 15, 20, 15], [2, 2, 2, 2, 0])
    assert spelling.corrected("ChOle", places, part) == "chole"


def test_letters_of_one_height_keep_their_case():
    part, places = ink([20, 20, 20], [2, 2, 0])
    assert spelling.corrected("SoC", places, part) == "SoC"


def test_a_call_without_a_gap_is_an_l():
    part, places = ink([20, 15, 20], [2, 2, 0])
    assert spelling.corrected("ta!", places, part) == "tal"
    part[14:17, 20:28] = False
    assert spelling.corrected("ta!", places, part) == "ta!"


# -- labels in the colour of a curve


@reads
def test_labels_belong_to_the_curve_of_their_hue(tmp_path):
    # Each label stands nearer to the other curve.
    labels = [(16, 0.22, "SBRT arm"), (16, 0.8, "No SBRT")]
    colours = ("#2E9FDF", "#E7B800")
    read = digitize(
        draw(tmp_path / "hue.png", colours=colours, labels=labels, counts=None, tints=colours)
    )
    assert named(read) == ["SBRT arm", "No SBRT"]


@reads
def test_the_last_name_is_of_the_last_arm(tmp_path):
    labels = [(16, 0.22, "SBRT arm"), (16, 0.8, "No SBRT")]
    colours = ("black", "red")
    read = digitize(
        draw(tmp_path / "left.png", colours=colours, labels=labels, counts=None, tints=colours)
    )
    assert named(read) == ["SBRT arm", "No SBRT"]


def test_a_black_word_that_a_curve_runs_through_has_no_hue():
    image = np.full((24, 80, 3), 255, np.uint8)
    image[6:18, 10:70:3] = 0
    image[10:14, 8:72] = (255, 127, 14)
    word = Text("word", 9, 6, 71, 18)
    colours, paper = [(31, 119, 180), (255, 127, 14)], np.full(3, 255.0)
    assert hue.owner(image, word, colours, paper) is None
    image[6:18, 10:70:3] = (255, 140, 40)
    assert hue.owner(image, word, colours, paper) == 1


def test_labels_between_two_curves_are_not_given():
    def curve(y):
        return legend_curve(np.array([(0.0, 10.0), (20, 10), (20, y), (100, y)]))

    box = type("Box", (), {"x0": 0, "x1": 100, "y0": 0, "y1": 100})
    words = [Text("One", 40, 46, 60, 54), Text("Two", 70, 46, 90, 54)]
    curves = [curve(30.0), curve(70.0)]
    assert legend.by_place(None, box, curves, words, ()) == {}
    words = [Text("One", 40, 20, 60, 28), Text("Two", 40, 60, 60, 68)]
    found = legend.by_place(None, box, curves, words, ())
    assert [found[k].text for k in (0, 1)] == ["One", "Two"]


def legend_curve(points):
    return type("Curve", (), {"points": points})()


def test_a_mark_on_a_curve_is_no_sample_of_a_legend(tmp_path):
    figure, axes = plt.subplots(figsize=(5, 3.5))
    for (time, surv), colour in zip((HIGH, LOW), ("blue", "red"), strict=True):
        axes.step(np.r_[time, 28], np.r_[surv, surv[-1]], where="post", color=colour)
    axes.plot([22.0], [0.62], "+", color="blue", ms=7)
    axes.text(22.9, 0.61, "No SBRT", color="red", fontsize=8)
    axes.text(12, 0.9, "SBRT arm", color="blue", fontsize=8)
    axes.set(xlim=(0, 32), ylim=(0, 1), xlabel="Time (months)", ylabel="Survival")
    figure.savefig(tmp_path / "mark.pdf")
    plt.close(figure)
    assert named(digitize(tmp_path / "mark.pdf")) == ["SBRT arm", "No SBRT"]


# -- numbers at risk and their curves


@reads
def test_numbers_at_risk_name_the_curves_that_they_fit(tmp_path):
    for counts in (COUNTS, dict(reversed(COUNTS.items()))):
        read = digitize(draw(tmp_path / "counts.png", colours=("blue", "red"), counts=counts))
        assert named(read) == ["SBRT arm", "No SBRT"]
        assert read.risk_table.counts == COUNTS
        assert any("numbers at risk fit" in told for told in read.warnings)


@reads
def test_names_are_refused_where_the_numbers_fit_both_ways(tmp_path):
    counts = {"SBRT arm": (50, 10, 4, 1, 0), "No SBRT": (50, 12, 5, 2, 0)}
    read = digitize(draw(tmp_path / "both.png", colours=("blue", "red"), counts=counts))
    assert sorted(arm.name for arm in read.arms) == ["Arm 1", "Arm 2"]
    assert any("no name was found" in told for told in read.warnings)


AXIS = Axis(0.0, 1.0)


def row(label, counts):
    cells = tuple((8.0 * k, count) for k, count in enumerate(counts))
    return risk_table.Row(label, cells, 0.0, None, ())


def ending(curve, end):
    time, surv = curve
    return np.r_[time, end], np.r_[surv, surv[-1]]


def test_patients_beyond_the_end_of_a_curve_tell_whose_they_are():
    curves = [ending(HIGH, 28.0), (np.array([0, 2, 18.0]), np.array([1, 0.95, 0.95]))]
    rows = [row("a", (50, 20, 10, 0)), row("b", (50, 20, 10, 5))]
    assert agreement.assigned(rows, curves, AXIS) == [1, 0]
    assert agreement.contradicted(rows, curves, AXIS) == [True, True]
    assert agreement.contradicted(rows[::-1], curves, AXIS) == [False, False]


@pytest.mark.parametrize(("level", "told"), [(0.85, [1, 0]), (0.56, None), (0.3, None)])
def test_an_end_where_two_curves_meet_may_be_that_of_either(level, told):
    # Shortly before the short curve ends, the long one stays apart, comes near or crosses it.
    short = np.array([0, 2, 18.0]), np.array([1, 0.55, 0.55])
    long = np.array([0, 1, 17.5, 28.0]), np.array([1, 0.9, level, level])
    curves = [long, short]
    rows = [row("a", (50, 20, 10, 0)), row("b", (50, 20, 10, 5))]
    assert agreement.assigned(rows, curves, AXIS) == told
    assert agreement.contradicted(rows, curves, AXIS) == [True, True]


def test_more_patients_than_survive_contradict_a_curve():
    curves = [ending(HIGH, 28.0), ending(LOW, 28.0)]
    rows = [row("a", (50, 12, 4, 2)), row("b", (50, 40, 30, 12))]
    assert agreement.assigned(rows, curves, AXIS) == [1, 0]
    few = [row("a", (50, 12, 4, 2)), row("b", (50, 13, 4, 2))]
    assert agreement.assigned(few, curves, AXIS) is None


def test_the_one_row_left_is_of_the_one_arm_left_and_told():
    rows = [row("MDT", (50, 20, 10)), row("Contr", (50, 15, 5))]
    axis = Axis(0.0, 1.0, ticks=((0.0, 0.0), (8.0, 8.0), (16.0, 16.0)))
    colours = [(0, 0, 0), (1, 1, 1)]
    table, warnings = risk_table.table(rows, ["MDT", "Usual care"], colours, axis)
    assert table.counts["Usual care"] == (50, 15, 5)
    assert any("'Contr'" in told and "only arm left" in told for told in warnings)


def test_columns_between_two_ticks_stand_in_their_middle():
    axis = Axis(0.0, 0.1, ticks=((0.0, 0.0), (100.0, 10.0), (200.0, 20.0)))
    assert risk_table._anchor(Text("118", 40, 0, 60, 8), axis) == 50
    assert risk_table._anchor(Text("118", 82, 0, 101, 8), axis) == 101  # right-aligned
