"""The arms of an image: by its legend, or by every colour and style that makes a curve."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from oligomdt.digitize import corners, coverage, legend, limits, trace
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.handle import Handle
from oligomdt.digitize.line_colours import (
    ALIKE,
    ORDER,
    Look,
    colour_distance,
    colours_of_lines,
    told_looks,
)
from oligomdt.digitize.trace import Trace

MARKS = 0.03
"""How far censoring marks reach from their curve, as a share of the height of the panel."""


@dataclass(eq=False)
class Found:
    """An arm as traced: its curve in pixels of the field, its ink and what may cover it."""

    trace: Trace
    cover: np.ndarray
    hidden: np.ndarray
    handle: Handle | None = None


def find_arms(field, settings, expected):
    """The arms and warnings; a DigitizeError if there is none, or not the number asked for."""
    looks = told_looks(field, settings)
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


def alike_warnings(arms) -> list[str]:
    """What is not sure about the curves themselves."""
    alike = [
        (one, other)
        for one, other in itertools.combinations(arms, 2)
        if colour_distance(one.trace.colour, other.trace.colour) < ALIKE
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
            if colour_distance(group[0].colour, look.colour) < ALIKE:
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
            more = coverage.coverage(field.pixels, ground, mixed, others)
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
        found = [coverage.tint(ground, colour, field.paper) for ground in grounds]
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
    colours = colours_of_lines(field)
    covers = _covers(field, colours)
    traced, clock = [], limits.Clock("the image")
    for k, colour in enumerate(colours):
        clock.check()
        looks = [Look(colour, style) for style in ("solid", "solid", "dashed")]
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


def expected_arms(drawing, box, rows, settings) -> int | None:
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
        width = corners.thickness(ink, rows)
        points = corners.corners(ink, hidden, rows, width)
        one = Trace(points, look.colour, look.style, width, seen, rows, 0)
        found.append(Found(one, full, hidden, look.handle))
        if len(looks) > 1:
            own = trace.band_around(cover.shape, one, 1.0)
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
