"""True curves of a public data set beside those reconstructed from coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.figures import style
from oligomdt.figures.km import ARMS, month_ticks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_walkthrough", "draw_walkthrough", "walkthrough_data"]

SOURCES = ("true", "reconstructed", "coordinates")


def walkthrough_data(
    truth: pd.DataFrame,
    reconstructed: pd.DataFrame,
    coordinates: pd.DataFrame | None = None,
    unit: str = "months",
) -> pd.DataFrame:
    """Curves of the figure.

    Parameters
    ----------
    truth, reconstructed : pandas.DataFrame
        IPD frames: `time`, `event`, `arm`.
    coordinates : pandas.DataFrame, optional
        Points read from the figure: `arm`, `time`, `surv`.
    unit : str
        Unit of time, for the axis.

    Returns
    -------
    pandas.DataFrame
        `source` ("true", "reconstructed" or "coordinates"), `arm`, `time`, `surv`, `unit`.
    """
    import pandas as pd

    from oligomdt import survival

    frames = [
        survival.km(ipd)[["arm", "time", "surv"]].assign(source=source)
        for source, ipd in (("true", truth), ("reconstructed", reconstructed))
    ]
    if coordinates is not None:
        frames.append(coordinates[["arm", "time", "surv"]].assign(source="coordinates"))
    frame = pd.concat(frames, ignore_index=True).assign(unit=unit)
    return frame[["source", "arm", "time", "surv", "unit"]]


@style.styled
def draw_walkthrough(frame: pd.DataFrame) -> Figure:
    """Draw the true curves wide and pale, the reconstructed ones thin and dark upon them.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `walkthrough_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.lines import Line2D

    figure = style.figure(4.3)
    axes = figure.add_axes((0.1, 0.13, 0.88, 0.68))
    looks: dict[str, dict[str, Any]] = {
        "true": {"linewidth": 5, "alpha": 0.35, "drawstyle": "steps-post"},
        "reconstructed": {"linewidth": 1.6, "drawstyle": "steps-post"},
        "coordinates": {"linestyle": "none", "marker": ".", "markersize": 6},
    }
    for (source, arm), own in frame.groupby(["source", "arm"], sort=False):
        look = {"color": style.ARMS[arm]["color"], **looks[source]}
        if source == "reconstructed":
            look["linestyle"] = style.ARMS[arm]["linestyle"]
        axes.plot(own["time"], own["surv"], gid=f"{source} {arm}", **look)
    longest = frame["time"].max()
    axes.set_xlim(0, longest * 1.01)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(month_ticks(longest))
    axes.set_xlabel(f"time ({frame['unit'].iloc[0]})")
    axes.set_ylabel("survival")
    shown = [source for source in SOURCES if source in set(frame["source"])]
    handles = [Line2D([], [], color="black", label=s, **_plain(looks[s])) for s in shown]
    handles += [
        Line2D([], [], label=arm, **{k: style.ARMS[arm][k] for k in ("color", "linestyle")})
        for arm in ARMS
    ]
    figure.legend(handles=handles, loc="upper left", ncols=3, bbox_to_anchor=(0.06, 1.0))
    return figure


def _plain(look: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in look.items() if name != "drawstyle"}


def alt_walkthrough(frame: pd.DataFrame) -> str:
    """Say in words how near the two curves are.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `walkthrough_data`.

    Returns
    -------
    str
    """
    unit = frame["unit"].iloc[0]
    parts = []
    for arm, own in frame.groupby("arm", sort=True):
        last = own.loc[own["source"] == "true", "time"].max()
        times = [last / 4, last / 2, 3 * last / 4]
        texts = []
        for time in times:
            true, rebuilt = (_at(own, source, time) for source in SOURCES[:2])
            texts.append(f"{time:.3g} {unit} {decimals(true, 3)} and {decimals(rebuilt, 3)}")
        parts.append(f"{arm}: {', '.join(texts)}")
    return f"True and reconstructed survival. {'; '.join(parts)}."


def _at(own: pd.DataFrame, source: str, time: float) -> float:
    curve = own[own["source"] == source]
    return float(curve["surv"].iloc[np.searchsorted(curve["time"], time, side="right") - 1])
