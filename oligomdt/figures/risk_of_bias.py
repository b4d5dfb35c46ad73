"""Risk of bias of each pooled result, domain by domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_risk_of_bias", "draw_risk_of_bias", "risk_of_bias_data", "risk_of_bias_table"]

# Colour, sign and colour of the sign: the sign says it without the colour.
LOOKS = {
    "low": ("#007A5A", "+", "white"),
    "some concerns": ("#E8B000", "!", "black"),
    "high": ("#B3261E", "\u00d7", "white"),
    "no information": ("#FFFFFF", "?", "black"),
    "not assessed": ("#FFFFFF", "\u2013", "black"),
}
HEADINGS = {
    "randomisation": "Random-\nisation",
    "deviations": "Devia-\ntions",
    "missing data": "Missing\ndata",
    "measurement": "Meas-\nuring",
    "selection": "Selec-\ntion",
    "overall": "Overall",
}
# Inches: above the rows, of one row, below them, left of the columns.
HEAD, ROW, FOOT, LEFT = 0.55, 0.42, 0.5, 1.8


def risk_of_bias_data(judgements: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: one per result and domain.

    Parameters
    ----------
    judgements : pandas.DataFrame
        As from `analysis.risk_of_bias`.

    Returns
    -------
    pandas.DataFrame
        `label`, `group`, `domain`, `judgement`, `at_least`, `strict`.
    """
    columns = ["label", "group", "domain", "judgement", "at_least", "strict"]
    return judgements[columns].reset_index(drop=True)


@style.styled
def draw_risk_of_bias(frame: pd.DataFrame) -> Figure:
    """Draw a sign for each judgement, a row for each result.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `risk_of_bias_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = list(dict.fromkeys(frame["label"]))
    height = HEAD + ROW * len(labels) + FOOT
    figure = style.figure(height)
    width = figure.get_size_inches()[0]
    box = (LEFT / width, FOOT / height, 1 - LEFT / width, ROW * len(labels) / height)
    axes = figure.add_axes(box)
    axes.set_xlim(-0.5, len(HEADINGS) - 0.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.axis("off")
    for x, heading in enumerate(HEADINGS.values()):
        axes.text(x, -0.6, heading, ha="center", va="bottom")
    for y, label in enumerate(labels):
        axes.text(-0.5, y, label, ha="right", va="center")
    places = {name: x for x, name in enumerate(HEADINGS)}
    for row in frame.to_dict("records"):
        _sign(axes, places[row["domain"]], labels.index(row["label"]), row)
    axes.axvline(len(HEADINGS) - 1.5, color=style.LIGHT, linewidth=1)
    _legend(figure, frame)
    return figure


def _sign(axes: Axes, x: float, y: float, row: dict) -> None:
    fill, sign, ink = LOOKS[row["judgement"]]
    gid = f"{row['label']} {row['domain']} {row['judgement']}"
    look = {"marker": "o", "markersize": 19, "markeredgecolor": style.GREY}
    axes.plot([x], [y], color=fill, linestyle="none", gid=gid, **look)
    text = f"\u2265{sign}" if row["at_least"] else sign
    axes.text(x, y, text, color=ink, ha="center", va="center_baseline", weight="bold")


def _legend(figure: Figure, frame: pd.DataFrame) -> None:
    shown = [name for name in LOOKS if name in set(frame["judgement"])]
    words = [f"{LOOKS[name][1]} {name}" for name in shown]
    if frame["at_least"].any():
        words.append("\u2265 at least")
    figure.text(0.5, 0.02, "     ".join(words), ha="center", va="bottom")


def alt_risk_of_bias(frame: pd.DataFrame) -> str:
    """Say in words how each result was judged.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `risk_of_bias_data`.

    Returns
    -------
    str
    """
    parts = []
    for label, own in frame.groupby("label", sort=False):
        words = [f"{row['domain']} {_words(row)}" for row in own.to_dict("records")]
        parts.append(f"{label}: {', '.join(words)}")
    return f"Risk of bias by RoB 2, by domain and overall. {'; '.join(parts)}."


def _words(row: dict) -> str:
    return ("at least " if row["at_least"] else "") + row["judgement"]


def risk_of_bias_table(judgements: pd.DataFrame) -> pd.DataFrame:
    """Table of the judgements with their reasons; the sources are in `analysis.risk_of_bias`.

    Parameters
    ----------
    judgements : pandas.DataFrame
        As from `analysis.risk_of_bias`.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per result and domain.
    """
    import pandas as pd

    rows = [
        {
            "Result": row["label"],
            "Domain": row["domain"],
            "Judgement": _words(row),
            "Answers": row["answers"] or "\u2013",
            "Reason": row["reason"],
        }
        for row in judgements.to_dict("records")
    ]
    return pd.DataFrame(rows)
