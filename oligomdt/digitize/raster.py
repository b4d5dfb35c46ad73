"""An image, from pixels to arms."""

from __future__ import annotations

import numpy as np

from oligomdt.digitize import agreement, ocr, panel, risk_table, ruler
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.field import of_survival, read_field
from oligomdt.digitize.figure import Arm, Digitised, Panel
from oligomdt.digitize.image_arms import alike_warnings, expected_arms, find_arms
from oligomdt.digitize.image_marks import merged_warnings, with_marks
from oligomdt.digitize.image_names import name_arms
from oligomdt.digitize.settings import Settings


def panels(drawing: Drawing) -> tuple[Panel, ...]:
    """Panels of an image; a DigitizeError if there is none."""
    drawing = ocr.lettered(drawing)
    places = of_survival(panel.find(drawing))
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
    field = read_field(drawing, place, box, x_axis, y_axis, rows)
    arms, more = find_arms(field, settings, expected_arms(drawing, box, rows, settings))
    warnings += more
    warnings += alike_warnings(arms)
    arms, marks, reach, more = with_marks(field, arms)
    warnings += more
    curves = [_curve(arm, field, x_axis, y_axis) for arm in arms]
    counted = agreement.Counted(rows, curves, x_axis)
    names, more = name_arms(drawing, box, field, arms, counted, settings)
    warnings += more + merged_warnings(names, marks)
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


def _place(drawing, settings) -> panel.Place:
    if settings.box is not None:
        return panel.find(drawing, settings.box)[0]
    places = panel.find(drawing)
    kept = of_survival(places)
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
        for other in of_survival(panel.find(drawing))
        if other.panel.y0 > here.y1 and other.panel.x0 < here.x1 and other.panel.x1 > here.x0
    ]
    return min(tops, default=np.inf)


def _curve(arm, field, x_axis, y_axis):
    """Time and survival of the corners of a trace."""
    points = arm.trace.points + np.array([field.left, field.top])
    return x_axis.value(points[:, 0]), y_axis.value(points[:, 1])


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
