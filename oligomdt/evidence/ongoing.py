"""Records of trials that are under way or have not reported: the register."""

from pydantic import model_validator

from .extended import Group, SettingClass
from .loading import data_folder, keyed_block, validate
from .reading import Document
from .record import Findings, Texts
from .register import read_register
from .values import NotFound, ReadOnly, Record, StatedOrNotFound, TextOrNotFound


class OngoingTrial(Record):
    """A trial without a result in hand: its design, and when that was known."""

    id: str
    name: str
    registration: TextOrNotFound
    group: Group
    histology: str
    setting_class: SettingClass
    setting: TextOrNotFound
    phase: TextOrNotFound
    randomised: bool | None
    same_contrast: bool | None
    contrast_note: str = ""
    status: TextOrNotFound
    status_date: TextOrNotFound
    planned: StatedOrNotFound = NotFound
    enrolled: StatedOrNotFound = NotFound
    experimental: TextOrNotFound
    control: TextOrNotFound
    allocation: TextOrNotFound = NotFound
    primary_endpoint: TextOrNotFound
    start: TextOrNotFound = NotFound
    completion: TextOrNotFound = NotFound
    stratification: Texts = ()
    findings: Findings = ()
    conflicts: Texts = ()
    note: str = ""

    @model_validator(mode="after")
    def _contrast_explained(self):
        if self.same_contrast is False and not self.contrast_note:
            raise ValueError("another contrast: say in `contrast_note` which one")
        if self.randomised is False and self.same_contrast:
            raise ValueError("a trial without randomisation has no contrast between arms")
        return self


def ongoing(path=None) -> ReadOnly:
    """Read the register of trials without a result in hand: id -> `OngoingTrial`.

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
        On the first thing that is wrong, naming file, entry and field.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> evidence.ongoing()["STOP-2"].planned.text
    '194'
    """
    return keyed(OngoingTrial, "ongoing.yaml", path)


def keyed(model: type[Record], name: str, path=None) -> ReadOnly:
    """Read a file of the data folder that holds one record under each id."""
    root = data_folder(path)
    if not (root / name).exists():
        return ReadOnly()
    register = read_register(root)
    document = Document(root / name, root)
    return ReadOnly(
        (key, validate(model, keyed_block(document, key), document, register, (key,)))
        for key in document.data
    )
