"""Digitised curves from the files of other programs."""

import json
import math
import re

import numpy as np

from .coordinates import OVERSHOOT, PERCENT_ABOVE, column
from .delimited import ARM, is_number, is_time, named_columns, plain, read_sheet, read_text

OUTCOMES = ("survival", "incidence")
SURV = {"surv", "survival", "s"}
# Columns of other tables: read as curves they would give a wrong result without an error.
NOT_A_CURVE = {
    "event",
    "events",
    "status",
    "censored",
    "arm",
    "curve",
    "n_risk",
    "nrisk",
    "nar",
}


def as_survival(values, outcome):
    """Turn the values of a digitised curve into survival.

    A survival curve is returned as it is, in percent or as a proportion. Cumulative incidence
    is turned into 1 - incidence, as a proportion; it is taken to be in percent if any value is
    above 1.5, so incidence in percent that never gets there must be given as a proportion.

    Parameters
    ----------
    values : array of shape (points,)
        Proportions (0 to 1) or percent (0 to 100).
    outcome : {"survival", "incidence"}
        What the values are.

    Returns
    -------
    array of shape (points,)
        Survival.

    Raises
    ------
    ValueError
        If `outcome` is another word or a value is outside its range.

    Examples
    --------
    >>> as_survival([0, 25, 60], "incidence").tolist()
    [1.0, 0.75, 0.4]
    """
    check_outcome(outcome)
    return _survival(column(values, "values"), outcome, lambda at: f"values[{at}]")


def check_outcome(outcome):
    """Refuse a word that is no outcome."""
    if outcome not in OUTCOMES:
        words = " or ".join(map(repr, OUTCOMES))
        raise ValueError(f"outcome is {outcome!r}; it must be {words}")


def _survival(values, outcome, where):
    scale = 100.0 if values.max(initial=0) > PERCENT_ABOVE else 1.0
    # Survival may overshoot its top by a few pixels; for incidence that is below 0.
    over = OVERSHOOT * scale
    low, high = (0, scale + over) if outcome == "survival" else (-over, scale)
    bad = np.flatnonzero((values < low) | (values > high))
    if len(bad):
        raise ValueError(
            f"{where(bad[0])}: {outcome} is {values[bad[0]]:g}; it must be from 0 to {scale:g}"
        )
    return values if outcome == "survival" else 1 - values / scale


def read_points(path, *, outcome="survival"):
    r"""Read digitised curves; the layout is found out from the content.

    Text files are separated by tabs, semicolons, commas or spaces; except between commas,
    numbers may have a decimal comma. A cell NA is an empty one. The layouts:

    * two columns without a header: WebPlotDigitizer's data of one set, input of IPDfromKM;
    * WebPlotDigitizer's CSV of all sets: a row of names at every second column, a row X,Y,X,Y,
      and pairs of columns that end at different lines;
    * WebPlotDigitizer's project in JSON (versions 3 and 4): the points of each data set;
    * Engauge Digitizer: x and one column per curve, empty where a curve has no point; or a
      pair of columns per curve (``x,A,x,B``); or one block per curve, each with its header,
      also as a comment for Gnuplot (``# x, A``);
    * columns time (or t) and surv (or survival, S), with several curves arm (or curve). These
      are also the clicks of reconstructKM and the files for Guyot's script and survHE. The
      columns id, k, index and one without a name are row numbers and not needed;
    * pairs of columns called ``NAME:x,NAME:y`` or ``x1,y1,x2,y2``.

    WebPlotDigitizer's and Engauge's layouts follow their source code and test files,
    reconstructKM's, survHE's and IPDfromKM's their documentation. DigitizeIt's CSV is not
    documented; ``NAME:x,NAME:y`` is how its Excel export names columns, the mark between the
    two being a guess (colon, point, dash, underscore and space are read), and a file of two
    columns without a header is read too.

    Parameters
    ----------
    path : str or path
        The file. A curve without a name is called as the file, without its ending.
    outcome : {"survival", "incidence"}
        What the curves show; incidence is turned into survival, see `as_survival`.

    Returns
    -------
    dict of str to (time, surv)
        Arrays of shape (points,) by curve, in file order: times 0 or later in the unit of the
        file, survival as a proportion or in percent.

    Raises
    ------
    ValueError
        Naming file and line, if the layout is not one of these or a value is impossible.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "figure.csv")
    ...     _ = file.write_text("A,,B,\nX,Y,X,Y\n0,1,0,1\n3,0.8,5,0.9\n7,0.4,,\n")
    ...     curves = read_points(file)
    >>> {name: time.tolist() for name, (time, surv) in curves.items()}
    {'A': [0.0, 3.0, 7.0], 'B': [0.0, 5.0]}
    """
    return turned(curves_of(path, outcome), outcome)


def curves_of(path, outcome):
    """Return the curves of a file as they stand in it: where, time and value of each point."""
    check_outcome(outcome)
    text = read_text(path)
    if text.lstrip().startswith("{"):
        points = _project(path, text)
    else:
        points = _sheet_points(read_sheet(path, text), outcome)
    curves = {}
    for name, found in points.items():
        if not found:
            raise ValueError(
                f"{path}: the curve {name!r} has no points; delete it or give some"
            )
        where, time, value = zip(*found, strict=True)
        early = next((at for at, t in enumerate(time) if t < 0), None)
        if early is not None:
            raise ValueError(f"{where[early]}: time is {time[early]:g}; it must be 0 or later")
        curves[name] = where, np.array(time), np.array(value)
    return curves


def turned(curves, outcome):
    """Return time and survival of all curves of a figure, which share one scale."""
    values = np.concatenate([value for _, _, value in curves.values()])
    if outcome == "incidence" and values.max() > PERCENT_ABOVE:
        for name, (where, _, value) in curves.items():
            if 0 < value.max() <= 1:
                raise ValueError(
                    f"{where[0]}: the curve {name!r} reaches only {value.max():g} while others "
                    "are in percent; give all curves as proportions, 0 to 1"
                )
    where = [place for places, _, _ in curves.values() for place in places]
    surv = _survival(values, outcome, where.__getitem__)
    ends = np.cumsum([len(time) for _, time, _ in curves.values()])
    parts = np.split(surv, ends[:-1])
    return {
        name: (time, part)
        for (name, (_, time, _)), part in zip(curves.items(), parts, strict=True)
    }


def _project(path, text):
    """Points of the data sets of a WebPlotDigitizer project."""
    try:
        project = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise ValueError(f"{path}, line {line}: is not complete JSON; save it again") from None
    old = project.get("wpd")
    sets = old.get("dataSeries") if isinstance(old, dict) else project.get("datasetColl")
    if not isinstance(sets, list) or not sets:
        raise ValueError(
            f"{path}: holds no data sets; it must be a project of WebPlotDigitizer with "
            "`datasetColl` (version 4) or `wpd` and `dataSeries` (version 3)"
        )
    points = {}
    for number, entry in enumerate(sets, start=1):
        try:
            name = str(entry["name"])
            values = [point["value"] for point in entry["data"]]
        except (KeyError, TypeError):
            raise ValueError(
                f"{path}: data set {number} has no `name` or a point of it no `value`; align "
                "the axes and save the project again"
            ) from None
        if name in points:
            raise ValueError(f"{path}: two data sets are called {name!r}; rename one")
        points[name] = [
            _json_point(f"{path}, data set {name!r}, point {at}", value)
            for at, value in enumerate(values, start=1)
        ]
    return points


def _json_point(where, value):
    good = isinstance(value, list) and len(value) == 2
    if not good or not all(
        type(part) in (int, float) and math.isfinite(part) for part in value
    ):
        raise ValueError(f"{where}: value is {value!r}; it must be two numbers, x and y")
    return where, float(value[0]), float(value[1])


def _sheet_points(sheet, outcome):
    """Points of each curve of a delimited file, by its layout."""
    head = sheet.lines[0]
    names = [plain(cell) for cell in head.cells]
    if len(sheet.lines) > 1 and _is_xy(sheet.lines[1].cells):
        return _points(sheet, head, _named_pairs(sheet), sheet.lines[2:])
    if SURV.intersection(names) or "incidence" in names:
        return _long_points(sheet, outcome)
    if is_number(head.cells[0]):
        if len(head.cells) != 2:
            raise sheet.error(
                head,
                f"{len(head.cells)} columns without a header; write two, time and "
                "survival, or a header such as `time,surv,arm` (decimal commas need another "
                "separator, such as the semicolon)",
            )
        return _points(sheet, head, [(sheet.path.stem, 0, 1)], sheet.lines)
    wrong = NOT_A_CURVE.intersection(names)
    if wrong:
        raise sheet.error(
            head, f"there is no column surv but {min(wrong)!r}; the header is `time,surv[,arm]`"
        )
    return _block_points(sheet)


def _is_xy(cells):
    cells = [cell.lower() for cell in cells]
    return bool(cells) and cells == ["x", "y"] * (len(cells) // 2)


def _named_pairs(sheet):
    """Curves of a file with names in the first row and X,Y in the second."""
    head, below = sheet.lines[0], sheet.lines[1].cells
    names = sheet.row(head, len(below))
    columns = [(names[at], at, at + 1) for at in range(0, len(below), 2)]
    if not all(names[0::2]) or any(names[1::2]):
        raise sheet.error(
            head,
            "the names must stand above every X and nowhere else; a name with a comma needs "
            "quotes",
        )
    return columns


def _points(sheet, head, columns, lines):
    """Points of curves given as (name, column of x, column of y)."""
    points = {}
    for name, _, _ in columns:
        if name in points:
            raise sheet.error(head, f"two curves are called {name!r}; rename one")
        points[name] = []
    shared = len(columns) > 1 and len({x for _, x, _ in columns}) == 1
    width = 1 + max(y for _, _, y in columns)
    for line in lines:
        cells, taken = sheet.row(line, width), 0
        for name, x, y in columns:
            if not cells[y] and (shared or not cells[x]):
                continue
            time = sheet.number(line, cells[x], f"time of the curve {name!r}")
            value = sheet.number(line, cells[y], f"value of the curve {name!r}")
            points[name].append((f"{sheet.path}, line {line.number}", time, value))
            taken += 1
        if not taken:
            raise sheet.error(line, "there is a time but no value of any curve; give one")
    return points


def _long_points(sheet, outcome):
    """Points in rows of time, value and, with several curves, arm."""
    roles = {
        "time": is_time,
        "surv": lambda name: plain(name) in (SURV | {"incidence"}),
        "arm": lambda name: plain(name) in ARM,
    }
    at = named_columns(sheet, roles, ("time", "surv"))
    head = sheet.lines[0]
    if plain(head.cells[at["surv"]]) == "incidence" and outcome != "incidence":
        raise sheet.error(head, "the column is incidence; read it with outcome='incidence'")
    points = {}
    for line in sheet.lines[1:]:
        cells = sheet.row(line, len(head.cells))
        arm = cells[at["arm"]] if "arm" in at else sheet.path.stem
        if not arm:
            raise sheet.error(line, "arm is empty; write the arm into every row")
        time = sheet.number(line, cells[at["time"]], "time")
        value = sheet.number(line, cells[at["surv"]], outcome)
        where = f"{sheet.path}, line {line.number}"
        points.setdefault(arm, []).append((where, time, value))
    if not points:
        raise sheet.error(head, "there is no row below the header; write one per point")
    return points


def _block_points(sheet):
    """Points in columns below one header or several."""
    first = sheet.lines[0].cells[0].casefold()
    blocks = []
    for line in sheet.lines:
        if line.cells[0].casefold() == first or not any(map(is_number, line.cells)):
            blocks.append((line, []))
        else:
            blocks[-1][1].append(line)
    points = {}
    for head, lines in blocks:
        found = _points(sheet, head, _header_columns(sheet, head), lines)
        for name in found.keys() & points.keys():
            raise sheet.error(head, f"two curves are called {name!r}; rename one")
        points |= found
    return points


def _header_columns(sheet, head):
    """Curves that one header names: pairs of columns, or several on one x."""
    cells = head.cells
    pairs = list(zip(cells[0::2], cells[1::2], strict=False))
    stems = [_stem(x, y) for x, y in pairs]
    if len(cells) % 2 == 0 and None not in stems:
        return [(stem or sheet.path.stem, 2 * at, 2 * at + 1) for at, stem in enumerate(stems)]
    if len(cells) > 1 and is_time(cells[0]) and all(cells):
        if len(cells) > 2 and len(cells) % 2 == 0 and len(set(cells[0::2])) == 1:
            return [(name, 2 * at, 2 * at + 1) for at, (_, name) in enumerate(pairs)]
        return [(name, 0, at) for at, name in enumerate(cells) if at]
    raise sheet.error(
        head,
        f"{','.join(cells)!r} is not a header of digitised curves; write `time,surv,arm`, or "
        "x and one column per curve",
    )


def _stem(x, y):
    """Name that two columns share apart from x and y, or None."""
    for pattern in (r"(|.+[\s:._-]){}", r"{}[\s:._-]*(\d+)"):
        found = [
            re.fullmatch(pattern.format(axis), cell, flags=re.IGNORECASE)
            for axis, cell in (("x", x), ("y", y))
        ]
        if all(found) and found[0][1] == found[1][1]:
            return found[0][1].rstrip(" \t:._-")
    return None
