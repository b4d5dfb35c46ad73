"""A figure's files joined arm by arm, and the file of its reconstructed patients."""

import csv
import math
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .coordinates import whole
from .delimited import ARM, is_number, is_time, named_columns, plain, read_sheet, same_name
from .point_files import as_survival, check_outcome, curves_of, read_points, turned
from .risk_files import RiskRows, at_or_after, read_risk_table

__all__ = [
    "ArmInput",
    "RiskRows",
    "as_survival",
    "at_or_after",
    "read_figure",
    "read_points",
    "read_risk_table",
    "write_patients",
]

# Names of an arm that the readers of R or pandas would take for a missing value.
MISSING = {"", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none"}


@dataclass(frozen=True)
class ArmInput:
    """What a figure says about one arm; the fields are arguments of `reconstruct`.

    Attributes
    ----------
    name : str
        The arm.
    time, surv : arrays of shape (points,)
        Digitised points: time in the unit of the file, survival (never its complement) as a
        proportion or throughout in percent.
    n : int or None
        Patients in the arm; None if no table says it.
    risk_time, risk_n : arrays of shape (rows,) or None
        Number-at-risk table: patients followed to that time or longer.
    risk_events, risk_censored : arrays of shape (rows,) or None
        Events and censorings before each time of the table.
    censor_time : array of shape (marks,) or None
        Times of the censoring marks.
    events : int or None
        Total number of events.
    notes : tuple of str
        What was done to the input and what was taken for granted.
    """

    name: str
    time: np.ndarray
    surv: np.ndarray
    n: int | None = None
    risk_time: np.ndarray | None = None
    risk_n: np.ndarray | None = None
    censor_time: np.ndarray | None = None
    events: int | None = None
    notes: tuple[str, ...] = ()
    risk_events: np.ndarray | None = None
    risk_censored: np.ndarray | None = None


def read_figure(
    points,
    risk_table=None,
    *,
    events=None,
    marks=None,
    outcome="survival",
    counted="at or after",
):
    r"""Join the curves of one figure with its table, event totals and censoring marks.

    Arms are matched by name, without regard to capitals and spaces; those left over are
    matched in their order, and a note says so.

    Parameters
    ----------
    points : path or list of paths
        Digitised curves, see `read_points`; a list if each arm has its own file.
    risk_table : path or list of paths, optional
        Number-at-risk table, see `read_risk_table`.
    events : int, list of int or dict of str to int, optional
        Total number of events: of the only arm, in the order of the curves, or by arm.
    marks : path, optional
        Censoring marks: columns time and, if there are several arms, arm.
    outcome : {"survival", "incidence"}
        What the curves show.
    counted : {"at or after", "after"}
        What the table counts, see `at_or_after`.

    Returns
    -------
    list of ArmInput
        One per curve, in the order of the curves.

    Raises
    ------
    ValueError
        If a file cannot be read, the numbers of arms differ, or the totals contradict the
        table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     curve, table = Path(folder, "A.csv"), Path(folder, "table.csv")
    ...     _ = curve.write_text("time,surv\n3,0.8\n7,0.5\n9,0.5\n")
    ...     _ = table.write_text("arm,0,6\na,10,8\n")
    ...     (arm,) = read_figure(curve, table, events=5)
    >>> arm.name, arm.n, arm.risk_n.tolist(), arm.events, arm.notes
    ('A', 10, [10, 8], 5, ())
    """
    check_outcome(outcome)
    curves = _joined(points, lambda path: curves_of(path, outcome))
    if not curves:
        raise ValueError("points names no file; give one file, or one for each arm")
    curves = turned(curves, outcome)
    tables = _matched(curves, _joined(risk_table, _tables), "number-at-risk table")
    ticks = _matched(curves, _marks(marks, list(curves)), "file of censoring marks")
    totals = _matched(curves, _totals(events, list(curves)), "event totals")
    arms = []
    for name, (time, surv) in curves.items():
        fields = {"time": time, "surv": surv}
        notes = ["cumulative incidence was turned into survival"] * (outcome == "incidence")
        if name in totals:
            fields["events"], said = totals[name]
            notes += said
        if name in ticks:
            fields["censor_time"], said = ticks[name]
            notes += said + ["it has no censoring marks"] * (len(fields["censor_time"]) == 0)
        if name in tables:
            (rows, arm), said = tables[name]
            notes += said + _add_table(fields, name, rows, arm, counted)
        arms.append(ArmInput(name, **fields, notes=tuple(notes)))
    return arms


def _joined(paths, read):
    """Arms of one file or of several, whose names differ."""
    if paths is None:
        return {}
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    arms, origin = {}, {}
    for path in paths:
        for name, value in read(path).items():
            key = same_name(name)
            if key in origin:
                raise ValueError(
                    f"{path}: the arm {name!r} has the name of {origin[key]}; rename one"
                )
            arms[name], origin[key] = value, f"{name!r} in {path}"
    return arms


def _tables(path):
    rows = read_risk_table(path)
    return {arm: (rows, arm) for arm in rows.time}


def _marks(path, names):
    """Times of the censoring marks by arm."""
    if path is None:
        return {}
    sheet = read_sheet(path)
    head = sheet.lines[0]
    if is_number(head.cells[0]):
        raise sheet.error(head, "there is no header; write `time`, or `time,arm` for more arms")
    roles = {"time": is_time, "arm": lambda name: plain(name) in ARM}
    at = named_columns(sheet, roles, ("time",))
    if "arm" not in at and len(names) > 1:
        raise sheet.error(head, f"there is no column arm, but {len(names)} curves; add it")
    marks = {}
    for line in sheet.lines[1:]:
        cells = sheet.row(line, len(head.cells))
        time = sheet.number(line, cells[at["time"]], "time")
        if time < 0:
            raise sheet.error(line, f"time is {time:g}; it must be 0 or later")
        arm = cells[at["arm"]] if "arm" in at else names[0]
        if not arm:
            raise sheet.error(line, "arm is empty; write the arm into every row")
        marks.setdefault(arm, []).append(time)
    if not marks:
        raise sheet.error(head, "there is no row below the header; leave the file out")
    # An arm in which every patient had the event has no mark and so no row.
    if {same_name(arm) for arm in marks} < {same_name(name) for name in names}:
        found = {same_name(arm) for arm in marks}
        marks |= {name: [] for name in names if same_name(name) not in found}
    return {arm: np.array(times, dtype=float) for arm, times in marks.items()}


def _totals(events, names):
    """Total number of events by arm."""
    if events is None:
        return {}
    if isinstance(events, Mapping):
        given = dict(events)
    else:
        given = [events] if np.ndim(events) == 0 else list(events)
        if len(given) != len(names):
            raise ValueError(
                f"events has {len(given)} number(s) for {len(names)} curve(s); give one each"
            )
        given = dict(zip(names, given, strict=True))
    return {name: whole(total, f"events of {name!r}", 0) for name, total in given.items()}


def _matched(curves, others, what):
    """Return for each curve what belongs to it, by name or else by order, with notes."""
    if not others:
        return {}
    left = {same_name(other): other for other in others}
    if len(left) < len(others):
        raise ValueError(
            f"the {what} has arms that differ only in capitals or spaces "
            f"({', '.join(others)}); rename one"
        )
    if len(others) != len(curves):
        raise ValueError(
            f"{len(curves)} curve(s) ({', '.join(curves)}) but {len(others)} arm(s) in the "
            f"{what} ({', '.join(others)}); give the same arms in both"
        )
    by_name = {name: left.pop(same_name(name), None) for name in curves}
    rest, matched = iter(left.values()), {}
    for name, other in by_name.items():
        if other is not None:
            matched[name] = others[other], []
            continue
        other = next(rest)
        note = f"{other!r} of the {what} was taken for this arm, by its order"
        matched[name] = others[other], [note]
    return matched


def _add_table(fields, name, rows, arm, counted):
    """Add the rows of one arm to its fields and check its events; return notes."""
    time, n_risk = rows.time[arm], rows.n_risk[arm]
    n, notes = rows.patients(arm), []
    fields["n"] = n
    fields["risk_time"], fields["risk_n"] = at_or_after(time, n_risk, counted)
    if counted == "after":
        notes.append("the numbers at risk count T > t; each was moved to the next time after t")
    fields["risk_events"], fields["risk_censored"] = (
        rows.events.get(arm),
        rows.censored.get(arm),
    )
    events = fields.get("events")
    least = int(rows.events[arm][-1]) if arm in rows.events else 0
    most = least + int(n_risk[-1]) if arm in rows.events else n
    if events is not None and (events < least or (most is not None and events > most)):
        raise ValueError(
            f"events of {name!r} is {events}; the number-at-risk table allows {least} to {most}"
        )
    if events is None and arm in rows.events and n_risk[-1] == 0:
        fields["events"] = least
        notes.append("the total of events is the table's last, when nobody is left at risk")
    return notes


def write_patients(path, frame):
    r"""Write reconstructed patients as a CSV that R and lifelines read as it is.

    The file is complete or is not there: it is written next to its place and then moved.

    Parameters
    ----------
    path : str or path
        The file; one that exists is replaced.
    frame : DataFrame
        Columns `time` (0 or later), `event` (1 event, 0 censored) and `arm`, and if there are
        several draws `draw` (whole numbers); one row per patient.

    Raises
    ------
    ValueError
        Naming the row and column, if a value is missing or impossible or a column unknown.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"time": [2.5, 4.0], "event": [1, 0], "arm": ["A", "A"]})
    >>> with TemporaryDirectory() as folder:
    ...     write_patients(Path(folder, "patients.csv"), frame)
    ...     Path(folder, "patients.csv").read_text()
    'time,event,arm\n2.5,1,A\n4.0,0,A\n'
    """
    path = Path(path)
    names = ["time", "event", "arm"] + ["draw"] * ("draw" in frame.columns)
    if sorted(map(str, frame.columns)) != sorted(names):
        given = ", ".join(map(str, frame.columns))
        raise ValueError(f"{path}: columns are {given}; they must be time, event, arm[, draw]")
    if len(frame) == 0:
        raise ValueError(f"{path}: there are no rows; write at least one patient")
    columns = [
        [_cell(path, row, name, value) for row, value in enumerate(frame[name], start=1)]
        for name in names
    ]
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(draft, "x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*columns, strict=True))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _cell(path, row, name, value):
    """One checked value, as it is written."""
    if name == "arm":
        arm = str(value)
        if arm.strip().casefold() in MISSING or not arm.isprintable():
            raise ValueError(
                f"{path}, row {row}: arm is {arm!r}; it must be a name on one line that is not "
                "read back as a missing value"
            )
        return arm
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    good = {
        "time": math.isfinite(number) and number >= 0,
        "event": number in (0, 1),
        "draw": math.isfinite(number) and number == int(number),
    }
    right = {"time": "a number, 0 or more", "event": "0 or 1", "draw": "a whole number"}
    if not good[name]:
        raise ValueError(f"{path}, row {row}: {name} is {value!r}; it must be {right[name]}")
    return number if name == "time" else int(number)
