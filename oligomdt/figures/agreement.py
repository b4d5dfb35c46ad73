"""Published hazard ratios beside those of the reconstructed patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import decimals, ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["agreement_data", "alt_agreement", "draw_agreement"]

LAYOUT = rows_of.Layout(2.0, 1.6, 0.75, 0.6, 0.55)
LOW, HIGH = 0.09, 3.4
DASHED = {"marker": "o", "filled": False, "linestyle": (0, (4, 2))}
SIDES = {
    "published": {"color": "#5A5A5A", "marker": "s", "filled": True},
    "reconstructed": {"color": "#0072B2", **DASHED},
}


def agreement_data(agreement: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: two for each result.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As from `analysis.agreement`.

    Returns
    -------
    pandas.DataFrame
        `label`, `group`, `side` ("published" or "reconstructed"), `hr`, `low`, `high` (95 %),
        `difference_in_se` (of the log hazard ratios, in standard errors), `basis`, `checked`.
    """
    import pandas as pd

    rows = []
    for row in agreement.to_dict("records"):
        same = {name: row[name] for name in ("label", "group")}
        for side in SIDES:
            numbers = {name: row[f"{name}_{side}"] for name in ("hr", "low", "high")}
            rows.append(
                same
                | {"side": side}
                | numbers
                | {
                    "difference_in_se": row["difference_in_se"],
                    "basis": row["basis"] if side == "reconstructed" else "published",
                    "checked": bool(row["checked"]),
                }
            )
    return pd.DataFrame(rows)


@style.styled
def draw_agreement(frame: pd.DataFrame) -> Figure:
    """Draw both hazard ratios of each result, one under the other.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `agreement_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = frame["label"].unique()
    figure, axes = rows_of.place_axes(LAYOUT, len(labels), LOW, HIGH)
    for place, label in enumerate(labels):
        own = frame[frame["label"] == label].to_dict("records")
        rows_of.left(axes, LAYOUT, place + 0.5, f"{label}")
        for y, row in zip((place + 0.3, place + 0.7), own, strict=True):
            look = SIDES[row["side"]]
            rows_of.interval(axes, y, row, f"{row['side']} {label}", size=45, **look)
            rows_of.right(axes, LAYOUT, y, _numbers(row), color=look["color"])
    height = figure.get_size_inches()[1]
    for i, (side, look) in enumerate(SIDES.items()):
        mark = "\u25a0" if look["filled"] else "\u25cb"
        text = f"{mark} {side}, with 95 % interval"
        y = 1 - (0.06 + 0.23 * i) / height
        figure.text(0.02, y, text, va="top", color=look["color"])
    return figure


def _numbers(row: dict[str, Any]) -> str:
    dagger = "" if row["checked"] else DAGGER
    return f"{ratio(row['hr'])} ({rows_of.limits(row['low'], row['high'])}){dagger}"


def alt_agreement(frame: pd.DataFrame) -> str:
    """Say in words how published and reconstructed hazard ratios compare.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `agreement_data`.

    Returns
    -------
    str
    """
    parts = []
    for label, own in frame.groupby("label", sort=False):
        side = own.set_index("side")
        parts.append(
            f"{label} published {_numbers(side.loc['published'].to_dict())}, "
            f"reconstructed {_numbers(side.loc['reconstructed'].to_dict())}"
        )
    largest = frame["difference_in_se"].abs().max()
    return (
        "Hazard ratios with 95 % intervals, published and reconstructed: "
        f"{'; '.join(parts)}. Largest difference of the log hazard ratios: "
        f"{decimals(largest, 2)} standard errors."
    )
