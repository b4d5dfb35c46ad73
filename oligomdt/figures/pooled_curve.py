"""Pooled survival curves of the reconstructed patients, by histology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import analysis
from oligomdt.analysis.curves import SPARSE
from oligomdt.analysis.pooled_curve import arm_curves
from oligomdt.analysis.printing import decimals
from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.forest import BASES, TITLES
from oligomdt.figures.km import month_ticks, numbers_at_risk

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_pooled_curve", "draw_pooled_curve", "pooled_curve_data"]

CELL, HEAD, BELOW = 2.0, 1.2, 1.2
BAND = "Band: 95 % interval, with the uncertainty of reconstruction."
FEW = "Thin: in a trial, fewer than a tenth of the arm are at risk."


def pooled_curve_data(groups: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Curves of each histology, one under the other.

    Parameters
    ----------
    groups : mapping of str to sequence of Reconstruction
        As from `analysis.curve_reconstructions`.

    Returns
    -------
    pandas.DataFrame
        `group`, `trials` (their number), `basis`, `checked` (whether all hazard ratios behind
        them were read in their sources), the columns of `analysis.pooled_curve` and
        `few_at_risk`: in at least one of the trials fewer than a tenth of the arm are at risk
        (median over data sets).
    """
    import pandas as pd

    frames = [
        _marked(analysis.pooled_curve(members), members).assign(
            group=group,
            trials=len(members),
            basis=_basis(members),
            checked=all(not one.result.hr or one.result.hr.checked for one in members),
        )
        for group, members in groups.items()
    ]
    frame = pd.concat(frames, ignore_index=True)
    first = ["group", "trials", "basis", "checked"]
    return frame[first + [name for name in frame if name not in first]]


def _marked(curve: pd.DataFrame, members: Sequence[Any]) -> pd.DataFrame:
    """With `few_at_risk`."""
    few = np.zeros(len(curve), dtype=bool)
    for arm, rows in curve.groupby("arm"):
        for one in members:
            at_risk = np.median(arm_curves(one, arm, rows["time"].to_numpy()).n_risk, axis=0)
            few[rows.index] |= at_risk < SPARSE * at_risk[0]
    return curve.assign(few_at_risk=few)


@style.styled
def draw_pooled_curve(frame: pd.DataFrame) -> Figure:
    """Draw one panel per histology.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `pooled_curve_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = frame["group"].unique()
    figure = style.figure(HEAD + len(groups) * (CELL + BELOW))
    width, height = figure.get_size_inches()
    for place, (group, own) in enumerate(frame.groupby("group", sort=False)):
        bottom = height - HEAD - CELL - place * (CELL + BELOW) + 0.1
        box = (0.7 / width, bottom / height, (width - 0.95) / width, (CELL - 0.35) / height)
        axes = figure.add_axes(box)
        _draw_group(axes, own)
        trials = own["trials"].iloc[0]
        what = f"{trials} trials" if trials > 1 else "one trial"
        heading = "at risk (median of the data sets)" if place == 0 else ""
        numbers_at_risk(axes, own.assign(kind="curve"), heading, drop=27)
        axes.set_title(f"{TITLES.get(group, group)}, {what}{_dagger(own)}")
    bases = ", ".join(frame["basis"].unique())
    lines = [f"PFS over months, {bases}.", BAND, FEW]
    for i, text in enumerate(lines):
        figure.text(0.02, 1 - (0.05 + 0.225 * i) / height, text, va="top", color=style.GREY)
    for x, arm in ((0.02, "experimental"), (0.4, "control")):
        mark = "\u2014" if arm == "experimental" else "- -"
        look = {"va": "top", "color": style.ARMS[arm]["color"]}
        figure.text(x, 1 - 0.73 / height, f"{mark} {style.ARMS[arm]['label']}", **look)
    return figure


def _draw_group(axes: Axes, own: pd.DataFrame) -> None:
    for arm, rows in own.groupby("arm", sort=False):
        look, gid = style.ARMS[arm], f"{own['group'].iloc[0]} {arm}"
        band = {"step": "post", "color": look["color"], "alpha": 0.2, "linewidth": 0}
        axes.fill_between(rows["time"], rows["low"], rows["high"], gid=f"band {gid}", **band)
        few = rows["few_at_risk"]
        # Each part runs to where the other begins.
        solid = rows[~few | ~few.shift(fill_value=False)]
        for part, width, name in ((solid, 2.0, "curve"), (rows[few], 0.8, "few")):
            line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": width}
            drawn = {"drawstyle": "steps-post", "gid": f"{name} {gid}"}
            axes.plot(part["time"], part["surv"], **drawn, **line)
    longest = own["time"].max()
    axes.set_xlim(0, longest * 1.01)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(month_ticks(longest))
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def alt_pooled_curve(frame: pd.DataFrame) -> str:
    """Say in words what the curves show, with their numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `pooled_curve_data`.

    Returns
    -------
    str
    """
    parts = ["Pooled progression-free survival of reconstructed patients."]
    for group, own in frame.groupby("group", sort=False):
        arms = []
        for arm, rows in own.groupby("arm", sort=False):
            times = month_ticks(own["time"].max())[1:]
            at = [rows[np.isclose(rows["time"], time)].iloc[0] for time in times]
            texts = [
                f"{row['time']:g} months {decimals(row['surv'], 2)} "
                f"({decimals(row['low'], 2)} to {decimals(row['high'], 2)}), "
                f"{np.floor(row['n_risk']):.0f} at risk"
                for row in at
            ]
            few = rows.loc[rows["few_at_risk"], "time"]
            if len(few):
                texts.append(f"thin from {few.iloc[0]:g} months")
            arms.append(f"{style.ARMS[arm]['label']}: {', '.join(texts)}")
        parts.append(f"{TITLES.get(group, group)}{_dagger(own)}, {'; '.join(arms)}.")
    return " ".join([*parts, BAND, FEW])


def _dagger(own: pd.DataFrame) -> str:
    return "" if own["checked"].all() else DAGGER


def _basis(members: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(BASES[one.basis] for one in members))
