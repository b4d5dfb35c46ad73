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

__all__ = [
    "alt_findings",
    "draw_findings",
    "findings_blocks",
    "findings_data",
    "findings_table",
]

COLUMNS = (
    "group", "scenario", "certainty", "hr", "hr_low", "hr_high", "checked",
    "label", "basis", "control_checked", "time",
)  # fmt: skip
NUMBERS = (
    "per_100_control", "control_low", "control_high",
    "per_100_experimental", "experimental_low", "experimental_high",
    "difference", "low", "high",
    "per_100_own", "own_low", "own_high",
)  # fmt: skip
MAIN = "main analysis"
# Inches: above the rows, of one row, of a heading, below the rows, left and right of the axes.
HEAD, ROW, TITLE, FOOT, LEFT, RIGHT = 0.5, 0.5, 0.42, 1.15, 2.35, 1.55
MARGIN = 0.08
# Rows are of two lines, so far from their middle.
LINE = 0.115


def findings_data(findings: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per control arm and month at which its risk is known.

    Parameters
    ----------
    findings : pandas.DataFrame
        As from `analysis.summary_of_findings`.

    Returns
    -------
    pandas.DataFrame
        `group`, `scenario`, `certainty`, `hr`, `hr_low`, `hr_high`, `checked`, `label`,
        `basis` (of the reconstructed control arm), `control_checked`, `time`, and of 100
        patients `per_100_control`, `per_100_experimental`, `difference` and `per_100_own` (of
        the MDT arm of the same trial), with their limits.
    """
    known = findings[findings["difference"].notna()]
    return known[[*COLUMNS, *NUMBERS]].reset_index(drop=True)


@style.styled
def draw_findings(frame: pd.DataFrame) -> Figure:
    """Draw the difference per 100 patients with its interval, by cancer and hazard ratio.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `findings_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = list(frame.groupby(["group", "scenario"], sort=False))
    tall = HEAD + FOOT + ROW * len(frame) + TITLE * len(groups)
    figure = style.figure(tall)
    width = figure.get_size_inches()[0]
    box = (LEFT / width, FOOT / tall, 1 - (LEFT + RIGHT) / width, 1 - (HEAD + FOOT) / tall)
    axes = figure.add_axes(box)
    axes.set_ylim(tall - HEAD - FOOT, 0)
    own_arm = frame["per_100_own"] - frame["per_100_control"]
    widest = max(frame[["low", "high"]].abs().to_numpy().max(), own_arm.abs().max())
    bound = 10 * np.ceil(widest / 10)
    axes.set_xlim(-bound, bound)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        "difference of 100 patients alive and free\nof progression (above 0 favours MDT)"
    )
    _text(axes, 0, -0.16, -LEFT, "Control arm (reconstructed)", weight="bold")
    _text(axes, 1, -0.16, RIGHT, "control \u2192 MDT", weight="bold", ha="right")
    y = 0.0
    for _, own in groups:
        _text(axes, 0, y + TITLE / 2, -LEFT, _title(own.iloc[0]), weight="bold")
        y += TITLE
        zero = {"color": style.GREY, "linewidth": 1, "zorder": 0}
        axes.plot([0, 0], [y, y + ROW * len(own)], gid="zero", **zero)
        for row in own.to_dict("records"):
            _row(axes, y + ROW / 2, row)
            y += ROW
    note = "\u25cb the MDT arm of the trial itself, reconstructed, less its control arm"
    figure.text(0.02, 0.06 / tall, note, va="bottom")
    return figure


def _set(row: Any) -> str:
    """The trials behind a hazard ratio."""
    title = TITLES.get(row["group"], row["group"])
    return title if row["scenario"] == MAIN else f"{title} {row['scenario']}"


def _title(row: Any) -> str:
    dagger = "" if row["checked"] else DAGGER
    numbers = (
        f"HR {ratio(row['hr'])}{dagger} ({ratio(row['hr_low'])}\u2013{ratio(row['hr_high'])})"
    )
    rated = "scenario" if row["scenario"] != MAIN else f"certainty {row['certainty']}"
    return f"{_set(row)}: {numbers}, {rated}"


def _row(axes: Axes, y: float, row: dict) -> None:
    gid = f"{row['scenario']} {row['label']} {row['time']:g}"
    colour = style.GROUPS.get(row["group"], style.GREY)
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, gid=f"ci {gid}")
    axes.plot(
        [row["difference"]], [y], "o", color=colour, markersize=7, gid=f"difference {gid}"
    )
    grey = {"color": style.GREY}
    _text(axes, 0, y - LINE, -LEFT, f"{_arm(row)}, {row['time']:g} mo")
    numbers = f"{_whole(row['per_100_control'])} \u2192 {_treated(row)}"
    _text(axes, 1, y - LINE, RIGHT, numbers, ha="right")
    limits = f"{_whole(row['low'])} to {_whole(row['high'])}"
    gain = f"{_whole(row['difference'])}{_both(row)} ({limits})"
    _text(axes, 1, y + LINE, RIGHT, gain, ha="right", **grey)
    if not np.isnan(row["per_100_own"]):
        ring = {"color": colour, "markersize": 7, "markerfacecolor": "none"}
        place = row["per_100_own"] - row["per_100_control"]
        axes.plot([place], [y], "o", gid=f"own {gid}", **ring)
        _text(axes, 0, y + LINE, -LEFT, f"  its MDT arm: {_own(row)}", **grey)


def _text(axes: Axes, x: float, y: float, inches: float, text: str, **look: Any) -> None:
    """Write at an edge of the figure, so many inches beside the axes, less a margin."""
    axes.annotate(
        text,
        (x, y),
        (72 * (inches - np.sign(inches) * MARGIN), 0),
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


def _own(row: dict) -> str:
    """Of the MDT arm of the trial itself."""
    dagger = "" if row["control_checked"] else DAGGER
    limits = f"{_whole(row['own_low'])} to {_whole(row['own_high'])}"
    return f"{_whole(row['per_100_own'])}{dagger} ({limits})"


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
    for _, own in frame.groupby(["group", "scenario"], sort=False):
        first = own.iloc[0]
        dagger = "" if first["checked"] else DAGGER
        limits = f"{ratio(first['hr_low'])} to {ratio(first['hr_high'])}"
        rows = [_sentence(row) for row in own.to_dict("records")]
        parts.append(
            f"{_set(first)}, hazard ratio {ratio(first['hr'])}{dagger} "
            f"({limits}), certainty {first['certainty']}: {'; '.join(rows)}"
        )
    return (
        "Patients of 100 alive and free of progression without and with MDT, the difference "
        "with its 95 % limits, for the risk of each reconstructed control arm, and those of "
        f"the reconstructed MDT arm of the same trial. {'. '.join(parts)}. "
        f"{DAGGER} rests on a value that was not read in its source."
    )


def _sentence(row: dict) -> str:
    return (
        f"{_arm(row)} at {row['time']:g} months {_whole(row['per_100_control'])} and "
        f"{_treated(row)}, difference {_whole(row['difference'])}{_both(row)} "
        f"({_whole(row['low'])} to {_whole(row['high'])}), {_own_words(row)}"
    )


def _own_words(row: dict) -> str:
    known = not np.isnan(row["per_100_own"])
    return f"in its MDT arm {_own(row)}" if known else "in its MDT arm not known"


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
                "Cancer": _set(row),
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
                "MDT arm of that trial, reconstructed": _cell(
                    row, control, "per_100_own", "own_low", "own_high"
                ),
            }
        )
    return pd.DataFrame(rows)


def findings_blocks(findings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The table of findings by cancer and hazard ratio, which become its headings.

    Parameters
    ----------
    findings : pandas.DataFrame
        As from `analysis.summary_of_findings`.

    Returns
    -------
    dict of str to pandas.DataFrame
    """
    heads = ["Cancer", "HR (95 %)", "Certainty"]
    return {
        f"{cancer}: HR {hr}, certainty {certainty}": own.drop(columns=heads)
        for (cancer, hr, certainty), own in findings_table(findings).groupby(heads, sort=False)
    }


def _cell(row: dict, dagger: str, *names: str) -> str:
    if np.isnan(row[names[0]]):
        return "not known"
    value, low, high = (_whole(row[name]) for name in names)
    return f"{value}{dagger} ({low} to {high})"
