"""Forest plot of the hazard ratios, by histology."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_forest", "draw_forest", "forest_data"]

LOW, HIGH = 0.09, 3.4
LINE = 0.23
TITLES = {"NSCLC": "NSCLC", "breast": "Breast cancer", "mixed": "Mixed histologies"}
BASES = {
    "published": "published hazard ratios",
    "figure": "reconstructed from the figure",
    "statistics": "reconstructed from statistics",
}


def forest_data(
    estimates: pd.DataFrame, synthesis: pd.DataFrame, contrasts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Rows of the forest plot from top to bottom.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As from `analysis.published_estimates` or `analysis.reconstructed_estimates`; rows
        with `pooled` are shown.
    synthesis : pandas.DataFrame
        As from `analysis.histology_synthesis`; the primary row of each group is its diamond.
    contrasts : pandas.DataFrame, optional
        As from `analysis.interaction`; the primary rows stand under the plot.

    Returns
    -------
    pandas.DataFrame
        `kind` ("trial", "pooled" or "contrast"), `group`, `result`, `label`,
        `n_experimental`, `n_control`, `hr` (for a contrast the ratio of hazard ratios),
        `low`, `high` (95 %), `predictive_low`, `predictive_high`, `weight` (inverse variance,
        share of the largest), `level`, `ci_low`, `ci_high` (as printed), `interval`,
        `checked` and `basis`. A group of one trial has no "pooled" row.
    """
    import pandas as pd

    pooled = estimates[estimates["pooled"].astype(bool)]
    heaviest = (1 / pooled["se"] ** 2).max()
    rows = []
    for main in synthesis[synthesis["role"] == "primary"].to_dict("records"):
        for row in pooled[pooled["group"] == main["group"]].to_dict("records"):
            rows.append(_trial_row(row) | {"weight": 1 / row["se"] ** 2 / heaviest})
        if main["k"] > 1:
            rows.append(_pooled_row(main))
    if contrasts is not None:
        rows += [_contrast_row(row) for row in contrasts.to_dict("records") if _primary(row)]
    frame = pd.DataFrame(rows)
    return frame.astype({"n_experimental": "Int64", "n_control": "Int64"})


def _primary(row: dict[str, Any]) -> bool:
    return row["role"] == "primary"


def _trial_row(row: dict[str, Any]) -> dict[str, Any]:
    same = ("group", "result", "label", "n_experimental", "n_control", "hr", "level")
    return {
        "kind": "trial",
        **{name: row[name] for name in same},
        "low": row["hr95_low"],
        "high": row["hr95_high"],
        "predictive_low": np.nan,
        "predictive_high": np.nan,
        "ci_low": row.get("ci_low", np.nan),
        "ci_high": row.get("ci_high", np.nan),
        "interval": "confidence",
        "checked": bool(row["checked"]),
        "basis": row["basis"],
    }


def _pooled_row(main: dict[str, Any]) -> dict[str, Any]:
    same = ("group", "hr", "low", "high", "predictive_low", "predictive_high", "interval")
    label = f"{main['k']} trials, {main['patients']} patients"
    return {
        "kind": "pooled",
        "result": "",
        "label": label,
        "checked": bool(main["checked"]),
        **{name: main[name] for name in same},
        "basis": main["method"],
    }


def _contrast_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "contrast",
        "group": "",
        "result": "",
        "label": row["contrast"],
        "hr": row["ratio"],
        "low": row["low"],
        "high": row["high"],
        "interval": row["interval"],
        "checked": row["checked"],
        "basis": row["method"],
    }


@style.styled
def draw_forest(frame: pd.DataFrame) -> Figure:
    """Draw the forest plot.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `forest_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = frame[frame["kind"] != "contrast"]
    notes = _notes(frame)
    groups = shown["group"].nunique()
    rows = len(shown) + 0.75 * groups
    layout = rows_of.Layout(1.9, 1.72, 0.55, 0.9 + LINE * (len(notes) - 1), 0.5)
    figure, axes = rows_of.place_axes(layout, rows, LOW, HIGH)
    _heads(figure, axes)
    position = 0.0
    for group, block in shown.groupby("group", sort=False):
        position += 0.75
        title = TITLES.get(group, group)
        colour = _colour(group)
        rows_of.left(axes, layout, position - 0.25, title, weight="bold", color=colour)
        for row in block.to_dict("records"):
            position += 1
            _draw_row(axes, layout, position - 0.5, row)
    height = figure.get_size_inches()[1]
    for line, text in enumerate(reversed(notes)):
        figure.text(0.02, (0.06 + LINE * line) / height, text, va="bottom")
    return figure


def _heads(figure: Figure, axes: Axes) -> None:
    axes.text(0.94, -0.08, "favours MDT", ha="right", color=style.GREY)
    axes.text(1.07, -0.08, "favours control", ha="left", color=style.GREY)
    width, height = figure.get_size_inches()
    top = 1 - 0.12 / height
    figure.text(0.02, top, "MDT versus control", weight="bold", va="top")
    figure.text(1 - 0.02, top, "HR (95 % interval)", weight="bold", va="top", ha="right")


def _colour(group: str) -> str:
    return style.GROUPS.get(group, style.GREY)


def _draw_row(axes: Axes, layout: rows_of.Layout, y: float, row: dict[str, Any]) -> None:
    pooled = row["kind"] == "pooled"
    weight = "bold" if pooled else "normal"
    if pooled:
        _diamond(axes, y, row)
        rows_of.left(axes, layout, y - 0.2, "Pooled", weight=weight)
        rows_of.left(axes, layout, y + 0.22, row["label"], color=style.GREY)
    else:
        look = {"color": _colour(row["group"]), "size": 150 * row["weight"]}
        rows_of.interval(axes, y, row, row["result"], **look)
        rows_of.left(axes, layout, y - 0.2, row["label"])
        rows_of.left(axes, layout, y + 0.22, _sizes(row), color=style.GREY)
    level = row.get("level")
    second = _predictive(row) if pooled else ""
    if not pooled and level != 0.95:
        second = (
            f"printed {100 * level:g} %: {ratio(row['ci_low'])}\u2013{ratio(row['ci_high'])}"
        )
    rows_of.right(axes, layout, y - 0.2 if second else y, hr_text(row), weight=weight)
    if second:
        rows_of.right(axes, layout, y + 0.22, second, color=style.GREY)


def _sizes(row: dict[str, Any]) -> str:
    return f"n {row['n_experimental']} vs {row['n_control']}"


def _predictive(row: dict[str, Any]) -> str:
    if np.isnan(row["predictive_low"]):
        return ""
    return f"new trial {rows_of.limits(row['predictive_low'], row['predictive_high'])}"


def hr_text(row: dict[str, Any]) -> str:
    """A hazard ratio with its limits, and a dagger where it was not read in its source."""
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])}){dagger}"


def _diamond(axes: Axes, y: float, row: dict[str, Any]) -> None:
    colour = _colour(row["group"])
    if not np.isnan(row["predictive_low"]):
        ends = np.clip([row["predictive_low"], row["predictive_high"]], LOW, HIGH)
        look = {"color": colour, "linewidth": 5, "alpha": 0.35, "solid_capstyle": "butt"}
        axes.plot(ends, [y, y], gid=f"new {row['group']}", **look)
    x = [max(row["low"], LOW), row["hr"], min(row["high"], HIGH), row["hr"]]
    axes.fill(x, [y, y - 0.24, y, y + 0.24], color=colour, zorder=3, gid=f"hr {row['group']}")


def _notes(frame: pd.DataFrame) -> list[str]:
    """Lines under the plot: basis, contrast, dagger."""
    bases = [BASES.get(b, b) for b in frame.loc[frame["kind"] == "trial", "basis"].unique()]
    notes = [f"Basis: {', '.join(bases)}. Diamond: 95 % credible interval;"]
    notes.append("pale bar: 95 % prediction for a new trial. One trial: no pooling.")
    for row in frame[frame["kind"] == "contrast"].to_dict("records"):
        if row["label"] != "between trials":
            notes.append(f"Ratio of HRs, NSCLC / breast, {row['label']}: {hr_text(row)}")
    if not frame["checked"].all():
        notes.append(f"{DAGGER} rests on a value that was not read in its source")
    return notes


def alt_forest(frame: pd.DataFrame) -> str:
    """Say in words what the forest plot shows, with its numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `forest_data`.

    Returns
    -------
    str
    """
    parts = ["Forest plot of progression-free survival, MDT versus control, by histology."]
    for group, block in frame[frame["kind"] != "contrast"].groupby("group", sort=False):
        texts = [_in_words(row) for row in block.to_dict("records")]
        parts.append(f"{TITLES.get(group, group)}: {'; '.join(texts)}.")
    for row in frame[frame["kind"] == "contrast"].to_dict("records"):
        numbers = f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'], ' to ')})"
        numbers += "" if row["checked"] else DAGGER
        parts.append(f"Ratio of hazard ratios, NSCLC to breast, {row['label']}: {numbers}.")
    if not frame["checked"].all():
        parts.append(f"{DAGGER}: rests on a value that was not read in its source.")
    return " ".join(parts)


def _in_words(row: dict[str, Any]) -> str:
    name = row["label"] if row["kind"] == "trial" else f"pooled ({row['label']})"
    dagger = "" if row["checked"] else DAGGER
    numbers = (
        f"{ratio(row['hr'])}, 95 % interval {ratio(row['low'])} to {ratio(row['high'])}{dagger}"
    )
    return f"{name} hazard ratio {numbers}"
