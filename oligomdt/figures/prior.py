"""Pooled hazard ratios and probabilities of benefit against the scale of the prior on tau."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import percent, ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_prior", "draw_prior", "prior_data"]

PRIMARY = 0.5
FOOTNOTE = f"{DAGGER} rests on a value that was not read in its source"
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
        `group`, `tau_scale`, `hr`, `low`, `high` (95 % credible), `p_benefit` (probability
        of HR below 1), `p_relevant` (below 0.8), `checked` (false: a value was not read in
        its source, which a dagger shows).
    """
    columns = ["group", "tau_scale", "hr", "low", "high", "p_benefit", "p_relevant", "checked"]
    return priors[columns].sort_values(["group", "tau_scale"]).reset_index(drop=True)


@style.styled
def draw_prior(frame: pd.DataFrame) -> Figure:
    """Draw the posterior median, its limits and two probabilities over the scales.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `prior_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = style.figure(6.8)
    axes = figure.add_axes((0.13, 0.475, 0.84, 0.455))
    chances = figure.add_axes((0.13, 0.115, 0.84, 0.25))
    for group, own in frame.groupby("group", sort=False):
        _draw_group(axes, group, own)
        _draw_chances(chances, group, own)
    _hazard_ratios(axes, frame)
    chances.set_ylim(0, 1.02)
    chances.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    chances.set_ylabel("probability (%)")
    chances.set_xlabel("scale of the half-normal prior on tau (0.5 in the primary analysis)")
    for each in (axes, chances):
        each.axvline(PRIMARY, color=style.LIGHT, linewidth=1, linestyle="dotted", zorder=0)
        each.set_xlim(0, frame["tau_scale"].max() * 1.02)
        each.set_xticks(np.linspace(0, frame["tau_scale"].max(), 6))
    figure.legend(loc="upper left", bbox_to_anchor=(0.1, 1.0), ncols=2)
    note = "thick: P(HR < 1), thin: P(HR < 0.8)"
    chances.set_title(note, fontsize=style.FONT, weight="normal")
    if not frame["checked"].all():
        figure.text(0.02, 0.0, FOOTNOTE, va="bottom")
    return figure


def _title(group: str, own: pd.DataFrame) -> str:
    return TITLES.get(group, group) + ("" if own["checked"].all() else DAGGER)


def _hazard_ratios(axes: Axes, frame: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.axhline(1, color=style.GREY, linewidth=1, zorder=0)
    axes.set_yscale("log")
    low, high = min(0.15, frame["low"].min() * 0.95), max(3.2, frame["high"].max() * 1.05)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([t for t in style.HR_TICKS if low < t < high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("pooled hazard ratio (log scale)")


def _draw_chances(axes: Axes, group: str, own: pd.DataFrame) -> None:
    _, line = SHAPES.get(group, ("^", "dotted"))
    look = {"color": style.GROUPS.get(group, style.GREY), "linestyle": line}
    for name, width in (("p_benefit", 2.2), ("p_relevant", 1.0)):
        values = own[name]
        axes.plot(own["tau_scale"], values, linewidth=width, gid=f"{name} {group}", **look)


def _draw_group(axes: Axes, group: str, own: pd.DataFrame) -> None:
    colour = style.GROUPS.get(group, style.GREY)
    marker, line = SHAPES.get(group, ("^", "dotted"))
    label = f"{_title(group, own)}, 95 % limits"
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
        main = own[np.isclose(own["tau_scale"], PRIMARY)]
        texts += [
            f"at {PRIMARY:g} P(HR < 1) {percent(row['p_benefit'])} % and P(HR < 0.8) "
            f"{percent(row['p_relevant'])} %"
            for row in main.to_dict("records")
        ]
        parts.append(f"{_title(group, own)}, {', '.join(texts)}")
    return (
        "Pooled hazard ratio with 95 % credible limits, and the probabilities of a hazard "
        "ratio below 1 and below 0.8, against the scale of the half-normal prior on tau. "
        f"{'; '.join(parts)}. A wider prior widens the interval.{_footnote(frame)}"
    )


def _footnote(frame: pd.DataFrame) -> str:
    return "" if frame["checked"].all() else f" {FOOTNOTE}."
