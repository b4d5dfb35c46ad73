"""Curves of a vector panel: which lines are arms, and the corners of their steps."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from oligomdt.digitize import limits
from oligomdt.digitize.axis import OPTION, Axis
from oligomdt.digitize.drawing import Drawing, Stroke
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Panel
from oligomdt.digitize.settings import Settings

EVEN = 0.03
"""Points that a level or upright line may lean, in points: figures round their numbers."""

LEAN = 0.25
"""Points that a slant may be wide or high: less than the width of any line."""

NEAR = 0.05
"""Points by which a curve may miss time 0, survival 1 or 0: figures round their numbers."""

FAR = 3.0
"""Points by which an axis read from its labels may be off; a curve further out is wrong."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A falling step line in page units, from left to right.

    Attributes
    ----------
    points : array of shape (m, 2)
        Its corners: level and upright in turn.
    spikes : array of shape (k, 2)
        Where it left and came back upright: censoring marks drawn in one go with it.
    stroke : Stroke
        The line it was made from.
    items : tuple of int
        Numbers of the paths it was made from.
    """

    points: np.ndarray
    spikes: np.ndarray
    stroke: Stroke
    items: tuple[int, ...]

    def level(self, x) -> tuple[float, float]:
        """Highest and lowest place of the curve at x (page units, so highest is smallest)."""
        px, py = self.points[:, 0], self.points[:, 1]
        inside = np.abs(px - x) <= 0.3
        values = list(py[inside])
        k = np.searchsorted(px, x, side="right") - 1
        if 0 <= k < len(px) and x <= px[-1] + 0.3:
            values.append(py[k])
        return (min(values), max(values)) if values else (np.inf, np.inf)


def find(
    drawing: Drawing, panel: Panel, x_axis: Axis, y_axis: Axis, settings: Settings
) -> tuple[list[Curve], list[str]]:
    """The curves of the arms of a panel.

    Parameters
    ----------
    drawing : Drawing
        A vector page.
    panel : Panel
        The box of the axes: what lies outside is cut off.
    x_axis, y_axis : Axis
        Time, and survival as a proportion.
    settings : Settings
        `arms` and `colours` are used.

    Returns
    -------
    curves : list of Curve
        From the one that ends highest, or in the order of `colours`.
    warnings : list of str
        What is not sure.

    Raises
    ------
    DigitizeError
        When there is no curve, or their number is not the one given.
    """
    lines, others, sloped = _step_lines(drawing, panel)
    if not lines:
        lines = _outlined(drawing, panel)
    warnings = []
    starting = [line for line in lines if _starts_at_one(line, panel, x_axis, y_axis, 0.03)]
    if not starting:
        starting = [line for line in lines if _starts_at_one(line, panel, x_axis, y_axis, 0.2)]
        if starting:
            warnings.append("no curve starts at time 0 and survival 1; check the axes")
    if len(starting) > limits.LINES:
        raise DigitizeError(
            f"{len(starting)} lines fall from survival 1 in panel {panel.name}; at most "
            f"{limits.LINES} are looked at: give another --panel, or the figure as PNG"
        )
    curves = _without_copies(starting)
    curves, limits_left_out = _without_limits(curves, others)
    if limits_left_out:
        warnings.append(f"{limits_left_out} line(s) were taken for confidence limits")
    if not curves:
        raise DigitizeError(_why_none(panel, sloped, len(others), lines))
    level = _without_drops(drawing, panel, curves)
    if level:
        warnings.append(
            f"{len(level)} line(s) stay at survival 1 and were taken for arms without an event"
        )
        curves = curves + level
    if settings.colours is not None:
        return _by_colour(curves, settings.colours), warnings
    if settings.arms is not None and len(curves) != settings.arms:
        raise DigitizeError(
            f"{len(curves)} curve(s) were found ({_told(curves)}), not {settings.arms}; give "
            "their --colours"
        )
    if len(curves) > limits.ARMS:
        raise DigitizeError(
            f"{len(curves)} curves were found; the arms cannot be told apart: give --colours"
        )
    return sorted(curves, key=lambda c: (c.points[-1, 1], -c.points[-1, 0])), warnings


def corners(curve: Curve, x_axis: Axis, y_axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Time and survival of a curve's start, drops and end.

    Each drop gives one point, with the survival after it. Time and survival within `NEAR` of
    0 and 1 become 0 and 1; so do those beyond, which `beyond` tells of.
    """
    x, y = curve.points[:, 0], curve.points[:, 1]
    keep = np.ones(len(x), bool)
    keep[1:-1] = np.diff(y)[:-1] > 0  # after an upright part
    time, surv = x_axis.value(x[keep]), y_axis.value(y[keep])
    time[np.abs(time) < NEAR * abs(x_axis.scale)] = 0.0
    surv[np.abs(surv - 1) < NEAR * abs(y_axis.scale)] = 1.0
    surv[np.abs(surv) < NEAR * abs(y_axis.scale)] = 0.0
    return np.maximum(time, 0.0), np.clip(surv, 0.0, 1.0)


def beyond(curves: list[Curve], x_axis: Axis, y_axis: Axis) -> list[str]:
    """Whether curves leave what is possible on these axes, as warnings.

    Parameters
    ----------
    curves : list of Curve
        The arms.
    x_axis, y_axis : Axis
        Time, and survival as a proportion.

    Returns
    -------
    list of str
        One for each edge that a curve goes more than `NEAR` beyond.

    Raises
    ------
    DigitizeError
        If a curve goes more than `FAR` beyond: the axis is then wrong.
    """
    points = np.vstack([one.points for one in curves])
    time, surv = x_axis.value(points[:, 0]), y_axis.value(points[:, 1])
    told = []
    for most, axis, where, option in (
        (-time.min(), x_axis, "before time 0", OPTION["x"]),
        (surv.max() - 1, y_axis, "above survival 1", OPTION["y"]),
        (-surv.min(), y_axis, "below survival 0", OPTION["y"]),
    ):
        if most > FAR * abs(axis.scale):
            raise DigitizeError(
                f"a curve runs {most:.2g} {where}, so that axis was not read right; give its "
                f"range with {option}"
            )
        if most > NEAR * abs(axis.scale):
            told.append(
                f"a curve ran {most:.2g} {where} and was put on it; check that axis, or give "
                f"its range with {option}"
            )
    return told


# -- step lines


def _step_lines(drawing, panel) -> tuple[list[Curve], list[Curve], int]:
    """Falling step lines of a panel, those that rise somewhere, and how many others slope."""
    lines, others, pieces, sloped = [], [], {}, 0
    for stroke in drawing.strokes:
        if stroke.filled or stroke.closed or not _inside(stroke, panel):
            continue
        points = _cleaned(stroke.points)
        if len(points) < 2:
            continue
        if points[-1, 0] < points[0, 0]:
            points = points[::-1]
        squared = _squared(points)
        if squared is None:
            sloped += len(points) > 4 and _wide(points, panel)
            continue
        pieces.setdefault((stroke.colour, round(stroke.width, 2), stroke.dash), []).append(
            (squared, stroke)
        )
    for group in pieces.values():
        for points, strokes in _joined(group):
            cut = _cut(points, panel)
            if cut is None:
                continue
            falling, spikes = _falling(cut)
            items = tuple(sorted({stroke.item for stroke in strokes}))
            if falling is None:
                if _wide(cut, panel) and len(cut) > 4 and np.all(np.diff(cut[:, 0]) >= 0):
                    others.append(Curve(cut, np.empty((0, 2)), strokes[0], items))
            elif len(falling) > 2 and not _is_axis(falling, panel):
                lines.append(Curve(falling, spikes, strokes[0], items))
    return lines, others, sloped


def _inside(stroke, panel) -> bool:
    x0, y0, x1, y1 = stroke.box
    return (
        x1 >= panel.x0 - 1 and x0 <= panel.x1 + 1 and y1 >= panel.y0 - 1 and y0 <= panel.y1 + 1
    )


def _wide(points, panel) -> bool:
    return np.ptp(points[:, 0]) > 0.2 * (panel.x1 - panel.x0)


def _cleaned(points) -> np.ndarray:
    """Without repeated points."""
    step = np.abs(np.diff(points, axis=0)).max(axis=1)
    return points[np.r_[True, step > 1e-6]]


def _squared(points):
    """With level and upright parts only; None if it slopes.

    Devices that simplify lines draw two drops within a fraction of a point as one slant: it
    becomes half a drop at either end.
    """
    step = np.abs(np.diff(points, axis=0)).min(axis=1)
    if step.max() > LEAN:
        return None
    if step.max() <= EVEN:
        return points
    parts = [points[:1]]
    for a, b, lean in zip(points[:-1], points[1:], step, strict=True):
        if lean > EVEN:
            half = (a[1] + b[1]) / 2
            parts.append(np.array([(a[0], half), (b[0], half)]))
        parts.append(b[None])
    return np.vstack(parts)


def _joined(group) -> list:
    """Chains of pieces that go on where another ends; a piece alone is a chain."""
    chains, ends = [], {}
    for points, stroke in group:
        x, y = np.round(points[0] / EVEN).astype(int)
        near = (ends.get((x + i, y + j)) for i in (-1, 0, 1) for j in (-1, 0, 1))
        chain = next((c for c in near if c is not None and _goes_on(c[0][-1], points)), None)
        if chain is None:
            chain = [[points], [stroke]]
            chains.append(chain)
        else:
            chain[0].append(points)
            chain[1].append(stroke)
        ends[tuple(np.round(points[-1] / EVEN).astype(int))] = chain
    return [(_cleaned(np.vstack(parts)), strokes) for parts, strokes in chains]


def _goes_on(before, after) -> bool:
    """Whether a piece goes on, to the right or down, where another one ended."""
    gap = np.abs(after[0] - before[-1]).max()
    falls = after[-1, 1] >= after[0, 1] - EVEN and after[-1, 0] >= before[-1, 0] - EVEN
    return bool(gap <= EVEN and falls)


def _cut(points, panel):
    """The part of a step line inside the panel; None if there is none."""
    slack = 0.5
    low = np.array([panel.x0 - slack, panel.y0 - slack])
    high = np.array([panel.x1 + slack, panel.y1 + slack])
    if np.all(points >= low) and np.all(points <= high):
        return points
    kept = []
    for a, b in itertools.pairwise(points):
        if np.any(np.maximum(a, b) < low) or np.any(np.minimum(a, b) > high):
            if kept:
                break
            continue
        kept += [np.clip(a, low + slack, high - slack), np.clip(b, low + slack, high - slack)]
    return _cleaned(np.array(kept)) if len(kept) > 1 else None


def _falling(points):
    """Corners, level and upright in turn, and the spikes; None if it rises.

    Upright parts that come back are spikes: marks that were drawn with the line.
    """
    corners, spikes = [points[0]], []
    k = 0
    while k < len(points) - 1:
        if abs(points[k + 1, 0] - points[k, 0]) > EVEN:
            if points[k + 1, 0] < points[k, 0]:
                return None, None
            corners.append(np.array([points[k + 1, 0], corners[-1][1]]))
            if abs(points[k + 1, 1] - corners[-1][1]) > 2 * EVEN:
                return None, None
            k += 1
            continue
        end = k + 1
        while end < len(points) - 1 and abs(points[end + 1, 0] - points[k, 0]) <= EVEN:
            end += 1
        start_y, end_y = corners[-1][1], points[end, 1]
        run = points[k : end + 1, 1]
        if end_y < start_y - EVEN:
            return None, None
        if run.min() < start_y - 0.5 or run.max() > end_y + 0.5:
            spikes.append([points[k, 0], end_y])
        if end_y > start_y:
            corners.append(np.array([corners[-1][0], end_y]))
        k = end
    corners = np.array(corners)
    return _merged(corners), np.array(spikes, float).reshape(-1, 2)


def _merged(points) -> np.ndarray:
    """Without corners in the middle of a level or upright part."""
    keep = np.ones(len(points), bool)
    before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
    level = (before[:, 1] == 0) & (after[:, 1] == 0)
    keep[1:-1] = ~(level | ((before[:, 0] == 0) & (after[:, 0] == 0)))
    return points[keep]


def _is_axis(points, panel) -> bool:
    """A line that runs down the side of the panel and along its foot."""
    height = panel.y1 - panel.y0
    first = points[1] - points[0]
    return bool(first[0] <= EVEN and first[1] > 0.9 * height)


def _starts_at_one(line, panel, x_axis, y_axis, slack) -> bool:
    x, y = line.points[0]
    width = abs(panel.x1 - panel.x0)
    start = float(x_axis.position(0.0))
    start = max(start, panel.x0)
    high = abs(float(y_axis.value(y)) - 1) <= slack
    return high and abs(x - start) <= max(slack * width, 3.0)


# -- curves drawn as thin areas


def _outlined(drawing, panel) -> list[Curve]:
    """Step lines that were turned into areas as thick as the line: their middle."""
    found = []
    for stroke in drawing.strokes:
        if not stroke.filled or stroke.curved or not _inside(stroke, panel):
            continue
        points = _cleaned(stroke.points)
        if len(points) > 3 and np.abs(points[0] - points[-1]).max() <= EVEN:
            points = points[:-1]
        if not 8 <= len(points) <= 4000 or len(points) % 2 or not _wide(points, panel):
            continue
        for turn in range(len(points) // 2):  # it may start anywhere on its edge
            middle, width = _middle(np.roll(points, -turn, axis=0))
            if middle is None:
                continue
            cut = _cut(middle, panel)
            falling, spikes = (None, None) if cut is None else _falling(cut)
            if falling is not None and len(falling) > 2:
                line = replace(stroke, filled=False, width=width, points=middle)
                found.append(Curve(falling, spikes, line, (stroke.item,)))
                break
    return found


def _middle(points):
    """The line in the middle of an outline whose two sides run beside each other."""
    half = len(points) // 2
    one, other = points[:half], points[half:][::-1]
    apart = np.abs(one - other)
    width = float(np.median(apart.max(axis=1)))
    if not 0.2 < width < 5 or np.any(apart.max(axis=1) > 1.2 * width + EVEN):
        return None, 0.0
    middle = (one + other) / 2
    if middle[-1, 0] < middle[0, 0]:
        middle = middle[::-1]
    squared = _squared(middle)
    return (None, 0.0) if squared is None else (squared, width)


# -- which lines are arms


def _without_drops(drawing, panel, curves) -> list[Curve]:
    """Lines as wide as the curves that start with them, stay level and end in the panel."""
    found = []
    widths = [curve.stroke.width for curve in curves]
    starts = np.array([curve.points[0] for curve in curves])
    for stroke in drawing.strokes:
        if stroke.filled or stroke.closed or not _inside(stroke, panel):
            continue
        x0, y0, x1, y1 = stroke.box
        level = y1 - y0 <= EVEN and 0.05 * (panel.x1 - panel.x0) < x1 - x0
        starts_there = np.abs(starts - (x0, y0)).max(axis=1).min() <= 2 * EVEN
        as_wide = any(abs(stroke.width - width) <= 0.02 * width for width in widths)
        if level and starts_there and as_wide and x1 < panel.x1 - 0.5:
            points = np.array([(x0, y0), (x1, y0)])
            if not any(c.stroke.colour == stroke.colour and not c.stroke.dash for c in curves):
                found.append(Curve(points, np.empty((0, 2)), stroke, (stroke.item,)))
    return found


def _without_copies(lines) -> list[Curve]:
    """Without lines drawn twice and white edges drawn under a line."""
    kept = []
    for line in reversed(lines):  # the last drawn shows
        same = [other for other in kept if _same_way(line, other)]
        copy = any(
            other.stroke.colour == line.stroke.colour and other.stroke.dash == line.stroke.dash
            for other in same
        )
        halo = same and min(line.stroke.colour) > 240
        if not copy and not halo:
            kept.append(line)
    return kept[::-1]


def _same_way(one, other) -> bool:
    return len(one.points) == len(other.points) and bool(
        np.allclose(one.points, other.points, atol=EVEN, rtol=0)
    )


def _without_limits(curves, others) -> tuple[list[Curve], int]:
    """Without confidence limits: two lines of one colour and style around a third.

    A limit may rise, which no curve does, so `others` are looked at too.
    """
    left_out = set()
    for middle in curves:
        group = [
            line
            for line in (*curves, *others)
            if line.stroke.colour == middle.stroke.colour and not _alike(line, middle)
        ]
        for low, high in itertools.combinations(group, 2):
            if _alike(low, high) and _between(middle, low, high):
                left_out |= {id(low), id(high)}
    return [curve for curve in curves if id(curve) not in left_out], len(left_out)


def _alike(one, other) -> bool:
    a, b = one.stroke, other.stroke
    return abs(a.width - b.width) < 0.02 * max(a.width, b.width) + 0.01 and a.dash == b.dash


def _between(curve, one, other) -> bool:
    x = curve.points[:-1, 0] + np.diff(curve.points[:, 0]) / 2
    y = _heights(curve, x)
    known = (x <= one.points[-1, 0]) & (x <= other.points[-1, 0])
    a, b = _heights(one, x), _heights(other, x)
    inside = (np.minimum(a, b) - 0.1 <= y) & (y <= np.maximum(a, b) + 0.1)
    return bool(known.any() and inside[known].all())


def _heights(curve, x) -> np.ndarray:
    k = np.searchsorted(curve.points[:, 0], x, side="right") - 1
    return curve.points[np.clip(k, 0, len(curve.points) - 1), 1]


def _by_colour(curves, colours) -> list[Curve]:
    """The curve nearest to each colour."""
    chosen = []
    for colour in colours:
        free = [curve for curve in curves if curve not in chosen]
        apart = [np.abs(np.subtract(c.stroke.colour, colour)).sum() for c in free]
        if not free or min(apart) > 90:
            raise DigitizeError(
                f"no curve has the colour {_hex(colour)}; those found are {_told(curves)}: "
                "give --colours among them"
            )
        chosen.append(free[int(np.argmin(apart))])
    return chosen


def _told(curves) -> str:
    return ", ".join(
        f"{_hex(c.stroke.colour)}{' dashed' if c.stroke.dash else ''}" for c in curves
    )


def _hex(colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _why_none(panel, sloped, rising, lines) -> str:
    where = f"no Kaplan-Meier curve was found in panel {panel.name}"
    if sloped:
        return (
            f"{where}: {sloped} line(s) slope instead of stepping (smooth or joined lines); "
            "save the figure as PNG at 300 dpi and give that, or another --panel"
        )
    if rising:
        return (
            f"{where}: {rising} step line(s) rise, as a cumulative incidence does, which is "
            "not read; give another --panel"
        )
    if lines:
        return (
            f"{where}: no step line starts at time 0 and survival 1; give --x-range and "
            "--y-range, or --box"
        )
    return f"{where}: no falling step line; give --box of the axes, or another --panel"
