"""Kaplan-Meier figures drawn only to be read again: what the digitiser finds is then known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.survival.kaplan_meier import curve

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["LOOKS", "Look", "alt_overlay", "distances", "specimen"]


@dataclass(frozen=True)
class Look:
    """How a figure is drawn.

    Attributes
    ----------
    colours, dashes : tuple of str
        Of the arms in their order.
    legend, risk, labels : bool
        Whether names, numbers at risk and labels of the ticks are printed.
    percent : bool
        Survival is labelled in percent.
    unit : str
        In the title of the time axis; empty for none.
    mark : str
        Sign of a censoring mark, as matplotlib calls it.
    grid : bool
        Lines across the plot.
    """

    colours: tuple[str, str] = ("#1f77b4", "#d62728")
    dashes: tuple[str, str] = ("-", "-")
    legend: bool = True
    risk: bool = True
    labels: bool = True
    percent: bool = False
    unit: str = "weeks"
    mark: str = "|"
    grid: bool = False


LOOKS = {
    "colours": Look(),
    "dashes": Look(colours=("black", "black"), dashes=("-", "--"), percent=True, mark="+"),
    "bare": Look(legend=False, risk=False, unit="", grid=True),
    "twins": Look(colours=("black", "black"), legend=False, risk=False),
    "unlabelled": Look(labels=False, risk=False),
    "pale": Look(colours=("#777777", "#999999"), mark="+", grid=True),
}


def specimen(patients: pd.DataFrame, look: Look | None = None) -> Figure:
    """A figure in the manner of a journal.

    Parameters
    ----------
    patients : pandas.DataFrame
        `time`, `event` and `arm`, of two arms.
    look : Look, optional
        Default: two colours, a legend, numbers at risk.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved as PDF, SVG or an image.

    Raises
    ------
    ValueError
        If there are not two arms.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = Look() if look is None else look
    names = list(dict.fromkeys(patients["arm"]))
    if len(names) != 2:
        raise ValueError(f"patients: arm has {len(names)} names; a specimen has two arms")
    figure = Figure(figsize=(6.0, 4.6 if look.risk else 3.8))
    FigureCanvasAgg(figure)
    bottom = 0.3 if look.risk else 0.16
    axes = figure.add_axes((0.2, bottom, 0.76, 0.96 - bottom))
    longest = float(patients["time"].max())
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if longest / s <= 8)
    ticks = np.arange(0, longest + 1e-9, step)
    for row, name in enumerate(names):
        own = patients[patients["arm"] == name]
        time, surv = _curve(own)
        line = {"color": look.colours[row], "linestyle": look.dashes[row], "lw": 1.3}
        axes.step(time, surv, where="post", label=name, **line)
        marks = np.sort(own.loc[own["event"] == 0, "time"])
        at = surv[np.searchsorted(time, marks, side="right") - 1]
        axes.plot(marks, at, look.mark, color=look.colours[row], ms=8)
        if look.risk:
            _numbers(axes, own, name, ticks, -0.28 - 0.09 * row)
    axes.set(xlim=(0, longest * 1.03), ylim=(0, 1.03), ylabel="Free of the event")
    axes.set_xlabel(f"Time ({look.unit})" if look.unit else "Time")
    axes.set_xticks(ticks)
    shares = np.arange(0, 1.01, 0.25)
    axes.set_yticks(shares, [f"{100 * s:g}" if look.percent else f"{s:g}" for s in shares])
    if look.percent:
        axes.set_ylabel("Free of the event (%)")
    if look.risk:
        axes.text(0, -0.2, "Number at risk", fontsize=8, ha="center")
    if look.legend:
        axes.legend(frameon=False)
    if look.grid:
        axes.grid(color="#cccccc", lw=0.6)
    if not look.labels:
        axes.tick_params(labelbottom=False, labelleft=False)
    return figure


def _curve(own: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Times and survival from time 0 on."""
    km = curve(own["time"].to_numpy(float), own["event"].to_numpy())
    if len(km.time) and km.time[0] == 0:
        return km.time, km.surv
    return np.r_[0.0, km.time], np.r_[1.0, km.surv]


def _numbers(axes: Any, own: pd.DataFrame, name: str, ticks: np.ndarray, y: float) -> None:
    left = -0.1 * ticks[-1]
    axes.text(left, y, name, ha="right", va="center", fontsize=8)
    for tick in ticks:
        count = str(int((own["time"] >= tick).sum()))
        axes.text(tick, y, count, ha="center", va="center", fontsize=8)


def distances(read: Any, patients: pd.DataFrame) -> pd.Series:
    """Mean distance of each true curve from the nearest of those that were read.

    Parameters
    ----------
    read : oligomdt.digitize.Digitised
        Of a figure of these patients.
    patients : pandas.DataFrame
        `time`, `event`, `arm`.

    Returns
    -------
    pandas.Series
        By arm: mean over time, to the end of the true curve, of the absolute difference of
        survival; a curve that was not read is none of them, so it shows as a large distance.
    """
    import pandas as pd

    found = {}
    for name, own in patients.groupby("arm", sort=False):
        time, surv = _curve(own)
        each = [_distance(time, surv, arm.time, arm.surv) for arm in read.arms]
        found[name] = min(each)
    return pd.Series(found, name="distance")


def _distance(time, surv, other_time, other_surv) -> float:
    breaks = np.unique(np.r_[0.0, time, other_time])
    breaks = breaks[(breaks >= 0) & (breaks <= time[-1])]
    middle, width = (breaks[1:] + breaks[:-1]) / 2, np.diff(breaks)
    other = np.r_[1.0, other_surv][np.searchsorted(other_time, middle, side="right")]
    true = surv[np.searchsorted(time, middle, side="right") - 1]
    return float((np.abs(true - other) * width).sum() / time[-1])


def alt_overlay(read: Any) -> str:
    """Say in words what the overlay of a reading shows.

    Parameters
    ----------
    read : oligomdt.digitize.Digitised

    Returns
    -------
    str
    """
    arms = [
        f"{arm.name} to survival {arm.surv[-1]:.2f} at {arm.time[-1]:.3g} with "
        f"{len(arm.censor_time)} censoring marks"
        for arm in read.arms
    ]
    ends = [
        f"{name} axis {min(values):g} to {max(values):g}"
        for name, axis in (("time", read.x_axis), ("survival", read.y_axis))
        if (values := [value for _, value in axis.ticks])
    ]
    return f"The figure, pale, with what was read drawn over it. {'; '.join(ends + arms)}."
