"""The smallest records: a stated value with its printed digits, an interval, a hazard ratio."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PlainSerializer,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import core_schema

DAGGER = "†"
NUMBER = re.compile(r"(?P<relation>[<>]?)\s*(?P<digits>\d+(?:\.(?P<decimals>\d+))?)")


class _Absent:
    """A value that is not a number, on purpose: one object per kind, falsy, never None."""

    _instances: ClassVar[dict[str, "_Absent"]] = {}
    text: ClassVar[str] = ""

    def __new__(cls):
        return cls._instances.setdefault(cls.text, super().__new__(cls))

    def __bool__(self):
        return False

    def __repr__(self):
        return self.text

    def __reduce__(self):
        return (type(self), ())

    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _read(cls, data):
        if isinstance(data, cls) or data == cls.text:
            return cls()
        raise ValueError(f"{data!r} is not `{cls.text}`")


class NotReportedType(_Absent):
    """Type of `NotReported`."""

    text = "not reported"


class NotReachedType(_Absent):
    """Type of `NotReached`."""

    text = "not reached"


class NotFoundType(_Absent):
    """Type of `NotFound`: looked for in what could be read, and not there."""

    text = "not found"


NotReported = NotReportedType()
NotReached = NotReachedType()
NotFound = NotFoundType()
ABSENT = (NotReported.text, NotReached.text, NotFound.text)


class ReadOnly(Mapping):
    """A mapping that cannot be changed and can be pickled."""

    def __init__(self, items=()):
        self._items = dict(items)

    def __getitem__(self, key):
        try:
            return self._items[key]
        except KeyError:
            known = ", ".join(map(str, self._items)) or "nothing"
            raise KeyError(f"{key!r} is not here; there is {known}") from None

    def __iter__(self) -> Iterator:
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __repr__(self):
        return f"ReadOnly({self._items!r})"


def frozen_mapping(of: Any) -> Any:
    """Annotation of a read-only mapping from text to `of`."""
    return Annotated[dict[str, of], AfterValidator(ReadOnly), PlainSerializer(dict)]


def nearest(word: str, known) -> str:
    """A hint at the known name nearest to a misspelt one, or the list of known names."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return "known: " + ", ".join(f"`{name}`" for name in known)


@dataclass
class Scope:
    """What the blocks above the one being read hand down: sources, and whether checked."""

    registered: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    stack: list[tuple[tuple, bool]] = field(default_factory=lambda: [((), True)])

    @property
    def sources(self) -> tuple:
        """Sources in force here."""
        return self.stack[-1][0]

    @property
    def checked(self) -> bool:
        """Whether values here were read in their source, unless they say otherwise."""
        return self.stack[-1][1]


def scope_of(info: ValidationInfo) -> Scope:
    """The scope of a validation; an empty one where records are built by hand."""
    return info.context if isinstance(info.context, Scope) else Scope()


class SourceRef(BaseModel):
    """A registered source and the place in it where a value was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    where: str


def read_sources(data: Any, info: ValidationInfo) -> tuple:
    """Turn `{id: where}` into references, each to a registered source."""
    if isinstance(data, tuple) and all(isinstance(ref, SourceRef) for ref in data):
        return data
    if not isinstance(data, dict) or not data:
        raise ValueError("sources are written as `{source id: where it was read}`")
    registered = scope_of(info).registered
    for source_id, where in data.items():
        if source_id not in registered:
            raise ValueError(
                f"source `{source_id}` is not registered in sources.yaml; "
                f"{nearest(source_id, sorted(registered))}"
            )
        if not isinstance(where, str) or not where.strip():
            raise ValueError(f"source `{source_id}` does not say where the value was read")
    return tuple(SourceRef(id=key, where=where) for key, where in data.items())


Sources = Annotated[tuple[SourceRef, ...], BeforeValidator(read_sources)]


def read_checked(data: Any) -> bool:
    """Read a `checked` flag, which must be true or false."""
    if not isinstance(data, bool):
        raise ValueError(f"checked is {data!r}; write true or false")
    return data


class Record(BaseModel):
    """Base of every block: frozen, no unknown field, hands its sources down to its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    sources: Sources = ()

    @model_validator(mode="wrap")
    @classmethod
    def _inherit(cls, data, handler, info: ValidationInfo):
        if isinstance(data, cls):
            return handler(data)
        if not isinstance(data, dict):
            raise ValueError(f"{data!r} is not a block of fields")
        known = [*cls.model_fields, "checked"]
        for name in data:
            if name not in known:
                raise ValueError(f"unknown field `{name}`; {nearest(name, known)}")
        scope, data = scope_of(info), dict(data)
        sources = read_sources(data["sources"], info) if "sources" in data else scope.sources
        checked = read_checked(data.pop("checked", scope.checked))
        data["sources"] = sources
        scope.stack.append((sources, checked))
        try:
            return handler(data)
        finally:
            scope.stack.pop()


class Stated(BaseModel):
    """A number as its source prints it: value, text, decimals, sources, checked or not.

    Converts with `float` and `int`; as text it carries a dagger when it was not checked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: float
    text: str
    decimals: int
    relation: str = "="
    sources: Sources = ()
    checked: bool = True
    note: str = ""

    written: ClassVar[tuple[str, ...]] = ("value", "sources", "checked", "note")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data, info: ValidationInfo):
        if isinstance(data, dict) and "decimals" in data:
            return data
        given = data if isinstance(data, dict) else {"value": data}
        for name in given:
            if name not in cls.written:
                raise ValueError(f"unknown field `{name}`; {nearest(name, cls.written)}")
        scope = scope_of(info)
        sources = given.get("sources", scope.sources)
        if not sources:
            raise ValueError("no source; give `sources` here or in a block above")
        return {
            **_digits(given.get("value")),
            "sources": sources,
            "checked": read_checked(given.get("checked", scope.checked)),
            "note": given.get("note", ""),
        }

    @model_validator(mode="after")
    def _read_if_checked(self, info: ValidationInfo):
        unread = [ref.id for ref in self.sources if ref.id in scope_of(info).unread]
        if self.checked and unread and len(unread) == len(self.sources):
            raise ValueError(
                f"checked, but source `{unread[0]}` was not read; write `checked: false`"
            )
        return self

    @property
    def label(self) -> str:
        """The number as printed, with a dagger when it was not checked."""
        return self.text + ("" if self.checked else DAGGER)

    def __str__(self):
        return self.label

    def __float__(self):
        return self.value

    def __int__(self):
        return int(self.value)


def _digits(text: Any) -> dict:
    match = NUMBER.fullmatch(str(text).strip())
    if not match:
        raise ValueError(
            f"{text!r} is not a finite number, zero or above; write it as printed "
            "(10.0, <0.001) or write `not reported`"
        )
    return {
        "value": float(match["digits"]),
        "text": match["relation"] + match["digits"],
        "decimals": len(match["decimals"] or ""),
        "relation": match["relation"] or "=",
    }


def _kind(data: Any) -> str:
    if isinstance(data, _Absent) or data in ABSENT:
        return f"<{data}>"
    return "<record>"


def or_absent(record: Any, *absent: type[_Absent]) -> Any:
    """Annotation of a record, or one of the words that stand in its place."""
    union = Annotated[record, Tag("<record>")]
    for kind in absent:
        union = union | Annotated[kind, Tag(f"<{kind.text}>")]
    return Annotated[union, Discriminator(_kind)]


StatedOrNot = or_absent(Stated, NotReportedType)
TextOrNot = or_absent(str, NotReportedType)
TextOrNotFound = or_absent(str, NotReportedType, NotFoundType)
StatedOrNotFound = or_absent(Stated, NotReportedType, NotFoundType)


def check_level(level: float) -> float:
    """Refuse a confidence level that is not a proportion such as 0.95."""
    if not (math.isfinite(level) and 0.5 <= level < 1):
        raise ValueError(f"level {level:g} is not a proportion; write 0.95 for 95 %")
    return level


class Interval(Record):
    """A confidence interval: its limits as printed and its level as a proportion."""

    lower: Stated
    upper: or_absent(Stated, NotReachedType)
    level: Annotated[float, AfterValidator(check_level)]
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self):
        if self.upper and self.upper.value < self.lower.value:
            raise ValueError(
                f"limits in the wrong order: lower {self.lower.text}, upper {self.upper.text}"
            )
        return self

    @property
    def checked(self) -> bool:
        """Whether both limits were read in their source."""
        return self.lower.checked and (not self.upper or self.upper.checked)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the limits."""
        return self.lower.value <= value and (not self.upper or value <= self.upper.value)

    @property
    def label(self) -> str:
        """The limits as printed, with a dagger when they were not checked."""
        upper = self.upper.text if self.upper else repr(self.upper)
        return f"{self.lower.text} to {upper}" + ("" if self.checked else DAGGER)

    def __str__(self):
        return self.label


IntervalOrNot = or_absent(Interval, NotReportedType, NotFoundType)


def check_holds(what: str, estimate, interval) -> None:
    """Refuse an interval that does not contain its estimate."""
    if estimate and interval and not interval.holds(estimate.value):
        raise ValueError(
            f"{what} {estimate.text} lies outside its interval {interval.label}; "
            "one of the three numbers is wrong"
        )


class HazardRatio(Record):
    """A hazard ratio, experimental versus control; below 1 favours the experimental arm."""

    estimate: Stated
    interval: IntervalOrNot
    method: TextOrNotFound
    p: StatedOrNot = NotReported

    @model_validator(mode="after")
    def _plausible(self):
        if self.estimate.value <= 0:
            raise ValueError(f"estimate {self.estimate.text}: a hazard ratio is above 0")
        if self.interval and self.interval.lower.value <= 0:
            raise ValueError("interval: the lower limit of a hazard ratio is above 0")
        check_holds("estimate", self.estimate, self.interval)
        check_p(self.p)
        return self

    @property
    def checked(self) -> bool:
        """Whether the estimate and its limits were read in their source."""
        return self.estimate.checked and (not self.interval or self.interval.checked)


HazardRatioOrNot = or_absent(HazardRatio, NotReportedType)


def check_p(p) -> None:
    """Refuse a p-value above 1."""
    if p and p.value > 1:
        raise ValueError(f"p {p.text} is above 1; write a proportion")
