"""Images in looks that the first figures of the digitiser did not have."""

import io
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn_figure import arm

from oligomdt.digitize import digitize, text_lines

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="the recogniser of text is not made for 3.13 yet"
)
ARMS = {"MDT + systemic": arm(1, n=60, mean=16.0), "Control": arm(2, n=60, mean=8.0)}
COLOURS = ("#1f4e9c", "#d35400", "#2e8b57")


@pytest.fixture
def page(tmp_path):
    """Axes to draw on, and the reading of what was drawn."""

    class Page:
        def __init__(self):
            self.figure, self.axes = plt.subplots(figsize=(6, 4))
            self.axes.set(xlim=(0, 36), ylim=(0, 1), xticks=range(0, 37, 6))
            self.axes.set(xlabel="Time (months)", ylabel="Overall survival")

        def curves(self, arms=ARMS, *, width=1.5, marks="", alpha=0.0, colours=COLOURS):
            for (name, one), colour in zip(arms.items(), colours, strict=False):
                x, y = np.append(one.time, one.end), np.append(one.surv, one.surv[-1])
                self.axes.step(x, y, where="post", lw=width, color=colour, label=name)
                if alpha:
                    low, high = np.clip(y - 0.1, 0, 1), np.clip(y + 0.1, 0, 1)
                    self.axes.fill_between(
                        x, low, high, step="post", color=colour, alpha=alpha, lw=0
                    )
                if marks:
                    k = np.searchsorted(one.time, one.censored, side="right") - 1
                    self.axes.plot(one.censored, one.surv[k], marks, color=colour, ms=6)

        def read(self, ending="png", **options):
            file = tmp_path / f"figure.{ending}"
            self.figure.savefig(file, dpi=options.pop("dpi", 150), **options)
            return digitize(file)

    opened = Page()
    yield opened
    plt.close(opened.figure)


def far(read, arms=ARMS):
    """Largest over the true arms of the mean distance to the nearest curve that was read."""
    found = []
    for one in arms.values():
        grid = np.linspace(0, one.end, 400, endpoint=False)
        true = one.surv[np.searchsorted(one.time, grid, side="right") - 1]
        near = []
        for other in read.arms:
            place = np.searchsorted(other.time, grid, side="right") - 1
            near.append(np.abs(other.surv[place] - true).mean())
        found.append(min(near))
    return max(found)


@pytest.mark.parametrize("width", [0.8, 1.8, 3.0])
@pytest.mark.parametrize("dpi", [150, 300])
def test_lines_of_any_width_are_found_without_a_legend(page, width, dpi):
    page.curves(width=width)
    read = page.read(dpi=dpi)
    assert len(read.arms) == 2
    assert far(read) < 0.005


@pytest.mark.parametrize("ground", ["#ebebeb", "#f5f0e0"])
def test_a_white_grid_on_a_ground_of_its_own(page, ground):
    page.axes.set_facecolor(ground)
    page.axes.grid(color="white")
    page.axes.set_axisbelow(True)
    page.curves()
    read = page.read()
    assert len(read.arms) == 2
    assert far(read) < 0.005
    height, width = read.drawing.image.shape[:2]
    box = page.axes.get_position()
    frame = (box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height)
    found = read.panel
    # The marks of the ticks may count as part of it.
    np.testing.assert_allclose([found.x0, found.y0, found.x1, found.y1], frame, atol=8)


@pytest.mark.parametrize("style", ["--", ":"])
def test_a_line_at_the_median_is_no_arm(page, style):
    page.curves()
    page.axes.axhline(0.5, color="grey", ls=style, lw=0.8)
    read = page.read()
    assert len(read.arms) == 2
    assert far(read) < 0.005


def test_bands_that_overlap_are_no_arm(page):
    arms = ARMS | {"Third": arm(3, n=60, mean=11.0)}
    page.curves(arms, alpha=0.15)
    read = page.read("jpg", dpi=200, pil_kwargs={"quality": 60})
    assert len(read.arms) == 3
    assert far(read, arms) < 0.01


def test_crosses_of_one_curve_are_no_second_one(page):
    page.axes.grid(color="#dddddd")
    one = {"Control": arm(5, n=150, mean=30.0)}
    page.curves(one, marks="+", alpha=0.15)
    read = page.read(dpi=300)
    assert len(read.arms) == 1
    assert far(read, one) < 0.005


@pytest.mark.parametrize("width", [1.5, 2.4])
def test_corners_of_thick_lines_are_no_marks(page, width):
    page.curves(width=width)
    assert len(page.read(dpi=300).censor()) == 0


def test_lettering_of_fixed_width(page):
    with plt.rc_context({"font.family": "DejaVu Sans Mono"}):
        page.axes.set_xlabel("Time (months)")
        page.axes.tick_params(labelfontfamily="DejaVu Sans Mono")
        page.curves()
        page.axes.legend(prop={"family": "DejaVu Sans Mono"})
        read = page.read(dpi=200)
    assert far(read) < 0.005
    assert [one.name for one in read.arms] == list(ARMS)
    labels = [value for _, value in read.y_axis.ticks]
    assert sorted(labels) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_a_title_is_no_name(page):
    page.curves()
    page.axes.set_title("Progression-free survival")
    page.axes.axhline(0.5, color="grey", ls="--", lw=0.8)
    assert {one.name for one in page.read().arms} == {"Arm 1", "Arm 2"}


def test_digits_above_each_other_in_a_table_are_not_one_text():
    figure = plt.figure(figsize=(5, 2))
    for row in range(3):
        y = 0.7 - 0.2 * row
        figure.text(0.05, y, "Control arm")
        for x, count in zip((0.4, 0.55, 0.7, 0.85), "4270", strict=True):
            figure.text(x, y, count)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, format="raw")
    plt.close(figure)
    pixels = np.frombuffer(buffer.getvalue(), np.uint8).reshape(300, 750, 4)[..., :3]
    found = text_lines.lines(pixels)
    assert not any(line.upright for line in found)
    assert len(found) == 15
