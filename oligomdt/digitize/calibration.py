"""The axes of a vector panel: labels on tick marks, grid lines or their own middle."""

from dataclasses import replace

import numpy as np

from oligomdt.digitize.axis import OPTION, Axis, fit, number, unit_of
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.panel import Place
from oligomdt.digitize.settings import Settings

LONGEST_TICK = 14.0
"""Length of the longest tick mark, in points."""


def read_axes(drawing: Drawing, place: Place, settings: Settings) -> tuple[Axis, Axis, list]:
    """Both axes of a panel and what is not sure about them.

    Parameters
    ----------
    drawing : Drawing
        A vector page.
    place : Place
        The panel and its labels.
    settings : Settings
        `x_range`, `y_range`, `percent`, `unit` and `box` are used.

    Returns
    -------
    x_axis, y_axis : Axis
        Survival as a proportion.
    warnings : list of str
        What was read with low confidence.

    Raises
    ------
    DigitizeError
        When an axis has too few labels, or they make no line.
    """
    warnings = []
    x_axis = _axis(drawing, place, "x", settings.x_range, settings.box, warnings)
    y_axis = _axis(drawing, place, "y", settings.y_range, settings.box, warnings)
    title = x_title(drawing, place)
    unit = settings.unit or unit_of(title)
    if unit is None:
        warnings.append("the unit of time was not found; give it with --unit")
    x_axis = replace(x_axis, title=title, unit=unit)
    return x_axis, as_proportion(drawing, place, y_axis, settings, warnings), warnings


def _axis(drawing, place, name, given, box, warnings) -> Axis:
    labels = place.x_labels if name == "x" else place.y_labels
    marks = tick_marks(drawing, place, name)
    if given is not None:
        return _given(place, name, given, box, marks)
    if len(labels) < 2:
        raise DigitizeError(
            f"the {name} axis has no tick labels that could be read; give its range with "
            f"{OPTION[name]}"
        )
    positions, tolerance = _on(labels, marks, name), 0.3
    confidence = 1.0
    if positions is None:
        positions, tolerance = _on(labels, _grid(drawing, place, name), name), 0.3
    if positions is None:
        positions, tolerance, confidence = [label.position for label in labels], 1.5, 0.8
        warnings.append(
            f"the {name} axis has no tick marks: it was read from the middles of its labels"
        )
    values = [label.value for label in labels]
    offset, scale, residual, used = fit(positions, values, name=name, tolerance=tolerance)
    if not used.all():
        off = [f"{v:g}" for v, good in zip(values, used, strict=True) if not good]
        warnings.append(
            f"{len(off)} label(s) of the {name} axis are off its line ({', '.join(off)}); "
            f"check it, or give {OPTION[name]}"
        )
    if len(labels) == 2:
        warnings.append(
            f"the {name} axis rests on two labels; check it, or give {OPTION[name]}"
        )
        confidence = min(confidence, 0.7)
    if (scale > 0) != (name == "x"):
        raise DigitizeError(
            f"the {name} axis runs backwards; give its range with {OPTION[name]}"
        )
    ticks = tuple(
        (float(p), float(v)) for p, v, good in zip(positions, values, used, strict=True) if good
    )
    confidence *= float(np.mean(used))
    return Axis(offset, scale, ticks, residual, confidence)


def _given(place, name, given, box, marks) -> Axis:
    """An axis whose range the user gives."""
    panel = place.panel
    edges = (panel.x0, panel.x1) if name == "x" else (panel.y0, panel.y1)
    start, end = edges
    if box is None:
        labels = place.x_labels if name == "x" else place.y_labels
        on = _on(labels, marks, name) if len(labels) > 1 else None
        places = on if on is not None else list(marks)
        if len(places) > 1:
            start, end = min(places), max(places)
    if name == "y":
        start, end = end, start
    scale = (given[1] - given[0]) / (end - start)
    ticks = ((float(start), given[0]), (float(end), given[1]))
    return Axis(given[0] - scale * start, scale, ticks, 0.0, 0.0)


def tick_marks(drawing: Drawing, place: Place, name) -> list[float]:
    """Places of the tick marks of an axis: short lines across it, as many as have a label."""
    panel = place.panel
    k = 0 if name == "x" else 1
    labels = place.x_labels if name == "x" else place.y_labels
    edge = panel.y1 if name == "x" else panel.x0
    limit = _label_edge(labels, name, edge)
    low, high = (panel.x0, panel.x1) if name == "x" else (panel.y0, panel.y1)
    groups = {}
    for stroke in drawing.strokes:
        if stroke.filled or len(stroke.points) != 2:
            continue
        (a, b), (c, d) = stroke.points[:, k], stroke.points[:, 1 - k]
        if abs(a - b) > 0.05 or not 0.5 < abs(c - d) < LONGEST_TICK:
            continue
        across = sorted((float(c), float(d)))
        near = min(edge, limit) - LONGEST_TICK <= across[0]
        near = near and across[1] <= max(edge, limit) + LONGEST_TICK
        if near and low - 3 <= a <= high + 3:
            key = (round(across[0], 1), round(across[1], 1), stroke.colour)
            groups.setdefault(key, []).append(float(a))
    wanted = [label.position for label in labels]
    best, best_key = [], (0, 0.0)
    for places in groups.values():
        near = [min(abs(p - w) for p in places) for w in wanted]
        hits = sum(d < _reach(label, k) for d, label in zip(near, labels, strict=True))
        key = (hits, -sum(near)) if wanted else (len(places), 0.0)
        if len(places) > 1 and key > best_key:
            best, best_key = places, key
    return sorted(set(best))


def _label_edge(labels, name, edge) -> float:
    """The side of the labels that faces the axis."""
    if not labels:
        return edge
    texts = [label.text for label in labels]
    return min(t.y0 for t in texts) if name == "x" else max(t.x1 for t in texts)


def _reach(label, k) -> float:
    size = label.text.width if k == 0 else label.text.height
    return 0.5 * size + 2.5


def _on(labels, marks, name):
    """The mark that each label stands at; None if one has none."""
    if not len(marks):
        return None
    k = 0 if name == "x" else 1
    marks = np.array(marks)
    nearest = [float(marks[np.argmin(abs(marks - label.position))]) for label in labels]
    far = [
        abs(n - lab.position) > _reach(lab, k) for n, lab in zip(nearest, labels, strict=True)
    ]
    return nearest if not any(far) and len(set(nearest)) == len(nearest) else None


def _grid(drawing, place, name) -> list[float]:
    """Places of long straight lines across the panel."""
    panel = place.panel
    k = 0 if name == "x" else 1
    length = (panel.y1 - panel.y0) if name == "x" else (panel.x1 - panel.x0)
    found = []
    for stroke in drawing.strokes:
        if stroke.filled or len(stroke.points) != 2:
            continue
        (a, b), (c, d) = stroke.points[:, k], stroke.points[:, 1 - k]
        if abs(a - b) < 0.05 and abs(c - d) > 0.8 * length:
            found.append(float(a))
    return found


def x_title(drawing, place) -> str:
    """The words below the labels of time, in the middle of the panel."""
    panel = place.panel
    bottom = max((label.text.y1 for label in place.x_labels), default=panel.y1)
    middle, width = (panel.x0 + panel.x1) / 2, panel.x1 - panel.x0
    below = [
        text
        for text in drawing.texts
        if 0 < text.y - bottom < 0.9 * (panel.y1 - panel.y0)
        and abs(text.x - middle) < 0.3 * width
        and number(text.text) is None
        and (text.angle < 5 or text.angle > 355)
    ]
    named = [text for text in below if unit_of(text.text)]
    near = [
        text for text in below if text.y - bottom < 30 and abs(text.x - middle) < 0.1 * width
    ]
    chosen = min(named or near, key=lambda text: text.y, default=None)
    return "" if chosen is None else chosen.text


def as_proportion(drawing, place, axis, settings, warnings) -> Axis:
    """The survival axis from 0 to 1, whatever its labels say; `warnings` grows.

    Raises
    ------
    DigitizeError
        When its labels cannot be survival.
    """
    title = _y_title(drawing, place)
    values = [value for _, value in axis.ticks]
    percent = settings.percent
    if percent is None:
        signs = any(label.percent for label in place.y_labels)
        percent = signs or max(values, default=1.0) > 1.5
    top = 100.0 if percent else 1.0
    if max(values, default=top) > 1.05 * top or min(values, default=0.0) < -0.5 * top:
        raise DigitizeError(
            f"the y axis runs from {min(values):g} to {max(values):g}, which is no survival; "
            "give --y-range, or another --panel"
        )
    if abs(max(values, default=top) - top) > 1e-6 * top:
        warnings.append(
            f"the y axis is labelled up to {max(values):g} only; check it, or give --y-range"
        )
    factor = 0.01 if percent else 1.0
    ticks = tuple((p, v * factor) for p, v in axis.ticks)
    return replace(
        axis,
        offset=axis.offset * factor,
        scale=axis.scale * factor,
        ticks=ticks,
        percent=percent,
        title=title,
    )


def _y_title(drawing, place) -> str:
    panel = place.panel
    beside = [
        text
        for text in drawing.texts
        if 80 < text.angle < 100
        and panel.x0 - 0.5 * (panel.x1 - panel.x0) - 60 < text.x < panel.x0
        and panel.y0 < text.y < panel.y1
        and number(text.text) is None
    ]
    return max(beside, key=lambda text: text.x).text if beside else ""
