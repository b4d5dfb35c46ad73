"""Which text of an image has the colour of which curve, by hue.

Thin letters are mixed with the paper and images with loss blur their colours; what is left of
the hue, summed over the letters, still has its direction.
"""

import numpy as np

NEAR = 20.0
"""Largest difference of two hues that are one, in degrees."""

APART = 20.0
"""By how much more every other curve must differ."""

GREY = 0.12
"""Least share of colour in the ink of a text that has one."""


def owner(image: np.ndarray, text, colours, paper) -> int | None:
    """Place of the colour that a text has and no other is near; None if there is none.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8
        The page.
    text : Text
        Whose letters are looked at.
    colours : list of tuple of int
        Of the curves.
    paper : array of float
        Colour behind the curves.
    """
    letters = _letters(image, text)
    own = _chroma(letters.mean(axis=0))
    # Black letters that a curve runs through have its hue on the whole, but not each.
    if own is None or _coloured(letters) < 0.75:
        return None
    angles = []
    for colour in colours:
        other = _chroma(np.subtract(colour, paper))
        cosine = -1.0 if other is None else float(np.clip(own @ other, -1, 1))
        angles.append(float(np.degrees(np.arccos(cosine))))
    order = np.argsort(angles, kind="stable")
    nearest = angles[order[0]]
    clear = len(order) == 1 or angles[order[1]] >= nearest + APART
    return int(order[0]) if nearest <= NEAR and clear else None


def _letters(image, text) -> np.ndarray:
    """How far each pixel of a text is from the paper around it."""
    a, b = max(int(text.y0) - 1, 0), int(np.ceil(text.y1)) + 1
    c, d = max(int(text.x0) - 1, 0), int(np.ceil(text.x1)) + 1
    part = image[a:b, c:d].astype(float)
    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    return (part - np.median(edge, axis=0)).reshape(-1, 3)


def _coloured(letters) -> float:
    """Share of the pixels that are mostly ink that have a colour."""
    depth = np.abs(letters).max(axis=1)
    strong = letters[depth >= 0.7 * depth.max()]
    chroma = np.linalg.norm(strong - strong.mean(axis=1, keepdims=True), axis=1)
    return float((chroma >= GREY * np.linalg.norm(strong, axis=1)).mean())


def _chroma(tone) -> np.ndarray | None:
    """Direction of the hue; None for black, grey and white."""
    tone = np.asarray(tone, float)
    chroma = tone - tone.mean()
    length = float(np.linalg.norm(chroma))
    if length < GREY * max(float(np.linalg.norm(tone)), 1e-9):
        return None
    return chroma / length
