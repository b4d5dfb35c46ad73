"""Loading `data/` into records."""

import os
from pathlib import Path

from pydantic import ValidationError

from .checks import problems, repeated_ids
from .curve import Curve, check_curve_names, read_curve
from .reading import Document, EvidenceError, describe
from .record import ContextTrial, Trial
from .register import read_register
from .values import ReadOnly, Scope


def data_folder(path=None) -> Path:
    """Return the data folder: the argument, $OLIGOMDT_DATA or the repository's data/.

    Examples
    --------
    >>> data_folder().name
    'data'
    """
    given = path if path is not None else os.environ.get("OLIGOMDT_DATA")
    root = Path(given) if given else Path(__file__).resolve().parents[2] / "data"
    if not (root / "trials").is_dir():
        raise EvidenceError(
            root, "", "no folder `trials` here; give the data folder or set OLIGOMDT_DATA"
        )
    return root.resolve()


def load(path=None) -> ReadOnly:
    """Read and check every trial in the data folder.

    Parameters
    ----------
    path : path-like, optional
        The data folder. Default: the environment variable OLIGOMDT_DATA, else the data folder
        of the repository.

    Returns
    -------
    ReadOnly
        Trial id -> `Trial`, in the order of the file names.

    Raises
    ------
    EvidenceError
        On the first thing that is wrong, naming file, entry and field.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> cohort = evidence.load()["CURB"].cohort("NSCLC")
    >>> cohort.result().hr.estimate.text
    '0.41'
    """
    root = data_folder(path)
    register = read_register(root)
    files = sorted((root / "trials").glob("[!.]*"))
    if not files:
        raise EvidenceError(root / "trials", "", "no trial here; data/README.md has an example")
    trials, documents = {}, {}
    for file in files:
        if file.suffix != ".yaml":
            raise EvidenceError(file, "", "only `.yaml` files belong in trials/")
        document = Document(file, root)
        trial = _read_trial(document, register, file.stem)
        trials[trial.id], documents[trial.id] = trial, document
    for trial_id, (entry, problem) in repeated_ids(trials.values()):
        raise documents[trial_id].error(entry, problem)
    check_curve_names(root, trials)
    return ReadOnly(trials)


def context(path=None) -> ReadOnly:
    """Read the trials outside the review that its reader must know of: id -> `ContextTrial`.

    Examples
    --------
    >>> context()["NRG-LU002"].hr.estimate.text
    '0.93'
    """
    root = data_folder(path)
    register = read_register(root)
    if not (root / "context.yaml").exists():
        return ReadOnly()
    document = Document(root / "context.yaml", root)
    return ReadOnly(
        (key, validate(ContextTrial, block, document, register, (key,)))
        for key, block in ((key, keyed_block(document, key)) for key in document.data)
    )


def sources(path=None) -> ReadOnly:
    """Read the register of sources: id -> `Source`.

    Examples
    --------
    >>> len(sources()) > 50
    True
    """
    return read_register(data_folder(path))


def curves(trial: str, cohort: str, report: str, path=None) -> Curve | None:
    """Read the digitised coordinates of one result.

    Parameters
    ----------
    trial, cohort, report : str
        The ids of the result; its files are ``curves/TRIAL_COHORT_REPORT.csv`` and ``.yaml``.
    path : path-like, optional
        The data folder, as in `load`.

    Returns
    -------
    Curve or None
        None when nobody has digitised this figure.

    Raises
    ------
    EvidenceError
        When the files are incomplete or hold impossible coordinates.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> evidence.curves("CURB", "NSCLC", "2024") is None
    True
    """
    root = data_folder(path)
    return read_curve(root, load(root)[trial].cohort(cohort).result(report))


def _read_trial(document: Document, register: ReadOnly, stem: str) -> Trial:
    data = document.data
    trial_id = data.get("id")
    if not isinstance(trial_id, str) or trial_id.lower() != stem:
        raise document.error(("id",), f"trial id {trial_id!r} must match its file name, {stem}")
    trial = validate(Trial, _with_ids(data, document), document, register)
    for path, problem in problems(trial):
        raise document.error(path, problem)
    return trial


def _with_ids(data: dict, document: Document) -> dict:
    """Add to each block what its place in the file says: id, trial, cohort, report, role."""
    data = {**data}
    for key, report in _blocks(data, "reports"):
        data["reports"][key] = _placed(report, document, ("reports", key), id=key)
    for cohort_id, cohort in _blocks(data, "cohorts"):
        path, ids = ("cohorts", cohort_id), {"trial": data["id"], "cohort": cohort_id}
        cohort = _placed(cohort, document, path, id=cohort_id, trial=data["id"])
        for report, result in _blocks(cohort, "results"):
            here = (*path, "results", report)
            result = _placed(result, document, here, **ids, report=report)
            for role, arm in _blocks(result, "arms"):
                result["arms"][role] = _placed(arm, document, (*here, "arms", role), role=role)
            if not _is_part(data, cohort_id):
                _take_followup(result, data, report)
            cohort["results"][report] = result
        data["cohorts"][cohort_id] = cohort
    return data


def _blocks(block: dict, name: str) -> list:
    """Copy a block of blocks so that it can be changed, and list those that are blocks."""
    if not isinstance(block.get(name), dict):
        return []
    block[name] = dict(block[name])
    return [(key, dict(child)) for key, child in block[name].items() if isinstance(child, dict)]


def _placed(block: dict, document: Document, path: tuple, **ids) -> dict:
    for name in ids:
        if name in block:
            raise document.error((*path, name), "known from the block's place; leave it out")
    return {**ids, **block}


def _is_part(data: dict, cohort_id: str) -> bool:
    cohorts = [block for block in data["cohorts"].values() if isinstance(block, dict)]
    return any(cohort_id in (block.get("parts") or ()) for block in cohorts)


def _take_followup(result: dict, data: dict, report: str) -> None:
    """Give a result without follow-up of its own that of its report, with its sources."""
    reports = data.get("reports")
    block = reports.get(report) if isinstance(reports, dict) else None
    if "followup" in result or not isinstance(block, dict) or "followup" not in block:
        return
    followup = block["followup"]
    if isinstance(followup, dict):
        above = {**data, **block}
        followup = {k: above[k] for k in ("sources", "checked") if k in above} | followup
    result["followup"] = followup


def keyed_block(document: Document, key: str):
    """A block of a file that holds one record under each id, with its id."""
    block = document.data[key]
    return _placed(block, document, (key,), id=key) if isinstance(block, dict) else block


def validate(model, data, document: Document, register: ReadOnly, under: tuple = ()):
    """Turn a block of a file into a record, or name the place of the first mistake in it."""
    unread = (source.id for source in register.values() if source.tier == "unread")
    scope = Scope(frozenset(register), frozenset(unread))
    try:
        return model.model_validate(data, context=scope)
    except ValidationError as error:
        path, problem = describe(error.errors(include_url=False)[0])
        raise document.error((*under, *path), problem) from None
