"""Texts of an image: what a recogniser reads in its lines of text.

Each line is cut out and read by the recogniser of PaddleOCR (PP-OCRv4, Apache licence), which
the wheel `rapidocr-onnxruntime` holds, so nothing is downloaded. Text that runs upwards is
turned first.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import unicodedata
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from oligomdt.digitize import spelling
from oligomdt.digitize.drawing import Drawing, Text
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.text_lines import Line, ink, letter_colour, lines

MODEL = ("rapidocr_onnxruntime", "models", "ch_PP-OCRv4_rec_infer.onnx")
HEIGHT = 48
"""Rows of the picture that the recogniser takes."""
BATCH = 8
"""Lines read at once."""
MOST = 400
"""Lines of text read on one image."""
NOUGHTS = re.compile(r"[oO\d]*[.,]?[oO\d]+%?")
ROMAN = re.compile(r"(?<!\w)(?=[IlVX1|-]*I)[IlVX1|]{1,4}(?:-[IlVX1|]{1,4})?(?!\w)")


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
        if text and (colour := letter_colour(image, line)) is not None
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
