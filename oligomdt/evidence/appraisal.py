"""Appraisal of the evidence, as written in data/appraisal: RoB 2, ICEMAN, GRADE, PRISMA 2020.

What is written there are answers and concerns, each with its reason and its source. What
follows from them by the rules of the instruments is worked out in `oligomdt.analysis`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, model_validator

from .loading import data_folder, load, validate
from .reading import Document, EvidenceError
from .record import Texts
from .register import read_register
from .values import ReadOnly, Record, frozen_mapping, nearest

__all__ = [
    "ANSWERS",
    "CONCERNS",
    "COUNTS",
    "CREDIBILITY",
    "EFFECTS",
    "GRADE_DOMAINS",
    "ICEMAN_ITEMS",
    "NOT_DONE",
    "NO_INFORMATION",
    "PRISMA_ITEMS",
    "QUESTIONS",
    "Appraisal",
    "Body",
    "ControlArms",
    "Contrast",
    "Domain",
    "FlowBox",
    "Overall",
    "PrismaItem",
    "RiskOfBias",
    "asked",
    "load_appraisal",
]

NO_INFORMATION = "no information"

# RoB 2 (Sterne and others 2019): the signalling questions of each domain, for the effect of
# assignment to treatment.
ANSWERS = ("Y", "PY", "PN", "N", "NI")
QUESTIONS = {
    "randomisation": ("1.1", "1.2", "1.3"),
    "deviations": ("2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7"),
    "missing data": ("3.1", "3.2", "3.3", "3.4"),
    "measurement": ("4.1", "4.2", "4.3", "4.4", "4.5"),
    "selection": ("5.1", "5.2", "5.3"),
}
_YES, _NOT_YES, _NO, _NOT_NO = ("Y", "PY"), ("N", "PN", "NI"), ("N", "PN"), ("Y", "PY", "NI")
# A question that is asked only after certain answers to earlier ones.
_ROUTES = {
    "2.3": (any, ("2.1", "2.2"), _NOT_NO),
    "2.4": (all, ("2.3",), _YES),
    "2.5": (all, ("2.4",), _NOT_NO),
    "2.7": (all, ("2.6",), _NOT_YES),
    "3.2": (all, ("3.1",), _NOT_YES),
    "3.3": (all, ("3.2",), _NO),
    "3.4": (all, ("3.3",), _NOT_NO),
    "4.3": (all, ("4.1", "4.2"), _NOT_YES),
    "4.4": (all, ("4.3",), _NOT_NO),
    "4.5": (all, ("4.4",), _NOT_NO),
}

# ICEMAN (Schandelmaier and others 2020): the items of its two versions.
ICEMAN_ITEMS = {
    "randomised trial": ("direction", "prior evidence", "chance", "number", "cut points"),
    "meta-analysis": (
        "within trials",
        "similar",
        "trials",
        "direction",
        "chance",
        "number",
        "random effects",
        "cut points",
    ),
}
# What an answer does to credibility.
EFFECTS = (
    "definitely lowers",
    "probably lowers or unclear",
    "probably raises",
    "definitely raises",
    "not applicable",
)
CREDIBILITY = ("very low", "low", "moderate", "high")
_COMPUTED = "computed"

# GRADE (Guyatt and others 2011): five reasons to lower certainty, and by how many levels.
GRADE_DOMAINS = (
    "risk of bias",
    "inconsistency",
    "indirectness",
    "imprecision",
    "publication bias",
)
CONCERNS = {
    "not serious": 0,
    "serious": 1,
    "very serious": 2,
    "not applicable": 0,
    "not assessed": 0,
    "strongly suspected": 1,
}

# PRISMA 2020 (Page and others 2021): its 27 items with their parts.
PRISMA_ITEMS = tuple(
    f"{number}{part}"
    for number in range(1, 28)
    for part in {10: "ab", 13: "abcdef", 16: "ab", 20: "abcd", 23: "abcd", 24: "abc"}.get(
        number, [""]
    )
)
# What the flow of the trials can count from the data.
# What a box of the flow says instead of a count.
NOT_DONE = ("no search was made", "no records were screened")
COUNTS = (
    "sources",
    "sources not read",
    "trials",
    "reports",
    "pooled results",
    "not pooled results",
    "other trials",
    "ongoing trials",
    "published pools",
)
# Results of the analysis that a judgement may rest on.
_ANALYSES = (
    "absolute_effects",
    "evidence_size",
    "histology_synthesis",
    "interaction",
    "published_estimates",
    "risk_of_bias",
    "sensitivity",
)


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; say why in a sentence")
    return " ".join(text.split())


Reason = Annotated[str, AfterValidator(_said)]


def _known_analyses(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in _ANALYSES:
            raise ValueError(f"unknown analysis `{name}`; {nearest(name, _ANALYSES)}")
    return names


class Reasoned(Record):
    """A judgement: it has a reason, and a source or a result of the analysis it rests on."""

    reason: Reason
    analysis: Annotated[Texts, AfterValidator(_known_analyses)] = ()

    @model_validator(mode="after")
    def _has_a_source(self):
        if not self.sources and not self.analysis:
            raise ValueError("no source; give `sources` or the `analysis` it rests on")
        return self


def asked(domain: str, answers: Mapping[str, str]) -> tuple[str, ...]:
    """Signalling questions of a RoB 2 domain that are asked, given the answers so far.

    Parameters
    ----------
    domain : str
        A key of `QUESTIONS`.
    answers : mapping of str to str
        Question to answer: ``"Y"``, ``"PY"``, ``"PN"``, ``"N"`` or ``"NI"``.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> asked("missing data", {"3.1": "Y"})
    ('3.1',)
    >>> asked("missing data", {"3.1": "NI", "3.2": "N"})
    ('3.1', '3.2', '3.3')
    """
    if domain not in QUESTIONS:
        raise ValueError(f"domain {domain!r}; {nearest(domain, QUESTIONS)}")
    return tuple(q for q in QUESTIONS[domain] if _is_asked(q, answers))


def _is_asked(question: str, answers: Mapping[str, str]) -> bool:
    if question not in _ROUTES:
        return True
    combine, parents, wanted = _ROUTES[question]
    return combine(answers.get(parent) in wanted for parent in parents)


def _answers(data: Any) -> Any:
    if data == NO_INFORMATION:
        return {}
    if isinstance(data, dict) and not data:
        raise ValueError(f"no answer; write `{NO_INFORMATION}` where nothing is known")
    return data


class Domain(Reasoned):
    """One RoB 2 domain: answers to its questions, or `no information` (then empty)."""

    answers: Annotated[frozen_mapping(Literal[ANSWERS]), BeforeValidator(_answers)]


class Overall(Reasoned):
    """What concerns in several domains amount to together, where none is of high risk."""

    several: Literal["some concerns", "high"]


def _exactly(keys, what: str):
    def check(mapping):
        for key in mapping:
            if key not in keys:
                raise ValueError(f"unknown {what} `{key}`; {nearest(key, keys)}")
        for key in keys:
            if key not in mapping:
                raise ValueError(f"{what} `{key}` is missing")
        return mapping

    return AfterValidator(check)


class RiskOfBias(Record):
    """RoB 2 of one result."""

    id: str
    domains: Annotated[frozen_mapping(Domain), _exactly(tuple(QUESTIONS), "domain")]
    overall: Overall

    @model_validator(mode="after")
    def _answered_as_asked(self):
        for name, domain in self.domains.items():
            if not domain.answers:
                continue
            wanted = asked(name, domain.answers)
            for question in domain.answers:
                if question not in wanted:
                    raise ValueError(f"domain `{name}`: question {question} is not asked here")
            for question in wanted:
                if question not in domain.answers:
                    raise ValueError(f"domain `{name}`: question {question} has no answer")
            if domain.answers.get("3.2") == "NI":
                raise ValueError("domain `missing data`: 3.2 is yes or no, never NI")
        return self


class Item(Reasoned):
    """One ICEMAN item; what the test of interaction says is computed, never written."""

    question: str
    answer: str
    effect: Literal[(*EFFECTS, _COMPUTED)]


class Contrast(Reasoned):
    """ICEMAN of one contrast: its items, and the rating with the reason for it."""

    id: str
    version: Literal[tuple(ICEMAN_ITEMS)]
    method: str
    items: frozen_mapping(Item)
    rating: Literal[CREDIBILITY]

    @model_validator(mode="after")
    def _items_of_the_version(self):
        _exactly(ICEMAN_ITEMS[self.version], "item").func(self.items)
        for name, item in self.items.items():
            computed = name == "chance"
            if (item.effect == _COMPUTED) != computed or (item.answer == _COMPUTED) != computed:
                raise ValueError(
                    f"item `{name}`: answer and effect of `chance`, and of no other item, are "
                    f"`{_COMPUTED}`"
                )
        return self


class Concern(Reasoned):
    """One reason to lower the certainty of a body of evidence, or why it is not lowered."""

    concern: Literal[tuple(CONCERNS)]


class ControlArms(Reasoned):
    """The control arms from which risks without MDT are read."""

    results: Texts


class Body(Record):
    """GRADE of one body of evidence: a histology and an outcome."""

    id: str
    outcome: str
    domains: Annotated[frozen_mapping(Concern), _exactly(GRADE_DOMAINS, "domain")]
    control_arms: ControlArms


class PrismaItem(Record):
    """Where the book meets an item of PRISMA 2020, or that it does not."""

    id: str
    topic: str
    status: Literal["met", "partly met", "not done"]
    where: Texts = ()
    reason: Reason

    @model_validator(mode="after")
    def _shown_where_it_is_met(self):
        if self.status == "not done" and self.where:
            raise ValueError("not done, yet `where` names a page; one of the two is wrong")
        if self.status != "not done" and not self.where:
            raise ValueError(f"{self.status}, but `where` names no page")
        return self


class FlowBox(Record):
    """A box of the flow of trials: a count that the data hold, or what was not done."""

    stage: str
    what: str
    count: Literal[(*NOT_DONE, *COUNTS)]
    reason: Reason


class Appraisal(Record):
    """All of data/appraisal."""

    rob2: frozen_mapping(RiskOfBias)
    iceman: frozen_mapping(Contrast)
    grade: frozen_mapping(Body)
    prisma: Annotated[frozen_mapping(PrismaItem), _exactly(PRISMA_ITEMS, "item")]
    flow: tuple[FlowBox, ...]


def load_appraisal(path=None) -> Appraisal:
    """Read and check the appraisal of the evidence in `data/appraisal`.

    Parameters
    ----------
    path : path-like, optional
        The data folder, as in `load`.

    Returns
    -------
    Appraisal
        `rob2` (result id to RoB 2), `iceman` (contrast to ICEMAN), `grade` (group to GRADE),
        `prisma` (item to where it is met) and `flow` (boxes of the flow of trials).

    Raises
    ------
    EvidenceError
        On a judgement without a reason or a source, a question that is asked and not
        answered, an unknown result, or a file that is missing; the message names file,
        entry and field.

    Examples
    --------
    >>> appraisal = load_appraisal()
    >>> appraisal.rob2["Gomez-2016"].domains["deviations"].answers["2.1"]
    'Y'
    """
    root = data_folder(path)
    register = read_register(root)
    prisma = _document(root, "prisma")
    parts = {
        "rob2": _read(RiskOfBias, _document(root, "rob2"), register),
        "iceman": _read(Contrast, _document(root, "iceman"), register),
        "grade": _read(Body, _document(root, "grade"), register),
        "prisma": _read(PrismaItem, prisma, register, under="items"),
        "flow": tuple(_flow(prisma, register)),
    }
    _results_exist(parts, root)
    try:
        return Appraisal.model_validate(parts)
    except ValueError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise prisma.error(("items",), problem) from None


def _document(root: Path, name: str) -> Document:
    return Document(root / "appraisal" / f"{name}.yaml", root)


def _read(model, document: Document, register: ReadOnly, under: str = "") -> dict[str, Any]:
    path = (under,) if under else ()
    blocks = document.data.get(under) if under else document.data
    if not isinstance(blocks, dict):
        raise document.error(path, "a block of entries is needed here")
    records = {}
    for key, block in blocks.items():
        if isinstance(block, dict):
            if "id" in block:
                raise document.error((*path, key, "id"), "known from its place; leave it out")
            block = {"id": key, **block}
        records[key] = validate(model, block, document, register, (*path, key))
    return records


def _flow(document: Document, register: ReadOnly) -> Iterator[FlowBox]:
    boxes = document.data.get("flow")
    if not isinstance(boxes, list):
        raise document.error(("flow",), "a list of boxes is needed here")
    for number, box in enumerate(boxes, start=1):
        yield validate(FlowBox, box, document, register, ("flow", str(number)))


def _results_exist(parts: dict[str, Any], root: Path) -> None:
    known = {result.id for trial in load(root).values() for result in trial.results()}
    named = [("rob2", (key,), key) for key in parts["rob2"]]
    for key, body in parts["grade"].items():
        arms = (key, "control_arms", "results")
        named += [("grade", arms, result) for result in body.control_arms.results]
    for file, path, result in named:
        if result not in known:
            hint = nearest(result, sorted(known))
            raise EvidenceError(
                f"{root.name}/appraisal/{file}.yaml",
                "/".join(path),
                f"no result `{result}` in trials/; {hint}",
            )
