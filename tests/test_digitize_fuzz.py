"""Whatever the bytes, the readers give a figure or a DigitizeError."""

import drawn_figure as drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_digitize_bad_input import CURVE
from test_digitize_vector import svg

from oligomdt import digitize

FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SHARE = st.floats(0, 1, exclude_max=True)
WORDS = ("nan", "1e999", "-1e308", "0", "M", "z", "matrix(0 0 0 0 0 0)", "#", "url(#x)", "%")
DRAWN = {
    "svg": drawn.draw(table="below", size=(4, 3)),
    "pdf": drawn.draw(look="pdf", size=(4, 3)),
    "hand.svg": svg(),
    "hand.pdf": drawn.pdf(CURVE),
}


def survives(content, tmp_path):
    path = tmp_path / "figure"
    path.write_bytes(content)
    try:
        found = digitize.digitize(path)
    except digitize.DigitizeError as error:
        assert str(error)
    else:
        assert found.arms


@FEW
@given(
    name=st.sampled_from(sorted(DRAWN)),
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8
    ),
    end=st.floats(0.05, 1.0),
)
def test_changed_and_shortened_files(name, places, end, tmp_path):
    content = bytearray(DRAWN[name])
    for place, byte in places:
        content[int(place * len(content))] = byte
    survives(bytes(content[: int(end * len(content))]), tmp_path)


@FEW
@given(
    place=st.floats(0, 1, exclude_max=True),
    words=st.sampled_from(
        [
            "nan",
            "1e999",
            "-1e308",
            "0",
            "M",
            "z",
            "matrix(0 0 0 0 0 0)",
            "#",
            "url(#x)",
            "%",
            "''",
        ]
    ),
    length=st.integers(0, 12),
)
def test_numbers_and_words_in_the_wrong_place(place, words, length, tmp_path):
    content = DRAWN["hand.svg"]
    k = int(place * len(content))
    survives(content[:k] + words.encode() + content[k + length :], tmp_path)


@FEW
@given(content=st.binary(max_size=200), start=st.sampled_from([b"%PDF-1.4\n", b"<svg ", b""]))
def test_any_bytes(content, start, tmp_path):
    survives(start + content, tmp_path)
