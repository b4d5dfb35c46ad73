"""Censoring marks of images: figures and profiles drawn here, so every mark is known."""

import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from oligomdt.digitize import censoring, corners, digitize, image_arms, image_marks, tick, trace
from oligomdt.digitize.tick import Tick

reads = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="the recogniser of text is not made for 3.13 yet"
)

BLUE, ORANGE = "#1f77b4", "#ff7f0e"
LOOKS = {
    "wide": {"mew": 1.6, "ms": 6, "colour": BLUE},
    "thin": {"mew": 0.7, "ms": 9, "colour": BLUE},
    "cross": {"mew": 1.2, "ms": 8, "colour": BLUE, "marker": "+"},
    "band": {"mew": 1.2, "ms": 7, "colour": ORANGE, "band": True},
    "coarse": {"mew": 1.2, "ms": 7, "colour": BLUE, "dpi": 90},
    "photograph": {"mew": 1.4, "ms": 7, "colour": "black", "ending": "jpg"},
}


def arm(seed, n, mean, end=34.0):
    """Survival times of one arm, most of the censored after the others have stopped."""
    rng = np.random.default_rng(seed)
    event, censored = rng.exponential(mean, n), rng.uniform(0.3 * end, end, n)
    time, died = np.minimum(event, censored), event <= censored
    steps, levels, level = [0.0], [1.0], 1.0
    for one in np.sort(time[died]):
        level *= 1 - 1 / (time >= one).sum()
        steps.append(float(one))
        levels.append(level)
    return np.array(steps), np.array(levels), np.sort(time[~died]), float(time.max())


def draw(path, arms, *, mew, ms, colour, marker="|", band=False, dpi=150, marks=True):
    figure, axes = plt.subplots(figsize=(6, 4.5))
    figure.subplots_adjust(left=0.14, right=0.97, top=0.95, bottom=0.14)
    for (name, (time, surv, censored, end)), ink in zip(
        arms.items(), (colour, "#c00000"), strict=False
    ):
        time, surv = np.r_[time, end], np.r_[surv, surv[-1]]
        axes.step(time, surv, where="post", color=ink, lw=1.5, label=name)
        if band:
            low, high = np.clip(surv - 0.06, 0, 1), np.clip(surv + 0.06, 0, 1)
            axes.fill_between(time, low, high, step="post", color=ink, alpha=0.25, lw=0)
        if marks:
            at = surv[np.searchsorted(time, censored, side="right") - 1]
            axes.plot(censored, at, marker, ls="", color=ink, ms=ms, mew=mew)
    axes.set(xlim=(0, 36), ylim=(0, 1), xticks=range(0, 37, 6))
    axes.set(xlabel="Time (months)", ylabel="Overall survival")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
    return path


def agreement(found, true, within):
    """Twice the marks that pair one to one, by all marks of both (F1)."""
    hits, i, k = 0, 0, 0
    while i < len(found) and k < len(true):
        if abs(found[i] - true[k]) <= within:
            hits, i, k = hits + 1, i + 1, k + 1
        elif found[i] < true[k]:
            i += 1
        else:
            k += 1
    return 2 * hits / (len(found) + len(true))


@reads
@pytest.mark.parametrize("look", LOOKS)
def test_marks_of_a_figure(tmp_path, look):
    changes = dict(LOOKS[look])
    arms = {"Treated": arm(5, 60, 30.0)}
    path = tmp_path / f"figure.{changes.pop('ending', 'png')}"
    read = digitize(draw(path, arms, **changes))
    assert agreement(read.arms[0].censor_time, arms["Treated"][2], 2 * read.resolution[0]) > 0.9


@reads
def test_marks_of_two_arms_go_to_their_own_curves(tmp_path):
    arms = {"Treated": arm(1, 50, 30.0), "Control": arm(2, 50, 14.0)}
    read = digitize(draw(tmp_path / "two.png", arms, **LOOKS["thin"]))
    for one in read.arms:
        assert agreement(one.censor_time, arms[one.name][2], 2 * read.resolution[0]) > 0.9


@reads
def test_steps_are_no_marks(tmp_path):
    arms = {"Treated": arm(1, 50, 20.0), "Control": arm(2, 50, 8.0)}
    read = digitize(draw(tmp_path / "none.png", arms, **LOOKS["wide"], marks=False))
    assert sum(len(one.censor_time) for one in read.arms) <= 1


@reads
def test_dense_marks_hide_neither_the_steps_nor_their_number(tmp_path):
    dense = np.sort(np.random.default_rng(3).uniform(12, 24, 160))
    time, surv = np.array([0, 4, 9, 14, 17, 20, 23.0]), np.linspace(1, 0.6, 7)
    arms = {"Treated": (time, surv, dense, 30.0)}
    read = digitize(draw(tmp_path / "dense.png", arms, **LOOKS["wide"]))
    one = read.arms[0]
    for at, level in zip(time[1:], surv[1:], strict=True):
        k = np.searchsorted(one.time, at + 0.5, side="right") - 1
        assert one.surv[k] == pytest.approx(level, abs=1.5 * read.resolution[1])
    # Of marks less than a pixel apart one is seen.
    apart = [dense[0]]
    for place in dense:
        if place - apart[-1] > read.resolution[0]:
            apart.append(place)
    assert agreement(one.censor_time, apart, 2 * read.resolution[0]) > 0.85
    assert any("run together" in warning for warning in read.warnings)


# -- profiles


def inked(places, one, columns=60):
    """The profile of marks at known places."""
    paper, stamps = np.ones(columns), one.stamps()
    half = stamps.shape[1] // 2
    for place in places:
        x, part = int(place), round((place % 1) * tick.FINE)
        paper[x - half : x + half + 1] *= 1 - stamps[part]
    return 1 - paper


@pytest.mark.parametrize(
    "one", [Tick(6, 0.8, 1, 0), Tick(6, 1.3, 1, 0.3), Tick(6, 1.0, 0.6, 0)]
)
@pytest.mark.parametrize(
    "places", [[20.5], [20.25, 24.0], [20.5, 22.5], [20.0, 21.5, 23.0], [20.5, 20.5]]
)
def test_marks_that_overlap_are_told_apart_by_their_ink(one, places):
    found, merged = tick.places(inked(places, one), np.ones(60), one)
    assert found == pytest.approx(np.unique(places), abs=0.3)
    assert merged == 0


def test_a_full_run_holds_about_as_many_marks_as_fit():
    one = Tick(6, 3.0, 1.0, 0)
    profile = np.zeros(60)
    profile[10:40] = 1.0
    found, merged = tick.places(profile, np.ones(60), one)
    assert merged == len(found)
    assert found[0] == pytest.approx(11.5, abs=0.5) and found[-1] == pytest.approx(
        38.5, abs=0.5
    )
    assert 10 <= len(found) <= 15


def test_a_mark_goes_on_below_what_hides_it():
    one = Tick(6, 3.0, 1.0, 0)
    profile, sure = inked([20.5], one), np.ones(60)
    profile[20:], sure[20:23] = 0.0, 0.0
    assert tick.places(profile, sure, one)[0] == pytest.approx([20.5], abs=0.5)


def test_noise_is_no_mark():
    noise = np.random.default_rng(1).uniform(0, 0.25, 60)
    assert not len(tick.places(noise, np.ones(60), Tick(6, 2.0, 1.0, 0))[0])


def test_one_mark_is_learnt_from_the_commonest_bars():
    true = Tick(6.0, 1.5, 1.0, 0)
    profile = inked([8.5, 20.25, 32.5, 44.5, 45.75, 52.5], true)
    read = tick.learnt(profile, np.ones(60), 6.0)
    assert read.width == pytest.approx(1.5, abs=0.05)
    assert read.blur == 0
    assert tick.learnt(np.zeros(60), np.ones(60), 6.0) is None


# -- lines


def line(marks=(), end=180, width=2, reach=7, hidden=()):
    """A curve that drops by 30 pixels in column 100, with marks in some columns."""
    ink = np.zeros((120, 200))
    ink[39:41, :101] = ink[69:71, 99:end] = ink[39:71, 99:101] = 1.0
    for x in marks:
        level = 40 if x < 100 else 70
        ink[level - reach : level + reach, x : x + width] = 1.0
    covered = np.zeros(ink.shape, bool)
    for x in hidden:
        covered[:, x : x + width] = True
    points = np.array([(0, 40), (100, 40), (100, 70), (end, 70.0)])
    rows = np.where(np.arange(end) < 100, 40, 70)
    curve = trace.Trace(points, (0, 0, 0), "solid", 2.0, 1.0, rows, 0)
    return censoring.Line(ink, covered, curve)


def test_reach_and_stroke_of_the_marks():
    one = censoring.shape([line([30, 60, 150])])
    assert one.reach == pytest.approx(7, abs=0.3)
    assert one.width == pytest.approx(2, abs=0.05)
    assert censoring.shape([line()]) is None


def test_marks_beside_and_at_a_drop_and_at_the_end():
    own = line([30, 60, 95, 99, 178])
    found, _ = censoring.marks(own, censoring.shape([own]))
    assert found == pytest.approx([31, 61, 96, 100, 179], abs=0.8)


def test_a_hidden_mark_is_left_out():
    own = line([30, 60, 150], hidden=[60])
    found, _ = censoring.marks(own, censoring.shape([own]))
    assert found == pytest.approx([31, 151], abs=0.5)


def test_a_line_that_crosses_is_no_mark():
    own = line([30, 60, 150])
    own.ink[10:110, 80:82] = 1.0
    found, _ = censoring.marks(own, censoring.shape([own]))
    assert 81 not in np.round(found)


def test_the_tips_of_dense_marks_tell_the_level():
    ink = np.zeros((80, 120))
    ink[39:41, :41] = ink[43:45, 40:] = 1.0
    ink[33:47, 20:40] = ink[37:51, 40:60] = 1.0  # marks that reach 7 pixels from the line
    rows, hidden = np.where(np.arange(120) < 58, 40, 44), np.zeros(ink.shape, bool)
    plain = corners.corners(ink, hidden, rows, 2.0)
    through = corners.corners(ink, hidden, rows, 2.0, corners.Bars(7.0, 0.4))
    assert through[1:3] == pytest.approx(np.array([[40, 40], [40, 44]]), abs=0.6)
    assert abs(plain[1, 0] - 40) > 2


def test_a_steep_part_is_not_taken_for_marks():
    ink = np.zeros((160, 120))
    ink[19:21, :40] = 1.0
    for k in range(20):  # drops of 6 pixels every 2 columns
        ink[19 + 6 * k : 27 + 6 * k, 40 + 2 * k : 42 + 2 * k] = 1.0
    ink[139:141, 78:] = 1.0
    rows = np.clip(20 + 6 * ((np.arange(120) - 38) // 2), 20, 140)
    hidden = np.zeros(ink.shape, bool)
    plain = corners.corners(ink, hidden, rows, 2.0)
    assert corners.corners(ink, hidden, rows, 2.0, corners.Bars(4.0, 0.4)) == pytest.approx(
        plain
    )


def test_the_width_of_a_line_is_that_between_its_marks():
    own = line([*range(4, 96, 4), *range(104, 170, 4)])
    wide = image_arms.Found(replace(own.trace, width=8.0), own.ink, own.hidden)
    assert image_marks._without_marks(wide).trace.width == pytest.approx(2, abs=0.1)
    right = image_arms.Found(own.trace, own.ink, own.hidden)
    assert image_marks._without_marks(right) is right
