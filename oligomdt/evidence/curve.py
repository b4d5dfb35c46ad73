"""Digitised coordinates of a published Kaplan-Meier figure: a table and where it came from."""

import csv
import datetime
import math
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
            raise EvidenceError(
                name,
                "",
                f"no result has this name TRIAL_COHORT_REPORT; {nearest(file.stem, known)}",
            )


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
    of_kind = {
        kind: sorted(
            (r for r in rows if r.arm == role and r.kind == kind), key=lambda r: r.time
        )
        for kind in KINDS
    }
    if not of_kind["point"]:
        raise EvidenceError(name, role, "no points of this arm's curve")
    for row in (row for kind in KINDS for row in of_kind[kind]):
        if row.time > origin.xmax:
            problem = f"{row.time:g} lies beyond xmax {origin.xmax:g}, the end of the time axis"
            raise EvidenceError(name, f"{role}/{row.kind}/time", problem, row.line)
    _check_points(name, role, of_kind["point"], rows)
    _check_risk(name, role, of_kind["risk"], int(arm.n))

    def column(kind, field):
        values = [getattr(row, field) for row in of_kind[kind]]
        return np.array(values) if values else None

    risk_n = column("risk", "value")
    return ArmCurve(
        time=column("point", "time"),
        surv=column("point", "value"),
        n=int(arm.n),
        events=int(arm.events) if arm.events else None,
        xmax=origin.xmax,
        risk_time=column("risk", "time"),
        risk_n=None if risk_n is None else risk_n.astype(int),
        censor_time=column("censor", "time"),
    )


def _check_points(name: str, role: str, points: list[_Row], rows: list[_Row]) -> None:
    lowest = 1.0
    for row in points:
        if row.value > 1:
            others = [r.value for r in rows if r.kind == "point" and r.arm != role]
            mixed = others and max(others) <= 1
            hint = "the other arm is in proportions" if mixed else "divide percent by 100"
            raise EvidenceError(
                name,
                f"{role}/point/value",
                f"survival {row.value:g} is above 1; write proportions from 0 to 1 ({hint})",
                row.line,
            )
        if row.value > lowest + RISE_TOLERANCE:
            raise EvidenceError(
                name,
                f"{role}/point/value",
                f"survival rises to {row.value:g} at {row.time:g} months from {lowest:g} before; "
                f"rises above {RISE_TOLERANCE} are not digitiser noise",
                row.line,
            )
        lowest = min(lowest, row.value)


def _check_risk(name: str, role: str, risk: list[_Row], n: int) -> None:
    last = _Row(0, role, "risk", -1.0, float(n))
    for row in risk:
        entry = f"{role}/risk/value"
        if row.value != int(row.value):
            raise EvidenceError(name, entry, f"{row.value:g} is not a whole number", row.line)
        if row.value > n:
            raise EvidenceError(name, entry, f"{row.value:g} at risk exceed n {n}", row.line)
        if row.time == last.time:
            raise EvidenceError(
                name, f"{role}/risk/time", f"{row.time:g} comes twice", row.line
            )
        if row.value > last.value:
            problem = (
                f"at risk rises from {last.value:g} to {row.value:g} at {row.time:g} months"
            )
            raise EvidenceError(name, entry, problem, row.line)
        last = row
