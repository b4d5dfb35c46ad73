"""A vector page, from lines and texts to arms."""

import numpy as np

from oligomdt.digitize import (
    agreement,
    calibration,
    curve,
    legend,
    mark,
    outline,
    panel,
    risk_table,
)
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Arm, Digitised, Panel
from oligomdt.digitize.settings import Settings

PRECISION = 0.01
"""Points to which figures give their coordinates."""


def panels(drawing: Drawing) -> tuple[Panel, ...]:
    """Panels of a page; a DigitizeError if there is none."""
    drawing = outline.lettered(drawing)
    places = panel.find(drawing)
    if not places:
        raise DigitizeError(_no_panel(drawing))
    return tuple(place.panel for place in places)


def digitised(drawing: Drawing, settings: Settings) -> Digitised:
    """Everything in one panel of a vector page.

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
    drawing = outline.lettered(drawing)
    places = panel.find(drawing, settings.box)
    place = _place(drawing, places, settings)
    x_axis, y_axis, warnings = calibration.read_axes(drawing, place, settings)
    box = place.panel
    curves, more = curve.find(drawing, box, x_axis, y_axis, settings)
    warnings = [*drawing.notes, *warnings, *more, *curve.beyond(curves, x_axis, y_axis)]

    below = max((label.text.y1 for label in place.x_labels), default=box.y1)
    floor = _next_panel(places, place)
    rows = risk_table.rows(drawing.texts, box, x_axis, below - 1, floor)
    used = _used(drawing, place, rows)
    corners = [curve.corners(one, x_axis, y_axis) for one in curves]
    counted = agreement.Counted(rows, corners, x_axis)
    names, more = _names(drawing, box, curves, counted, used, settings)
    warnings += more
    orders = [name.order for name in names] if all(n.how == "legend" for n in names) else []
    table, more = risk_table.table(
        rows, [n.text for n in names], [c.stroke.colour for c in curves], x_axis, orders
    )
    warnings += more
    marks, more = mark.find(drawing, box, curves, used)
    warnings += more
    arms = tuple(
        _arm(one, name, places, x_axis, y_axis)
        for one, name, places in zip(curves, names, marks, strict=True)
    )
    return Digitised(
        panel=place.panel,
        x_axis=x_axis,
        y_axis=y_axis,
        arms=arms,
        risk_table=table,
        resolution=(PRECISION * abs(x_axis.scale), PRECISION * abs(y_axis.scale)),
        warnings=tuple(warnings),
        settings=settings.given(),
        source=drawing.source + (f" page {drawing.page}" if drawing.page > 1 else ""),
        drawing=drawing,
    )


def _place(drawing, places, settings) -> panel.Place:
    if settings.box is not None:
        return places[0]
    if places:
        return panel.choose(places, settings.panel)
    if settings.x_range or settings.y_range:
        box = _lonely_frame(drawing)
        if box is None:
            raise DigitizeError("no axes were found; give their --box")
        return panel.find(drawing, box)[0]
    raise DigitizeError(_no_panel(drawing))


def _no_panel(drawing) -> str:
    if not drawing.texts:
        return (
            f"{drawing.source or 'the page'} has no text, so the axes cannot be read; give "
            "--x-range and --y-range (and --box), or the figure as PNG"
        )
    if any("image" in note and "left out" in note for note in drawing.notes):
        return (
            f"no axes were found on page {drawing.page} of {drawing.source or 'the figure'}, "
            "but an image: save it as PNG and give that, or another --page"
        )
    told = panel.uneven(drawing.texts)
    if told:
        return f"{told}; give the range of both axes with --x-range and --y-range"
    return (
        f"no axes were found on page {drawing.page} of {drawing.source or 'the figure'}: no "
        "numbers along two sides of a box; give --box, --x-range and --y-range, or another "
        "--page"
    )


def _lonely_frame(drawing):
    """The largest frame or L of axes on a page without labels."""
    best, best_area = None, 0.0
    page = drawing.width * drawing.height
    for stroke in drawing.strokes:
        x0, y0, x1, y1 = stroke.clip if stroke.clip is not None else stroke.box
        area = (x1 - x0) * (y1 - y0)
        if not stroke.filled and 0.05 * page < area < 0.95 * page and area > best_area:
            best, best_area = (x0, y0, x1, y1), area
    return best


def _next_panel(places, place) -> float:
    """Top of the panel below, whose labels are not numbers at risk of this one."""
    box = place.panel
    tops = [
        other.panel.y0
        for other in places
        if other.panel.y0 > box.y1 and other.panel.x0 < box.x1 and other.panel.x1 > box.x0
    ]
    return min(tops, default=np.inf)


def _used(drawing, place, rows) -> set[int]:
    """Places of texts that are labels of the axes or cells of the table."""
    labels = {id(label.text) for label in (*place.x_labels, *place.y_labels)}
    used = {k for k, text in enumerate(drawing.texts) if id(text) in labels}
    return used | {
        k
        for row in rows
        for k in row.texts
        if risk_table.count_of(drawing.texts[k].text) is not None
    }


def _names(drawing, box, curves, counted, used, settings):
    if settings.names is not None:
        if len(settings.names) != len(curves):
            raise DigitizeError(
                f"{len(curves)} curve(s) were found, but {len(settings.names)} name(s) given; "
                "give one --names for each, or --colours"
            )
        return [legend.Name(name, "given") for name in settings.names], []
    known = [row.label for row in counted.rows if row.label]
    known = known if len(known) >= len(curves) else ()
    names, warnings = legend.find(drawing, box, curves, known, used, counted.names())
    against = counted.against([name.text for name in names])
    if against and not all(name.how in ("legend", "colour") for name in names):
        # Places of labels are too weak to stand against the numbers at risk.
        names, warnings = legend.completed([None] * len(names))
    return names, warnings + agreement.told(against)


def _arm(one, name, places, x_axis, y_axis) -> Arm:
    time, surv = curve.corners(one, x_axis, y_axis)
    marks = np.maximum(x_axis.value(places), 0.0)
    at = np.clip(np.searchsorted(time, marks + 1e-9, side="right") - 1, 0, None)
    confidence = {
        "legend": 1.0,
        "given": 1.0,
        "line": 0.95,
        "colour": 0.95,
        "counts": 0.8,
        "beside": 0.7,
    }
    return Arm(
        name=name.text,
        colour=one.stroke.colour,
        dash=one.stroke.dash,
        time=time,
        surv=surv,
        censor_time=marks,
        confidence=confidence.get(name.how, 0.5),
        notes=() if name.how != "none" else ("its name was not found",),
        censor_surv=surv[at] if len(marks) else np.empty(0),
    )
