"""What a person checks and saves: one reading of a figure as JSON, and what follows from it.

Curves and marks are kept as positions on the page. So a corrected axis moves them all, and
what is accepted is what was looked at, not a second reading.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Digitised

FORMAT = "oligomdt digitised figure"
ROLES = ("control", "experimental")
DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
BYTES = 64 * 2**20
"""Size of a saved file, at most."""

DECIMALS = 6
"""Of accepted months and survival: finer than any file."""

SAME = 0.01
"""Page units within which two times are one: files hold two decimals or more of a point."""

SNAP = 1.0
"""Page units by which a curve may start before time 0 or above survival 1."""

BEYOND = 1.05
"""How far a column of numbers at risk may stand to the right, as a share of the time axis."""

Short = Annotated[str, Field(max_length=2000)]
Position = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scale(_Record):
    """An axis: two positions on the page and their values, in the unit of the labels."""

    points: tuple[tuple[Position, Position], tuple[Position, Position]]
    unit: Literal["days", "weeks", "months", "years"] | None = None
    percent: bool = False

    @model_validator(mode="after")
    def _is_a_line(self):
        (a, first), (b, last) = self.points
        if a == b or first == last:
            raise ValueError("an axis needs two different positions with different values")
        return self

    def value(self, position) -> np.ndarray:
        """Values at positions; survival as a proportion."""
        (a, first), (b, last) = self.points
        value = first + (np.asarray(position, float) - a) * ((last - first) / (b - a))
        return value / 100 if self.percent else value

    @property
    def step(self) -> float:
        """Value that one page unit stands for."""
        (a, first), (b, last) = self.points
        return abs((last - first) / (b - a)) / (100 if self.percent else 1)


class SavedArm(_Record):
    """One curve: its name, what it is, corners and marks on the page, numbers at risk."""

    name: Short
    role: Literal["", "control", "experimental"] = ""
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    x: tuple[Position, ...]
    y: tuple[Position, ...]
    censor_x: tuple[Position, ...] = ()
    censor_y: tuple[Position, ...] = ()
    counts: tuple[Count | None, ...] = ()
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    notes: tuple[Short, ...] = ()

    @model_validator(mode="after")
    def _has_points(self):
        if len(self.x) != len(self.y) or len(self.x) < 2:
            raise ValueError("a curve needs two corners or more, each with x and y")
        if len(self.censor_x) != len(self.censor_y):
            raise ValueError("each censoring mark needs x and y")
        return self


class AsRead(_Record):
    """What can be changed by hand, as it was before."""

    x_axis: Scale
    y_axis: Scale
    names: tuple[Short, ...]
    risk_time: tuple[Position, ...]
    counts: tuple[tuple[Count | None, ...], ...]


class Saved(_Record):
    """A reading with its corrections."""

    format: Literal["oligomdt digitised figure"] = FORMAT
    version: Literal[1] = 1
    file: Short
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    page: int = 1
    kind: Literal["vector", "raster"]
    panel: Short
    box: tuple[Position, Position, Position, Position]
    x_axis: Scale
    y_axis: Scale
    arms: tuple[SavedArm, ...]
    risk_time: tuple[Position, ...] = ()
    settings: dict[str, Short] = {}
    warnings: tuple[Short, ...] = ()
    by: Short = ""
    note: Short = ""
    as_read: AsRead

    @model_validator(mode="after")
    def _names_differ(self):
        names = [arm.name for arm in self.arms]
        for name in names:
            if names.count(name) > 1 or not name.strip():
                raise ValueError(f"{names.count(name)} arm(s) are called {name!r}; name each")
        return self

    @model_validator(mode="after")
    def _risk_fits(self):
        for arm in self.arms:
            if len(arm.counts) != len(self.risk_time):
                raise ValueError(
                    f"{arm.name} has {len(arm.counts)} numbers at risk for "
                    f"{len(self.risk_time)} times"
                )
        return self

    def changes(self) -> list[str]:
        """What was corrected by hand, in words."""
        old = self.as_read
        changed = {
            "time axis": self.x_axis != old.x_axis,
            "survival axis": self.y_axis != old.y_axis,
            "names of the arms": tuple(arm.name for arm in self.arms) != old.names,
            "numbers at risk": (self.risk_time, tuple(arm.counts for arm in self.arms))
            != (old.risk_time, old.counts),
        }
        return [what for what, is_so in changed.items() if is_so]


@dataclass(frozen=True, eq=False)
class AcceptedArm:
    """One arm in months and proportions.

    Attributes
    ----------
    name : str
        In the figure.
    time, surv : array of shape (m,)
        Both corners of every drop, from the start to the end of the curve.
    censor_time : array of shape (c,)
        Censoring marks.
    risk : tuple of (float, int)
        Time and number at risk, of the cells that could be read.
    """

    name: str
    time: np.ndarray
    surv: np.ndarray
    censor_time: np.ndarray
    risk: tuple[tuple[float, int], ...]


@dataclass(frozen=True, eq=False)
class Accepted:
    """Both arms of a comparison, ready to be written.

    Attributes
    ----------
    arms : dict of str to AcceptedArm
        'control' and 'experimental'.
    xmax : float
        End of the time axis, months.
    resolution : str
        In words.
    moved : int
        Values within one page unit outside time 0 or survival 1 that were put on it.
    """

    arms: dict[str, AcceptedArm]
    xmax: float
    resolution: str
    moved: int


def digest(content: bytes) -> str:
    """SHA-256 of a figure's file, by which it is known again."""
    return hashlib.sha256(content).hexdigest()


def saved(read: Digitised, sha256: str) -> Saved:
    """A reading, ready to be checked.

    Parameters
    ----------
    read : Digitised
        With its drawing.
    sha256 : str
        `digest` of the figure's file.

    Returns
    -------
    Saved
        Nothing is corrected and no arm has a role.
    """
    table = read.risk_table
    times = () if table is None else tuple(float(time) for time in table.time)
    none = (None,) * len(times)
    arms = tuple(
        SavedArm(
            name=arm.name,
            colour="#{:02x}{:02x}{:02x}".format(*(int(part) for part in arm.colour)),
            x=_positions(read.x_axis, arm.time),
            y=_positions(read.y_axis, arm.surv),
            censor_x=_positions(read.x_axis, arm.censor_time),
            censor_y=_positions(read.y_axis, arm.censor_surv),
            counts=none if table is None else tuple(table.counts.get(arm.name, none)),
            confidence=arm.confidence,
            notes=arm.notes,
        )
        for arm in read.arms
    )
    names = {arm.name for arm in read.arms}
    lost = [name for name in (table.counts if table else ()) if name not in names]
    warnings = list(read.warnings)
    warnings += [f"numbers at risk of {name!r} belong to no curve; left out" for name in lost]
    x_axis = _scale(read.x_axis, (read.panel.x0, read.panel.x1))
    y_axis = _scale(read.y_axis, (read.panel.y1, read.panel.y0))
    panel = read.panel
    return Saved(
        file=Path(read.drawing.source or read.source).name,
        sha256=sha256,
        page=read.drawing.page,
        kind=read.drawing.kind,
        panel=panel.name,
        box=(panel.x0, panel.y0, panel.x1, panel.y1),
        x_axis=x_axis,
        y_axis=y_axis,
        arms=arms,
        risk_time=times,
        settings={name: _told(value) for name, value in read.settings.items()},
        warnings=tuple(warnings),
        as_read=AsRead(
            x_axis=x_axis,
            y_axis=y_axis,
            names=tuple(arm.name for arm in arms),
            risk_time=times,
            counts=tuple(arm.counts for arm in arms),
        ),
    )


def _positions(axis, values) -> tuple[float, ...]:
    return tuple(np.asarray(axis.position(values), float).tolist())


def _told(value) -> str:
    return " ".join(f"{v}" for v in value) if isinstance(value, list | tuple) else str(value)


def _scale(axis, ends) -> Scale:
    """The line of an axis through its first and last tick, in the unit of its labels."""
    values = [value for _, value in axis.ticks]
    if len(set(values)) < 2:
        values = [float(axis.value(end)) for end in ends]
    ends = min(values), max(values)
    factor = 100 if axis.percent else 1
    points = tuple((float(axis.position(end)), round(end * factor, 9)) for end in ends)
    return Scale(points=points, unit=axis.unit, percent=bool(axis.percent))


def load(path) -> Saved:
    """Read a saved file.

    Parameters
    ----------
    path : path-like
        As the page writes it.

    Returns
    -------
    Saved

    Raises
    ------
    DigitizeError
        Naming the file, the place in it and what is wrong.
    """
    path = Path(path)
    try:
        if path.stat().st_size > BYTES:
            raise DigitizeError(f"{path}: larger than {BYTES} bytes; no file of the page is")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DigitizeError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, DigitizeError):
            raise
        raise DigitizeError(f"{path} is not JSON; save it from the page again") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DigitizeError(f"{path} was not saved from the page of --page-html")
    try:
        return Saved.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise DigitizeError(f"{path}: {place or 'the file'}: {message}") from None


def with_roles(reading: Saved, **names: str | None) -> Saved:
    """Say by name which curve is 'control' and which is 'experimental'.

    Parameters
    ----------
    reading : Saved
        Of two arms or more.
    **names : str or None
        `control` and `experimental`: names as in the figure. None keeps what is there.

    Raises
    ------
    DigitizeError
        If there is no such arm, or one is to be both.
    """
    known = [arm.name for arm in reading.arms]
    for role, name in names.items():
        if name is not None and known.count(name) != 1:
            raise DigitizeError(
                f"--{role} {name!r}: the arms are called {', '.join(map(repr, known))}; "
                "give one of them, or name them with --names"
            )
    given = {name: role for role, name in names.items() if name is not None}
    if len(given) < sum(name is not None for name in names.values()):
        raise DigitizeError("--experimental and --control name the same arm")

    def role_of(arm):
        return given.get(arm.name, "" if arm.role in given.values() else arm.role)

    arms = tuple(arm.model_copy(update={"role": role_of(arm)}) for arm in reading.arms)
    return reading.model_copy(update={"arms": arms})


def accepted(reading: Saved) -> Accepted:
    """Both arms in months and proportions.

    Parameters
    ----------
    reading : Saved
        With roles, and the unit of its time axis.

    Returns
    -------
    Accepted

    Raises
    ------
    DigitizeError
        If a role or the unit is missing, or a value is impossible on these axes.
    """
    if reading.x_axis.unit is None:
        raise DigitizeError("the unit of the time axis was not read; give it with --unit")
    chosen = {}
    for role in ROLES:
        own = [arm for arm in reading.arms if arm.role == role]
        if len(own) != 1:
            problem = "no arm is" if not own else "more than one arm is"
            names = ", ".join(repr(arm.name) for arm in reading.arms)
            raise DigitizeError(
                f"{problem} the {role} arm; the arms are {names}: say which with --{role}"
            )
        chosen[role] = own[0]
    moved, arms = 0, {}
    for role, arm in chosen.items():
        arms[role], count = _arm(reading, arm)
        moved += count
    months = DAYS[reading.x_axis.unit] / DAYS["months"]
    ends = [value for _, value in reading.x_axis.points]
    ends.append(float(reading.x_axis.value(reading.box[2])))
    tables = [time for arm in arms.values() for time, _ in arm.risk]
    late = [time for time in tables if time > BEYOND * max(ends) * months]
    if late:
        raise DigitizeError(
            f"numbers at risk stand at {late[0]:g} months, but the time axis ends at "
            f"{max(ends) * months:g}; correct that time on the page"
        )
    last = max(float(arm.time[-1]) for arm in arms.values())
    marks = [float(time) for arm in arms.values() for time in arm.censor_time]
    xmax = max(max(ends) * months, last, *marks, *tables)
    resolution = _resolution(reading, months)
    return Accepted(arms, float(np.round(xmax, DECIMALS)), resolution, moved)


def _arm(reading: Saved, arm: SavedArm) -> tuple[AcceptedArm, int]:
    months = DAYS[reading.x_axis.unit] / DAYS["months"]
    time, moved = _inside(reading.x_axis, arm, arm.x, "time", 0.0, math.inf)
    surv, more = _inside(reading.y_axis, arm, arm.y, "survival", 0.0, 1.0)
    marks, most = _inside(reading.x_axis, arm, arm.censor_x, "time", 0.0, math.inf)
    time, marks = (_on_columns(reading, times) for times in (time, marks))
    if (np.diff(time) < 0).any():
        raise DigitizeError(f"the curve of {arm.name!r} runs back in time; check the time axis")
    risk = tuple(
        (float(np.round(at * months, DECIMALS)), count)
        for at, count in zip(reading.risk_time, arm.counts, strict=True)
        if count is not None
    )
    if any(at < 0 for at, _ in risk):
        raise DigitizeError(f"a number at risk of {arm.name!r} lies before time 0")
    corners = _both_corners(np.round(time * months, DECIMALS), np.round(surv, DECIMALS))
    marks = np.sort(np.round(marks * months, DECIMALS))
    own = AcceptedArm(arm.name, *corners, marks, risk)
    return own, moved + more + most


def _inside(axis: Scale, arm, positions, name, lowest, highest) -> tuple[np.ndarray, int]:
    """Values, those within `SNAP` page units outside of what is possible put on its edge."""
    value = axis.value(positions)
    inside = np.clip(value, lowest, highest)
    far = np.abs(value - inside) > SNAP * axis.step
    if far.any():
        raise DigitizeError(
            f"{name} of {arm.name!r} is {value[far][0]:.4g}, outside of what is possible; "
            "check the axis"
        )
    # Rounding of the positions is no finding.
    return inside, int((np.abs(value - inside) > 1e-3 * axis.step).sum())


def _on_columns(reading: Saved, time) -> np.ndarray:
    """Times at a column of the table put on it: before or after it is not for noise to say."""
    if not reading.risk_time or not len(time):
        return time
    columns = np.array(reading.risk_time)
    nearest = columns[np.abs(time[:, None] - columns).argmin(axis=1)]
    return np.where(np.abs(time - nearest) <= SAME * reading.x_axis.step, nearest, time)


def _both_corners(time, surv) -> tuple[np.ndarray, np.ndarray]:
    """Before each drop the level it falls from: so nothing between two points is left open."""
    before = np.flatnonzero((np.diff(time) > 0) & (np.diff(surv) != 0)) + 1
    return np.insert(time, before, time[before]), np.insert(surv, before, surv[before - 1])


def _resolution(reading: Saved, months: float) -> str:
    steps = (
        f"{reading.x_axis.step * months:.3g} months and {reading.y_axis.step:.3g} of survival"
    )
    if reading.kind == "vector":
        return f"vector; one point is {steps}"
    x0, y0, x1, y1 = reading.box
    return f"{x1 - x0:.0f} x {y1 - y0:.0f} pixels; one pixel is {steps}"
