"""Baujat plot: which trial disagrees with the others, and which moves the pooled result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.evidence import DAGGER
from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_baujat", "baujat_data", "draw_baujat"]

# Shares of the width and height that a label takes.
WIDE, TALL = 0.17, 0.06
MARKERS = ("o", "s", "^", "v")


def baujat_data(influence: pd.DataFrame) -> pd.DataFrame:
    """Points of the figure: one per trial of each set that has three trials or more.

    Parameters
    ----------
    influence : pandas.DataFrame
        As from `analysis.influence_of_trials`.

    Returns
    -------
    pandas.DataFrame
        `set`, `group`, `label`, `x` (share in Cochran's Q), `y` (squared shift of the pooled
        log hazard ratio without the trial, over its variance), `checked` (every value of the
        trial was read in its source).

    Raises
    ------
    ValueError
        Where no set has three trials.
    """
    own = influence[influence["x"].notna()]
    if own.empty:
        raise ValueError("influence: no set has three trials; a Baujat plot needs three")
    columns = ["set", "group", "label", "x", "y", "trial_checked"]
    return own[columns].rename(columns={"trial_checked": "checked"}).reset_index(drop=True)


@style.styled
def draw_baujat(frame: pd.DataFrame) -> Figure:
    """Draw the points on square-root scales, a marker for each set.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `baujat_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = style.figure(4.4)
    axes = figure.add_axes((0.13, 0.14, 0.84, 0.7))
    right, top = np.sqrt(frame["x"].max()) * 1.12, np.sqrt(frame["y"].max()) * 1.12
    points: list[tuple[float, float, str]] = []
    for i, (name, own) in enumerate(frame.groupby("set", sort=False)):
        colour = style.GROUPS.get(own["group"].iloc[0], style.GREY)
        look = {"color": colour, "facecolor": colour if i % 2 else "white", "zorder": 3}
        across, up = np.sqrt(own["x"]), np.sqrt(own["y"])
        marker = MARKERS[i % len(MARKERS)]
        axes.scatter(across, up, s=55, marker=marker, label=name, gid=f"set {name}", **look)
        for x, y, label in zip(across, up, _labels(own), strict=True):
            points.append((x, y, label))
    for x, y, label in points:
        look = _beside(x, y, [(a / right, b / top) for a, b, _ in points], right, top)
        axes.annotate(label, (x, y), textcoords="offset points", **look)
    _scale(axes, right, top)
    axes.set_xlabel("disagreement: share in Cochran's Q (square-root scale)")
    axes.set_ylabel("influence on the pooled HR")
    figure.legend(loc="upper left", bbox_to_anchor=(0.1, 1.0), ncols=1)
    return figure


def _beside(
    x: float, y: float, points: list[tuple[float, float]], right: float, top: float
) -> dict:
    """Where a label stands: beside its point where no other point is, else above it."""
    across, up = x / right, y / top
    for side in (1, -1):
        free = all(
            not 0 < side * (other - across) < WIDE or abs(level - up) > TALL
            for other, level in points
        )
        if free and 0 < across + side * WIDE < 1:
            ha = "left" if side > 0 else "right"
            return {"xytext": (8 * side, 0), "ha": ha, "va": "center"}
    return {"xytext": (0, 9), "ha": "center", "va": "bottom"}


def _labels(own: pd.DataFrame) -> list[str]:
    short = own["label"].str.replace(r"[ ,].*", "", regex=True)
    return (short + np.where(own["checked"], "", DAGGER)).tolist()


def _scale(axes, right: float, top: float) -> None:
    axes.set_xlim(0, right)
    axes.set_ylim(0, top)
    for limit, place, name in (
        (right, axes.set_xticks, axes.set_xticklabels),
        (top, axes.set_yticks, axes.set_yticklabels),
    ):
        ticks = [t for t in (0, 0.1, 0.5, 1, 2, 4, 6, 10, 20, 50) if t <= limit**2]
        place(np.sqrt(ticks))
        name([f"{t:g}" for t in ticks])


def alt_baujat(frame: pd.DataFrame) -> str:
    """Say in words where each trial stands.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `baujat_data`.

    Returns
    -------
    str
    """
    parts = []
    for name, own in frame.groupby("set", sort=False):
        texts = [
            f"{row['label']}{'' if row['checked'] else DAGGER} "
            f"{decimals(row['x'], 2)} and {decimals(row['y'], 2)}"
            for row in own.to_dict("records")
        ]
        parts.append(f"{name}: {', '.join(texts)}")
    return (
        "Baujat plot of the common-effect fit: for each trial its share in Cochran's Q and its "
        f"influence on the pooled hazard ratio. {'; '.join(parts)}. "
        f"{DAGGER}: rests on values that were not read in their source."
    )
