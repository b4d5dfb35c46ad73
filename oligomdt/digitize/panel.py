"""Panels of a page: rows and columns of numbers that are the tick labels of two axes."""

import itertools
from dataclasses import dataclass, field

import numpy as np

from oligomdt.digitize import limits
from oligomdt.digitize.axis import fit, number
from oligomdt.digitize.drawing import Drawing, Text
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Panel

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Label:
    """A tick label: its place along the axis, its number and the text it is."""

    position: float
    value: float
    text: Text
    percent: bool = False


@dataclass(frozen=True)
class Place:
    """A panel and the labels of its axes, first to last."""

    panel: Panel
    x_labels: tuple[Label, ...]
    y_labels: tuple[Label, ...]


@dataclass
class _Run:
    """Labels of one axis: `along` is the coordinate that changes, `across` the other."""

    labels: list = field(default_factory=list)
    across: float = 0.0

    @property
    def start(self):
        return min(label.position for label in self.labels)

    @property
    def end(self):
        return max(label.position for label in self.labels)


def find(drawing: Drawing, box=None) -> list[Place]:
    """Every panel of a page, row by row from the left.

    Parameters
    ----------
    drawing : Drawing
        With its texts.
    box : (float, float, float, float), optional
        The user's box of the axes: labels are then sought beside it.

    Returns
    -------
    list of Place
        Empty if no two axes with labels were found.
    """
    rows, columns = label_rows(drawing.texts), label_columns(drawing.texts)
    if box is not None:
        return [_beside(box, rows, columns)]
    pairs = _pairs(rows, columns)
    if len(pairs) > limits.PANELS:
        raise DigitizeError(
            f"the page has more than {limits.PANELS} panels; give the figure alone"
        )
    places = [
        Place(
            Panel("", *frame(drawing, (row.start, column.start, row.end, column.end))),
            tuple(row.labels),
            tuple(column.labels),
        )
        for row, column in pairs
    ]
    return _named(drawing, _in_order(places))


def choose(places, wanted) -> Place:
    """The panel that was asked for, or the only one."""
    listed = ", ".join(
        f"{place.panel.name}" + (f" ({place.panel.title})" if place.panel.title else "")
        for place in places
    )
    if wanted is None:
        if len(places) == 1:
            return places[0]
        raise DigitizeError(
            f"the page has {len(places)} panels ({listed}); say which with --panel"
        )
    for place in places:
        if place.panel.name.casefold() == str(wanted).casefold():
            return place
    if str(wanted).isdigit() and 1 <= int(wanted) <= len(places):
        return places[int(wanted) - 1]
    raise DigitizeError(f"there is no panel {wanted}; the page has {listed}: give --panel")


# -- labels


def label_rows(texts) -> list[_Run]:
    """Rows of numbers that grow evenly from left to right."""
    labels = [label for label in map(_label, texts) if label is not None and _flat(label)]
    runs = []
    for group in _level(labels, lambda label: label.text.y, 0.35):
        group = [_at(label, label.text.x) for label in group]
        group.sort(key=lambda label: label.position)
        runs += _even(group, rising=True, across=np.mean([g.text.y for g in group]))
    return runs


def label_columns(texts) -> list[_Run]:
    """Columns of numbers that grow evenly from bottom to top."""
    labels = [label for label in map(_label, texts) if label is not None]
    found = []
    for edge in (lambda t: t.x1, lambda t: t.x, lambda t: t.x0):
        for group in _level(labels, lambda label, edge=edge: edge(label.text), 0.2):
            group = [_at(label, label.text.y) for label in group]
            group.sort(key=lambda label: label.position)
            found += _even(
                group, rising=False, across=np.mean([label.text.x for label in group])
            )
    found.sort(key=lambda run: -len(run.labels))
    kept, used = [], set()
    for run in found:
        ids = {id(label.text) for label in run.labels}
        if not ids & used:
            kept.append(run)
            used |= ids
    return kept


def uneven(texts) -> str:
    """What is wrong with the labels of a page without two even axes; empty if unknown."""
    labels = [label for label in map(_label, texts) if label is not None]
    rows, columns = label_rows(texts), label_columns(texts)
    for name, even, other, place in (
        ("x", rows, columns, lambda label: label.text.y),
        ("y", columns, rows, lambda label: label.text.x),
    ):
        if even or not other:
            continue
        used = {id(label.text) for run in other for label in run.labels}
        left = [label for label in labels if id(label.text) not in used]
        groups = sorted(_level(left, place, 0.35), key=len)
        if groups and len(groups[-1]) > 2:
            told = ", ".join(label.text.text for label in groups[-1][:10])
            return f"the labels of the {name} axis make no line ({told})"
    return ""


def _label(text):
    read = number(text.text)
    return None if read is None else Label(0.0, read[0], text, read[1])


def _at(label, position):
    return Label(float(position), label.value, label.text, label.percent)


def _flat(label) -> bool:
    return label.text.angle % 360 < 5 or label.text.angle % 360 > 355


def _level(labels, place, share) -> list[list]:
    """Groups of labels at one height (or in one column), apart by less than a share of it."""
    labels = sorted(labels, key=place)
    groups = []
    for label in labels:
        size = min(max(label.text.height, 3.0), max(label.text.width, 3.0))
        if groups and place(label) - place(groups[-1][-1]) <= share * size:
            groups[-1].append(label)
        else:
            groups.append([label])
    return [group for group in groups if len(group) > 1]


def _even(group, *, rising, across) -> list[_Run]:
    """Runs of labels whose numbers grow evenly with their places."""
    runs, current = [], []
    for label in group:
        if current and (label.value - current[-1].value) * (1 if rising else -1) <= 0:
            runs.append(current)
            current = []
        current.append(label)
    runs.append(current)
    found = []
    for run in runs:
        if len(run) < 3:
            if len(run) == 2 and len(group) == 2:
                found.append(_Run(run, across))
            continue
        gap = (run[-1].position - run[0].position) / (len(run) - 1)
        try:
            *_, used = fit(
                [label.position for label in run],
                [label.value for label in run],
                tolerance=max(1.5, 0.12 * gap),
            )
        except DigitizeError:
            continue
        kept = [label for label, good in zip(run, used, strict=True) if good]
        if len(kept) >= 3:
            found.append(_Run(kept, across))
    return found


# -- two axes make a panel


def _pairs(rows, columns) -> list:
    """Rows with the column to their left and above them, each row at most once."""
    proposals = []
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        width, height = row.end - row.start, column.end - column.start
        below = row.across - column.end
        left = row.start - column.across
        # The first label of an axis may not have been read.
        room = (width / (len(row.labels) - 1), height / (len(column.labels) - 1))
        if not (
            0 < below < 0.6 * height + 20 + room[1] and 0 < left < 0.35 * width + 20 + room[0]
        ):
            continue
        two = (len(row.labels) == 2) + (len(column.labels) == 2)
        proposals.append((two, below / height + left / width, i, j))
    used_rows, used_columns, pairs = set(), set(), []
    for _, _, i, j in sorted(proposals):
        if i not in used_rows and j not in used_columns:
            used_rows.add(i)
            used_columns.add(j)
            pairs.append((rows[i], columns[j]))
    return pairs + _shared(rows, pairs, used_rows)


def _shared(rows, pairs, used) -> list:
    """Panels to the right of another that has the labels of survival for both."""
    more = []
    for i, row in enumerate(rows):
        same = [
            (other, column)
            for other, column in pairs
            if abs(other.across - row.across) < 3 and other.end < row.start
        ]
        if i not in used and len(row.labels) > 2 and same:
            more.append((row, max(same, key=lambda pair: pair[0].end)[1]))
    return more


def _beside(box, rows, columns) -> Place:
    """The labels nearest to a box that the user gave."""
    x0, y0, x1, y1 = box
    below = [
        row for row in rows if y1 - 5 < row.across and row.start > x0 - 15 and row.end < x1 + 15
    ]
    left = [
        column
        for column in columns
        if column.across < x0 + 5 and column.start > y0 - 15 and column.end < y1 + 15
    ]
    row = min(below, key=lambda run: run.across - y1, default=_Run())
    column = min(left, key=lambda run: x0 - run.across, default=_Run())
    return Place(Panel("1", *box), tuple(row.labels), tuple(column.labels))


# -- the box of the axes


def frame(drawing: Drawing, span) -> tuple[float, float, float, float]:
    """The smallest frame drawn around the labelled part of the axes.

    Parameters
    ----------
    drawing : Drawing
        The page.
    span : (float, float, float, float)
        From the first to the last label of both axes.

    Returns
    -------
    tuple of float
        Left, top, right and bottom; the span itself if nothing is drawn around it.
    """
    x0, y0, x1, y1 = span
    slack = 4.0
    best, best_area = None, np.inf
    for left, top, right, bottom in _frames(drawing):
        inside = left <= x0 + slack and right >= x1 - slack
        inside = inside and top <= y0 + slack and bottom >= y1 - slack
        near = right - left < 1.7 * (x1 - x0) + 20 and bottom - top < 1.7 * (y1 - y0) + 20
        area = (right - left) * (bottom - top)
        if inside and near and area < best_area:
            best, best_area = (left, top, right, bottom), area
    return _by_lines(drawing, span) if best is None else best


def _frames(drawing) -> set:
    """Boxes of clipped parts and of rectangles."""
    boxes = set()
    for stroke in drawing.strokes:
        if stroke.clip is not None:
            boxes.add(tuple(round(v, 3) for v in stroke.clip))
        if (stroke.closed or stroke.filled) and 4 <= len(stroke.points) <= 5:
            x, y = np.round(stroke.points, 2).T
            if len(set(x)) == 2 and len(set(y)) == 2:
                boxes.add(stroke.box)
    return {box for box in boxes if box[2] > box[0] and box[3] > box[1]}


def _by_lines(drawing, span) -> tuple:
    """The span, stretched along the lines of the axes that run beside it."""
    x0, y0, x1, y1 = span
    box = list(span)
    for stroke in drawing.strokes:
        if stroke.filled:
            continue
        for (ax, ay), (bx, by) in itertools.pairwise(stroke.points[:6]):
            near_bottom = y1 - 2 < ay < y1 + 0.45 * (y1 - y0)
            if abs(ay - by) < 0.1 and near_bottom and _covers(ax, bx, x0, x1):
                box[0], box[2] = min(ax, bx), max(ax, bx)
                box[3] = max(box[3], ay) if ay < y1 + 15 else box[3]
            near_left = x0 - 0.2 * (x1 - x0) < ax < x0 + 2
            if abs(ax - bx) < 0.1 and near_left and _covers(ay, by, y0, y1):
                box[1], box[3] = min(ay, by), max(box[3], ay, by)
                box[0] = ax if abs(ax - x0) < 6 else min(box[0], ax)
    return tuple(float(v) for v in box)


def _covers(a, b, low, high) -> bool:
    a, b = min(a, b), max(a, b)
    return a <= low + 3 and b >= high - 3 and b - a < 1.5 * (high - low) + 20


# -- names


def _in_order(places) -> list:
    """Row by row: panels that overlap in height are one row."""
    places = sorted(places, key=lambda place: place.panel.y0)
    rows = []
    for place in places:
        if rows and place.panel.y0 < (rows[-1][0].panel.y0 + rows[-1][0].panel.y1) / 2:
            rows[-1].append(place)
        else:
            rows.append([place])
    return [p for row in rows for p in sorted(row, key=lambda place: place.panel.x0)]


def _named(drawing, places) -> list:
    letters = [_letter(drawing, place.panel) for place in places]
    if None in letters or len(set(letters)) < len(letters):
        letters = [str(k) for k in range(1, len(places) + 1)]
    return [
        Place(
            Panel(
                letter,
                place.panel.x0,
                place.panel.y0,
                place.panel.x1,
                place.panel.y1,
                _title(drawing, place.panel),
            ),
            place.x_labels,
            place.y_labels,
        )
        for letter, place in zip(letters, places, strict=True)
    ]


def _letter(drawing, panel):
    """The letter at the top left corner of a panel."""
    width, height = panel.x1 - panel.x0, panel.y1 - panel.y0
    near = [
        text
        for text in drawing.texts
        if len(text.text.strip("().: ")) == 1
        and text.text.strip("().: ").upper() in LETTERS
        and panel.x0 - 0.35 * width - 20 < text.x < panel.x0 + 0.1 * width
        and panel.y0 - 0.3 * height - 20 < text.y < panel.y0 + 0.1 * height
    ]
    if not near:
        return None
    text = min(near, key=lambda t: abs(t.x - panel.x0) + abs(t.y - panel.y0))
    return text.text.strip("().: ").upper()


def _title(drawing, panel) -> str:
    height = panel.y1 - panel.y0
    above = [
        text
        for text in drawing.texts
        if panel.y0 - 0.15 * height - 12 < text.y < panel.y0
        and panel.x0 - 30 < text.x < panel.x1
        and len(text.text.strip("().: ")) > 1
        and number(text.text) is None
    ]
    return max(above, key=lambda text: text.height, default=_NOTHING).text


_NOTHING = Text("", 0, 0, 0, 0)
