"""What the pooled hazard ratios mean for 100 patients, by control arm and month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals, ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import style
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_findings", "draw_findings", "findings_data", "findings_table"]

COLUMNS = (
    "group", "certainty", "hr", "hr_low", "hr_high", "checked",
    "label", "basis", "control_checked", "time",
)  # fmt: skip
NUMBERS = (
    "per_100_control", "control_low", "control_high",
    "per_100_experimental", "experimental_low", "experimental_high",
    "difference", "low", "high",
)  # fmt: skip
HEADING = {"weight": "bold", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
# Inches: above the rows, of one row, of a heading, below the rows, left and right of the axes.
HEAD, ROW, TITLE, FOOT, LEFT, RIGHT = 0.5, 0.3, 0.42, 0.6, 2.35, 1.35


def findings_data(findings: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per control arm and month at which its risk is known.

    Parameters
    ----------
    findings : pandas.DataFrame
        As from `analysis.summary_of_findings`.

    Returns
    -------
    pandas.DataFrame
        `group`, `certainty`, `hr`, `hr_low`, `hr_high`, `checked`, `label`, `basis` (of the
        reconstructed control arm), `control_checked`, `time`, and of 100 patients
        `per_100_control`, `per_100_experimental` and `difference`, with their limits.
    """
    known = findings[findings["difference"].notna()]
    return known[[*COLUMNS, *NUMBERS]].reset_index(drop=True)


@style.styled
def draw_findings(frame: pd.DataFrame) -> Figure:
    """Draw the difference per 100 patients with its interval, grouped by cancer.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `findings_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = list(frame.groupby("group", sort=False))
    tall = HEAD + FOOT + ROW * len(frame) + TITLE * len(groups)
    figure = style.figure(tall)
    width = figure.get_size_inches()[0]
    box = (LEFT / width, FOOT / tall, 1 - (LEFT + RIGHT) / width, 1 - (HEAD + FOOT) / tall)
    axes = figure.add_axes(box)
    axes.set_ylim(tall - HEAD - FOOT, 0)
    bound = 10 * np.ceil(frame[["low", "high"]].abs().to_numpy().max() / 10)
    axes.set_xlim(-bound, bound)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=style.GREY, linewidth=1, zorder=0)
    axes.set_xlabel("difference of 100 patients free of progression")
    _text(axes, 0, -0.16, -LEFT, "Control arm (reconstructed)", weight="bold")
    _text(axes, 1, -0.16, RIGHT, "control \u2192 MDT", weight="bold", ha="right")
    y = 0.0
    for group, own in groups:
        _text(axes, 0, y + TITLE / 2, -LEFT, _title(group, own.iloc[0]), **HEADING)
        y += TITLE
        for row in own.to_dict("records"):
            _row(axes, y + ROW / 2, row)
            y += ROW
    return figure


def _title(group: str, row: Any) -> str:
    dagger = "" if row["checked"] else DAGGER
    numbers = (
        f"HR {ratio(row['hr'])}{dagger} ({ratio(row['hr_low'])}\u2013{ratio(row['hr_high'])})"
    )
    return f"{TITLES.get(group, group)}: {numbers}, certainty {row['certainty']}"


def _row(axes: Axes, y: float, row: dict) -> None:
    gid = f"{row['label']} {row['time']:g}"
    colour = style.GROUPS.get(row["group"], style.GREY)
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, gid=f"ci {gid}")
    axes.plot(
        [row["difference"]], [y], "o", color=colour, markersize=7, gid=f"difference {gid}"
    )
    _text(axes, 0, y, -LEFT, f"{_arm(row)}, {row['time']:g} mo")
    numbers = f"{_whole(row['per_100_control'])} \u2192 {_treated(row)}"
    _text(axes, 1, y, RIGHT, numbers, ha="right")


def _text(axes: Axes, x: float, y: float, inches: float, text: str, **look: Any) -> None:
    """Write at an edge of the figure, so many inches beside the axes."""
    axes.annotate(
        text,
        (x, y),
        (72 * inches, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **look,
    )


def _arm(row: dict) -> str:
    return row["label"] + ("" if row["control_checked"] else DAGGER)


def _both(row: dict) -> str:
    """Mark of a number that rests on the hazard ratio and on the control arm."""
    return "" if row["checked"] and row["control_checked"] else DAGGER


def _treated(row: dict) -> str:
    return _whole(row["per_100_experimental"]) + _both(row)


def _whole(value: float) -> str:
    return decimals(value, 0)


def alt_findings(frame: pd.DataFrame) -> str:
    """Say in words what the hazard ratios mean for 100 patients.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `findings_data`.

    Returns
    -------
    str
    """
    parts = []
    for group, own in frame.groupby("group", sort=False):
        first = own.iloc[0]
        dagger = "" if first["checked"] else DAGGER
        limits = f"{ratio(first['hr_low'])} to {ratio(first['hr_high'])}"
        rows = [_sentence(row) for row in own.to_dict("records")]
        parts.append(
            f"{TITLES.get(group, group)}, hazard ratio {ratio(first['hr'])}{dagger} "
            f"({limits}), certainty {first['certainty']}: {'; '.join(rows)}"
        )
    return (
        "Patients of 100 free of progression without and with MDT, and the difference with its "
        f"95 % limits, for the risk of each reconstructed control arm. {'. '.join(parts)}. "
        f"{DAGGER} rests on a value that was not read in its source."
    )


def _sentence(row: dict) -> str:
    return (
        f"{_arm(row)} at {row['time']:g} months {_whole(row['per_100_control'])} and "
        f"{_treated(row)}, difference {_whole(row['difference'])}{_both(row)} "
        f"({_whole(row['low'])} to {_whole(row['high'])})"
    )


def findings_table(findings: pd.DataFrame) -> pd.DataFrame:
    """Summary of findings as a table of texts; what is not known is said to be so.

    Parameters
    ----------
    findings : pandas.DataFrame
        As from `analysis.summary_of_findings`.

    Returns
    -------
    pandas.DataFrame
        One row per control arm and month.
    """
    import pandas as pd

    rows = []
    for row in findings.to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        limits = f"{ratio(row['hr_low'])} to {ratio(row['hr_high'])}"
        control = "" if row["control_checked"] else DAGGER
        rows.append(
            {
                "Cancer": TITLES.get(row["group"], row["group"]),
                "HR (95 %)": f"{ratio(row['hr'])}{dagger} ({limits})",
                "Certainty": row["certainty"],
                "Control arm": _arm(row),
                "Month": f"{row['time']:g}",
                "Of 100, control": _cell(
                    row, control, "per_100_control", "control_low", "control_high"
                ),
                "Of 100, MDT": _cell(
                    row,
                    _both(row),
                    "per_100_experimental",
                    "experimental_low",
                    "experimental_high",
                ),
                "Difference": _cell(row, _both(row), "difference", "low", "high"),
            }
        )
    return pd.DataFrame(rows)


def _cell(row: dict, dagger: str, *names: str) -> str:
    if np.isnan(row[names[0]]):
        return "not known"
    value, low, high = (_whole(row[name]) for name in names)
    return f"{value}{dagger} ({low} to {high})"
