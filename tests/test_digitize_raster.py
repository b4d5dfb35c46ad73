"""Images: figures drawn here, so the curve behind every pixel is known."""

import io
import struct
import sys
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from oligomdt.digitize import (
    DigitizeError,
    censoring,
    corners,
    coverage,
    digitize,
    handle,
    image,
    image_arms,
    limits,
    line_colours,
    ocr,
    panels,
    risk_table,
    ruler,
    text_lines,
    trace,
)
from oligomdt.digitize import field as fields
from oligomdt.digitize.axis import Axis

reads = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="the recogniser of text is not made for 3.13 yet"
)

BLUE, RED, BLACK = (31, 63, 191), (192, 0, 0), (0, 0, 0)
TREATED = (
    np.array([0, 2, 5, 9, 14, 20, 27.0]),
    np.array([1, 0.93, 0.86, 0.7, 0.61, 0.45, 0.4]),
)
CONTROL = (
    np.array([0, 1, 3, 6, 10, 15, 22.0]),
    np.array([1, 0.85, 0.74, 0.5, 0.33, 0.2, 0.12]),
)
MARKS = {"Treated": [7.0, 11.5, 23.0, 25.0], "Control": [4.5, 12.5, 18.0]}


def draw(path, *, colours=(BLUE, RED), styles=("-", "-"), percent=False, low=0.0, dpi=150,
         legend=True, marks=False, risk=False, band=False, grid=False, arms=2, size=(6, 4.5),
         quality=None):  # fmt: skip
    figure, axes = plt.subplots(figsize=size)
    figure.subplots_adjust(left=0.14, right=0.97, top=0.95, bottom=0.3 if risk else 0.14)
    curves = {"Treated": TREATED, "Control": CONTROL}
    factor = 100 if percent else 1
    for (name, (time, surv)), colour, style in zip(
        list(curves.items())[:arms], colours, styles, strict=False
    ):
        colour = tuple(value / 255 for value in colour)
        time, surv = np.r_[time, 30], np.r_[surv, surv[-1]] * factor
        axes.step(time, surv, style, where="post", color=colour, lw=1.5, label=name)
        if band:
            axes.fill_between(
                time,
                np.clip(surv - 0.1 * factor, 0, None),
                np.clip(surv + 0.1 * factor, 0, factor),
                step="post",
                color=colour,
                alpha=0.2,
                lw=0,
            )
        if marks:
            at = np.array(MARKS[name])
            k = np.searchsorted(time, at, side="right") - 1
            axes.plot(at, surv[k], "|", color=colour, ms=8, mew=1)
    axes.set(xlim=(0, 36), ylim=(low * factor, factor), xticks=range(0, 37, 6))
    axes.set(xlabel="Time (months)", ylabel="Overall survival")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(grid)
    if legend:
        axes.legend(frameon=False, loc="upper right")
    if risk:
        for row, (name, counts) in enumerate(RISK.items()):
            y = -0.27 - 0.09 * row
            axes.text(-0.16, y, name, transform=axes.transAxes)
            for time, count in zip(range(0, 37, 6), counts, strict=True):
                axes.text(time / 36, y, str(count), transform=axes.transAxes, ha="center")
        axes.text(-0.16, -0.18, "Number at risk", transform=axes.transAxes)
    options = {} if quality is None else {"pil_kwargs": {"quality": quality}}
    figure.savefig(path, dpi=dpi, **options)
    plt.close(figure)
    return path


RISK = {"Treated": (60, 41, 30, 22, 9, 3, 0), "Control": (58, 35, 17, 8, 4, 1, 0)}


def error(arm, curve, end=30.0):
    """Mean distance of a curve that was read from the one that was drawn."""
    x = np.linspace(0, end, 30001)[:-1]

    def at(time, surv):
        return np.asarray(surv)[np.searchsorted(time, x, side="right") - 1]

    return float(np.mean(np.abs(at(arm.time, arm.surv) - at(*curve))))


def drops(arm, least=0.02):
    return arm.time[1:][-np.diff(arm.surv) > least]


# -- whole figures


@reads
def test_a_plain_figure(tmp_path):
    read = digitize(draw(tmp_path / "plain.png", marks=True))
    assert [arm.name for arm in read.arms] == ["Treated", "Control"]
    assert read.x_axis.unit == "months" and not read.y_axis.percent
    assert read.x_axis.value(read.x_axis.position(36)) == pytest.approx(36)
    pixel = read.resolution[0]
    for arm, curve in zip(read.arms, (TREATED, CONTROL), strict=True):
        assert error(arm, curve) < 0.002
        assert drops(arm) == pytest.approx(curve[0][1:], abs=1.5 * pixel)
        assert arm.censor_time == pytest.approx(MARKS[arm.name], abs=2 * pixel)
        assert arm.time[-1] == pytest.approx(30, abs=3 * pixel)
    assert read.warnings == ()


@reads
def test_numbers_at_risk(tmp_path):
    read = digitize(draw(tmp_path / "risk.png", risk=True))
    assert read.risk_table.counts == RISK
    assert read.risk_table.time.tolist() == list(range(0, 37, 6))


@reads
@pytest.mark.parametrize("low", [0.0, 0.1])
def test_percent_and_a_cut_axis(tmp_path, low):
    read = digitize(draw(tmp_path / "percent.png", percent=True, low=low))
    assert read.y_axis.percent
    for arm, curve in zip(read.arms, (TREATED, CONTROL), strict=True):
        assert error(arm, curve) < 0.002


@reads
@pytest.mark.parametrize("style", ["--", ":"])
def test_black_lines_are_told_apart_by_their_dashes(tmp_path, style):
    path = draw(tmp_path / "black.png", colours=(BLACK, BLACK), styles=("-", style))
    read = digitize(path)
    assert [arm.name for arm in read.arms] == ["Treated", "Control"]
    assert read.arms[0].dash == () and read.arms[1].dash != ()
    assert error(read.arms[0], TREATED) < 0.002
    assert error(read.arms[1], CONTROL) < 0.012


@reads
def test_bands_and_a_grid(tmp_path):
    read = digitize(draw(tmp_path / "band.png", band=True, grid=True))
    assert len(read.arms) == 2
    for arm, curve in zip(read.arms, (TREATED, CONTROL), strict=True):
        assert error(arm, curve) < 0.004


@reads
def test_low_resolution_and_jpeg(tmp_path):
    read = digitize(draw(tmp_path / "small.jpg", dpi=90, quality=60))
    for arm, curve in zip(read.arms, (TREATED, CONTROL), strict=True):
        assert error(arm, curve) < 0.005


@reads
def test_without_a_legend_the_names_are_not_invented(tmp_path):
    read = digitize(draw(tmp_path / "bare.png", legend=False))
    assert {arm.name for arm in read.arms} == {"Arm 1", "Arm 2"}
    assert any("--names" in warning for warning in read.warnings)
    found = {min((TREATED, CONTROL), key=lambda c, a=a: error(a, c))[1][-1] for a in read.arms}
    assert found == {0.4, 0.12}


@reads
def test_lines_of_one_look_are_said_to_be_unsure(tmp_path):
    read = digitize(draw(tmp_path / "twins.png", colours=(BLACK, BLACK)))
    assert len(read.arms) == 2
    assert any("one look" in warning for warning in read.warnings)


@reads
def test_one_arm(tmp_path):
    read = digitize(draw(tmp_path / "one.png", arms=1, legend=False, band=True))
    assert len(read.arms) == 1 and error(read.arms[0], TREATED) < 0.003


@reads
def test_options_take_the_place_of_what_is_read(tmp_path):
    path = draw(tmp_path / "options.png")
    read = digitize(path, colours=["#c00000"], names=["MDT"], unit="weeks")
    assert [arm.name for arm in read.arms] == ["MDT"] and read.x_axis.unit == "weeks"
    assert error(read.arms[0], CONTROL) < 0.002
    again = digitize(path, x_range=(0, 72))
    assert again.arms[0].time[-1] == pytest.approx(60, abs=0.5)
    with pytest.raises(DigitizeError, match="--arms 3 asked for"):
        digitize(path, arms=3)
    with pytest.raises(DigitizeError, match="1 name"):
        digitize(path, names=["MDT"])


@reads
def test_a_box_and_ranges_serve_where_labels_cannot_be_read(tmp_path):
    path = draw(tmp_path / "whole.png", legend=False)
    with Image.open(path) as picture:
        bare = Image.new("RGB", picture.size, "white")
        box = (120, 30, 880, 590)
        bare.paste(picture.crop(box), box[:2])
    bare.save(tmp_path / "bare.png")
    with pytest.raises(DigitizeError, match="--box, --x-range and --y-range"):
        digitize(tmp_path / "bare.png")
    known = digitize(path)
    edges = (
        float(known.x_axis.position(0)),
        float(known.y_axis.position(1)),
        float(known.x_axis.position(36)),
        float(known.y_axis.position(0)),
    )
    read = digitize(tmp_path / "bare.png", box=edges, x_range=(0, 36), y_range=(0, 1))
    assert min(error(arm, TREATED) for arm in read.arms) < 0.003
    assert read.x_axis.confidence == 0


@reads
def test_the_panel_is_listed(tmp_path):
    (found,) = panels(draw(tmp_path / "panel.png"))
    assert found.name == "1"


@reads
def test_each_of_two_panels_has_its_own_legend(tmp_path):
    figure, both = plt.subplots(1, 2, figsize=(11, 4))
    for axes, letter in zip(both, "AB", strict=True):
        for name, (time, surv), colour in (
            ("Treated", TREATED, "b"),
            ("Control", CONTROL, "r"),
        ):
            axes.step(np.r_[time, 30], np.r_[surv, surv[-1]], colour, where="post", label=name)
        axes.set(xlim=(0, 36), ylim=(0, 1), xticks=range(0, 37, 6), xlabel="Months")
        axes.text(-0.15, 1.02, letter, transform=axes.transAxes, weight="bold")
        axes.legend(frameon=False, loc="upper right")
    figure.savefig(tmp_path / "two.png", dpi=150)
    plt.close(figure)
    for letter in "AB":
        read = digitize(tmp_path / "two.png", panel=letter)
        assert [arm.name for arm in read.arms] == ["Treated", "Control"]
        assert read.warnings == ()


@reads
def test_letters_and_photographs_are_no_figure(tmp_path):
    Image.fromarray(np.full((300, 400, 3), 255, np.uint8)).save(tmp_path / "blank.png")
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    for name in ("blank.png", "noise.png"):
        with pytest.raises(DigitizeError, match="no axes were found"):
            digitize(tmp_path / name)


@reads
def test_axes_without_a_curve(tmp_path):
    with pytest.raises(DigitizeError, match="--colours"):
        digitize(draw(tmp_path / "empty.png", arms=0, legend=False))


# -- files


def png_of_size(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "size", [(limits.SIDE + 1, 100), (100, limits.SIDE + 1), (15_000, 15_000)]
)
def test_scans_over_the_limit_are_refused_before_they_are_unpacked(size):
    with pytest.raises(DigitizeError, match=rf"at most {limits.SIDE} on a side"):
        image.read(png_of_size(*size), "scan.png")


def test_a_bomb_is_refused(tmp_path):
    with pytest.raises(DigitizeError, match="at most"):
        image.read(png_of_size(2_000_000, 2_000_000), "bomb.png")


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0rest",
        b"II*\x00\x08",
        b"II*\x00\x08" + bytes(12),  # a TIFF without any entry, so without a size
        png_of_size(90, 90),
    ],
)
def test_broken_images(content):
    with pytest.raises(DigitizeError, match="broken; give a PNG, JPEG or TIFF file that opens"):
        image.read(content, "figure.png")


def test_a_stamp_is_too_small():
    with pytest.raises(DigitizeError, match="too few"):
        image.read(png_of_size(40, 500), "stamp.png")


def saved(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def test_transparent_paper_is_white():
    picture = Image.new("RGBA", (80, 80), (255, 0, 0, 0))
    picture.putpixel((5, 6), (0, 0, 255, 255))
    drawing = image.read(saved(picture, "PNG"), "clear.png")
    assert drawing.image[6, 5].tolist() == [0, 0, 255]
    assert drawing.image[0, 0].tolist() == [255, 255, 255]


def test_grey_of_sixteen_bits():
    grey = Image.fromarray(np.full((70, 70), 65535, np.uint16))
    assert image.read(saved(grey, "TIFF"), "deep.tif").image.min() == 255


def test_further_images_of_a_tiff_are_told():
    page = Image.new("RGB", (70, 70))
    content = saved(page, "TIFF", save_all=True, append_images=[page, page])
    assert "holds 3 images" in image.read(content, "scans.tif").notes[0]


def test_a_damaged_tiff_that_still_opens_is_told():
    content = saved(Image.new("RGB", (70, 70)), "TIFF", dpi=(72, 72))
    entry = content.index(struct.pack("<HHI", 282, 5, 1))
    content = content[: entry + 8] + struct.pack("<I", 10**6) + content[entry + 12 :]
    (note,) = image.read(content, "scan.tif").notes
    assert note.startswith("scan.tif is damaged (") and note.endswith("compare the overlay")


def test_a_photograph_is_turned_as_its_file_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    drawing = image.read(saved(Image.new("RGB", (90, 70)), "JPEG", exif=exif), "photo.jpg")
    assert (drawing.width, drawing.height) == (70, 90)


@reads
def test_text_that_is_not_read_is_told(monkeypatch, tmp_path):
    drawing = image.read(draw(tmp_path / "plain.png").read_bytes(), "plain.png")
    monkeypatch.setattr(ocr, "MOST", 3)
    found = ocr.lettered(drawing)
    assert "plain.png: 3 of " in found.notes[0] and len(found.texts) <= 3


@reads
@pytest.mark.parametrize(("limit", "value"), [("ARMS", 1), ("SECONDS", -1.0)])
def test_limits_hold_for_images(limit, value, monkeypatch, tmp_path):
    path = draw(tmp_path / "plain.png", legend=False)
    monkeypatch.setattr(limits, limit, value)
    with pytest.raises(DigitizeError, match="more than 1; .* --colours|takes more than -1"):
        digitize(path)


def test_large_scans_are_read_at_a_smaller_size():
    drawing = image.read(saved(Image.new("RGB", (5000, 3000), "white"), "PNG"), "scan.png")
    assert drawing.image.shape == (1500, 2500, 3)
    assert "1/2 of its size" in drawing.notes[0]


def test_the_recogniser_is_named_when_it_is_missing(monkeypatch):
    ocr._model.cache_clear()
    monkeypatch.setattr(ocr.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DigitizeError, match=r"oligomdt\[digitize\]"):
        ocr._model()


# -- parts


def staircase(corners, width, shape=(120, 200), fine=20):
    """Ink of a step line, averaged over a fine grid: what anti-aliasing aims at."""
    rows, columns = shape[0] * fine, shape[1] * fine
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    y, x = (y + 0.5) / fine, (x + 0.5) / fine
    ink = np.zeros((rows, columns), bool)
    half = width / 2
    for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
        ink |= (
            (x >= min(x0, x1) - half) & (x <= max(x0, x1) + half)
            & (y >= min(y0, y1) - half) & (y <= max(y0, y1) + half)
        )  # fmt: skip
    return ink.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))


CORNERS = [(0, 10.3), (40.4, 10.3), (40.4, 25.8), (90.7, 25.8), (90.7, 27.1), (130.2, 27.1),
           (130.2, 80.6), (170.0, 80.6)]  # fmt: skip


@pytest.mark.parametrize("width", [1.0, 2.0, 3.1])
def test_corners_lie_between_pixels(width):
    cover = staircase(CORNERS, width)
    hidden = np.zeros(cover.shape, bool)
    rows, worth = trace.path(cover, hidden, 10.3, "solid")
    assert worth > 100
    points = corners.corners(cover, hidden, rows, corners.thickness(cover, rows))
    levels = points[::2, 1]
    assert points[1:-1:2, 0] == pytest.approx([40.4, 90.7, 130.2], abs=0.25)
    assert levels == pytest.approx([10.3, 25.8, 27.1, 80.6], abs=0.12)


def test_the_path_stays_on_its_line_across_a_gap():
    cover = staircase(CORNERS, 2.0)
    cover[:, 60:70] = 0
    cover[60, 62:68] = 1.0  # something else, below
    hidden = np.zeros(cover.shape, bool)
    rows, _ = trace.path(cover, hidden, 10.3, "solid")
    assert set(rows[55:75]) <= {24, 25, 26}


def test_a_curve_that_does_not_start_at_one_is_none():
    cover = np.zeros((60, 80))
    cover[40] = 1
    rows, _ = trace.path(cover, np.zeros(cover.shape, bool), 5.0, "solid")
    assert rows is None


def test_the_path_ends_where_its_ink_ends():
    cover = staircase(CORNERS[:4], 2.0)
    cover[100:102, 120:160] = 1.0  # the sample of a legend
    rows, _ = trace.path(cover, np.zeros(cover.shape, bool), 10.3, "solid")
    assert len(rows) == pytest.approx(91, abs=2)


def test_bands_are_no_ink():
    pixels = np.full((60, 100, 3), 255.0)
    pixels[20:50] = (205, 210, 240)  # a tint of blue
    pixels[34:36] = BLUE
    cover = coverage.coverage(pixels, np.full(3, 255.0), BLUE)
    assert cover[34:36, 20:80].min() > 0.9
    assert cover[22:32, 20:80].max() < 0.1 and cover[38:48, 20:80].max() < 0.1


def test_other_colours_are_no_ink():
    pixels = np.full((20, 30, 3), 255.0)
    violet = (90, 60, 170)
    pixels[5], pixels[10] = BLUE, violet
    cover = coverage.coverage(pixels, np.full(3, 255.0), BLUE, [violet])
    assert cover[5].min() > 0.95 and cover[10].max() < 0.02


def field(pixels):
    return fields.Field(
        pixels, np.full(3, 255.0), 0, 0, 0.0, 0.0, 50.0, np.zeros(pixels.shape[:2], bool), []
    )


def test_a_thin_sample_tells_the_full_colour_of_its_line():
    pixels = np.full((60, 100, 3), 255.0)
    pixels[20, 10:80] = BLUE
    thinned = tuple(0.7 * np.array(BLUE) + 0.3 * 255)
    assert line_colours._full(field(pixels), thinned, [thinned, RED]) == BLUE
    assert line_colours._full(field(pixels), BLUE, [BLUE]) == BLUE
    # A line of another arm is not the full colour of this one.
    assert line_colours._full(field(pixels), thinned, [thinned, BLUE]) == thinned
    assert line_colours._full(field(pixels * 0), (120, 120, 120), []) == (120, 120, 120)


def test_axes_are_no_ink_where_nothing_covers_them():
    pixels = np.full((40, 60, 3), 255.0)
    pixels[30] = 0
    pixels[:31, 20] = RED
    rules = fields._rules(pixels, np.full(3, 255.0))
    assert rules[30, :20].all() and rules[30, 21:].all() and not rules[30, 20]
    assert not rules[:30].any()


@pytest.mark.parametrize(("sure", "told"), [(0.9, 1), (1.0, 0)])
def test_a_last_column_that_was_not_recognised_is_told(sure, told):
    axis = Axis(0.0, 1.0, tuple((float(time), float(time)) for time in range(0, 37, 6)))
    cells = tuple((float(time), 60 - time) for time in range(0, 31, 6))
    row = risk_table.Row("MDT", cells, 0.0, None, (), sure)
    _, warnings = risk_table.table([row], ["MDT"], [(0, 0, 0)], axis)
    words = "no number at risk was read at 36, where the time axis has labels"
    assert warnings == [words] * told


@pytest.mark.parametrize("sure", [0.9, 1.0])
def test_a_first_column_that_is_missing_is_told(sure):
    axis = Axis(0.0, 1.0, tuple((float(time), float(time)) for time in range(0, 37, 6)))
    cells = tuple((float(time), 60 - time) for time in range(6, 37, 6))
    row = risk_table.Row("MDT", cells, 0.0, None, (), sure)
    _, warnings = risk_table.table([row], ["MDT"], [(0, 0, 0)], axis)
    assert warnings == ["no number at risk was read at 0, where the time axis has labels"]


def test_a_letter_in_a_row_of_counts_is_a_number():
    boxes = [text_lines.Line(x, 50, x + 10, 64) for x in (0, 50, 100, 150)]
    boxes.append(text_lines.Line(150, 90, 160, 104))
    counts = [(text, 1.0, text, 1.0, ()) for text in ("30", "21", "11")]
    odd = ("N", 0.96, "2", 0.9, ())
    read = ocr._in_rows(boxes, [*counts, odd, odd])
    assert [text for text, _ in read] == ["30", "21", "11", "2", "N"]
    assert read[3][1] <= 0.8


def test_marks_are_found_on_the_line_only():
    cover = staircase(CORNERS, 2.0)
    for x in (20, 60, 110, 150):
        level = np.array(CORNERS)[np.searchsorted([c[0] for c in CORNERS], x) - 1, 1]
        cover[int(level) - 5 : int(level) + 6, x] = 1
    hidden = np.zeros(cover.shape, bool)
    rows, _ = trace.path(cover, hidden, 10.3, "solid")
    points = corners.corners(cover, hidden, rows, 2.0)
    curve = trace.Trace(points, BLUE, "solid", 2.0, 1.0, rows, 0)
    line = censoring.Line(cover, hidden, curve)
    one = censoring.shape([line])
    found, merged = censoring.marks(line, one)
    assert found == pytest.approx([20.5, 60.5, 110.5, 150.5], abs=0.5)
    assert merged == 0
    assert 4 < one.reach < 7
    assert one.width == pytest.approx(1.0, abs=0.05)


def test_ticks_to_a_fraction_of_a_pixel():
    pixels = np.full((60, 200, 3), 255.0)
    pixels[20] = 0
    for x in (30, 80, 130, 180):
        pixels[21:27, x] = 128  # half of the mark lies on each side of x + 1
        pixels[21:27, x + 1] = 128
    found = ruler.tick_marks(pixels, np.array([31.5, 80, 132, 180.0]), 35, 10, 4)
    assert found == pytest.approx([31, 81, 131, 181], abs=0.01)


def test_a_grid_serves_where_there_are_no_ticks():
    pixels = np.full((100, 200, 3), 255.0)
    pixels[:, [30, 80, 130, 180]] = 225
    pixels[40:45, 20:120] = 0  # a curve
    found = ruler.grid_lines(pixels, np.array([31.0, 80, 131, 180]), 5, 95, 4)
    assert found == pytest.approx([30.5, 80.5, 130.5, 180.5], abs=0.01)


@pytest.mark.parametrize(
    ("pattern", "style"), [((40, 0), "solid"), ((12, 4), "dashed"), ((3, 5), "dotted")]
)
def test_patterns_of_samples(pattern, style):
    line = np.resize(np.r_[np.ones(pattern[0]), np.zeros(pattern[1])], 40) * 255.0
    assert handle._style(line, np.zeros(40, bool), 3.0) == style


def test_a_sample_crossed_by_a_mark_is_solid():
    line = np.full(40, 255.0)
    line[18:22] = 0
    crossed = np.ones(40, bool)
    assert handle._style(line, crossed, 3.0) == "solid"


@pytest.mark.parametrize(
    ("read", "right"),
    [("o", "0"), ("1o0", "100"), ("Stage IIl", "Stage III"), ("Stage I-Il", "Stage I-II"),
     ("Illness", "Illness"), ("Placebo", "Placebo")],
)  # fmt: skip
def test_letters_that_were_digits(read, right):
    assert ocr._digits(read) == right


def test_confidence_limits_are_no_arms():
    def curve(shift, seen):
        points = np.array([(0, 20.0), (40, 20), (40, 60), (150, 60)]) + [0, shift]
        one = trace.Trace(points, BLACK, "solid", 2.0, seen, np.zeros(150, int), 0)
        return image_arms.Found(one, None, None)

    middle, above, below = curve(0, 0.98), curve(-8, 0.5), curve(8, 0.5)
    assert image_arms._without_limits([above, middle, below]) == [middle]
    assert len(image_arms._without_limits([above, middle])) == 2
