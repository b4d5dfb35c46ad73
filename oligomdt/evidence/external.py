"""Records of published meta-analyses, against which the book's own results are held."""

from typing import Annotated

from pydantic import Field

from .extended import Group, HazardRatioOrNotFound, extended
from .ongoing import keyed
from .reading import EvidenceError
from .record import Findings, Texts
from .values import (
    NotFound,
    ReadOnly,
    Record,
    StatedOrNotFound,
    TextOrNotFound,
    nearest,
)


class Outcome(Record):
    """One result of a published meta-analysis, and which records it is compared with."""

    name: str
    hr: HazardRatioOrNotFound = NotFound
    against: Texts = ()
    reason: str
    findings: Findings = ()


class PublishedPool(Record):
    """A published meta-analysis of metastasis-directed therapy."""

    id: str
    title: str
    kind: str
    journal: TextOrNotFound
    year: Annotated[int, Field(ge=1990, le=2100)]
    doi: str = ""
    doi_checked: bool = True
    registration: TextOrNotFound = NotFound
    group: Group
    histology: str
    model: TextOrNotFound = NotFound
    search_end: TextOrNotFound = NotFound
    trials: StatedOrNotFound = NotFound
    patients: StatedOrNotFound = NotFound
    components: Texts = ()
    outcomes: tuple[Outcome, ...] = ()
    findings: Findings = ()
    missing: Texts = ()
    conflicts: Texts = ()
    note: str = ""


def external(path=None) -> ReadOnly:
    """Read the published meta-analyses: id -> `PublishedPool`.

    Parameters
    ----------
    path : path-like, optional
        The data folder, as in `load`.

    Returns
    -------
    ReadOnly
        In the order of the file; empty where there is no file.

    Raises
    ------
    EvidenceError
        On the first thing that is wrong, also where a record is named that does not exist.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> evidence.external()["WOLVERINE"].outcomes[0].hr.interval.label
    '0.35 to 0.56'
    """
    pools = keyed(PublishedPool, "external.yaml", path)
    records = extended(path) if pools else {}
    for pool in pools.values():
        for outcome in pool.outcomes:
            for name in (*pool.components, *outcome.against):
                if name not in records:
                    problem = f"no record `{name}` in extended/; {nearest(name, records)}"
                    raise EvidenceError("data/external.yaml", pool.id, problem)
    return pools
