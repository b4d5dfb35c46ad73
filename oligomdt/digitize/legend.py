"""Names of the arms: from the legend, from labels beside the curves, or by their colour."""

import itertools
import re
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from oligomdt.digitize.curve import Curve
from oligomdt.digitize.drawing import Drawing, Text
from oligomdt.digitize.figure import Panel

FAR = 1e6
"""Cost of a pair that cannot be."""

REMARK = re.compile(
    r"\b(hr|hazard|ci|p|logrank|log-rank|median|adjusted|stratified)\b|[=<>]|%|\d\.\d", re.I
)
"""What annotations say and names of arms do not."""


@dataclass(frozen=True)
class Name:
    """A name found for a curve.

    `how` is 'legend', 'line', 'colour', 'counts', 'beside' or 'none'.
    """

    text: str
    how: str
    source: Text | None = None
    order: int = 0


def cleaned(text: str) -> str:
    """A name without the number of patients and a closing colon.

    Examples
    --------
    >>> from oligomdt.digitize.legend import cleaned
    >>> cleaned("MDT (n = 58)"), cleaned("Control, N=31:")
    ('MDT', 'Control')
    """
    text = re.sub(r"[\s,;]*[\[(]?\s*\b[nN]\s*=\s*[\d,]+\s*[\])]?\s*:?\s*$", "", text)
    return text.strip().rstrip(":").strip()


def key(text: str) -> str:
    r"""What two spellings of one name share.

    Examples
    --------
    >>> from oligomdt.digitize.legend import key
    >>> key("D\u2212penicillamine") == key("D-Penicillamine")
    True
    """
    text = re.sub("[\u2010-\u2015\u2212]", "-", cleaned(text).casefold())
    return re.sub(r"[\s.,:;'\"]", "", text)


def find(
    drawing: Drawing, panel: Panel, curves: list[Curve], known=(), used=(), fitting=None
) -> tuple[list[Name], list[str]]:
    """A name for every curve.

    Parameters
    ----------
    drawing : Drawing
        The page.
    panel : Panel
        The box of the axes.
    curves : list of Curve
        The arms.
    known : list of str
        Names in the table of numbers at risk: labels beside the curves must be among them.
    used : collection of int
        Places in `drawing.texts` of texts that are labels of axes or cells of a table.
    fitting : dict of int to Name
        Names of curves that the numbers at risk fit in one way alone.

    Returns
    -------
    names : list of Name
        'Arm 1', 'Arm 2', ... for those not found.
    warnings : list of str
        Which were not found or are not sure.
    """
    words = [
        text
        for place, text in enumerate(drawing.texts)
        if place not in used and re.search(r"[^\W\d_]", text.text) and len(text.text) < 80
    ]
    names = [None] * len(curves)
    for way in (_by_handles, _by_swatches, by_colours, _by_lines, by_place):
        open_ = [k for k, name in enumerate(names) if name is None]
        if not open_:
            break
        if way in (_by_lines, by_place) and _agrees(names, fitting):
            # Places of labels are weaker evidence than numbers that fit one way alone.
            names = [name or fitting[k] for k, name in enumerate(names)]
            break
        taken = {key(name.text) for name in names if name is not None}
        free = [text for text in words if key(text.text) not in taken]
        for k, name in way(drawing, panel, [curves[k] for k in open_], free, known).items():
            names[open_[k]] = name
    names = remaining(names, known)
    if len(names) == len(known) == 1 and names[0] is None:
        names = [Name(known[0], "beside")]
    lost = _without_curve(drawing, curves, words, names)
    names, warnings = completed(names)
    if lost:
        warnings.append(
            f"the legend also names {', '.join(lost)}, for which no curve was found; check the "
            "picture, or give --colours"
        )
    return names, warnings


def _agrees(names, fitting) -> bool:
    """Whether the numbers at risk name all curves, and none other than it is named."""
    return bool(fitting) and all(
        name is None or key(name.text) == key(fitting[k].text) for k, name in enumerate(names)
    )


def remaining(names, known) -> list[Name | None]:
    """The names, with the one name left over for the one arm left over."""
    open_ = [k for k, name in enumerate(names) if name is None]
    taken = {key(name.text) for name in names if name is not None}
    left = [name for name in known if key(name) not in taken]
    sure = all(name is None or name.how in ("legend", "line", "colour") for name in names)
    if len(known) == len(names) and len(open_) == len(left) == 1 and sure:
        names = list(names)
        names[open_[0]] = Name(cleaned(left[0]), "colour")
    return names


def completed(names) -> tuple[list[Name], list[str]]:
    """A different name for every arm, 'Arm 1', ... where none was found, and warnings."""
    warnings = []
    beside = [name.text for name in names if name is not None and name.how == "beside"]
    if beside:
        warnings.append(
            f"the names {', '.join(beside)} were given to the nearest curves; check them, or "
            "give --names"
        )
    counts = [name.text for name in names if name is not None and name.how == "counts"]
    if counts:
        warnings.append(
            f"the names {', '.join(counts)} were given to the curves that the numbers at risk "
            "fit; check them, or give --names"
        )
    texts = [name.text for name in names if name is not None]
    if len(set(texts)) < len(texts):
        names = [None if name and texts.count(name.text) > 1 else name for name in names]
    missing = [k for k, name in enumerate(names) if name is None]
    if missing:
        warnings.append(
            f"no name was found for {len(missing)} of {len(names)} arm(s); give --names"
        )
    taken = {name.text for name in names if name is not None}
    for k in missing:
        numbers = (k + 1, *range(1, 2 * len(names) + 1))
        free = next(text for n in numbers if (text := f"Arm {n}") not in taken)
        names[k] = Name(free, "none")
        taken.add(free)
    return names, warnings


# -- legend


def _by_handles(drawing, panel, curves, words, known) -> dict:
    """Texts to the right of short level lines in the style of an arm."""
    handles = _handles(drawing, curves, words)
    return _matched(handles, curves, _unlike, 60.0, panel)


def _handles(drawing, curves, words) -> list:
    """Short level lines with the text to their right."""
    own = {item for curve in curves for item in curve.items}
    handles = []
    for stroke in drawing.strokes:
        x0, y0, x1, y1 = stroke.box
        flat = not stroke.filled and y1 - y0 < 0.1 and 4 < x1 - x0 < 90
        if not flat or stroke.item in own:
            continue
        text = _right_of(x1, (y0 + y1) / 2, words)
        if text is not None and not _is_mark(stroke, text, curves):
            handles.append((stroke, text))
    return handles


def _is_mark(stroke, text, curves) -> bool:
    """Whether a short line is the bar of a mark that stands on a curve of its colour."""
    x0, y0, x1, y1 = stroke.box
    if x1 - x0 > 1.5 * max(text.height, 4):
        return False
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return any(
        _other_colour(curve.stroke, stroke) < 20 and distance(curve, middle) < 1
        for curve in curves
    )


def _without_curve(drawing, curves, words, names) -> list[str]:
    """Names in line with those of the legend that no curve was found for."""
    used = {id(name.source) for name in names if name is not None and name.how == "legend"}
    handles = _handles(drawing, curves, words)
    left = {round(stroke.box[0], 1) for stroke, text in handles if id(text) in used}
    taken = {key(name.text) for name in names if name is not None}
    return list(
        dict.fromkeys(
            cleaned(text.text)
            for stroke, text in handles
            if round(stroke.box[0], 1) in left and key(text.text) not in taken
        )
    )


def _by_swatches(drawing, panel, curves, words, known) -> dict:
    """Texts to the right of small areas in the colour of an arm."""
    swatches = []
    for stroke in drawing.strokes:
        x0, y0, x1, y1 = stroke.box
        if stroke.filled and 2 < x1 - x0 < 40 and 2 < y1 - y0 < 40:
            text = _right_of(x1, (y0 + y1) / 2, words)
            if text is not None:
                swatches.append((stroke, text))
    colours = {curve.stroke.colour for curve in curves}
    if len(colours) < len(curves):
        return {}
    return _matched(swatches, curves, _other_colour, 30.0, panel)


def _right_of(x, y, words):
    near = [
        text
        for text in words
        if abs(text.y - y) < 0.75 * max(text.height, 4) and -1 < text.x0 - x < 30
    ]
    return min(near, key=lambda text: text.x0, default=None)


def _matched(pairs, curves, cost, most, panel) -> dict:
    """The cheapest pairing of curves and named strokes; a legend in the panel comes first."""
    if not pairs:
        return {}
    costs = np.array([[cost(curve.stroke, stroke) for stroke, _ in pairs] for curve in curves])
    aside = np.array([min(0.1 * _outside(stroke, panel), most / 3) for stroke, _ in pairs])
    found = {}
    for k, j in zip(*linear_sum_assignment(np.minimum(costs + aside, FAR)), strict=True):
        if costs[k, j] < most:
            text = pairs[j][1]
            found[int(k)] = Name(cleaned(text.text), "legend", text, int(j))
    return found


def _outside(stroke, panel) -> float:
    """How far a stroke is from the panel, in points."""
    x0, y0, x1, y1 = stroke.box
    return max(panel.x0 - x1, x0 - panel.x1, 0) + max(panel.y0 - y1, y0 - panel.y1, 0)


def _other_colour(curve, stroke) -> float:
    return float(np.abs(np.subtract(curve.colour, stroke.colour)).sum())


def _unlike(curve, stroke) -> float:
    """How much two lines differ in colour, dashes and width."""
    cost = _other_colour(curve, stroke)
    if bool(curve.dash) != bool(stroke.dash):
        return cost + 100
    if curve.dash:
        # Devices stretch dashes a little; their number and shares tell the patterns apart.
        cost += 20 * (len(curve.dash) != len(stroke.dash))
        n = min(len(curve.dash), len(stroke.dash))
        one, other = np.array(curve.dash[:n]), np.array(stroke.dash[:n])
        cost += 10 * float(np.abs(np.log((one + 0.1) / (other + 0.1))).sum()) / n
    return cost + 5 * abs(np.log(curve.width / stroke.width))


# -- labels beside the curves


def _by_lines(drawing, panel, curves, words, known) -> dict:
    """Texts that a thin line joins to a curve."""
    own = {item for curve in curves for item in curve.items}
    found = {}
    for stroke in drawing.strokes:
        if stroke.filled or stroke.item in own or len(stroke.points) > 12:
            continue
        for end, other in ((0, -1), (-1, 0)):
            text = _beside_point(stroke.points[other], words)
            if text is None or not may_name(text, known):
                continue
            k = _pointed_at(curves, stroke.points[other], stroke.points[end])
            if k is not None and k not in found:
                found[k] = Name(cleaned(text.text), "line", text)
    return found


def _pointed_at(curves, start, end):
    """The curve that a line runs into, if it goes on for a little."""
    length = float(np.hypot(*(end - start)))
    if length < 8 or min(distance(curve, start) for curve in curves) < 2:
        return None  # a mark on a curve
    for step in np.arange(0.0, 4.5, 0.25):  # leaders stop short of what they point at
        gaps = [distance(curve, end + step * (end - start) / length) for curve in curves]
        if min(gaps) < 0.5:
            return int(np.argmin(gaps))
    return None


def _beside_point(point, words):
    x, y = point
    near = [
        (max(t.x0 - x, x - t.x1, 0) + max(t.y0 - y, y - t.y1, 0), k)
        for k, t in enumerate(words)
        if t.x0 - 9 < x < t.x1 + 9 and t.y0 - 9 < y < t.y1 + 9
    ]
    return words[min(near)[1]] if near else None


def distance(curve, point) -> float:
    """Distance of a point from a curve."""
    a, b = curve.points[:-1], curve.points[1:]
    length = np.maximum(((b - a) ** 2).sum(axis=1), 1e-12)
    share = np.clip(((point - a) * (b - a)).sum(axis=1) / length, 0, 1)
    nearest = a + share[:, None] * (b - a)
    return float(np.sqrt(((nearest - point) ** 2).sum(axis=1)).min())


def by_colours(drawing, panel, curves, words, known) -> dict:
    """Texts in the colour that only one arm has."""
    found = {}
    for k, curve in enumerate(curves):
        colour = curve.stroke.colour
        twins = [c for c in curves if np.abs(np.subtract(c.stroke.colour, colour)).sum() < 60]
        if len(twins) > 1 or max(colour) - min(colour) < 30:
            continue
        same = [
            text
            for text in words
            if text.colour is not None
            and np.abs(np.subtract(text.colour, colour)).sum() < 20
            and may_name(text, known)
        ]
        if same and len({key(text.text) for text in same}) == 1:
            found[k] = Name(cleaned(same[0].text), "colour", same[0])
    return found


def by_place(drawing, panel, curves, words, known) -> dict:
    """As many texts inside the panel as curves: each to the nearest, all together."""
    inside = [text for text in words if beside_curves(text, panel) and may_name(text, known)]
    if len(inside) != len(curves) or not curves:
        return {}
    if len(curves) == 1 and not known:
        return {}
    gaps = np.array([[_gap(curve, text) for text in inside] for curve in curves])
    if (gaps.min(axis=1) > 0.3 * (panel.y1 - panel.y0)).any():
        return {}
    _, chosen = linear_sum_assignment(np.minimum(gaps, FAR))
    own = gaps[:, chosen]
    for k, j in itertools.combinations(range(len(curves)), 2):
        exchanged = own[k, j] + own[j, k] - own[k, k] - own[j, j]
        if exchanged < max(text.height for text in inside):
            return {}  # two names could as well be the other way round
    return {k: Name(cleaned(inside[j].text), "beside", inside[j]) for k, j in enumerate(chosen)}


def _gap(curve, text) -> float:
    """Height between a text and the curve above or below it."""
    x = np.linspace(text.x0, text.x1, 9)
    x = np.minimum(x, curve.points[-1, 0])
    k = np.searchsorted(curve.points[:, 0], x, side="right") - 1
    y = curve.points[np.clip(k, 0, None), 1]
    # The start of the text is where it was placed; its other end may run over other curves.
    weight = np.linspace(1, 0.2, 9)
    return float(np.average(np.abs(y - text.y), weights=weight))


def beside_curves(text, panel) -> bool:
    """Whether a text stands level where names of curves do: not a title of the figure."""
    level = text.angle < 5 or text.angle > 355
    return level and panel.x0 < text.x < panel.x1 + 60 and panel.y0 < text.y < panel.y1


def may_name(text, known) -> bool:
    """Whether a text can be the name of an arm: one of those known, if any are."""
    if known:
        return key(text.text) in {key(name) for name in known}
    return REMARK.search(cleaned(text.text)) is None
