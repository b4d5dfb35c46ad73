"""Names of the arms of an image: from the legend, hues, leaders, places and numbers at risk."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from oligomdt.digitize import agreement, hue, legend
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.line_colours import ALIKE, colour_distance
from oligomdt.digitize.trace import band_around


def name_arms(drawing, box, field, arms, counted, settings):
    """A name for each arm and what is not sure about them."""
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
        colour_distance(arm.trace.colour, arms[0].trace.colour) < ALIKE
        and arm.handle is not None
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


def _by_leaders(field, arms, lines, words, known) -> dict:
    """Names that a thin line joins to a curve."""
    away = np.abs(field.pixels - field.paper).max(axis=2) > 60
    rest = away & ~field.clutter
    for arm in arms:
        rest &= ~band_around(rest.shape, arm.trace, 1.5)
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
