"""Reconstructed patient data of every report: drawn once, kept, and reused."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt import evidence, reconstructkm
from oligomdt.evidence import Result, Trial
from oligomdt.reconstructkm import Comparison, Ensemble

from .comparisons import comparison
from .statements import statements

DRAWS = 200
SEED = 20261121
# Sources that decide what is drawn from a comparison: an ensemble of other sources is not used.
_SOURCES = ("constraints", "kernel", "chain", "sampler", "ensemble")


@dataclass(frozen=True)
class Reconstruction:
    """Reconstructed patient data of one result.

    Attributes
    ----------
    result : oligomdt.evidence.Result
    basis : {"statistics", "figure"}
        What the data rest on: published statistics (many draws) or digitised coordinates
        of the published figure (draws that differ only in what the figure leaves open).
    data : DataFrame
        ``draw``, ``time`` (months), ``event``, ``arm``.
    point : DataFrame or None
        ``time``, ``event``, ``arm`` of the one data set that stands for all (basis "figure").
    statistics : DataFrame
        Stated against reconstructed: see `oligomdt.reconstructkm.Ensemble`.
    assumptions : tuple of str
    loglog : ndarray of bool, (draws,), or None
        Draws whose confidence limits use the log-log transform.
    chains, attempts, seed : int
        Of the sampler; 0 where no sampling was needed.
    """

    result: Result
    basis: str
    data: pd.DataFrame
    statistics: pd.DataFrame
    assumptions: tuple[str, ...]
    loglog: np.ndarray | None = None
    chains: int = 0
    attempts: int = 0
    seed: int = 0
    point: pd.DataFrame | None = None

    def mixing(self) -> pd.DataFrame:
        """How well the chains of the sampler agree: `oligomdt.reconstructkm.Ensemble.mixing`.

        Raises
        ------
        ValueError
            If the basis is a figure, which needs no chains.
        """
        if self.basis == "figure":
            raise ValueError(f"{self.result.id} rests on a figure; there are no chains")
        drawn = (self.chains, self.attempts, self.loglog, self.seed)
        values = np.empty((self.data["draw"].nunique(), 0))
        return Ensemble(None, self.data, self.statistics, values, *drawn).mixing()


def can_be_drawn(result: Result) -> bool:
    """Whether a result states enough about its curves to be reconstructed from statistics.

    It does if an arm has a median or survival at a given time, and if it is known how long
    patients were followed.

    Examples
    --------
    >>> can_be_drawn(find("CURB-NSCLC"))
    True
    """
    landmarks = any(arm.landmarks for arm in result.arms.values())
    medians = any(arm.median for arm in result.arms.values())
    stated = result.followup
    followed = bool(stated) and bool(stated.median or stated.median_by_arm or stated.max)
    return landmarks or (medians and bool(result.horizon or followed))


def reconstructions(result: Result | str, data: str | os.PathLike | None = None) -> dict:
    """Reconstructions of one result by basis, the better one (``figure``) first.

    Parameters
    ----------
    result : Result or str
        A result or its id, for example ``"CURB-NSCLC"``.
    data : path-like, optional
        The data folder, as in `oligomdt.evidence.load`.

    Returns
    -------
    dict of str to Reconstruction
        Keys ``"figure"`` (if coordinates are in ``data/curves``) and ``"statistics"`` (see
        `can_be_drawn`); empty if neither.

    Examples
    --------
    >>> list(reconstructions("CURB-NSCLC"))
    ['statistics']
    """
    return {rebuilt.basis: rebuilt for rebuilt in _by_basis(result, data)}


def reconstruct(result: Result | str, data: str | os.PathLike | None = None) -> Reconstruction:
    """The reconstruction that the book uses: from the figure if there is one.

    Parameters
    ----------
    result, data
        As in `reconstructions`.

    Raises
    ------
    ValueError
        If the result can be reconstructed neither from a figure nor from statistics.

    Examples
    --------
    >>> rebuilt = reconstruct("CURB-NSCLC")
    >>> rebuilt.basis, rebuilt.data["draw"].nunique()
    ('statistics', 200)
    """
    for rebuilt in _by_basis(result, data):
        return rebuilt
    name = result if isinstance(result, str) else result.id
    raise ValueError(
        f"{name} cannot be reconstructed: it has no coordinates in data/curves, and states "
        "no survival at a given time and no median with a length of follow-up"
    )


def _by_basis(result: Result | str, data) -> Iterator[Reconstruction]:
    trials = evidence.load(data)
    if isinstance(result, str):
        result = find(result, trials)
    trial = trials[result.trial]
    curve = evidence.curves(result.trial, result.cohort, result.report, data)
    if curve is not None:
        yield _from_figure(result, trial, curve)
    if can_be_drawn(result):
        yield _from_statistics(result, trial, data)


def find(result_id: str, trials=None) -> Result:
    """The result of that id.

    Raises
    ------
    KeyError
        If there is none.

    Examples
    --------
    >>> find("CURB-NSCLC").hr.estimate.text
    '0.41'
    """
    known = {r.id: r for t in (trials or evidence.load()).values() for r in t.results()}
    if result_id not in known:
        raise KeyError(f"no result {result_id!r}; known are {', '.join(sorted(known))}")
    return known[result_id]


# ---------------------------------------------------------------------- from statistics


def _from_statistics(result: Result, trial: Trial, data) -> Reconstruction:
    whole = _whole_of(result, trial)
    stated, assumptions = comparison(whole, trial)
    ensemble = stored_ensemble(stated, ensemble_folder(data) / f"{whole.id}.npz")
    if whole is not result:
        ensemble = ensemble.part(result.cohort)
        assumptions = comparison(result, trial)[1] + (
            "Both cohorts of the trial were drawn together, so that what is stated of the "
            "whole trial holds as well.",
        )
    elif stated.parts:
        ensemble = _without_parts(ensemble)
    statistics = ensemble.statistics
    if not result.hr:  # its direction alone is assumed, and not a statement
        statistics = statistics[statistics["statistic"] != "hr"].reset_index(drop=True)
    return Reconstruction(
        result,
        "statistics",
        ensemble.data,
        statistics,
        assumptions,
        ensemble.loglog,
        ensemble.chains,
        ensemble.attempts,
        ensemble.seed,
    )


def _whole_of(result: Result, trial: Trial) -> Result:
    """The result of the whole that a cohort is part of, or the result itself."""
    for cohort in trial.cohorts.values():
        if result.cohort in cohort.parts and result.report in cohort.results:
            return cohort.result(result.report)
    return result


def _without_parts(ensemble: Ensemble) -> Ensemble:
    own = ensemble.statistics["statistic"].str.startswith("whole ")
    statistics = ensemble.statistics[own].assign(
        statistic=lambda frame: frame["statistic"].str.removeprefix("whole ")
    )
    return replace(
        ensemble,
        data=ensemble.data.drop(columns="part"),
        statistics=statistics.reset_index(drop=True),
        values=ensemble.values[:, own.to_numpy()],
    )


def key(stated: Comparison) -> str:
    """Fingerprint of a comparison, of the sampler's sources and of its settings."""
    digest = hashlib.sha256(repr((stated, DRAWS, SEED)).encode())
    folder = Path(reconstructkm.__file__).parent
    for name in _SOURCES:
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def ensemble_folder(data: str | os.PathLike | None = None) -> Path:
    """Folder of the stored ensembles: ``reconstructed`` in the data folder."""
    return evidence.data_folder(data) / "reconstructed"


def stored_ensemble(stated: Comparison, file: Path) -> Ensemble:
    """The ensemble of a comparison: read if it is stored, drawn and stored if not."""
    if file.exists():
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) == key(stated):
                return _unpack(stated, stored)
    ensemble = reconstructkm.from_statistics(
        stated, draws=DRAWS, seed=SEED, jobs=os.cpu_count() or 1, progress=True
    )
    _store(file, stated, ensemble)
    return ensemble


def redraw(data: str | os.PathLike | None = None) -> list[str]:
    """Draw every ensemble anew whose data or sampler have changed; return all result ids.

    Examples
    --------
    >>> "CURB-NSCLC" in redraw()
    True
    """
    done = []
    for trial in evidence.load(data).values():
        for result in trial.results():
            if can_be_drawn(result):
                reconstructions(result, data)
                done.append(result.id)
    return done


def _store(file: Path, stated: Comparison, ensemble: Ensemble) -> None:
    """Write an ensemble in one go: a file half written must never be read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shape = (ensemble.draws, -1)
    temporary = file.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(
        temporary,
        key=np.array(key(stated)),
        time=np.round(ensemble.data["time"].to_numpy() * 1e6).astype(np.int32).reshape(shape),
        event=ensemble.data["event"].to_numpy().astype(bool).reshape(shape),
        value=ensemble.values,
        numbers=np.array([ensemble.chains, ensemble.attempts, ensemble.seed]),
        loglog=ensemble.loglog,
    )
    os.replace(temporary, file)


def _unpack(stated: Comparison, stored) -> Ensemble:
    chains, attempts, seed = (int(n) for n in stored["numbers"])
    return reconstructkm.ensemble.assemble(
        stated,
        stored["time"] / 1e6,
        stored["event"],
        stored["value"],
        chains=chains,
        attempts=attempts,
        loglog=stored["loglog"],
        seed=seed,
    )


# ---------------------------------------------------------------------- from a figure


def _from_figure(result: Result, trial: Trial, curve) -> Reconstruction:
    arms = [
        reconstructkm.ArmInput(
            role,
            arm.time,
            arm.surv,
            n=arm.n,
            events=arm.events,
            risk_time=arm.risk_time,
            risk_n=arm.risk_n,
            censor_time=arm.censor_time,
        )
        for role, arm in curve.arms.items()
    ]
    xmax = max(arm.xmax for arm in curve.arms.values())
    # Points of an image are placed within its pixels and so look finer than they are.
    figure = reconstructkm.reconstruct_figure(
        arms, draws=DRAWS, seed=SEED, xmax=xmax, resolution=curve.origin.pixel
    )
    # Where no path fits there is one data set without an ensemble, and the report says so.
    data = figure.ensemble()[["draw", "time", "event", "arm"]]
    point = figure.frame()
    notes = [
        f"{role} arm: {text}"
        for role, arm in figure.arms.items()
        for text in _noted(arm.report)
    ]
    notes += figure.assumptions
    stated, _ = comparison(result, trial)
    origin = curve.origin
    said = (
        f"Coordinates of {origin.figure}, panel {origin.panel}, of {origin.source}, digitised "
        f"on {origin.digitised_on} by {origin.digitised_by}.",
        *notes,
    )
    stats = statements(stated, point)
    return Reconstruction(result, "figure", data, stats, said, point=point)


def _noted(report) -> list[str]:
    """Method, warnings and assumptions of a report, and how well the patients are known."""
    graded = report.grade
    known = [f"identifiability {graded.letter}: {graded.reason}"] if graded else []
    method = f'reconstructed with the method "{report.method}"'
    return [method, *known, *report.warnings, *report.assumptions]
