"""The register of sources: every value in the data names one of them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .reading import Document, describe
from .values import ReadOnly, nearest


class Source(BaseModel):
    """A text in which values were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    tier: Literal["primary", "secondary", "unread"]
    seen: str
    ref: str
    cite: str = ""
    registration: str = ""
    doi: str = ""
    doi_checked: bool = True
    pmid: str = ""
    pmcid: str = ""
    url: Annotated[str, Field(pattern=r"^(https?://.*)?$")] = ""
    note: str = ""


def read_register(root: Path) -> ReadOnly:
    """Read sources.yaml: source id -> Source."""
    document = Document(root / "sources.yaml", root)
    register = {}
    for source_id, block in document.data.items():
        if not isinstance(block, dict):
            raise document.error((source_id,), "a source is a block of fields")
        for name in block:
            if name not in Source.model_fields or name == "id":
                hint = nearest(name, [field for field in Source.model_fields if field != "id"])
                raise document.error((source_id, name), f"unknown field `{name}`; {hint}")
        try:
            register[source_id] = Source(id=source_id, **block)
        except ValidationError as error:
            path, problem = describe(error.errors()[0])
            raise document.error((source_id, *path), problem) from None
    return ReadOnly(register)
