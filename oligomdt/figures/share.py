"""How much of the variance of each estimate the reconstruction adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oligomdt.analysis.printing import decimals
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["alt_share", "draw_share", "share_data"]

NAMES = {
    "cox": "HR, Cox",
    "logrank": "HR, log-rank",
    "rmst": "RMST difference",
    "rmst_ratio": "RMST ratio",
    "landmark": "PFS at 6 months",
    "log_cumhaz": "Cumulative HR at 6 months",
    "early": "HR, early",
    "late": "HR, late",
}
SHAPES = {"NSCLC": ("o", "\u25cf"), "breast": ("s", "\u25a0"), "mixed": ("^", "\u25b2")}
OTHER = ("D", "\u25c6")
ROW = 0.4
LANDMARK = 6


def share_data(estimates: pd.DataFrame) -> pd.DataFrame:
    """One row per contrast and trial.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `analysis.ipd_estimates`; contrasts at one time are those at 6 months.

    Returns
    -------
    pandas.DataFrame
        `estimand`, `name`, `group`, `label`, `share_percent` (of the variance that the
        reconstruction adds; without trials in which the contrast is not defined).
    """
    at_time = estimates["estimand"].isin(["landmark", "log_cumhaz"])
    own = estimates[estimates["share"].notna() & (~at_time | estimates["option"].eq(LANDMARK))]
    frame = own.assign(
        name=own["estimand"].map(NAMES), share_percent=100 * own["share"]
    ).reset_index(drop=True)
    order = frame["estimand"].map({name: place for place, name in enumerate(NAMES)})
    frame = frame.loc[order.sort_values(kind="stable").index]
    return frame[["estimand", "name", "group", "label", "share_percent"]].reset_index(drop=True)


@style.styled
def draw_share(frame: pd.DataFrame) -> Figure:
    """Draw one row per contrast and one mark per trial.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `share_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = frame["name"].unique()
    height = 1.1 + ROW * len(names)
    figure = style.figure(height)
    axes = figure.add_axes((0.4, 0.65 / height, 0.56, ROW * len(names) / height))
    for place, name in enumerate(names):
        axes.axhline(place, color=style.LIGHT, linewidth=0.6, zorder=0)
        for group, own in frame[frame["name"] == name].groupby("group", sort=False):
            axes.scatter(
                own["share_percent"],
                [place] * len(own),
                s=55,
                marker=SHAPES.get(group, OTHER)[0],
                facecolor=style.GROUPS.get(group, style.GREY),
                alpha=0.75,
                linewidth=0,
                clip_on=False,
                zorder=3,
                gid=f"share {name} {group}",
            )
    axes.set_xlim(-2, max(60.0, 5 + frame["share_percent"].max()))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of variance from reconstruction, %")
    x = 0.02
    for group in frame["group"].unique():
        mark = SHAPES.get(group, OTHER)[1]
        colour = style.GROUPS.get(group, style.GREY)
        text = f"{mark} {TITLES.get(group, group)}"
        figure.text(x, 1 - 0.08 / height, text, va="top", color=colour)
        x += 0.18 if group == "NSCLC" else 0.3
    return figure


def alt_share(frame: pd.DataFrame) -> str:
    """Say in words how large the shares are.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `share_data`.

    Returns
    -------
    str
    """
    parts = []
    for name, own in frame.groupby("name", sort=False):
        low, high = (decimals(own["share_percent"].agg(f), 1) for f in ("min", "max"))
        parts.append(f"{name} {low} to {high} %")
    return (
        "Share of the variance of each estimate that the reconstruction adds, lowest to "
        f"highest over the trials: {'; '.join(parts)}."
    )
