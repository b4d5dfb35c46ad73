"""An image, from pixels to arms."""

import difflib
import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from oligomdt.digitize import (
    agreement,
    censoring,
    hue,
    legend,
    limits,
    ocr,
    panel,
    risk_table,
    ruler,
    trace,
)
from oligomdt.digitize.axis import number
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Arm, Digitised, Panel
from oligomdt.digitize.handle import Handle, handles
from oligomdt.digitize.settings import Settings
from oligomdt.digitize.trace import Trace

HALF_WIDTHS = (2, 4, 7)
"""Pixels to either side of the middle of a line at which it must have ended, thin to thick."""

MARKS = 0.03
"""How far censoring marks reach from their curve, as a share of the height of the panel."""

ALIKE = 40.0
"""Colours nearer than this (in red, green and blue) are one."""


def panels(drawing: Drawing) -> tuple[Panel, ...]:
    """Panels of an image; a DigitizeError if there is none."""
    drawing = ocr.lettered(drawing)
    places = _survival(panel.find(drawing))
    if not places:
        raise DigitizeError(_no_panel(drawing))
    return tuple(place.panel for place in places)


def digitised(drawing: Drawing, settings: Settings) -> Digitised:
    """Everything in one panel of an image.

    Parameters
    ----------
    drawing : Drawing
        As a reader gives it.
    settings : Settings
        What the user gives.

    Returns
    -------
    Digitised
        With the warnings of all parts.

    Raises
    ------
    DigitizeError
        When something is not found; it names the option that supplies it.
    """
    drawing = ocr.lettered(drawing)
    place = _place(drawing, settings)
    x_axis, y_axis, warnings = ruler.read_axes(drawing, place, settings)
    warnings = [*drawing.notes, *warnings]
    box = _box(drawing, place, x_axis, y_axis, settings)
    below = max((label.text.y1 for label in place.x_labels), default=box.y1)
    rows = risk_table.rows(drawing.texts, box, x_axis, below - 1, _floor(drawing, place))
    field = _field(drawing, place, box, x_axis, y_axis, rows)
    arms, more = _arms(field, settings, _expected(drawing, box, rows, settings))
    warnings += more
    warnings += _unsure(arms)
    arms, marks, reach, more = _marked(field, arms)
    warnings += more
    curves = [_curve(arm, field, x_axis, y_axis) for arm in arms]
    counted = agreement.Counted(rows, curves, x_axis)
    names, more = _names(drawing, box, field, arms, counted, settings)
    warnings += more + _merged(names, marks)
    rows = [agreement.renamed(row, names) for row in rows]
    orders = [k for k, _ in enumerate(names)] if field.handles else []
    table, more = risk_table.table(rows, names, [a.trace.colour for a in arms], x_axis, orders)
    warnings += more
    return Digitised(
        panel=box,
        x_axis=x_axis,
        y_axis=y_axis,
        arms=tuple(
            _arm(arm, name, field, places, reach, x_axis, y_axis)
            for arm, name, (places, _) in zip(arms, names, marks, strict=True)
        ),
        risk_table=table,
        resolution=(abs(x_axis.scale), abs(y_axis.scale)),
        warnings=tuple(warnings),
        settings=settings.given(),
        source=drawing.source + (f" page {drawing.page}" if drawing.page > 1 else ""),
        drawing=drawing,
    )


# -- panel


def _survival(places):
    """Panels whose upright axis can be survival; not the axis of a table of counts."""
    return [
        place
        for place in places
        if max(label.value for label in place.y_labels) <= 105 and len(place.y_labels) > 2
    ] or [p for p in places if max(label.value for label in p.y_labels) <= 105]


def _place(drawing, settings) -> panel.Place:
    if settings.box is not None:
        return panel.find(drawing, settings.box)[0]
    places = panel.find(drawing)
    kept = _survival(places)
    if not kept:
        raise DigitizeError(_no_panel(drawing))
    return panel.choose(kept, settings.panel)


def _no_panel(drawing) -> str:
    return (
        f"no axes were found in {drawing.source or 'the image'}: no numbers along two sides of "
        "a box could be read; give --box, --x-range and --y-range"
    )


def _box(drawing, place, x_axis, y_axis, settings) -> Panel:
    if settings.box is not None:
        return place.panel
    return ruler.box(drawing.image, place, x_axis, y_axis)


def _floor(drawing, place) -> float:
    """Top of the panel below."""
    here = place.panel
    tops = [
        other.panel.y0
        for other in _survival(panel.find(drawing))
        if other.panel.y0 > here.y1 and other.panel.x0 < here.x1 and other.panel.x1 > here.x0
    ]
    return min(tops, default=np.inf)


# -- field


@dataclass(eq=False)
class _Field:
    """The part of the image that holds the curves."""

    pixels: np.ndarray
    paper: np.ndarray
    left: int
    top: int
    start: float
    one: float
    zero: float
    clutter: np.ndarray
    handles: list
    behind: np.ndarray | None = None

    def grounds(self) -> list:
        """Colours that fill a good part of it, the most frequent first: paper and bands."""
        flat = self.pixels[::2, ::2].reshape(-1, 3)
        codes = (flat // 8).astype(int) @ np.array([10000, 100, 1])
        values, counts = np.unique(codes, return_counts=True)
        order = [k for k in np.argsort(-counts)[:24] if counts[k] > 0.004 * len(codes)]
        return [np.median(flat[codes == values[k]], axis=0) for k in order]

    def ground(self) -> np.ndarray:
        """What lies behind the lines at each pixel: the median of its surroundings."""
        if self.behind is None:
            small = ndimage.median_filter(self.pixels[::3, ::3], size=(7, 7, 1))
            large = small.repeat(3, axis=0).repeat(3, axis=1)
            self.behind = large[: self.pixels.shape[0], : self.pixels.shape[1]]
        return self.behind

    def cover(self, colour, others=()):
        cover = trace.coverage(self.pixels, self.paper, colour, others)
        return np.where(self.clutter, 0, cover)

    def ink(self, colour, others=()):
        """The same with areas, less the tint of a confidence band of that colour."""
        ink = trace.ink(self.pixels, self.paper, colour, others)
        tints = [trace.tint(ground, colour, self.paper) for ground in self.grounds()]
        band = max(
            (share + 0.02 for share in tints if share is not None and share < 0.5), default=0
        )
        return np.where(self.clutter, 0, np.clip((ink - band) / (1 - band), 0, 1))


def _field(drawing, place, box, x_axis, y_axis, rows) -> _Field:
    image = drawing.image
    x_ticks = [position for position, _ in x_axis.ticks]
    left = max(int(x_axis.position(0.0)), 0)
    right = int(min(max(box.x1, *x_ticks) + 3, image.shape[1]))
    one, zero = float(y_axis.position(1.0)), float(y_axis.position(0.0))
    lowest = max(position for position, _ in y_axis.ticks)
    top = max(int(one) - 12, 0)
    bottom = int(min(max(box.y1, lowest) + 3, image.shape[0]))
    bottom = min(bottom, int(max(zero, lowest)) + 4)
    if right - left < 30 or bottom - top < 30:
        raise DigitizeError("the axes are too small to read curves; give their --box")
    pixels = image[top:bottom, left:right].astype(float)
    paper = ocr.papers(image[top:bottom, left:right])[0].astype(float)
    taken = {id(lab.text) for lab in (*place.x_labels, *place.y_labels)}
    taken |= {id(drawing.texts[k]) for row in rows for k in row.texts}
    words = [text for text in _own(drawing, place) if id(text) not in taken]
    found = handles(image, words)
    clutter = np.zeros(pixels.shape[:2], bool)
    for text in drawing.texts:
        letters = sum(letter.isalnum() for letter in text.text)
        if letters >= 3 and text.confidence > 0.8 and number(text.text) is None:
            _blot(clutter, text.x0 - left, text.y0 - top, text.x1 - left, text.y1 - top, 2)
    for one_handle in found:
        h = one_handle
        pad = 0.5 * h.text.height
        _blot(clutter, h.x0 - left, h.y - top - pad, h.x1 - left, h.y - top + pad, 1)
    clutter |= _rules(pixels, paper)
    return _Field(
        pixels,
        paper,
        left,
        top,
        float(x_axis.position(0.0)) - left,
        one - top,
        zero - top,
        clutter,
        found,
    )


def _own(drawing, place) -> list:
    """Texts that do not stand inside another panel of the page."""
    others = [o.panel for o in _survival(panel.find(drawing)) if o.panel != place.panel]
    return [
        text
        for text in drawing.texts
        if not any(o.x0 < text.x < o.x1 and o.y0 < text.y < o.y1 for o in others)
    ]


def _rules(pixels, paper) -> np.ndarray:
    """Pixels of lines that run all the way: axes, frame and grid, where nothing covers them."""
    away = np.abs(pixels - paper).max(axis=2)
    found = np.zeros(away.shape, bool)
    for axis in (1, 0):
        lines = np.median(pixels, axis=axis, keepdims=True)
        full = (away > 12).mean(axis=axis, keepdims=True) > 0.94
        full &= np.abs(lines - paper).max(axis=2) > 12
        found |= full & (np.abs(pixels - lines).max(axis=2) < 30)
    return found


def _blot(clutter, x0, y0, x1, y1, pad):
    height, width = clutter.shape
    a, b = max(int(y0 - pad), 0), min(int(y1 + pad), height)
    c, d = max(int(x0 - pad), 0), min(int(x1 + pad), width)
    if a < b and c < d:
        clutter[a:b, c:d] = True


# -- arms


@dataclass(eq=False)
class _Found:
    """An arm as traced: its curve in pixels of the field, its ink and what may cover it."""

    trace: Trace
    cover: np.ndarray
    hidden: np.ndarray
    handle: Handle | None = None


@dataclass(frozen=True)
class _Look:
    """What an arm looks like."""

    colour: tuple
    style: str
    handle: Handle | None = None


NO_FREE_MARK = (
    "hardly any censoring mark stands free of a step, so none was read; check the figure"
)

ORDER = {"solid": 0, "dashed": 1, "dotted": 2}


def _arms(field, settings, expected):
    looks = _looks(field, settings)
    kept = _told(field, looks) if looks else _untold(field, expected)
    if not kept:
        raise DigitizeError(
            "no curve that starts at survival 1 was found; give the --colours of the arms, or "
            "the --box, --x-range and --y-range of the axes"
        )
    if settings.arms is not None and len(kept) != settings.arms:
        raise DigitizeError(
            f"{len(kept)} curve(s) were found, but --arms {settings.arms} asked for; give "
            "their --colours"
        )
    if len(kept) > limits.ARMS:
        raise DigitizeError(
            f"{len(kept)} curves were found, more than {limits.ARMS}; the arms cannot be told "
            "apart: give --colours"
        )
    warnings = []
    if len(looks) > len(kept):
        asked = "colours given" if settings.colours is not None else "legend"
        warnings.append(
            f"{len(looks) - len(kept)} arm(s) of the {asked} have no curve that was found; "
            "give --colours"
        )
    return kept, warnings


def _unsure(arms) -> list[str]:
    """What is not sure about the curves themselves."""
    alike = [
        (one, other)
        for one, other in itertools.combinations(arms, 2)
        if _apart(one.trace.colour, other.trace.colour) < ALIKE
        and one.trace.style == other.trace.style
    ]
    if not alike:
        return []
    return [
        "some arms have lines of one look; where they meet or cross they may have been "
        "exchanged: check them"
    ]


def _told(field, looks) -> list:
    """The arms that the legend or the user tells of, in that order."""
    groups = []
    for look in looks:
        for group in groups:
            if _apart(group[0].colour, look.colour) < ALIKE:
                group.append(look)
                break
        else:
            groups.append([look])
    found = {}
    covers = _covers(field, [group[0].colour for group in groups])
    for k, group in enumerate(groups):
        hidden = _hidden(field, covers, k)
        group = sorted(group, key=lambda look: ORDER[look.style])
        for look, one in zip(group, _group(field, covers[k], hidden, group), strict=True):
            found[id(look)] = one
    return [found[id(look)] for look in looks if found[id(look)] is not None]


def _covers(field, colours) -> list:
    covers = [
        field.cover(colour, [other for other in colours if other != colour])
        for colour in colours
    ]
    for k, j, ground, mixed, others in _overlaps(field, colours):
        there = np.abs(field.ground() - ground).max(axis=2) < 20
        if there.mean() > 0.003:
            more = trace.coverage(field.pixels, ground, mixed, others)
            covers[k] = np.where(there & ~field.clutter, np.maximum(covers[k], more), covers[k])
            covers[j] = np.where(there & (more > 0.5), 0, covers[j])
    return covers


def _overlaps(field, colours):
    """Where the bands of two arms lie over each other and over the lines, and what they make.

    Yields the arm, the other arm, the colour of both bands together, the colour of the line of
    the arm below the other's band, and that of the other's line.
    """
    grounds = field.grounds()
    shares = []
    for colour in colours:
        found = [trace.tint(ground, colour, field.paper) for ground in grounds]
        shares.append(next((share for share in found if share is not None), None))
    for k, j in itertools.permutations(range(len(colours)), 2):
        if shares[k] is None or shares[j] is None:
            continue
        one, other = np.array(colours[k], float), np.array(colours[j], float)
        a, b = shares[k], shares[j]
        under = (1 - b) * one + b * other
        beside = (1 - a) * other + a * one
        for ground in (
            (1 - b) * ((1 - a) * field.paper + a * one) + b * other,
            (1 - a) * ((1 - b) * field.paper + b * other) + a * one,
        ):
            if any(np.abs(ground - seen).max() < 14 for seen in grounds):
                yield k, j, ground, under, [beside]
                break


def _hidden(field, covers, k):
    hidden = field.clutter.copy()
    for j, cover in enumerate(covers):
        if j != k:
            hidden |= cover > 0.3
    return hidden


def _untold(field, expected) -> list:
    """Without a legend: every curve of every colour that is not one found before."""
    colours = _colours(field)
    covers = _covers(field, colours)
    traced, clock = [], limits.Clock("the image")
    for k, colour in enumerate(colours):
        clock.check()
        looks = [_Look(colour, style) for style in ("solid", "solid", "dashed")]
        group = _group(field, covers[k], _hidden(field, covers, k), looks)
        traced += itertools.takewhile(lambda one: one is not None, group)
    found = []
    # A line of reference borrows the ink of a curve for its start: curves first.
    for one in sorted(traced, key=lambda one: -one.trace.seen):
        if _is_new(one, found):
            found.append(one)
    found = _without_limits([one for one in traced if one in found])
    if expected is not None and len(found) > expected:
        best = sorted(found, key=_sure, reverse=True)[:expected]
        found = [one for one in found if one in best]
    return found


def _sure(one) -> float:
    """How much of a curve shows its ink; little of a short one."""
    return one.trace.seen * min(1.0, 3 * len(one.trace.rows) / one.cover.shape[1])


def _expected(drawing, box, rows, settings) -> int | None:
    """The number of arms that the table of numbers at risk or the labels tell."""
    if settings.arms is not None:
        return settings.arms
    named = [row for row in rows if row.label]
    if named:
        return len(named)
    words = [
        text
        for text in drawing.texts
        if box.x0 < text.x < box.x1
        and box.y0 < text.y < box.y1
        and text.confidence > 0.8
        and sum(letter.isalpha() for letter in text.text) > 2
        and not 5 < text.angle < 355
        and legend.may_name(text, ())
    ]
    return len(words) or None


def _is_new(one, found) -> bool:
    """Whether a good part of a curve is its own ink away from the others.

    A broken line that is level wherever it is alone is a line of reference, as at the median.
    """
    rows = one.trace.rows
    x = np.arange(len(rows)) + 0.5
    own = np.ones(len(rows), bool)
    for other in found:
        level = other.trace.level(x)
        reach = other.trace.width / 2 + one.trace.width / 2 + 1
        if other.trace.colour == one.trace.colour:
            # The censoring marks of a curve are no second one.
            reach = max(reach, MARKS * len(one.cover))
        near = np.abs(level - rows - 0.5) <= reach
        own &= ~near | (x > other.trace.end)
    inked = trace.window(one.cover, rows, 1).max(axis=0) > 0.35
    if own.sum() < max(8, 0.12 * len(rows)) or inked[own].mean() <= 0.4:
        return False
    level = np.abs(rows[own] - np.median(rows[own])) < 2
    reference = level.mean() > 0.9 and inked[own].mean() < 0.85
    return not reference


def _without_limits(found) -> list:
    """Without broken lines that run above and below a solid one: confidence limits."""
    limits = set()
    for one in found:
        above = [other for other in found if other is not one and _side(other, one) < 0]
        below = [other for other in found if other is not one and _side(other, one) > 0]
        thin = [other for other in (*above, *below) if other.trace.seen < one.trace.seen - 0.1]
        if any(o in thin for o in above) and any(o in thin for o in below):
            limits |= {id(other) for other in thin}
    return [one for one in found if id(one) not in limits]


def _side(one, other) -> int:
    """-1 if a curve lies above another all along, 1 if below, 0 if neither."""
    x = np.arange(10, min(one.trace.end, other.trace.end), 2.0)
    if not len(x):
        return 0
    gap = one.trace.level(x) - other.trace.level(x)
    if np.mean(gap < 1) > 0.97 and np.mean(gap < -1) > 0.6:
        return -1
    return 1 if np.mean(gap > -1) > 0.97 and np.mean(gap > 1) > 0.6 else 0


def _looks(field, settings) -> list[_Look]:
    if settings.colours is not None:
        return [_Look(colour, _style_of(field, colour)) for colour in settings.colours]
    colours = [one.colour for one in field.handles]
    return [_Look(_full(field, one.colour, colours), one.style, one) for one in field.handles]


def _full(field, colour, colours) -> tuple:
    """The colour of a line whose sample in the legend is thinned with the paper.

    A thin sample that lies between two rows of pixels fills neither. Elsewhere the line does.
    """
    if max(colour) - min(colour) < 40:
        return colour  # a grey may be black or another grey
    way = np.asarray(colour, float) - field.paper
    away = field.pixels - field.paper
    share = away @ way / float(way @ way)
    alike = np.sqrt(((away - share[..., None] * way) ** 2).sum(axis=2)) < 15
    deeper = alike & (share > 1.15) & ~field.clutter
    if deeper.any(axis=0).mean() < 0.2:
        return colour
    full = tuple(int(value) for value in np.percentile(field.pixels[deeper], 25, axis=0))
    others = [other for other in colours if other != colour]
    return colour if any(_apart(full, other) < ALIKE for other in others) else full


def _style_of(field, colour) -> str:
    near = [h for h in field.handles if _apart(h.colour, colour) < ALIKE]
    return near[0].style if near else "solid"


def _apart(one, other) -> float:
    return float(np.abs(np.subtract(one, other)).max())


def _colours(field) -> list[tuple]:
    """Colours of lines that run over a good part of the panel, thin ones first."""
    away = np.abs(field.pixels - field.paper).max(axis=2)
    found = []
    for d in HALF_WIDTHS:
        middle, edge = away[d:-d], np.maximum(away[: -2 * d], away[2 * d :])
        ridge = np.zeros(away.shape, bool)
        ridge[d:-d] = (middle > 60) & (middle - edge > 25)
        if d > 2:
            # Well inside a thick line: its fringe has a colour of its own.
            ridge[d:-d] &= np.minimum(away[d - 1 : -d - 1], away[d + 1 : 1 - d]) > 0.8 * middle
        thinner = tuple(found)
        for colour in _frequent(field.pixels, ridge & ~field.clutter):
            fringe = any(
                trace.tint(colour, other, field.paper) is not None
                or _apart(colour, other) < ALIKE
                for other in thinner
            )
            tint = any(_is_tint(colour, other, field.paper) for other in found)
            if not (fringe or tint or _fills(field.pixels, colour)):
                found.append(colour)
    return found


def _fills(pixels, colour) -> bool:
    """Whether a colour fills areas wider than any line: a confidence band or where two meet."""
    alike = np.abs(pixels - np.array(colour)).max(axis=2) < 30
    size = 2 * HALF_WIDTHS[-1] + 1
    filled = ndimage.binary_opening(alike, np.ones((size, size)))
    return bool(filled.sum() > 0.3 * alike.sum())


def _frequent(pixels, chosen) -> list[tuple]:
    """The most frequent colours of chosen pixels that stand in many columns."""
    rows, columns = np.nonzero(chosen)
    values, width = pixels[rows, columns], pixels.shape[1]
    found = []
    for _ in range(10):
        if len(values) < 0.03 * width:
            break
        codes = (values // 24).astype(int) @ np.array([10000, 100, 1])
        names, counts = np.unique(codes, return_counts=True)
        centre = np.median(values[codes == names[counts.argmax()]], axis=0)
        near = np.abs(values - centre).max(axis=1) < 36
        if len(np.unique(columns[near])) > 0.12 * width:
            found.append(tuple(int(v) for v in np.median(values[near], axis=0)))
        values, columns = values[~near], columns[~near]
    return found


def _is_tint(colour, other, paper) -> bool:
    """Whether a colour is another one thinned with the paper: a band or the edge of a line."""
    if max(other) - min(other) < 40:
        return False
    return trace.tint(colour, other, paper) is not None


def _group(field, cover, hidden, looks) -> list:
    """Arms of one colour: each is followed, and its ink is then taken off for the next."""
    cover, hidden = _without_rules(field, cover, hidden)
    full, found = cover, []
    for look in looks:
        ink = cover
        rows, worth = trace.path(ink, hidden, field.one, look.style)
        seen = _seen(ink, rows)
        if rows is None or len(rows) < 0.06 * cover.shape[1] or seen < 0.25:
            found.append(None)
            continue
        width = trace.thickness(ink, rows)
        points = trace.corners(ink, hidden, rows, width)
        one = Trace(points, look.colour, look.style, width, seen, rows, 0)
        found.append(_Found(one, full, hidden, look.handle))
        if len(looks) > 1:
            own = _band(cover.shape, one, 1.0)
            cover = np.where(own, 0, cover)
            hidden = hidden | own
    return found


def _seen(cover, rows) -> float:
    if rows is None:
        return 0.0
    columns = np.arange(len(rows))
    return float((trace.window(cover, rows, 1).max(axis=0) > 0.35)[columns].mean())


def _without_rules(field, cover, hidden):
    """Without the lines of the axes and of a grid, which run all the way."""
    inked = cover > 0.3
    rows = inked.mean(axis=1) > 0.96
    columns = inked.mean(axis=0) > 0.96
    cover, hidden = cover.copy(), hidden.copy()
    for k in np.flatnonzero(rows):
        a, b = max(k - 1, 0), k + 2
        cover[a:b], hidden[a:b] = 0, True
    for k in np.flatnonzero(columns):
        a, b = max(k - 1, 0), k + 2
        cover[:, a:b], hidden[:, a:b] = 0, True
    return cover, hidden


def _band(shape, one, pad) -> np.ndarray:
    """Pixels within half a line's width of a curve."""
    band = np.zeros(shape, bool)
    half = one.width / 2 + pad
    for (x0, y0), (x1, y1) in zip(one.points, one.points[1:], strict=False):
        a, b = max(int(min(y0, y1) - half), 0), int(max(y0, y1) + half + 1)
        c, d = max(int(min(x0, x1) - half), 0), int(max(x0, x1) + half + 1)
        band[a:b, c:d] = True
    return band


# -- marks


def _marked(field, arms):
    """The arms, their marks, how far a mark reaches from the middle of its line, and warnings.

    Where marks hide the line, its levels are read again from their tips before the marks are.
    """
    arms = [_without_marks(arm) for arm in arms]
    none = [(np.empty(0), 0) for _ in arms]
    inks = _inks(field, arms)
    lines = _lines(arms, inks)
    shape = censoring.shape(lines)
    if shape is None:
        return arms, none, 0.0, []
    if not censoring.free(lines, shape):
        return arms, none, 0.0, [NO_FREE_MARK]
    bars = trace.Bars(shape.reach, 0.4 * shape.peak)
    again = []
    for arm, line in zip(arms, lines, strict=True):
        old = arm.trace
        points = trace.corners(line.ink, arm.hidden, old.rows, old.width, bars)
        again.append(replace(arm, trace=replace(old, points=points)))
    lines = _lines(again, inks)
    shape = censoring.shape(lines)
    if shape is None:
        return arms, none, 0.0, []
    return again, [censoring.marks(line, shape) for line in lines], shape.reach, []


def _without_marks(arm):
    """The arm with the width of its line between the marks, if they are on much of it."""
    between = trace.thickness(arm.cover, arm.trace.rows, 10)
    if between > 0.75 * arm.trace.width:
        return arm
    return replace(arm, trace=replace(arm.trace, width=between))


def _inks(field, arms) -> list:
    """Ink in the colour of each arm, without confidence bands."""
    colours = []
    for arm in arms:
        if all(_apart(arm.trace.colour, colour) >= ALIKE for colour in colours):
            colours.append(arm.trace.colour)
    found = [field.ink(own, [c for c in colours if c is not own]) for own in colours]
    inks = []
    for arm in arms:
        own = [_apart(arm.trace.colour, colour) < ALIKE for colour in colours].index(True)
        inks.append(np.maximum(arm.cover, found[own]))
    return inks


def _lines(arms, inks) -> list:
    """The arms as their marks are looked for."""
    bands = [trace.ribbon(arm.cover.shape, arm.trace, 0.6) for arm in arms]
    lines = []
    for k, (arm, ink) in enumerate(zip(arms, inks, strict=True)):
        others = [band for j, band in enumerate(bands) if j != k]
        hidden = np.logical_or.reduce([arm.hidden, *others])
        lines.append(censoring.Line(ink, hidden, arm.trace))
    return lines


def _merged(names, marks) -> list[str]:
    """What is not sure about the number of marks."""
    return [
        f"arm {name!r}: {merged} censoring marks stand so close that they run together; their "
        "number and places are estimates"
        for name, (_, merged) in zip(names, marks, strict=True)
        if merged
    ]


# -- names and result


def _names(drawing, box, field, arms, counted, settings):
    if settings.names is not None:
        if len(settings.names) != len(arms):
            raise DigitizeError(
                f"{len(arms)} curve(s) were found, but {len(settings.names)} name(s) given; "
                "give one --names for each, or --colours"
            )
        return list(settings.names), []
    names = [None if arm.handle is None else arm.handle.name for arm in arms]
    labels = [row.label for row in counted.rows if row.label]
    known = labels if len(labels) == len(arms) else []
    names = [_nearest(name, known) if name else None for name in names]
    warnings = []
    if None in names or len(set(names)) < len(names):
        names, warnings = _beside(drawing, box, field, arms, known, counted)
    return _checked(names, warnings, arms, counted)


def _checked(names, warnings, arms, counted):
    """Names with what the numbers at risk tell against them."""
    against = counted.against(names)
    if not against:
        return names, warnings
    alike = all(
        _apart(arm.trace.colour, arms[0].trace.colour) < ALIKE and arm.handle is not None
        for arm in arms
    )
    fitting = [name.text for _, name in sorted(counted.names().items())]
    fitting = [_nearest(name, names) for name in fitting]
    if alike and sorted(fitting) == sorted(names):
        # Dashes of black lines are weak evidence beside numbers that fit one way alone.
        return fitting, [
            *warnings,
            "the patterns of the lines were not told apart surely: the names were given by the "
            "numbers at risk; check them, or give --names",
        ]
    return names, [*warnings, *agreement.told(against)]


def _nearest(name, known) -> str:
    """The same name as the table of numbers at risk has it, if it is one."""
    keys = {legend.key(other): other for other in known}
    near = difflib.get_close_matches(legend.key(name), keys, 1, 0.8)
    return name if not near else name


@dataclass(eq=False)
class _Line:
    """A traced curve as the search of labels takes it."""

    points: np.ndarray
    stroke: object


@dataclass
class _Style:
    colour: tuple


def _beside(drawing, box, field, arms, known, counted):
    words = [
        text
        for text in drawing.texts
        if text.confidence > 0.7
        and sum(letter.isalpha() for letter in text.text) >= 2
        and len(text.text) < 60
    ]
    shift = np.array([field.left, field.top])
    lines = [_Line(arm.trace.points + shift, _Style(arm.trace.colour)) for arm in arms]
    inside = [text for text in words if legend.beside_curves(text, box)]
    found = _by_leaders(field, arms, lines, inside, known)
    if len(found) < len(arms):
        found = _by_hues(drawing, field, arms, words, known)
        listed = known or [t.text for t in inside if legend.may_name(t, known)]
        names = legend.remaining([found.get(k) for k in range(len(arms))], listed)
        found = {k: name for k, name in enumerate(names) if name is not None}
    if len(found) < len(arms):
        found = counted.names() or found
    if len(found) < len(arms):
        near = legend.by_place(drawing, box, lines, words, known)
        said = [near[k].text for k in sorted(near)]
        found = near if near and not counted.against(said) else found
    if len(arms) == 1 and len(known) == 1 and not found:
        found = {0: legend.Name(known[0], "beside")}
    names, warnings = legend.completed([found.get(k) for k in range(len(arms))])
    return [name.text for name in names], warnings


def _by_hues(drawing, field, arms, words, known) -> dict:
    """Texts in the hue of one arm, if all of that hue say the same."""
    colours = [arm.trace.colour for arm in arms]
    said = {}
    for text in words:
        if legend.may_name(text, known):
            owner = hue.owner(drawing.image, text, colours, field.paper)
            if owner is not None:
                said.setdefault(owner, {})[legend.key(text.text)] = text
    given = [name for texts in said.values() for name in texts]
    return {
        k: legend.Name(legend.cleaned(text.text), "colour", text)
        for k, texts in said.items()
        for name, text in texts.items()
        if len(texts) == 1 and given.count(name) == 1
    }


def _curve(arm, field, x_axis, y_axis):
    """Time and survival of the corners of a trace."""
    points = arm.trace.points + np.array([field.left, field.top])
    return x_axis.value(points[:, 0]), y_axis.value(points[:, 1])


def _by_leaders(field, arms, lines, words, known) -> dict:
    """Names that a thin line joins to a curve."""
    away = np.abs(field.pixels - field.paper).max(axis=2) > 60
    rest = away & ~field.clutter
    for arm in arms:
        rest &= ~_band(rest.shape, arm.trace, 1.5)
    labels, count = ndimage.label(rest, np.ones((3, 3), int))
    found = {}
    for k, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        if max(rows.stop - rows.start, columns.stop - columns.start) < 8:
            continue
        y, x = np.nonzero(labels[rows, columns] == k)
        points = np.stack([x + columns.start + field.left, y + rows.start + field.top], 1) + 0.5
        near = [(_off(text, points), text) for text in words if legend.may_name(text, known)]
        if not near:
            continue
        gaps, text = min(near, key=lambda pair: pair[0].min())
        if gaps.min() > max(0.8 * text.height, 6):
            continue
        tip = points[np.argmax(gaps)]
        reach = [legend.distance(line, tip) for line in lines]
        nearest = int(np.argmin(reach))
        most = arms[nearest].trace.width / 2 + 5
        clear = len(reach) == 1 or sorted(reach)[1] - reach[nearest] > 2
        if reach[nearest] < most and gaps.max() > 8 and clear and nearest not in found:
            found[nearest] = legend.Name(legend.cleaned(text.text), "line", text)
    return found if len(found) == len(arms) else {}


def _off(text, points):
    """Distance of points from the box of a text."""
    x = np.maximum(np.maximum(text.x0 - points[:, 0], points[:, 0] - text.x1), 0)
    y = np.maximum(np.maximum(text.y0 - points[:, 1], points[:, 1] - text.y1), 0)
    return np.hypot(x, y)


def _arm(arm, name, field, marks, reach, x_axis, y_axis) -> Arm:
    shift = np.array([field.left, field.top])
    points = _ended(arm.trace.points, marks, reach) + shift
    time = np.maximum(x_axis.value(points[:, 0]), 0.0)
    surv = np.clip(y_axis.value(points[:, 1]), 0.0, 1.0)
    surv = np.where(np.abs(surv - 1.0) < 1.2 * abs(y_axis.scale), 1.0, surv)
    time[0] = 0.0
    if surv[0] < 1.0:
        time, surv = np.r_[0.0, time], np.r_[1.0, surv]
    marks = np.maximum(x_axis.value(marks + field.left), 0.0)
    at = np.clip(np.searchsorted(time, marks + 1e-9, side="right") - 1, 0, None)
    seen = arm.trace.seen
    few = {"solid": 0.5, "dashed": 0.3, "dotted": 0.15}[arm.trace.style]
    return Arm(
        name=name,
        colour=arm.trace.colour,
        dash=DASHES[arm.trace.style],
        time=time,
        surv=np.minimum.accumulate(surv),
        censor_time=marks,
        confidence=round(float(min(1.0, seen / (2 * few))), 2),
        notes=("little of its line was seen; check it",) if seen < few else (),
        censor_surv=surv[at] if len(marks) else np.empty(0),
    )


DASHES = {"solid": (), "dashed": (4.0, 2.0), "dotted": (1.0, 2.0)}
"""Patterns as they are told on: of an image only the kind is known."""


def _ended(points, marks, reach):
    """The curve without the arm of a cross that stands at its end."""
    if not len(marks) or not 0 < points[-1, 0] - marks[-1] < reach + 1.5:
        return points
    if marks[-1] <= points[-2, 0]:
        return points
    points = points.copy()
    points[-1, 0] = marks[-1]
    return points
