"""Writing the coordinates of a figure into the data folder, checked and in one go."""

import contextlib
import csv
import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from .curve import HEADER, Curve, curve_name, read_curve
from .curve_checks import contradictions
from .reading import EvidenceError
from .record import Result

Row = tuple[str, str, float, float | None]


def accept_curve(
    root: Path, result: Result, rows: Iterable[Row], origin: Mapping[str, object]
) -> tuple[list[Path], Curve]:
    """Write `curves/NAME.csv` and `.yaml` of a result: both, or neither.

    Parameters
    ----------
    root : Path
        The data folder.
    result : Result
        Which result the figure shows.
    rows : iterable of (arm, kind, time, value)
        Of the table: role, 'point', 'risk' or 'censor', months, and survival or number.
    origin : mapping
        Fields of `Origin`.

    Returns
    -------
    paths : list of Path
        The two files.
    curve : Curve
        As it is read from them.

    Raises
    ------
    EvidenceError
        If there are such files already, if `oligomdt check` would refuse these, or if the
        coordinates contradict what is stated and `note` does not say why.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> result = evidence.load()["CURB"].cohort("NSCLC").result()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = shutil.copytree(evidence.data_folder(), Path(folder, "data"))
    ...     try:
    ...         accept_curve(root, result, rows=[], origin={})
    ...     except evidence.EvidenceError:
    ...         print("refused; nothing written:", not (root / "curves").exists()
    ...               or not list((root / "curves").glob("CURB*")))
    refused; nothing written: True
    """
    folder, name = root / "curves", curve_name(result)
    for ending in (".csv", ".yaml"):
        if (folder / f"{name}{ending}").exists():
            raise EvidenceError(
                f"{root.name}/curves/{name}{ending}", "",
                "exists already; nothing is overwritten: remove its two files first",
            )  # fmt: skip
    contents = {f"{name}.csv": _table(rows), f"{name}.yaml": _yaml(origin)}
    curve = _tried(root, result, contents)
    refuse_contradictions(root, result, curve)
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        return _write(folder, contents), curve
    except OSError:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def refuse_contradictions(root: Path, result: Result, curve: Curve) -> list[str]:
    """List what the coordinates contradict; an error unless the origin has a note on it."""
    found = contradictions(result, curve)
    if found and not curve.origin.note:
        raise EvidenceError(
            f"{root.name}/curves/{curve_name(result)}.csv", "",
            "; ".join(found) + ". Look at the figure, the arms and the axes again; if it is "
            "so in the report, say that in the field `note` of its .yaml file",
        )  # fmt: skip
    return found


def _table(rows) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for arm, kind, time, value in rows:
        writer.writerow([arm, kind, f"{time:.10g}", "" if value is None else f"{value:.10g}"])
    return buffer.getvalue()


def _yaml(origin) -> str:
    fields = {name: value for name, value in origin.items() if value not in ("", None)}
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=96)


def _tried(root: Path, result: Result, contents: Mapping[str, str]) -> Curve:
    """Read the files as the data folder would, before they are there."""
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place) / root.name
        (trial / "curves").mkdir(parents=True)
        shutil.copy(root / "sources.yaml", trial)
        for name, text in contents.items():
            (trial / "curves" / name).write_text(text, encoding="utf-8")
        return read_curve(trial, result)


def _write(folder: Path, contents: Mapping[str, str]) -> list[Path]:
    drafts = {folder / name: folder / f".{uuid.uuid4().hex}.tmp" for name in contents}
    done = []
    try:
        for path, draft in drafts.items():
            draft.write_text(contents[path.name], encoding="utf-8")
        for path, draft in drafts.items():
            os.replace(draft, path)
            done.append(path)
    except OSError:
        for path in done:
            path.unlink()
        raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return list(drafts)
