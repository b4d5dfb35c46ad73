"""The axes of an image: tick marks or grid lines at the labels, to a fraction of a pixel."""

from dataclasses import replace

import numpy as np

from oligomdt.digitize import calibration
from oligomdt.digitize.axis import OPTION, Axis, fit, unit_of
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Panel
from oligomdt.digitize.panel import Place
from oligomdt.digitize.settings import Settings

FAINT = 4.0
"""Least difference of a grid line from its surroundings, of 255."""

DARK = 22.0
"""Least difference of a tick mark from the paper, of 255."""


def read_axes(drawing: Drawing, place: Place, settings: Settings) -> tuple[Axis, Axis, list]:
    """Both axes of a panel of an image and what is not sure about them.

    Parameters
    ----------
    drawing : Drawing
        A raster page with its texts.
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
    title = calibration.x_title(drawing, place)
    unit = settings.unit or unit_of(title)
    if unit is None:
        warnings.append("the unit of time was not found; give it with --unit")
    x_axis = replace(x_axis, title=title, unit=unit)
    y_axis = calibration.as_proportion(drawing, place, y_axis, settings, warnings)
    return x_axis, y_axis, warnings


def _axis(drawing, place, name, given, box, warnings) -> Axis:
    labels = place.x_labels if name == "x" else place.y_labels
    if len(labels) < 2 and (given is None or box is None):
        raise DigitizeError(
            f"the {name} axis has no tick labels that could be read; give its range with "
            f"{OPTION[name]} and the --box of the axes"
        )
    if given is not None and box is not None:
        return _given(_edges(box, name), given)
    positions, how = _positions(drawing.image, place, name)
    if given is not None:
        ends = (min(positions), max(positions))
        return _given(ends if name == "x" else ends[::-1], given)
    values = [label.value for label in labels]
    offset, scale, residual, used = fit(
        positions, values, name=name, tolerance=2.0 if how == "labels" else 1.3
    )
    confidence = float(np.mean(used))
    if not used.all():
        off = [f"{v:g}" for v, good in zip(values, used, strict=True) if not good]
        warnings.append(
            f"{len(off)} label(s) of the {name} axis are off its line ({', '.join(off)}); "
            f"check it, or give {OPTION[name]}"
        )
    if how == "labels":
        warnings.append(
            f"the {name} axis has no tick marks: it was read from the middles of its labels"
        )
        confidence *= 0.8
    if used.sum() == 2:
        warnings.append(
            f"the {name} axis rests on two labels; check it, or give {OPTION[name]}"
        )
        confidence *= 0.7
    if (scale > 0) != (name == "x"):
        raise DigitizeError(
            f"the {name} axis runs backwards; give its range with {OPTION[name]}"
        )
    ticks = tuple(
        (float(p), float(v)) for p, v, good in zip(positions, values, used, strict=True) if good
    )
    return Axis(offset, scale, ticks, residual, confidence)


def _edges(box, name):
    return (box[0], box[2]) if name == "x" else (box[3], box[1])


def _given(ends, given) -> Axis:
    """An axis whose range the user gives."""
    start, end = map(float, ends)
    scale = (given[1] - given[0]) / (end - start)
    return Axis(given[0] - scale * start, scale, ((start, given[0]), (end, given[1])), 0.0, 0.0)


def _positions(image, place, name) -> tuple[list[float], str]:
    """Where the labels of an axis stand, and by what: 'ticks', 'grid' or 'labels'."""
    labels = place.x_labels if name == "x" else place.y_labels
    middles = np.array([label.position for label in labels])
    pixels = image.astype(np.float32)
    if name == "x":
        top = min(label.text.y0 for label in labels)
        size = float(np.median([label.text.height for label in labels]))
        other = [label.position for label in place.y_labels]
        reach = max(2.5, 0.4 * size)
    else:
        # Seen sideways: the labels are then below the axis as those of time are.
        pixels = pixels.transpose(1, 0, 2)[::-1]
        top = image.shape[1] - max(label.text.x1 for label in labels)
        size = float(np.median([label.text.height for label in labels]))
        other = [image.shape[1] - label.position for label in place.x_labels]
        reach = max(2.5, 0.45 * size)
    marks = tick_marks(pixels, middles, top, size, reach)
    if marks is not None:
        return list(marks), "ticks"
    if len(other) > 1:
        marks = grid_lines(pixels, middles, min(other), max(other), reach)
        if marks is not None:
            return list(marks), "grid"
    return list(middles), "labels"


def tick_marks(pixels, middles, top, size, reach):
    """Centres of the marks just above the labels of an axis; None if a label has none.

    Parameters
    ----------
    pixels : array of shape (height, width, 3)
        The image, labels below the axis.
    middles : array of shape (m,)
        Middles of the labels, in pixels.
    top : float
        First row of the labels.
    size : float
        Height of the lettering.
    reach : float
        How far a mark may be from the middle of its label.
    """
    end = int(top) - 1
    start = max(end - int(2.5 * size + 6), 0)
    paper = np.median(pixels[end - 1], axis=0)
    dark = np.abs(pixels[start:end] - paper).max(axis=2)
    # Rows between the labels and the axis that show marks at the labels and little else.
    near = np.zeros(dark.shape[1], bool)
    for middle in middles:
        near[max(int(middle - reach - 1), 0) : int(middle + reach + 2)] = True
    inked = dark > DARK
    good = []
    for row in range(len(dark) - 1, -1, -1):
        hits = [inked[row, max(int(m - reach), 0) : int(m + reach) + 1].any() for m in middles]
        covered = inked[row][int(min(middles)) : int(max(middles)) + 1].mean()
        if covered > 0.5:
            break
        if np.mean(hits) >= 0.75:
            good.append(row)
    if not good:
        return None
    profile = np.where(dark[good] > DARK / 2, dark[good], 0).mean(axis=0)
    return _centres(profile, middles, reach, 0.3 * profile[near].max())


def grid_lines(pixels, middles, start, end, reach):
    """Centres of the lines across the panel at the labels; None if a label has none."""
    part = pixels[int(min(start, end)) : int(max(start, end)) + 1]
    column = np.median(part, axis=0)
    low, high = int(max(min(middles), 0)), int(max(middles)) + 1
    paper = np.median(column[low:high], axis=0)
    profile = np.abs(column - paper).max(axis=1)
    return _centres(profile, middles, reach, FAINT)


def _centres(profile, middles, reach, least):
    """The centre of weight of the peak nearest to each middle; at most a quarter may lack one.

    Labels without a peak stay at their middle and are left to the fit.
    """
    found, missing = [], 0
    for middle in middles:
        low, high = max(int(middle - reach - 1), 0), int(middle + reach + 2)
        window = profile[low:high]
        if not len(window) or window.max() < least:
            missing += 1
            found.append(np.nan)
            continue
        tops = np.flatnonzero(window >= 0.6 * window.max())
        peak = tops[np.argmin(np.abs(tops + low + 0.5 - middle))]
        first = last = peak
        while first > 0 and window[first - 1] > 0.15 * window[peak]:
            first -= 1
        while last + 1 < len(window) and window[last + 1] > 0.15 * window[peak]:
            last += 1
        weights = window[first : last + 1]
        if len(weights) > max(6, reach):
            missing += 1
            found.append(np.nan)
            continue
        places = np.arange(first, last + 1) + low + 0.5
        found.append(float((weights * places).sum() / weights.sum()))
    if missing > len(middles) // 4:
        return None
    found = np.array(found)
    lacking = np.isnan(found)
    found[lacking] = np.asarray(middles)[lacking]
    return found


def box(image, place: Place, x_axis: Axis, y_axis: Axis) -> Panel:
    """The box of the axes: from the first to the last tick, stretched along their lines."""
    x, y = _ticks(x_axis, place.x_labels), _ticks(y_axis, place.y_labels)
    left, right = _stretch(image.astype(np.float32), x, y)
    turned = image.astype(np.float32).transpose(1, 0, 2)
    top, bottom = _stretch(turned, y, x)
    panel = place.panel
    return Panel(panel.name, left, top, right, bottom, panel.title)


def _ticks(axis, labels) -> list[float]:
    """Places of the ticks, and of labels beyond them whose own tick was not found."""
    ticks = sorted(position for position, _ in axis.ticks)
    half = (ticks[-1] - ticks[0]) / max(len(ticks) - 1, 1) / 2
    beyond = [
        label.position
        for label in labels
        if not ticks[0] - half <= label.position <= ticks[-1] + half
    ]
    return sorted((*ticks, *beyond))


def _stretch(pixels, along, across) -> tuple[float, float]:
    """How far straight lines, or a ground of its own, run on beyond the first and last tick."""
    first, last = along[0], along[-1]
    room = (last - first) / max(len(along) - 1, 1)
    height = across[-1] - across[0]
    rows = pixels[max(int(across[0] - 0.15 * height), 0) : int(across[-1] + 0.15 * height) + 2]
    paper = np.median(rows[:, int(first) : int(last) + 1].reshape(-1, 3), axis=0)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    page = np.median(edge, axis=0)
    inked = np.abs(rows - paper).max(axis=2) > FAINT
    if np.abs(paper - page).max() > FAINT:
        # On a ground of its own what looks like the page is a grid or the page itself.
        inked &= np.abs(rows - page).max(axis=2) > FAINT
        inside = pixels[int(across[0]) : int(across[-1]) + 1]
        ground = (np.abs(inside - page).max(axis=2) > FAINT).mean(axis=0) > 0.6
        inked = np.vstack([inked, ground])
    span = inked[:, int(first) + 2 : int(last) - 1]
    lines = np.flatnonzero(span.mean(axis=1) > 0.97) if span.size else []
    low, high = first, last
    for row in lines:
        ink = inked[row]
        a, b = int(first) + 2, int(last) - 2
        while a > 0 and ink[a - 1]:
            a -= 1
        while b + 1 < len(ink) and ink[b + 1]:
            b += 1
        if first - a < room and b + 1 - last < room:
            low, high = min(low, a + 0.5), max(high, b + 0.5)
    return float(low), float(high)
