"""Texts of an image: where letters stand, and what a recogniser reads there.

Letters are the small connected pieces of ink. Pieces beside each other are a line of text; each
line is cut out and read by the recogniser of PaddleOCR (PP-OCRv4, Apache licence), which the
wheel `rapidocr-onnxruntime` holds, so nothing is downloaded. Other people's figures hold text
that runs upwards: pieces above each other are turned first.
"""

import importlib.util
import itertools
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from oligomdt.digitize import limits, spelling
from oligomdt.digitize.drawing import Drawing, Text
from oligomdt.digitize.error import DigitizeError

MODEL = ("rapidocr_onnxruntime", "models", "ch_PP-OCRv4_rec_infer.onnx")
HEIGHT = 48
"""Rows of the picture that the recogniser takes."""

BATCH = 8
"""Lines read at once."""

MOST = 400
"""Lines of text read on one image."""

CONTRAST = 60
"""Least difference of ink from the paper, of 255, in one of three colours."""

FAINT = 35
"""The same for lettering that has no darker part."""


NOUGHTS = re.compile(r"[oO\d]*[.,]?[oO\d]+%?")

ROMAN = re.compile(r"(?<!\w)(?=[IlVX1|-]*I)[IlVX1|]{1,4}(?:-[IlVX1|]{1,4})?(?!\w)")


@dataclass(frozen=True)
class Line:
    """The box of a line of letters, in pixels, and whether it reads upwards."""

    x0: int
    y0: int
    x1: int
    y1: int
    upright: bool = False


def lettered(drawing: Drawing) -> Drawing:
    """A raster page with its lines of text.

    Parameters
    ----------
    drawing : Drawing
        Of kind 'raster'.

    Returns
    -------
    Drawing
        Its texts have the confidence of the recogniser; pieces it cannot read are left out,
        and a note says so if there were more than `MOST`.

    Raises
    ------
    DigitizeError
        When the recogniser is not installed.
    """
    image, notes = drawing.image, drawing.notes
    found = lines(image)
    if len(found) > MOST:
        told = f"{MOST} of {len(found)} pieces of text were read; crop it to the figure"
        found, notes = found[:MOST], (*notes, f"{drawing.source or 'the image'}: {told}")
    found, answers = _words(image, found, read(image, found))
    answers = _spelled(image, found, _single(image, found, answers))
    answers = _in_rows(found, answers)
    texts = tuple(
        Text(text, line.x0, line.y0, line.x1, line.y1, 90.0 * line.upright, confidence, colour)
        for line, (text, confidence) in zip(found, answers, strict=True)
        if text and (colour := _colour(image, line)) is not None
    )
    return replace(drawing, texts=texts, notes=notes)


GAP = 1.15
"""Widest space between words of lettering of fixed width, in heights of the lettering."""


def _words(image, found, answers):
    """Lines of text whose words stand as far apart as in lettering of fixed width, as one.

    A number follows a word only at the space that the words before it have: the first count of
    a table stands apart from the name of its row.
    """
    order = sorted(range(len(found)), key=lambda k: (found[k].upright, found[k].x0))
    chains = []
    for k in order:
        line = found[k]
        before = [chain for chain in chains if _follows(found[chain[-1]], line)]
        if line.upright or not before:
            chains.append([k])
            continue
        chain = max(before, key=lambda chain: found[chain[-1]].x1)
        space = line.x0 - found[chain[-1]].x1
        spaces = [found[b].x0 - found[a].x1 for a, b in itertools.pairwise(chain)]
        lettered = [_is_word(answers[i][0]) for i in (*chain, k)]
        same = spaces and space <= 1.25 * max(spaces)
        number_last = not lettered[-1] and any(ch.isdigit() for ch in answers[k][0])
        if any(lettered) and (not number_last or same):
            chain.append(k)
        else:
            chains.append([k])
    whole = [_whole(found, chain) for chain in chains]
    joined = [k for k, chain in enumerate(chains) if len(chain) > 1]
    again = dict(zip(joined, read(image, [whole[k] for k in joined]), strict=True))
    return whole, [again.get(k, answers[chain[0]]) for k, chain in enumerate(chains)]


def _is_word(text) -> bool:
    return sum(letter.isalpha() for letter in text) >= 2


def _follows(one, other) -> bool:
    """Whether a line of text stands in the line of another, a word's space behind it."""
    size = max(one.y1 - one.y0, other.y1 - other.y0)
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    level = shared > 0.4 * size and not one.upright
    alike = min(one.y1 - one.y0, other.y1 - other.y0) > 0.45 * size
    return level and alike and 0 < other.x0 - one.x1 <= GAP * size


def _whole(found, chain) -> Line:
    lines = [found[k] for k in chain]
    return Line(
        min(line.x0 for line in lines),
        min(line.y0 for line in lines),
        max(line.x1 for line in lines),
        max(line.y1 for line in lines),
        lines[0].upright,
    )


SURE = 0.95
"""Confidence from which a single letter is taken as it was read."""


def _single(image, found, answers):
    """Single letters that were not read surely, read again three times beside each other.

    The recogniser knows words: of one letter alone it often says nothing.
    """
    chosen = [
        k
        for k, (line, answer) in enumerate(zip(found, answers, strict=True))
        if len(answer[0]) <= 1
        and answer[1] < SURE
        and not line.upright
        and line.x1 - line.x0 <= 1.2 * (line.y1 - line.y0)
    ]
    again = _read_pictures([_thrice(_picture(image, found[k])) for k in chosen])
    answers = list(answers)
    for k, (text, confidence, digits, sure, _) in zip(chosen, again, strict=True):
        if len(text) == 3 and len(set(text)) == 1 and confidence > answers[k][1]:
            answers[k] = (text[0], confidence, digits[:1], sure, ())
    return answers


def _spelled(image, found, answers):
    """Words with their spaces and the case of their letters as the ink has them."""
    inked = ink(image)
    chosen = []
    for line, (text, *rest, places) in zip(found, answers, strict=True):
        if not line.upright and len(text) > 1:
            left, _, right, _ = _padded(image, line)
            columns = left + np.asarray(places) * (right - left) - line.x0
            part = inked[line.y0 : line.y1, line.x0 : line.x1]
            text = spelling.corrected(text, columns, part)
        chosen.append((text, *rest, places))
    return chosen


def _thrice(picture):
    """A picture of one letter, three times with the room that letters of a word have."""
    width = picture.shape[2]
    cut = round(0.2 * width)
    inner = picture[:, :, cut : width - cut]
    return np.concatenate([picture[:, :, : width - cut], inner, picture[:, :, cut:]], axis=2)


def _in_rows(found, answers):
    """In a row of whole numbers a short piece is a number, too, if digits are likely there."""
    whole = [line for line, answer in zip(found, answers, strict=True) if answer[0].isdigit()]
    chosen = []
    for line, (text, confidence, digits, sure, _) in zip(found, answers, strict=True):
        height = line.y1 - line.y0
        short = len(text) <= 3 and not line.upright and not text.isdigit()
        beside = [
            other
            for other in whole
            if abs(other.y0 + other.y1 - line.y0 - line.y1) < 0.3 * height
            and abs(other.y1 - other.y0 - height) <= 0.15 * height + 1
        ]
        number_like = short and digits and sure > 0.6 and len(beside) >= 3
        # A digit that was taken for a letter is never quite sure.
        chosen.append((digits, min(sure, 0.8)) if number_like else (text, confidence))
    return chosen


# -- where


def ink(image: np.ndarray) -> np.ndarray:
    """Which pixels are not paper: unlike every colour that fills a good part of the image."""
    distance = np.full(image.shape[:2], 255, np.int16)
    for paper in papers(image):
        distance = np.minimum(distance, np.abs(image.astype(np.int16) - paper).max(axis=2))
    dark = distance > CONTRAST
    labels, count = ndimage.label(distance > FAINT, np.ones((3, 3), int))
    if count:
        # Grey lettering, but not the fringes of black lettering, which would join letters.
        mixed = np.zeros(count + 1, bool)
        mixed[labels[dark]] = True
        dark |= (labels > 0) & ~mixed[labels]
    return dark


def papers(image: np.ndarray) -> list[np.ndarray]:
    """Colours that fill at least a twelfth of the image, the most frequent first."""
    coarse = (image[::2, ::2].reshape(-1, 3) >> 3).astype(np.int32)
    codes = coarse[:, 0] << 10 | coarse[:, 1] << 5 | coarse[:, 2]
    values, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts)[:3]
    chosen = [values[k] for k in order if counts[k] >= len(codes) / 12] or [values[order[0]]]
    flat = image[::2, ::2].reshape(-1, 3)
    return [np.median(flat[codes == code], axis=0).astype(np.int16) for code in chosen]


def lines(image: np.ndarray) -> list[Line]:
    """Boxes of the lines of text of an image."""
    labels, count = ndimage.label(ink(image), np.ones((3, 3), int))
    if not count:
        return []
    slices = ndimage.find_objects(labels)
    boxes = np.array([(cols.start, rows.start, cols.stop, rows.stop) for rows, cols in slices])
    size = min(image.shape[:2])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    small = (np.maximum(width, height) <= max(16, 0.35 * size)) & (
        np.minimum(width, height) <= max(14, 0.07 * size)
    )
    letter = small & (height >= 4) & (width <= 12 * height) & (height <= 12 * width)
    typical = _typical(height[letter])
    small &= np.maximum(width, height) > 1
    for k in np.flatnonzero(small & (width > 1.15 * typical)):
        small[k] = not _is_key(labels[slices[k]] == k + 1)
    narrow = small & (width < 1.5 * typical) & (width >= 0.15 * typical) & (height < 2 * width)
    columns = _columns(boxes, np.flatnonzero(narrow), np.flatnonzero(small), typical)
    taken = np.zeros(len(boxes), bool)
    for group in columns:
        taken[group] = True
    tall = small & (height >= 0.45 * typical) & ~taken
    hyphen = small & (height < 0.45 * typical) & (width > height) & (width < 0.7 * typical)
    core = np.flatnonzero(tall | (hyphen & ~taken))
    found = [_line(boxes[group], True) for group in columns]
    groups = [core[group] for group in _groups(boxes[core], typical)]
    level = [_line(boxes[group], False) for group in groups if tall[group].any()]
    dots = small & (np.maximum(width, height) < 0.45 * typical) & ~taken
    return found + _pointed(level, boxes[dots])


def _pointed(found, dots) -> list[Line]:
    """Lines of text with the two sides of a decimal point as one.

    In lettering of fixed width a point has as much room as a digit, and its sides stand apart.
    """
    found = sorted(found, key=lambda line: line.x0)
    for x0, y0, x1, y1 in dots[np.argsort(dots[:, 0])]:
        left = [k for k, a in enumerate(found) if _stands(a, y0, y1) and x0 - a.x1 >= 0]
        right = [k for k, b in enumerate(found) if _stands(b, y0, y1) and b.x0 - x1 >= 0]
        if not left or not right:
            continue
        k, j = max(left, key=lambda k: found[k].x1), min(right, key=lambda j: found[j].x0)
        a, b = found[k], found[j]
        size = max(a.y1 - a.y0, b.y1 - b.y0)
        alike = abs(a.y0 - b.y0) + abs(a.y1 - b.y1) <= max(2, 0.2 * size)
        if alike and max(x0 - a.x1, b.x0 - x1) < 0.6 * size:
            found[k] = Line(a.x0, min(a.y0, b.y0), b.x1, max(a.y1, b.y1))
            del found[j]
    return found


def _stands(line, y0, y1) -> bool:
    """Whether a point stands at the foot of a line of text."""
    size = line.y1 - line.y0
    return y0 > line.y0 + 0.6 * size and abs(y1 - line.y1) <= max(1.5, 0.15 * size)


def _is_key(piece) -> bool:
    """Whether a piece is the sample of a legend: a bar, a wide cross or a filled box."""
    if piece.mean() > 0.85:
        return True
    full = piece.mean(axis=1) > 0.8
    if not full.any():
        return False
    rows = np.flatnonzero(full)
    if np.ptp(rows) + 1 > 0.5 * len(piece):
        return False
    rest = piece.copy()
    edge = max(1, round(0.08 * len(piece)))
    rest[max(rows[0] - edge, 0) : rows[-1] + 1 + edge] = False
    columns = np.flatnonzero(rest.any(axis=0))
    if not len(columns):
        return True
    middle = (columns[0] + columns[-1] + 1) / 2 / piece.shape[1]
    both = rest[: rows[0]].any() and rest[rows[-1] + 1 :].any()
    return both and np.ptp(columns) < 0.3 * piece.shape[1] and 0.35 < middle < 0.65


def _typical(heights) -> float:
    """Height of most of the lettering by area: the dashes of curves are many but small."""
    if not len(heights):
        return 8.0
    heights = np.sort(heights).astype(float)
    share = np.cumsum(heights**2)
    return float(heights[np.searchsorted(share, share[-1] / 2)])


def _columns(boxes, pool, every, typical) -> list[np.ndarray]:
    """Pieces that stand above each other and not beside others: text that runs upwards."""
    if not len(pool):
        return []
    turned = boxes[pool][:, [1, 0, 3, 2]]
    beside = np.zeros(len(boxes), int)
    for group in _groups(boxes[every], typical):
        part = every[group]
        beside[part] = (boxes[part, 3] - boxes[part, 1] > 0.3 * typical).sum()
    found = []
    for group in _groups(turned, typical):
        part = boxes[pool[group]]
        tall = part[:, 3].max() - part[:, 1].min()
        wide = part[:, 2].max() - part[:, 0].min()
        letters = (part[:, 2] - part[:, 0] >= 0.45 * typical).sum()
        alone = np.mean(beside[pool[group]] <= 1)
        # Two digits above each other are two rows of a table unless they lie on their side.
        lying = (part[:, 2] - part[:, 0] >= part[:, 3] - part[:, 1]).all()
        if len(part) == 2 and not lying:
            continue
        if len(part) <= limits.ARMS and _tabular(part, boxes[every], typical):
            continue
        if letters >= 2 and tall > 1.3 * wide and wide < 1.6 * typical and alone > 0.6:
            found.append(pool[group])
    return found


def _tabular(column, boxes, typical) -> bool:
    """Whether each piece of a column stands in a row with others: digits of a table."""
    for x0, y0, x1, y1 in column:
        away = (boxes[:, 0] > x1 + 2 * typical) | (boxes[:, 2] < x0 - 2 * typical)
        level = np.abs(boxes[:, 3] - y1) <= max(1.0, 0.1 * typical)
        alike = np.abs(boxes[:, 1] - y0) <= max(1.0, 0.1 * typical)
        if (away & level & alike).sum() < 2:
            return False
    return True


def _line(boxes, upright) -> Line:
    x0, y0 = boxes[:, :2].min(axis=0)
    x1, y1 = boxes[:, 2:].max(axis=0)
    return Line(int(x0), int(y0), int(x1), int(y1), upright)


def _groups(boxes, typical) -> list[np.ndarray]:
    """Pieces that follow each other from left to right in one line."""
    parent = np.arange(len(boxes))

    def root(k):
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    order = np.argsort(boxes[:, 0], kind="stable")
    start = boxes[order, 0]
    size = boxes[:, 3] - boxes[:, 1]
    for place, i in enumerate(order):
        last = np.searchsorted(start, boxes[i, 2] + 3 * max(size[i], typical), side="right")
        near = order[place + 1 : last]
        overlap = np.minimum(boxes[i, 3], boxes[near, 3]) - np.maximum(
            boxes[i, 1], boxes[near, 1]
        )
        gap = boxes[near, 0] - boxes[i, 2]
        large = np.maximum(size[i], size[near])
        least = np.minimum(size[i], size[near])
        dashed = least < 0.45 * typical
        room = np.where(dashed, 0.45 * large, 0.75 * np.maximum(large, 0.9 * typical))
        joined = (overlap >= 0.4 * least) & (gap < room)
        # Letters of one line are of one size.
        joined &= (large < 2.6 * least) | dashed
        for j in near[joined]:
            parent[root(j)] = root(i)
    roots = np.array([root(k) for k in range(len(boxes))], int)
    return [np.flatnonzero(roots == k) for k in np.unique(roots)]


def _colour(image, line):
    """The colour of the letters: the strongest ink of the box."""
    part = image[line.y0 : line.y1, line.x0 : line.x1].reshape(-1, 3).astype(int)
    paper = np.median(np.concatenate([part[:1], _border(image, line)]).reshape(-1, 3), axis=0)
    away = np.abs(part - paper).sum(axis=1)
    if away.max() < FAINT:
        return None
    strong = part[away >= 0.85 * away.max()]
    return tuple(int(v) for v in np.median(strong, axis=0))


def _border(image, line):
    y0, y1 = max(line.y0 - 1, 0), min(line.y1, image.shape[0] - 1)
    return np.concatenate([image[y0, line.x0 : line.x1], image[y1, line.x0 : line.x1]]).astype(
        int
    )


# -- what


def read(image: np.ndarray, found: list[Line]) -> list[tuple[str, float, str, float, tuple]]:
    """What the recogniser reads in each box, and its confidence from 0 to 1.

    The third and fourth entry are what it reads if only digits may stand there, and their
    share among the ten; the last is where each letter stands, as a share of the picture.
    """
    return _read_pictures([_picture(image, line) for line in found])


def _read_pictures(pictures) -> list[tuple[str, float, str, float, tuple]]:
    answers = [("", 0.0, "", 0.0, ())] * len(pictures)
    order = sorted(range(len(pictures)), key=lambda k: pictures[k].shape[2])
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        width = max(pictures[k].shape[2] for k in part)
        block = np.zeros((len(part), 3, HEIGHT, width), np.float32)
        for row, k in enumerate(part):
            block[row, :, :, : pictures[k].shape[2]] = pictures[k]
        for k, (*answer, places) in zip(part, _recognised(block), strict=True):
            share = width / pictures[k].shape[2]
            answers[k] = (*answer, tuple(share * place for place in places))
    return answers


def _padded(image, line) -> tuple[int, int, int, int]:
    """The box of a line with the room around it that the recogniser wants."""
    size = (line.x1 - line.x0) if line.upright else (line.y1 - line.y0)
    pad, side = max(2, round(0.22 * size)), max(2, round(0.35 * size))
    dx, dy = (pad, side) if line.upright else (side, pad)
    height, width = image.shape[:2]
    return (
        max(line.x0 - dx, 0),
        max(line.y0 - dy, 0),
        min(line.x1 + dx, width),
        min(line.y1 + dy, height),
    )


def _picture(image, line) -> np.ndarray:
    box = _padded(image, line)
    part = Image.fromarray(image[box[1] : box[3], box[0] : box[2]])
    if line.upright:
        part = part.transpose(Image.Transpose.ROTATE_270)
    wide = int(np.clip(round(part.width * HEIGHT / part.height), 16, 2400))
    part = part.resize((wide, HEIGHT), Image.Resampling.BICUBIC)
    array = np.asarray(part, np.float32)[:, :, ::-1] / 127.5 - 1.0
    return array.transpose(2, 0, 1)


def _recognised(block) -> list[tuple[str, float, str, float, tuple]]:
    session, letters = _model()
    (shares,) = session.run(None, {session.get_inputs()[0].name: block})
    best, sure = shares.argmax(axis=2), shares.max(axis=2)
    ten = np.array([letters.index(digit) for digit in "0123456789"])
    answers = []
    for row, weights, share in zip(best, sure, shares, strict=True):
        kept = (row != 0) & np.r_[True, row[1:] != row[:-1]]
        # Some letters of the model are as wide as Chinese ones: each stands for a Latin one.
        text = "".join(unicodedata.normalize("NFKC", letters[k])[:1] for k in row[kept])
        before = len(text) - len(text.lstrip())
        places = (np.flatnonzero(kept) + 0.5) / len(row)
        among = share[kept][:, ten]
        among = among / np.maximum(among.sum(axis=1, keepdims=True), 1e-12)
        digits = "".join(str(k) for k in among.argmax(axis=1)) if kept.any() else ""
        answers.append(
            (
                _digits(text.strip()),
                float(weights[kept].mean()) if kept.any() else 0.0,
                digits,
                float(among.max(axis=1).min()) if kept.any() else 0.0,
                tuple(places[before : before + len(text.strip())]),
            )
        )
    return answers


def _digits(text) -> str:
    """Noughts and Roman numerals that were read as letters, put right."""
    if re.fullmatch(NOUGHTS, text):
        return text.replace("o", "0").replace("O", "0")
    return re.sub(ROMAN, lambda found: re.sub("[l1|]", "I", found[0]), text)


@lru_cache(maxsize=1)
def _model():
    """The recogniser and its letters; place 0 stands for none."""
    try:
        import onnxruntime

        package = importlib.util.find_spec(MODEL[0])
    except ImportError as error:
        raise DigitizeError(_not_installed()) from error
    if package is None or not package.submodule_search_locations:
        raise DigitizeError(_not_installed())
    path = Path(package.submodule_search_locations[0]).joinpath(*MODEL[1:])
    if not path.is_file():
        raise DigitizeError(_not_installed())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    letters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    return session, ["", *letters, " "]


def _not_installed() -> str:
    return "reading text in an image needs the extra: pip install 'oligomdt[digitize]'"
