"""Pooled hazard ratios against the scale of the prior on tau."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_prior", "draw_prior", "prior_data"]

PRIMARY = 0.5
SHAPES = {"NSCLC": ("o", "solid"), "breast": ("s", (0, (5, 1.6)))}


def prior_data(priors: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per histology and scale.

    Parameters
    ----------
    priors : pandas.DataFrame
        As from `analysis.prior_sensitivity`.

    Returns
    -------
    pandas.DataFrame
        `group`, `tau_scale`, `hr`, `low`, `high` (95 % credible), `p_benefit`.
    """
    columns = ["group", "tau_scale", "hr", "low", "high", "p_benefit"]
    return priors[columns].sort_values(["group", "tau_scale"]).reset_index(drop=True)


@style.styled
def draw_prior(frame: pd.DataFrame) -> Figure:
    """Draw the posterior median and its limits over the scales of the prior.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prior_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    figure = style.figure(4.2)
    axes = figure.add_axes((0.12, 0.14, 0.85, 0.74))
    for group, own in frame.groupby("group", sort=False):
        _draw_group(axes, group, own)
    axes.axhline(1, color=style.GREY, linewidth=1, zorder=0)
    axes.axvline(PRIMARY, color=style.LIGHT, linewidth=1, linestyle="dotted", zorder=0)
    axes.set_yscale("log")
    low, high = min(0.15, frame["low"].min() * 0.95), max(3.2, frame["high"].max() * 1.05)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([t for t in style.HR_TICKS if low < t < high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, frame["tau_scale"].max() * 1.02)
    axes.set_xticks(np.linspace(0, frame["tau_scale"].max(), 6))
    axes.set_xlabel("scale of the half-normal prior on tau (0.5 in the primary analysis)")
    axes.set_ylabel("pooled hazard ratio (log scale)")
    figure.legend(loc="upper left", bbox_to_anchor=(0.1, 1.0), ncols=2)
    return figure


def _draw_group(axes: Axes, group: str, own: pd.DataFrame) -> None:
    colour = style.GROUPS.get(group, style.GREY)
    marker, line = SHAPES.get(group, ("^", "dotted"))
    label = f"{TITLES.get(group, group)}, 95 % limits"
    axes.fill_between(
        own["tau_scale"], own["low"], own["high"], color=colour, alpha=0.15, linewidth=0
    )
    axes.plot(
        own["tau_scale"],
        own["hr"],
        color=colour,
        linestyle=line,
        label=label,
        gid=f"hr {group}",
    )
    main = own[np.isclose(own["tau_scale"], PRIMARY)]
    axes.plot(main["tau_scale"], main["hr"], marker, color=colour, markersize=8)
    for name in ("low", "high"):
        look = {"color": colour, "linewidth": 1, "linestyle": line}
        axes.plot(own["tau_scale"], own[name], gid=f"{name} {group}", **look)


def alt_prior(frame: pd.DataFrame) -> str:
    """Say in words how the prior moves the pooled hazard ratios.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prior_data`.

    Returns
    -------
    str
    """
    parts = []
    for group, own in frame.groupby("group", sort=False):
        ends = [own.iloc[0], *own[np.isclose(own["tau_scale"], PRIMARY)].iloc, own.iloc[-1]]
        texts = [
            f"scale {row['tau_scale']:g}: {ratio(row['hr'])} "
            f"({ratio(row['low'])} to {ratio(row['high'])})"
            for row in ends
        ]
        parts.append(f"{TITLES.get(group, group)}, {', '.join(texts)}")
    return (
        "Pooled hazard ratio with 95 % credible limits against the scale of the half-normal "
        f"prior on tau. {'; '.join(parts)}. A wider prior widens the interval."
    )
