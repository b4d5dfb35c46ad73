"""Forest plot of the extended layer: what is pooled filled, what is a scenario open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES, hr_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_extended_forest", "draw_extended_forest", "extended_forest_data"]

LOW, HIGH = 0.09, 3.4
LINE = 0.23
COLOURS = {
    **style.GROUPS,
    "prostate": "#00694B",
    "colorectal": "#8A4B00",
    # Settings have no colour of their own: each would be that of a cancer.
    "oligometastatic": "#3A3A3A",
    "oligoprogressive": "#3A3A3A",
    "oligorecurrent": "#3A3A3A",
}
HEADINGS = {
    **TITLES,
    "prostate": "Prostate cancer",
    "colorectal": "Colorectal cancer",
    "pancreas": "Pancreatic cancer",
    "kidney": "Kidney cancer",
    "oesophagus": "Oesophageal cancer",
    "oligometastatic": "Oligometastatic",
    "oligoprogressive": "Oligoprogressive",
    "oligorecurrent": "Oligorecurrent",
}
WORDS = {
    "trial": "pooled",
    "single trial": "one trial, not pooled",
    "scenario trial": "scenario",
    "pooled": "pooled result",
    "scenario pool": "scenario",
}


def extended_forest_data(estimates: pd.DataFrame, pools: pd.DataFrame) -> pd.DataFrame:
    """Rows of the plot from top to bottom, pool by pool.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `analysis.extended.extended_estimates`.
    pools : pandas.DataFrame
        As from `analysis.extended.extended_by_histology` or `extended_by_setting`.

    Returns
    -------
    pandas.DataFrame
        `kind` ("trial", "single trial", "pooled", "scenario trial", "scenario pool"), `pool`,
        `record`, `label`, `hr`, `low`, `high` (95 %), `level`, `ci_low`, `ci_high` (as
        printed, or as the scenario reads them), `predictive_low`, `predictive_high`, `weight`
        (share of the largest), `reading`, `assumption` and `checked`. Of the scenarios of a
        result the one that stands for its trial is shown. Where a pool has scenarios only,
        all of them are, and `reading` tells those of one result apart. Of the pools under a
        scenario that with the largest such trial is shown, and that with all of them.
    """
    import pandas as pd

    by = "by_setting" if "oligometastatic" in set(pools["pool"]) else "by_histology"
    column = "setting" if by == "by_setting" else "group"
    usable = estimates[estimates[by].astype(bool)]
    counted = usable.loc[usable["status"] == "pooled", column]
    alone = ~usable[column].isin(counted)
    usable = usable[(usable["status"] == "pooled") | usable["joint"].astype(bool) | alone]
    heaviest = (1 / usable["se"] ** 2).max()
    rows = []
    for name in pools["pool"].unique():
        own = usable[usable[column] == name]
        results = pools[pools["pool"] == name]
        stated = "trial" if (own["status"] == "pooled").sum() > 1 else "single trial"
        for status, kind in (("pooled", stated), ("scenario", "scenario trial")):
            chosen = own[own["status"] == status]
            drawn = [_trial_row(name, kind, row, heaviest) for row in _dicts(chosen)]
            rows += _told_apart(drawn, chosen)
            if status == "pooled":
                base = results[(results["kind"] == "pooled") & (results["k"] > 1)]
                rows += [_pool_row("pooled", row) for row in _dicts(base)]
            elif own["record"].nunique() > 1:
                rows += [_pool_row("scenario pool", row) for row in _tried(chosen, results)]
    return pd.DataFrame(rows)


def _told_apart(rows: list[dict[str, Any]], chosen: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of which those of one result say how they read it."""
    for row, scenario, several in zip(
        rows, chosen["scenario"], chosen["record"].duplicated(keep=False), strict=True
    ):
        if several:
            row["reading"] = scenario.removeprefix("standard error from ").replace(",", "")
    return rows


def _dicts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")


def _tried(chosen: pd.DataFrame, results: pd.DataFrame) -> list[dict[str, Any]]:
    """The pool with the largest trial of a scenario, and the pool with all of them."""
    shown = []
    if len(chosen):
        largest = chosen.loc[chosen["patients"].idxmax()]
        words = f"with {largest['label']}: {largest['scenario']}"
        shown += _dicts(results[results["scenario"] == words])
    return shown + _dicts(results[results["kind"] == "joint"])


def _trial_row(name: str, kind: str, row: dict[str, Any], heaviest: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "pool": name,
        "record": row["record"],
        "label": row["label"],
        "hr": row["hr"],
        "low": row["hr95_low"],
        "high": row["hr95_high"],
        "level": row["level"],
        "ci_low": row["ci_low"],
        "ci_high": row["ci_high"],
        "predictive_low": np.nan,
        "predictive_high": np.nan,
        "weight": 1 / row["se"] ** 2 / heaviest,
        "reading": "",
        "assumption": row["assumption"],
        "checked": bool(row["checked"]),
    }


def _pool_row(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    label = f"{row['k']} trials"
    if row["kind"] == "scenario":
        label = row["scenario"].split(":")[0]
    elif row["kind"] == "joint":
        label = f"all scenarios, {row['k']} trials"
    same = ("hr", "low", "high", "predictive_low", "predictive_high")
    return {
        "kind": kind,
        "pool": row["pool"],
        "record": "",
        "label": label,
        **{name: row[name] for name in same},
        "reading": "",
        "assumption": row["assumption"],
        "checked": bool(row["checked"]),
    }


@style.styled
def draw_extended_forest(frame: pd.DataFrame) -> Figure:
    """Draw the plot.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `extended_forest_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    notes = _notes(frame)
    rows = len(frame) + 0.75 * frame["pool"].nunique()
    layout = rows_of.Layout(2.3, 1.55, 0.55, 0.9 + LINE * (len(notes) - 1), 0.46)
    figure, axes = rows_of.place_axes(layout, rows, LOW, HIGH)
    axes.text(0.94, -0.08, "favours MDT", ha="right", color=style.GREY)
    axes.text(1.07, -0.08, "favours control", ha="left", color=style.GREY)
    width, height = figure.get_size_inches()
    top = 1 - 0.12 / height
    figure.text(0.02, top, "MDT versus control", weight="bold", va="top")
    figure.text(1 - 0.02, top, "HR (95 %)", weight="bold", va="top", ha="right")
    position = 0.0
    for name, block in frame.groupby("pool", sort=False):
        position += 0.75
        look = {"weight": "bold", "color": COLOURS.get(name, style.GREY)}
        rows_of.left(axes, layout, position - 0.25, HEADINGS.get(name, name), **look)
        for row in block.to_dict("records"):
            position += 1
            _draw_row(axes, layout, position - 0.5, row)
    for line, text in enumerate(reversed(notes)):
        figure.text(0.02, (0.06 + LINE * line) / height, text, va="bottom")
    return figure


def _draw_row(axes: Axes, layout: rows_of.Layout, y: float, row: dict[str, Any]) -> None:
    colour = COLOURS.get(row["pool"], style.GREY)
    scenario = row["kind"].startswith("scenario")
    weight = "bold" if row["kind"] == "pooled" else "normal"
    if row["kind"].endswith("trial"):
        look = {"color": colour, "size": 25 + 125 * row["weight"], "filled": not scenario}
        look["linestyle"] = (0, (2, 1.5)) if scenario else "solid"
        gid = " ".join(filter(None, (row["record"], row["reading"])))
        rows_of.interval(axes, y, row, gid, **look)
    else:
        _diamond(axes, y, row, colour, filled=not scenario)
    first, *rest = ["Pooled", row["label"]] if row["kind"] == "pooled" else _split(row["label"])
    if row["kind"] not in ("trial", "pooled"):
        rest.append(row["reading"] or WORDS[row["kind"]])
    second = "; ".join(rest)
    rows_of.left(axes, layout, y - 0.2 if second else y, first, weight=weight)
    if second:
        rows_of.left(axes, layout, y + 0.22, second, color=style.GREY)
    level = row.get("level", np.nan)
    printed = not np.isnan(level) and level != 0.95
    rows_of.right(axes, layout, y - 0.2 if printed else y, hr_text(row), weight=weight)
    if printed:
        limits = rows_of.limits(row["ci_low"], row["ci_high"])
        text = f"{'as ' if scenario else ''}{100 * level:g} %: {limits}"
        rows_of.right(axes, layout, y + 0.22, text, color=style.GREY)


def _split(label: str, longest: int = 27) -> list[str]:
    """A label in one line, or in two where it is long."""
    if len(label) <= longest:
        return [label]
    cut = label.rfind(" ", 0, longest + 1)
    return [label[:cut], label[cut + 1 :]]


def _diamond(axes: Axes, y: float, row: dict[str, Any], colour: str, filled: bool) -> None:
    if filled and not np.isnan(row["predictive_low"]):
        ends = np.clip([row["predictive_low"], row["predictive_high"]], LOW, HIGH)
        look = {"color": colour, "linewidth": 5, "alpha": 0.35, "solid_capstyle": "butt"}
        axes.plot(ends, [y, y], gid=f"new {row['pool']}", **look)
    x = [max(row["low"], LOW), row["hr"], min(row["high"], HIGH), row["hr"]]
    axes.fill(
        x,
        [y, y - 0.24, y, y + 0.24],
        facecolor=colour if filled else "white",
        edgecolor=colour,
        linewidth=1.2,
        zorder=3,
        gid=f"hr {row['pool']} {row['label']}",
    )


def _notes(frame: pd.DataFrame) -> list[str]:
    """Lines under the plot: what filled and open mean, and the dagger."""
    notes = ["Filled: printed with an interval, pooled where there are two."]
    notes.append("Open: scenario; its precision is assumed or was not read.")
    notes.append("Diamond: 95 % interval of the pool; pale bar: a new trial.")
    if not frame["checked"].all():
        notes.append(f"{DAGGER} rests on a value that was not read in its source")
    return notes


def alt_extended_forest(frame: pd.DataFrame) -> str:
    """Say in words what the plot shows, with its numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `extended_forest_data`.

    Returns
    -------
    str
    """
    parts = ["Forest plot of progression-free survival, MDT versus control, extended evidence."]
    for name, block in frame.groupby("pool", sort=False):
        texts = [_in_words(row) for row in block.to_dict("records")]
        parts.append(f"{HEADINGS.get(name, name)}: {'; '.join(texts)}.")
    if not frame["checked"].all():
        parts.append(f"{DAGGER}: rests on a value that was not read in its source.")
    return " ".join(parts)


def _in_words(row: dict[str, Any]) -> str:
    name = ", ".join(filter(None, (row["label"], WORDS[row["kind"]], row["reading"])))
    dagger = "" if row["checked"] else DAGGER
    limits = f"{ratio(row['low'])} to {ratio(row['high'])}"
    return f"{name}: hazard ratio {ratio(row['hr'])}, 95 % interval {limits}{dagger}"
