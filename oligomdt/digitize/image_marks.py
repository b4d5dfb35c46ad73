"""Censoring marks of all arms of an image, and what they tell of the levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oligomdt.digitize import censoring, corners, trace
from oligomdt.digitize.line_colours import ALIKE, colour_distance

NO_FREE_MARK = (
    "hardly any censoring mark stands free of a step, so none was read; check the figure"
)


def with_marks(field, arms):
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
    bars = corners.Bars(shape.reach, 0.4 * shape.peak)
    again = []
    for arm, line in zip(arms, lines, strict=True):
        old = arm.trace
        points = corners.corners(line.ink, arm.hidden, old.rows, old.width, bars)
        again.append(replace(arm, trace=replace(old, points=points)))
    lines = _lines(again, inks)
    shape = censoring.shape(lines)
    if shape is None:
        return arms, none, 0.0, []
    return again, [censoring.marks(line, shape) for line in lines], shape.reach, []


def _without_marks(arm):
    """The arm with the width of its line between the marks, if they are on much of it."""
    between = corners.thickness(arm.cover, arm.trace.rows, 10)
    if between > 0.75 * arm.trace.width:
        return arm
    return replace(arm, trace=replace(arm.trace, width=between))


def _inks(field, arms) -> list:
    """Ink in the colour of each arm, without confidence bands."""
    colours = []
    for arm in arms:
        if all(colour_distance(arm.trace.colour, colour) >= ALIKE for colour in colours):
            colours.append(arm.trace.colour)
    found = [field.ink(own, [c for c in colours if c is not own]) for own in colours]
    inks = []
    for arm in arms:
        own = [colour_distance(arm.trace.colour, colour) < ALIKE for colour in colours].index(
            True
        )
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


def merged_warnings(names, marks) -> list[str]:
    """What is not sure about the number of marks."""
    return [
        f"arm {name!r}: {merged} censoring marks stand so close that they run together; their "
        "number and places are estimates"
        for name, (_, merged) in zip(names, marks, strict=True)
        if merged
    ]
