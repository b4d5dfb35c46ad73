"""Letters drawn as shapes: they are found, drawn again upright, and what is read is used."""

import re
import sys
from types import SimpleNamespace

import drawn_figure as drawn
import numpy as np
import pytest
from test_digitize_vector import check

from oligomdt import digitize
from oligomdt.digitize import outline, svg
from oligomdt.digitize.drawing import Drawing, Stroke


@pytest.fixture
def nameless():
    """A figure whose letters are shapes without any hint; and the texts they stand for."""
    content = drawn.draw(look="shapes", table="below", marks="+")
    texts = svg.read(content, "figure.svg").texts
    return re.sub(rb"<!--.*?-->", b"", content, flags=re.S), texts


def reader(monkeypatch, answers):
    """Put a recogniser in place that gives the answers in turn; it keeps the pictures."""
    seen = []

    def read(picture, lines):
        seen.append((picture, lines))
        return [answers[len(seen) - 1]]

    fake = SimpleNamespace(read=read)
    monkeypatch.setitem(sys.modules, "oligomdt.digitize.ocr", fake)
    monkeypatch.setattr(digitize, "ocr", fake, raising=False)
    return seen


def as_read(texts):
    """What a perfect recogniser says: a lone letter is shown three times."""
    return [(3 * t.text if len(t.text) == 1 else t.text, 0.9) for t in texts]


def test_a_figure_without_letters_is_read(nameless, monkeypatch, tmp_path):
    content, texts = nameless
    seen = reader(monkeypatch, as_read(texts))
    path = tmp_path / "figure.svg"
    path.write_bytes(content)
    found = digitize.digitize(path)
    assert len(seen) == len(texts)
    check(found, drawn.ARMS)
    assert found.risk_table.counts["Control"][0] == 40
    assert found.y_axis.title == "Progression-free survival"
    assert any("read as images" in warning for warning in found.warnings)
    assert all(
        text.x == pytest.approx(true.x, abs=0.5) and text.y == pytest.approx(true.y, abs=0.5)
        for text, true in zip(found.drawing.texts, texts, strict=True)
    )


def test_pictures_are_upright_dark_on_white(nameless, monkeypatch):
    content, texts = nameless
    seen = reader(monkeypatch, as_read(texts))
    outline.lettered(svg.read(content, "figure.svg"))
    for (picture, (line,)), text in zip(seen, texts, strict=True):
        assert picture.shape[1] > picture.shape[0] or len(text.text) < 3
        assert picture.dtype == np.uint8 and picture[0].min() == 255 and picture.min() < 60
        left, top, right, bottom = line.x0, line.y0, line.x1, line.y1
        assert 0 < left < right < picture.shape[1] and 0 < top < bottom < picture.shape[0]


def test_what_is_not_sure_is_not_used(nameless, monkeypatch, tmp_path):
    content, texts = nameless
    reader(monkeypatch, [(text, 0.1) for text, _ in as_read(texts)])
    path = tmp_path / "figure.svg"
    path.write_bytes(content)
    with pytest.raises(digitize.DigitizeError, match="no text.*--x-range"):
        digitize.digitize(path)


def test_marks_are_no_letters():
    """Shapes all alike and as wide as high, or very narrow, are marks, however close."""
    square = np.array([(0, 0), (4, 0), (4, 4), (0, 4)], float)
    marks = [
        Stroke(square + (k * 5.0, 10 * j), filled=True, closed=True, item=10 * j + k)
        for j in range(6)
        for k in range(4)
    ]
    drawing = Drawing("vector", 100, 100, tuple(marks))
    assert outline.lettered(drawing) is drawing
