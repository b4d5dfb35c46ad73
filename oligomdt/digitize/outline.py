"""Text that was turned into shapes: each piece is drawn again, large, and read as an image."""

import itertools
import unicodedata
from dataclasses import dataclass, replace

import numpy as np

from oligomdt.digitize.axis import number
from oligomdt.digitize.drawing import Drawing, Text

ENOUGH = 4
"""Numbers among the texts of a page that has its letters as letters."""

TALLEST = 40.0
"""Height of the tallest letter, in points."""

PIXELS = 32
"""Height of the picture of a piece of text, without its margin."""

MARGIN = 10

LEAST = 0.4
"""Confidence below which what was read is not used."""


@dataclass(frozen=True)
class _Glyph:
    """One letter as shapes: corners of its parts and their common box."""

    parts: tuple
    box: tuple[float, float, float, float]
    colour: tuple
    item: int


def lettered(drawing: Drawing) -> Drawing:
    """The drawing with its texts; letters that are shapes are looked at and read.

    Parameters
    ----------
    drawing : Drawing
        A vector page.

    Returns
    -------
    Drawing
        Texts carry the confidence they were read with. The same drawing if its texts are
        letters, or if it has no shapes like letters.

    Examples
    --------
    >>> from oligomdt.digitize.drawing import Drawing
    >>> from oligomdt.digitize.outline import lettered
    >>> lettered(Drawing("vector", 10, 10)).texts
    ()
    """
    if sum(number(text.text) is not None for text in drawing.texts) >= ENOUGH:
        return drawing
    runs = [run for run in _runs(_glyphs(drawing)) if _like_text(run)]
    if len(runs) < ENOUGH:
        return drawing
    angles = [_angle(run) for run in runs]
    shown = [run if len(run) > 1 else _thrice(run[0]) for run in runs]
    pictures = [picture(run, angle) for run, angle in zip(shown, angles, strict=True)]
    texts = []
    for run, angle, (words, sure) in zip(runs, angles, _read(pictures), strict=True):
        words = unicodedata.normalize("NFKC", words).strip()
        if len(run) == 1:
            words = words[:1] if words == 3 * words[:1] and words.isdigit() else ""
        if words and sure >= LEAST:
            box = _union(glyph.box for glyph in run)
            texts.append(Text(words, *box, float(angle), float(sure), run[0].colour))
    letters = {glyph.item for run in runs for glyph in run}
    return replace(
        drawing,
        texts=(*drawing.texts, *texts),
        strokes=tuple(s for s in drawing.strokes if s.item not in letters),
        notes=(*drawing.notes, "letters are drawn as shapes: the texts were read as images"),
    )


def _read(pictures) -> list:
    """What the recogniser of images reads in each picture, and its confidence."""
    from oligomdt.digitize.ocr import read
    from oligomdt.digitize.text_lines import Line

    found = []
    for shown in pictures:
        height, width = shown.shape[:2]
        line = Line(MARGIN, MARGIN, width - MARGIN, height - MARGIN)
        found += [answer[:2] for answer in read(shown, [line])]
    return found


def _thrice(glyph) -> list[_Glyph]:
    """A lone letter three times in a row: a reader of lines knows it better."""
    step = 1.25 * (glyph.box[2] - glyph.box[0])
    return [
        _Glyph(
            tuple(part + (k * step, 0) for part in glyph.parts),
            (glyph.box[0] + k * step, glyph.box[1], glyph.box[2] + k * step, glyph.box[3]),
            glyph.colour,
            glyph.item,
        )
        for k in range(3)
    ]


def _glyphs(drawing) -> list[_Glyph]:
    """Filled shapes as large as letters, in the order of drawing."""
    glyphs = []
    filled = (stroke for stroke in drawing.strokes if stroke.filled)
    for item, group in itertools.groupby(filled, key=lambda stroke: stroke.item):
        group = list(group)
        box = _union(stroke.box for stroke in group)
        size = max(box[2] - box[0], box[3] - box[1])
        if 0.5 < size < TALLEST and min(group[0].colour) < 250:
            parts = tuple(stroke.points for stroke in group)
            glyphs.append(_Glyph(parts, box, group[0].colour, item))
    return glyphs


def _union(boxes) -> tuple:
    boxes = np.array(list(boxes))
    low, high = boxes.min(axis=0), boxes.max(axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def _runs(glyphs) -> list[list[_Glyph]]:
    """Letters drawn one after the other, each beside the last: pieces of text."""
    runs = []
    for glyph in glyphs:
        if runs and _follows(runs[-1], glyph):
            runs[-1].append(glyph)
        else:
            runs.append([glyph])
    return runs


def _follows(run, glyph) -> bool:
    last = run[-1]
    if last.colour != glyph.colour or glyph.item - last.item > 3:
        return False
    size = max(_size(g) for g in run + [glyph])
    right = glyph.box[0] - last.box[2]
    up = last.box[1] - glyph.box[3]
    level = _overlap(run, glyph, 1) and -0.2 * size < right < 0.8 * size
    upright = _overlap(run, glyph, 0) and -0.2 * size < up < 0.8 * size
    if len(run) > 1:
        level, upright = (level, False) if _angle(run) == 0 else (False, upright)
    return level or upright


def _size(glyph) -> float:
    return max(glyph.box[2] - glyph.box[0], glyph.box[3] - glyph.box[1])


def _overlap(run, glyph, k) -> bool:
    """Whether a letter is in the line of a run: their boxes share a height (or a column)."""
    box = _union(g.box for g in run)
    low, high = max(box[k], glyph.box[k]), min(box[k + 2], glyph.box[k + 2])
    return high > low or _size(glyph) < 0.4 * (box[k + 2] - box[k])


def _angle(run) -> int:
    """0 for text that runs to the right, 90 for text that runs upwards."""
    if len(run) < 2:
        return 0
    first, last = run[0].box, run[-1].box
    above, beside = first[1] - last[3], last[0] - first[2]
    return 90 if above > beside else 0


def _like_text(run) -> bool:
    """Not marks: those are all alike, and as wide as high or much higher."""
    sizes = np.array([(g.box[2] - g.box[0], g.box[3] - g.box[1]) for g in run])
    if np.ptp(sizes, axis=0).max() > 0.05:
        return True
    width, height = sizes.mean(axis=0)
    if _angle(run) == 90:
        width, height = height, width
    return 0.2 * height < width < 0.8 * height


def picture(run, angle) -> np.ndarray:
    """Black letters on white, upright.

    Parameters
    ----------
    run : list of glyphs
        With `parts` and `box`.
    angle : int
        0, or 90 for text that runs upwards.

    Returns
    -------
    array of shape (height, width, 3), uint8
    """
    from PIL import Image, ImageChops, ImageDraw

    box = _union(glyph.box for glyph in run)
    high = box[3] - box[1] if angle == 0 else box[2] - box[0]
    scale = 4 * PIXELS / max(high, 0.4 * max(_size(glyph) for glyph in run))
    low = np.array(box[:2])
    size = tuple(int(v * scale) + 8 * MARGIN for v in (box[2] - box[0], box[3] - box[1]))
    canvas = Image.new("1", size, 0)
    for glyph in run:
        shape = Image.new("1", size, 0)
        for part in glyph.parts:  # a part inside another is a hole
            layer = Image.new("1", size, 0)
            corners = [tuple(p) for p in (part - low) * scale + 4 * MARGIN]
            ImageDraw.Draw(layer).polygon(corners, fill=1)
            shape = ImageChops.logical_xor(shape, layer)
        canvas = ImageChops.logical_or(canvas, shape)
    grey = ImageChops.invert(canvas.convert("L"))
    if angle == 90:
        grey = grey.rotate(-90, expand=True, fillcolor=255)
    grey = grey.resize((max(grey.width // 4, 8), max(grey.height // 4, 8)), Image.LANCZOS)
    return np.repeat(np.asarray(grey)[:, :, None], 3, axis=2)
