"""Censoring marks of a vector panel: small shapes or letters on the curves."""

from dataclasses import dataclass

import numpy as np

from oligomdt.digitize import limits
from oligomdt.digitize.curve import Curve
from oligomdt.digitize.drawing import Colour, Drawing
from oligomdt.digitize.figure import Panel

LARGEST = 18.0
"""Width and height of the largest mark, in points."""

REACH = 0.45
"""How far from its curve a mark may be, in points."""

LETTERS = set("|/\\+x×oO○●◦•l¦✕✚")


@dataclass(frozen=True)
class _Mark:
    """A small shape: its box, colour, kind and place in the order of drawing."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: Colour | None
    kind: str
    order: float

    @property
    def x(self):
        return (self.x0 + self.x1) / 2

    @property
    def inexact(self):
        """A letter, whose place is rounded by some devices, or a letter drawn as a shape."""
        return self.kind == "area" or self.kind.startswith("letter")

    @property
    def look(self):
        size = (round(self.x1 - self.x0, 1), round(self.y1 - self.y0, 1))
        return (self.kind, size, self.colour)


def find(
    drawing: Drawing, panel: Panel, curves: list[Curve], used=()
) -> tuple[list[np.ndarray], list[str]]:
    """Places of the censoring marks of every curve.

    Parameters
    ----------
    drawing : Drawing
        A vector page.
    panel : Panel
        The box of the axes.
    curves : list of Curve
        The arms.
    used : collection of int
        Places in `drawing.texts` of texts that are labels, not marks.

    Returns
    -------
    marks : list of array of shape (c,)
        Along the time axis, in page units, for each curve.
    warnings : list of str
        What is not sure.
    """
    shapes = _shapes(drawing, panel, curves)
    if len(shapes) > limits.MARKS:
        told = f"{len(shapes)} small shapes are more than the {limits.MARKS} looked at"
        return [np.empty(0) for _ in curves], [f"censoring marks were not read: {told}"]
    marks = _merged(shapes + _letters(drawing, panel, used))
    families = {}
    for mark in marks:
        families.setdefault(mark.look[:2], []).append(mark)
    found = [[] for _ in curves]
    unsure = 0
    for family in families.values():
        anchor = _anchor(family, curves)
        if anchor is None:
            continue
        own = [[] for _ in curves]
        for colour in dict.fromkeys(mark.colour for mark in family):
            for run in _runs([mark for mark in family if mark.colour == colour], curves):
                unsure += _assign(run, anchor, curves, own)
        aside = _aside(own, curves) if family[0].inexact else 0.0
        for places, more in zip(found, own, strict=True):
            places += [x - aside for x in more]
    places = [
        np.sort(np.array([*marks, *curve.spikes[:, 0]], float))
        for marks, curve in zip(found, curves, strict=True)
    ]
    warnings = []
    if unsure:
        warnings.append(
            f"{unsure} censoring mark(s) lie where curves of one colour meet; the arm they "
            "were given to is not sure"
        )
    return places, warnings


def _shapes(drawing, panel, curves) -> list[_Mark]:
    taken = {item for curve in curves for item in curve.items}
    marks = []
    for stroke in drawing.strokes:
        x0, y0, x1, y1 = stroke.box
        if x1 - x0 > LARGEST or y1 - y0 > LARGEST or stroke.item in taken:
            continue
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        if not _within(middle_x, middle_y, panel):
            continue
        if max(x1 - x0, y1 - y0) < 0.5 or (stroke.filled and min(stroke.colour) > 250):
            continue
        marks.append(_Mark(x0, y0, x1, y1, stroke.colour, _kind(stroke), stroke.item))
    return marks


def _kind(stroke) -> str:
    x0, y0, x1, y1 = stroke.box
    if x1 - x0 < 0.05 and not stroke.filled:
        return "upright"
    if y1 - y0 < 0.05 and not stroke.filled:
        return "level"
    if len(stroke.points) == 2:
        (ax, ay), (bx, by) = stroke.points
        return "slant" if (bx - ax) * (by - ay) > 0 else "slope"
    return "area" if stroke.filled else "shape"


def _letters(drawing, panel, used) -> list[_Mark]:
    marks = []
    for place, text in enumerate(drawing.texts):
        if place in used or len(text.text) != 1 or text.text not in LETTERS:
            continue
        if _within(text.x, text.y, panel):
            kind = f"letter {text.text}"
            marks.append(_Mark(text.x0, text.y0, text.x1, text.y1, text.colour, kind, place))
    return marks


def _within(x, y, panel) -> bool:
    # The topmost marks reach above survival 1, which may be the edge of the panel.
    return panel.x0 - 1 <= x <= panel.x1 + 1 and panel.y0 - 8 <= y <= panel.y1 + 1


def _merged(marks) -> list[_Mark]:
    """Parts that are drawn around one middle, such as the two lines of a plus, made one."""
    merged = []
    for mark in marks:
        last = merged[-1] if merged else None
        if last is not None and _one(last, mark):
            box = (
                min(last.x0, mark.x0),
                min(last.y0, mark.y0),
                max(last.x1, mark.x1),
                max(last.y1, mark.y1),
            )
            kind = last.kind if mark.kind in last.kind else f"{last.kind}+{mark.kind}"
            merged[-1] = _Mark(*box, last.colour, kind, last.order)
        else:
            merged.append(mark)
    return merged


def _one(last, mark) -> bool:
    if last.kind.startswith("letter") or mark.kind.startswith("letter"):
        return False
    same = abs(last.x - mark.x) < 0.06
    same = same and abs(last.y0 + last.y1 - mark.y0 - mark.y1) < 0.12
    if last.order == mark.order:  # outline and inside, or parts, of one path
        return same
    return same and mark.kind not in last.kind.split("+") and mark.order - last.order <= 1


def _aside(own, curves) -> float:
    """How far the marks stand to the right of where they should.

    A curve that ends level ends at a censored time: its last mark tells.
    """
    gaps = []
    for places, curve in zip(own, curves, strict=True):
        (_, before), (end, last) = curve.points[-2:]
        if len(places) and before == last and abs(max(places) - end) < 0.6:
            gaps.append(max(places) - end)
    return float(np.median(gaps)) if gaps and np.ptp(gaps) < 0.15 else 0.0


def _anchor(group, curves):
    """The share of a mark's height that lies on the curve: middle, foot or top.

    Letters are not always where their box says, so other shares are tried for them. None if
    most of the group are on no curve.
    """
    best = max((_fit(group, anchor, curves) for anchor in (0.5, 1.0, 0.0)), key=_quality)
    if group[0].inexact and len(group) > 2 and best[1] < 0.9 * len(group):
        tries = [_fit(group, anchor, curves) for anchor in np.arange(-0.2, 1.21, 0.04)]
        best = max([best, *tries], key=_quality)
    anchor, hits, _ = best
    return anchor if hits >= min(3, 0.5 * len(group)) and hits else None


def _fit(group, anchor, curves):
    """An anchor, how many marks it puts on a curve, and how far off the middle one is."""
    sample = group[:: max(1, len(group) // 60)]
    gaps = np.array([min(_gap(mark, anchor, curve) for curve in curves) for mark in sample])
    share = len(group) / len(sample)
    return float(anchor), share * int((gaps <= REACH).sum()), float(np.median(gaps))


def _quality(fit):
    _, hits, gap = fit
    return hits, -gap


def _gap(mark, anchor, curve) -> float:
    """Distance of a mark's anchor from a curve, which may be upright there."""
    y = mark.y0 + anchor * (mark.y1 - mark.y0)
    high, low = curve.level(mark.x)
    return max(high - y, y - low, 0.0) if np.isfinite(high) else np.inf


def _runs(group, curves) -> list[list[_Mark]]:
    """Marks drawn one after the other from left to right: those of one arm."""
    group = sorted(group, key=lambda mark: mark.order)
    drawn = sorted({min(curve.items) for curve in curves})
    runs = [[group[0]]]
    for mark in group[1:]:
        last = runs[-1][-1]
        # A curve drawn between two marks starts another arm (texts are counted apart).
        parted = not mark.kind.startswith("letter") and any(
            last.order < item < mark.order for item in drawn
        )
        if mark.x < last.x - 0.05 or parted:
            runs.append([mark])
        else:
            runs[-1].append(mark)
    return runs


def _assign(run, anchor, curves, found) -> int:
    """Give the marks of a run to a curve; the number that could belong to another."""
    gaps = np.array([[_gap(mark, anchor, curve) for curve in curves] for mark in run])
    on = gaps <= REACH
    own = np.array([curve.stroke.colour == run[0].colour for curve in curves])
    if own.any() and (on & own).any():
        on = np.where(on[:, own].any(axis=1)[:, None], on & own, on)
    whole = on.all(axis=0)
    if whole.any():
        # Every mark of the run lies on it; of several, the one they lie on best.
        k = int(np.argmin(np.where(whole, gaps.sum(axis=0), np.inf)))
        found[k] += [mark.x for mark in run]
        return len(run) if (whole & (np.arange(len(curves)) != k)).any() else 0
    return _singly(run, on, gaps, found)


def _singly(run, on, gaps, found) -> int:
    """Marks of several arms in one run: each to its nearest curve, else to its neighbours'."""
    unsure, last = 0, None
    for k, mark in enumerate(run):
        options = np.flatnonzero(on[k])
        if not len(options):
            continue
        sure = len(options) == 1
        if sure:
            last = options[0]
        unsure += not sure
        chosen = last if last in options else options[int(np.argmin(gaps[k, options]))]
        found[chosen].append(mark.x)
    return unsure
