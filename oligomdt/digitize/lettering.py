"""Width of text whose font is not at hand."""

NARROW = set("iljtfrI.,:;'|!()[]/ ")
WIDE = set("mwMW%@")


def text_width(text: str, size: float) -> float:
    """About how wide a piece of text is, in the unit of its size.

    Letters are taken as wide as in a common sans serif face.

    Examples
    --------
    >>> from oligomdt.digitize.lettering import text_width
    >>> round(text_width("100", 10), 2)
    16.68
    """
    return size * sum(_width(letter) for letter in text)


def _width(letter) -> float:
    if letter in NARROW:
        return 0.29
    if letter in WIDE:
        return 0.86
    if letter.isupper():
        return 0.68
    return 0.556 if letter.isdigit() else 0.54
