"""What the reconstruction says against the stated events, before anything rests on a curve."""

from __future__ import annotations

import os
from collections.abc import Iterator

from oligomdt import evidence, reconstructkm
from oligomdt.evidence import Curve, Result

__all__ = ["curve_warnings"]


def curve_warnings(data: str | os.PathLike | None = None) -> list[str]:
    """Warnings of the reconstruction of every figure in the data folder.

    Each arm is reconstructed once, without an ensemble, from its coordinates, numbers at risk,
    marks and stated events. Where no history of the patients has all of them, the
    reconstruction says so; whether the figure or the report is wrong it cannot say.

    Parameters
    ----------
    data : path-like, optional
        The data folder, as in `oligomdt.evidence.load`.

    Returns
    -------
    list of str
        One sentence each, with the result and the arm.

    Examples
    --------
    >>> curve_warnings()
    []
    """
    found = []
    for trial in evidence.load(data).values():
        for result in trial.results():
            curve = evidence.curves(result.trial, result.cohort, result.report, data)
            if curve is not None:
                found += _warnings(result, curve)
    return found


def _warnings(result: Result, curve: Curve) -> Iterator[str]:
    for role, arm in curve.arms.items():
        try:
            rebuilt = reconstructkm.reconstruct(
                arm.time,
                arm.surv,
                n=arm.n,
                events=arm.events,
                xmax=arm.xmax,
                risk_time=arm.risk_time,
                risk_n=arm.risk_n,
                censor_time=arm.censor_time,
                resolution=curve.origin.pixel,
            )
            texts = rebuilt.report.warnings
        except ValueError as error:
            texts = (f"cannot be reconstructed: {error}",)
        for text in texts:
            yield f"{result.id}, {role} arm: {text}"
