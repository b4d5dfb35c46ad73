"""Numbers at risk: rows of falling whole numbers whose columns stand at times of the axis."""

import re
from dataclasses import dataclass

import numpy as np

from oligomdt.digitize.axis import Axis, number
from oligomdt.digitize.drawing import Text
from oligomdt.digitize.figure import Panel, RiskTable
from oligomdt.digitize.legend import cleaned, key

TITLE = re.compile(r"at[\s-]*risk", re.I)
OTHER = re.compile(r"\b(events?|censor\w*|cumulative|deaths|failures)\b", re.I)


@dataclass(frozen=True)
class Row:
    """One row: its label (empty if it has none), cells from left to right, and where it is.

    `titled` rows say 'at risk' themselves.
    """

    label: str
    cells: tuple[tuple[float, int], ...]  # place along the time axis, count
    y: float
    colour: tuple | None
    texts: tuple[int, ...]
    confidence: float = 1.0
    titled: bool = False


def rows(texts, panel: Panel, x_axis: Axis, below: float, floor=np.inf) -> list[Row]:
    """The rows of numbers at risk of a panel, from the top.

    Parameters
    ----------
    texts : sequence of Text
        Of the page.
    panel : Panel
        The box of the axes.
    x_axis : Axis
        Time; its ticks tell the columns.
    below : float
        Foot of the labels of time.
    floor : float
        Top of the next panel below.

    Returns
    -------
    list of Row
        Empty if there is no table.
    """
    found = [
        row
        for group in _level(texts, panel, floor)
        if (row := _row(texts, group, panel, x_axis)) is not None
    ]
    under = [row for row in found if row.y > below]
    inside = [row for row in found if row.y < below and row.y > panel.y0]
    return _of_title(texts, under) or _of_title(texts, inside)


def _level(texts, panel, floor) -> list[list[int]]:
    """Places of whole numbers at one height."""
    cells = [
        (text.y, place)
        for place, text in enumerate(texts)
        if count_of(text.text) is not None
        and panel.x0 - 25 < text.x < panel.x1 + 25
        and panel.y0 < text.y < floor
        and (text.angle < 5 or text.angle > 355)
    ]
    groups, last = [], None
    for y, place in sorted(cells):
        if last is not None and y - last < 0.45 * max(texts[place].height, 3):
            groups[-1].append(place)
        else:
            groups.append([place])
        last = y
    return groups


def count_of(text: str) -> int | None:
    """The number of a cell, without what stands in brackets behind it; None if it is none.

    Examples
    --------
    >>> from oligomdt.digitize.risk_table import count_of
    >>> count_of("158"), count_of("1,204"), count_of("58 (3)"), count_of("0.5")
    (158, 1204, 58, None)
    """
    match = re.fullmatch(r"(\d{1,6}|\d{1,3}(?:,\d{3})+)(?:\s*[(\[].*[)\]])?", text.strip())
    return int(match[1].replace(",", "")) if match else None


def _row(texts, group, panel, x_axis):
    group = sorted(group, key=lambda place: texts[place].x)
    counts = [count_of(texts[place].text) for place in group]
    falls = all(b <= a for a, b in zip(counts, counts[1:], strict=False))
    if len(group) < 2 or not falls:
        return None
    y = float(np.median([texts[place].y for place in group]))
    label = _label(texts, group, y)
    colour = texts[group[-1]].colour if label is None else texts[label].colour
    cells = tuple(
        (float(_anchor(texts[place], x_axis)), count)
        for place, count in zip(group, counts, strict=True)
    )
    places = tuple(group) + (() if label is None else (label,))
    confidence = min(texts[place].confidence for place in group)
    name = "" if label is None else cleaned(texts[label].text)
    if not re.search(r"[^\W_]", name):
        name = ""  # a dash in the colour of the arm
    titled = bool(TITLE.search(name))
    if name and (first := _first_in_label(name, texts[label], cells, x_axis, titled)):
        name, cells = first[0], (first[1], *cells)
    if titled:
        return Row(_heading(texts, label), cells, y, colour, places, confidence, True)
    return Row(name, cells, y, colour, places, confidence)


def _first_in_label(name, text, cells, x_axis, titled):
    """Name and first cell where both are one text: 'MDT 58'; None where they are not.

    The number must then stand at the first tick, where no other cell does, and not be smaller
    than the next one: the 2 of 'Arm 2' is part of a name.
    """
    if not x_axis.ticks:
        return None
    places = sorted(position for position, _ in x_axis.ticks)
    words, _, last = name.rpartition(" ")
    glued = re.fullmatch(r"(.*[^\W\d_)])(\d{1,6})", name)
    if count_of(last) is None and glued and text.x1 > places[0]:
        words, last = glued.groups()  # 'MDT58': the name touches the number
    count = count_of(last)
    if count is None or not re.search(r"[^\W\d_]", words):
        return None
    start, gap = places[0], (places[1] - places[0] if len(places) > 1 else 0.0)
    free = all(place > start + 0.5 * gap for place, _ in cells)
    reaches = text.x1 > start - 0.5 * text.height
    if titled or (free and reaches and count >= cells[0][1]):
        return words.strip(), (start, count)
    return None


def _heading(texts, label) -> str:
    """The words above a row that says 'at risk': the arm, where each has a table of its own."""
    row = texts[label]
    above = [
        text
        for text in texts
        if 0 < row.y - text.y < 2.5 * max(row.height, 4)
        and text.x0 < row.x1 + 5
        and text.x1 > row.x0 - 30
        and number(text.text) is None
    ]
    return cleaned(max(above, key=lambda text: text.y).text) if above else ""


def _anchor(text: Text, x_axis) -> float:
    """Where a cell stands: its middle, or the end of it that is at a tick."""
    ticks = np.sort([position for position, _ in x_axis.ticks])
    if not len(ticks):
        return text.x
    # An end that is merely nearer to a tick tells nothing: columns stand between ticks, too.
    near = 0.08 * float(np.diff(ticks).min()) if len(ticks) > 1 else np.inf
    away = {x: float(np.abs(ticks - x).min()) for x in (text.x, text.x0, text.x1)}
    ends = [x for x in (text.x0, text.x1) if away[x] <= near and away[x] + 2 < away[text.x]]
    return min(ends, key=away.get, default=text.x)


def _label(texts, group, y):
    """Place of the words to the left of a row."""
    first = min(texts[place].x0 for place in group)
    left = [
        place
        for place, text in enumerate(texts)
        if text.x1 < first + 1
        and abs(text.y - y) < 0.7 * max(text.height, 4)
        and number(text.text) is None
        and place not in group
        and not 80 < text.angle < 280
    ]
    return max(left, key=lambda place: texts[place].x1, default=None)


def _of_title(texts, found) -> list[Row]:
    """The rows below the title 'at risk', up to another title; all if there is no title."""
    titled = [row for row in found if row.titled]
    if titled:
        return titled
    titles = [text.y for text in texts if TITLE.search(text.text)]
    others = [
        text.y
        for text in texts
        if OTHER.search(text.text) and not TITLE.search(text.text) and len(text.text) < 60
    ]
    found = [row for row in found if not OTHER.search(row.label)]
    for title in sorted(titles):
        end = min((y for y in others if y > title), default=np.inf)
        below = [row for row in found if title - 3 < row.y < end]
        if below:
            return _near(below)
    return _near([row for row in found if len(row.cells) > 2])


def _near(found) -> list[Row]:
    """Rows that follow each other; what stands far below is another table."""
    kept = found[:1]
    for row in found[1:]:
        pitch = kept[1].y - kept[0].y if len(kept) > 1 else 40.0
        if row.y - kept[-1].y > 2.2 * pitch:
            break
        kept.append(row)
    return kept


def table(found, names, colours, x_axis: Axis, orders=()) -> tuple[RiskTable | None, list[str]]:
    """The table of the arms.

    Parameters
    ----------
    found : list of Row
        As `rows` gives them.
    names : list of str
        Of the arms.
    colours : list of tuple
        Of the arms.
    x_axis : Axis
        Time.
    orders : list of int
        Place of each arm in the legend from the top, if known.

    Returns
    -------
    table : RiskTable or None
        None if there are no rows.
    warnings : list of str
        What is not sure.
    """
    if not found:
        return None, []
    warnings = []
    times = _times(found, x_axis)
    owners = _owners(found, names, colours, orders, warnings)
    if not set(owners) & set(names):
        return None, [
            "numbers at risk were found, but no row has the name or colour of an arm; give "
            "--names"
        ]
    counts = {}
    for row, owner in zip(found, owners, strict=True):
        by_time = {}
        for place, count in row.cells:
            by_time[_nearest(times, float(x_axis.value(place)))] = count
        counts[owner] = tuple(by_time.get(float(time)) for time in times)
    warnings += _past(found, times, x_axis)
    gaps = sum(value is None for row in counts.values() for value in row)
    if gaps:
        warnings.append(f"{gaps} cell(s) of the numbers at risk are empty or were not read")
    confidence = min(row.confidence for row in found) * (0.6 if warnings else 1.0)
    return RiskTable(np.array(times), counts, confidence), warnings


def _past(found, times, x_axis) -> list[str]:
    """A warning of a first column that is missing, and in images of last ones, digits alone."""
    ticks = sorted(value for _, value in x_axis.ticks)
    read = [tick for tick in ticks if tick <= times[-1] + 1e-9]
    after = [tick for tick in ticks if tick > times[-1] + 1e-9]
    first = read[:1] if len(read) > 3 and read[0] not in times else []
    each = len(read) > 2 and set(read[len(first) :]) <= set(times)
    exact = all(row.confidence == 1 for row in found)
    lost = [f"{tick:g}" for tick in (*first, *(() if exact else after))]
    if not lost or not each:
        return []
    return [f"no number at risk was read at {', '.join(lost)}, where the time axis has labels"]


def _times(found, x_axis) -> list[float]:
    """Times of the columns: the ticks they stand at, else their own place."""
    ticks = np.array([value for _, value in x_axis.ticks]) if x_axis.ticks else np.empty(0)
    step = float(np.min(np.diff(np.sort(ticks)))) if len(ticks) > 1 else 0.0
    times = set()
    for row in found:
        for place, _ in row.cells:
            time = float(x_axis.value(place))
            if len(ticks) and np.abs(ticks - time).min() < 0.25 * step:
                time = float(ticks[np.argmin(np.abs(ticks - time))])
            elif step:
                # Between two labels: a column stands at a round share of their distance.
                time = round(12 * time / step) / 12 * step
            if not any(abs(time - other) < 0.2 * step for other in times):
                times.add(time)
    return sorted(times)


def _nearest(times, time) -> float:
    return min(times, key=lambda t: abs(t - time))


def _owners(found, names, colours, orders, warnings) -> list[str]:
    keys = {key(name): name for name in names}
    owners = [keys.get(key(row.label)) if row.label else None for row in found]
    for k, row in enumerate(found):
        if owners[k] is None and row.colour is not None and len(set(colours)) == len(colours):
            apart = [np.abs(np.subtract(row.colour, colour)).sum() for colour in colours]
            name = names[int(np.argmin(apart))]
            if min(apart) < 20 and name not in owners:
                owners[k] = name
    open_rows = [k for k, owner in enumerate(owners) if owner is None]
    free = [k for k, name in enumerate(names) if name not in owners]
    unlabelled = all(not found[k].label for k in open_rows)
    if open_rows and len(open_rows) == len(free) and (unlabelled or len(names) == 1):
        if len(orders) == len(names):
            free.sort(key=lambda k: orders[k])
        for row, arm in zip(open_rows, free, strict=True):
            owners[row] = names[arm]
        if len(names) > 1:
            warnings.append(
                "the rows of the numbers at risk have no names: they were taken in the order "
                "of the legend"
            )
    elif len(open_rows) == len(free) == 1 and len(found) == len(names):
        owners[open_rows[0]] = names[free[0]]
        warnings.append(
            f"the row {found[open_rows[0]].label!r} of the numbers at risk was taken as that "
            f"of {names[free[0]]!r}, the only arm left; check it"
        )
    for k, owner in enumerate(owners):
        if owner is None:
            owners[k] = found[k].label or f"row {k + 1}"
            warnings.append(
                f"the row {owners[k]!r} of the numbers at risk belongs to no arm; give --names"
            )
    return owners
