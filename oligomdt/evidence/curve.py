"""Digitised coordinates of a published Kaplan-Meier figure: a table and where it came from."""

import csv
import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .reading import Document, EvidenceError, describe
from .record import ROLES, Result
from .register import read_register
from .values import ReadOnly, nearest

HEADER = ["arm", "kind", "time", "value"]
KINDS = ("point", "risk", "censor")
RISE_TOLERANCE = 0.02  # a digitised step wobbles by a pixel or two; a rise beyond is a slip


# As the digitiser writes it into the origin of what it read from an image.
PIXEL = re.compile(r"one pixel is (?P<time>[\d.e-]+) months and (?P<surv>[\d.e-]+) of survival")


class Origin(BaseModel):
    """Where coordinates came from, so that somebody else can read the figure again."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    source: str
    figure: str
    panel: str
    digitised_on: datetime.date
    digitised_by: str
    resolution: str
    settings: str
    xmax: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    note: str = ""

    @property
    def pixel(self) -> tuple[float, float] | None:
        """Months and survival of one pixel, if the coordinates were read from an image."""
        told = PIXEL.search(self.resolution)
        return (float(told["time"]), float(told["surv"])) if told else None


@dataclass(frozen=True)
class ArmCurve:
    """Coordinates of one arm: points of the curve, risk table, censoring marks, totals."""

    time: np.ndarray
    surv: np.ndarray
    n: int
    xmax: float
    events: int | None = None
    risk_time: np.ndarray | None = None
    risk_n: np.ndarray | None = None
    censor_time: np.ndarray | None = None


@dataclass(frozen=True)
class Curve:
    """Coordinates of both arms of one published figure, and their origin."""

    trial: str
    cohort: str
    report: str
    arms: ReadOnly
    origin: Origin


def curve_name(result: Result) -> str:
    """Name, without ending, of the files with a result's coordinates."""
    return f"{result.trial}_{result.cohort}_{result.report}"


def check_curve_names(root: Path, trials: dict) -> None:
    """Refuse a file in curves/ that belongs to no result: it would be left out unseen."""
    folder = root / "curves"
    if not folder.is_dir():
        return
    known = [curve_name(result) for trial in trials.values() for result in trial.results()]
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue
        name = Document.shown(file, root)
        if file.suffix not in (".csv", ".yaml"):
            raise EvidenceError(name, "", "only `.csv` and `.yaml` files belong in curves/")
        if file.stem not in known:
            problem = f"not TRIAL_COHORT_REPORT of any result; {nearest(file.stem, known)}"
            raise EvidenceError(name, "", problem)


def read_curve(root: Path, result: Result) -> Curve | None:
    """Read the coordinates of a result; None when there are none."""
    table = root / "curves" / f"{curve_name(result)}.csv"
    sidecar = table.with_suffix(".yaml")
    if not table.exists() and not sidecar.exists():
        return None
    for file, holds in ((table, "the points"), (sidecar, "where the points came from")):
        if not file.exists():
            name = Document.shown(file, root)
            raise EvidenceError(name, "", f"this file is missing; it holds {holds}")
    origin = _read_origin(sidecar, root)
    name = Document.shown(table, root)
    rows = list(_read_rows(table, name))
    arms = ReadOnly((role, _arm(name, rows, role, result, origin)) for role in ROLES)
    return Curve(result.trial, result.cohort, result.report, arms, origin)


def _read_origin(file: Path, root: Path) -> Origin:
    document = Document(file, root)
    for name in document.data:
        if name not in Origin.model_fields:
            hint = nearest(name, Origin.model_fields)
            raise document.error((name,), f"unknown field `{name}`; {hint}")
    try:
        origin = Origin(**document.data)
    except ValidationError as error:
        raise document.error(*describe(error.errors(include_url=False)[0])) from None
    registered = read_register(root)
    if origin.source not in registered:
        raise document.error(
            ("source",),
            f"source `{origin.source}` is not registered in sources.yaml; "
            f"{nearest(origin.source, registered)}",
        )
    return origin


@dataclass(frozen=True)
class _Row:
    line: int
    arm: str
    kind: str
    time: float
    value: float | None


def _read_rows(file: Path, name: str) -> Iterator[_Row]:
    text = file.read_text(encoding="utf-8")
    reader = csv.reader(text.splitlines())
    header = next(reader, None)
    if not text.strip():
        raise EvidenceError(name, "", "the file is empty; it begins with " + ",".join(HEADER))
    if header != HEADER:
        raise EvidenceError(name, "", f"begins with {header}; write {','.join(HEADER)}", 1)
    for row in reader:
        line = reader.line_num
        if not row:
            continue
        if len(row) != len(HEADER):
            raise EvidenceError(name, "", f"has {len(row)} columns instead of 4", line)
        arm, kind, time, value = (cell.strip() for cell in row)
        for column, word, known in (("arm", arm, ROLES), ("kind", kind, KINDS)):
            if word not in known:
                problem = f"unknown {column} `{word}`; {nearest(word, known)}"
                raise EvidenceError(name, column, problem, line)
        if kind == "censor" and value:
            raise EvidenceError(name, "value", "a censoring mark has a time and no value", line)
        yield _Row(
            line,
            arm,
            kind,
            _number(name, "time", time, line),
            None if kind == "censor" else _number(name, "value", value, line),
        )


def _number(name: str, column: str, text: str, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        raise EvidenceError(name, column, f"{text!r} is not a number", line) from None
    if not math.isfinite(number) or number < 0:
        raise EvidenceError(name, column, f"{text} is not finite and zero or above", line)
    return number


def _arm(name: str, rows: list[_Row], role: str, result: Result, origin: Origin) -> ArmCurve:
    arm = result.arms[role]
    if not arm.n:
        raise EvidenceError(name, role, "the trial's file has no n for this arm")
    rows_of = {kind: _rows_of(rows, role, kind) for kind in KINDS}
    if not rows_of["point"]:
        raise EvidenceError(name, role, "no points of this arm's curve")
    for row in (row for kind in KINDS for row in rows_of[kind]):
        if row.time > origin.xmax:
            problem = f"{row.time:g} lies beyond xmax {origin.xmax:g}, the end of the time axis"
            raise EvidenceError(name, f"{role}/{row.kind}/time", problem, row.line)
    other = [row.value for row in rows if row.kind == "point" and row.arm != role]
    _check_points(name, rows_of["point"], other)
    _check_risk(name, rows_of["risk"], int(arm.n))
    risk_n = _column(rows_of["risk"], "value")
    return ArmCurve(
        time=_column(rows_of["point"], "time"),
        surv=_column(rows_of["point"], "value"),
        n=int(arm.n),
        events=int(arm.events) if arm.events else None,
        xmax=origin.xmax,
        risk_time=_column(rows_of["risk"], "time"),
        risk_n=None if risk_n is None else risk_n.astype(int),
        censor_time=_column(rows_of["censor"], "time"),
    )


def _rows_of(rows: list[_Row], role: str, kind: str) -> list[_Row]:
    """List the rows of one arm and kind by time, rows of equal time as in the file."""
    chosen = (row for row in rows if row.arm == role and row.kind == kind)
    return sorted(chosen, key=lambda row: row.time)


def _column(rows: list[_Row], name: str) -> np.ndarray | None:
    return np.array([getattr(row, name) for row in rows]) if rows else None


def _check_points(name: str, points: list[_Row], other: list[float]) -> None:
    lowest = 1.0
    for row in points:
        problem = ""
        if row.value > 1:
            mixed = other and max(other) <= 1
            hint = "the other arm is in proportions" if mixed else "divide percent by 100"
            problem = f"survival {row.value:g} is above 1; write proportions, 0 to 1 ({hint})"
        elif row.value > lowest + RISE_TOLERANCE:
            problem = (
                f"survival rises from {lowest:g} to {row.value:g} at {row.time:g} months; "
                f"a rise above {RISE_TOLERANCE} is no digitiser noise"
            )
        if problem:
            raise EvidenceError(name, f"{row.arm}/point/value", problem, row.line)
        lowest = min(lowest, row.value)


def _check_risk(name: str, risk: list[_Row], n: int) -> None:
    last_time, last_n = -1.0, n
    for row in risk:
        problem = ""
        if row.value != int(row.value):
            problem = f"{row.value:g} at risk is not a whole number"
        elif row.value > n:
            problem = f"{row.value:g} at risk exceed n {n}"
        elif row.value > last_n:
            problem = f"at risk rises from {last_n:g} to {row.value:g} at {row.time:g} months"
        elif row.time == last_time:
            problem = f"two numbers at risk at {row.time:g} months"
        if problem:
            raise EvidenceError(name, f"{row.arm}/risk/value", problem, row.line)
        last_time, last_n = row.time, row.value
