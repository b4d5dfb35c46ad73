"""Kaplan-Meier curves of one reconstructed comparison, with the band of the reconstruction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.curves import survival_band
from oligomdt.analysis.printing import decimals
from oligomdt.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_km", "draw_km", "km_data"]

ARMS = ("control", "experimental")
BASES = {
    "statistics": "reconstructed from published statistics",
    "figure": "reconstructed from the published figure",
}
BAND = "Band: middle 95 % of the draws, not a confidence interval."


def km_data(*reconstructions: Any) -> pd.DataFrame:
    """Curves, medians and numbers at risk of one result.

    Parameters
    ----------
    *reconstructions : Reconstruction
        One, or several of the same result on different bases, the better first.

    Returns
    -------
    pandas.DataFrame
        `kind`, `result`, `label`, `basis`, `arm`, `time` (months), `surv`, `low`, `high`,
        `n_risk`, `draws`, `sparse`, `text`. Rows of kind "curve": as `survival_band`. Rows of
        kind "stated median": the printed median in `time`; of kind "stated landmark": printed
        survival in `surv`, its limits in `low` and `high`; both as printed in `text`. Rows of
        kind "arm": `n_risk` holds the patients randomised.

    Raises
    ------
    ValueError
        Where nothing is given, or the reconstructions are of different results.
    """
    import pandas as pd

    if not reconstructions:
        raise ValueError("km_data needs a reconstruction")
    names = {one.result.id for one in reconstructions}
    if len(names) > 1:
        raise ValueError(f"reconstructions of {', '.join(sorted(names))}: give one result")
    result = reconstructions[0].result
    frames = [
        survival_band(one).assign(kind="curve", basis=one.basis) for one in reconstructions
    ]
    frames.append(pd.DataFrame(_stated(result)))
    frame = pd.concat(frames, ignore_index=True).assign(result=result.id, label=_label(result))
    columns = ["kind", "result", "label", "basis", "arm", "time", "surv", "low", "high"]
    frame = frame.reindex(columns=[*columns, "n_risk", "draws", "sparse", "text"])
    frame["sparse"] = frame["sparse"].eq(True)
    return frame.astype({"draws": "Int64"}).fillna({"basis": "", "text": ""})


def _label(result: Any) -> str:
    from oligomdt import evidence
    from oligomdt.analysis.estimates import label

    trials = evidence.load()
    if result.trial not in trials:
        return result.id
    trial = trials[result.trial]
    return label(trial, trial.cohort(result.cohort), result)


def _stated(result: Any) -> list[dict[str, Any]]:
    rows = []
    for role in ARMS:
        arm = result.arms[role]
        size = float(arm.n.value) if arm.n else np.nan
        rows.append({"kind": "arm", "arm": role, "n_risk": size})
        if arm.median:
            row = {"kind": "stated median", "arm": role, "time": arm.median.value, "surv": 0.5}
            rows.append(row | {"text": _with_ci(arm.median, arm.median_ci)})
        rows += [_landmark(role, mark) for mark in arm.landmarks]
    return rows


def _landmark(role: str, mark: Any) -> dict[str, Any]:
    limits = {}
    if mark.interval:
        limits = {"low": mark.interval.lower.value, "high": mark.interval.upper.value}
    row = {"kind": "stated landmark", "arm": role, "time": mark.time.value, **limits}
    text = f"{_with_ci(mark.surv, mark.interval)} at {mark.time}"
    return row | {"surv": mark.surv.value, "text": text}


def _with_ci(value: Any, interval: Any) -> str:
    """A stated value as printed, as in "10.0 (95 % CI 7.2 to not reached)"."""
    return f"{value} ({100 * interval.level:g} % CI {interval})" if interval else str(value)


@style.styled
def draw_km(frame: pd.DataFrame) -> Figure:
    """Draw the curves of one result.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `km_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = _heading(frame)
    figure = style.figure(4.35 + 0.225 * len(lines))
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.7 / width, 1.35 / height, (width - 0.9) / width, 2.95 / height))
    draw_curves(axes, frame)
    axes.set_xlabel("months since randomisation")
    axes.set_ylabel("progression-free survival")
    numbers_at_risk(axes, frame, heading="at risk (median of draws)")
    for i, (text, weight, colour) in enumerate(lines):
        figure.text(
            0.02, 1 - (0.06 + 0.225 * i) / height, text, va="top", weight=weight, color=colour
        )
    return figure


def _heading(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Lines over the plot: text, weight and colour."""
    curves = frame[frame["kind"] == "curve"]
    lines = [(frame["label"].iloc[0], "bold", "black")]
    for basis, rows in curves.groupby("basis", sort=False):
        draws = f", {rows['draws'].max()} draws" if basis == "statistics" else ""
        lines.append((f"{BASES[basis].capitalize()}{draws}.", "normal", style.GREY))
    if curves["low"].notna().any():
        lines.append((BAND, "normal", style.GREY))
    for arm in ARMS:
        own = frame[frame["arm"] == arm]
        size = own.loc[own["kind"] == "arm", "n_risk"].iloc[0]
        mark = "\u2014" if arm == "experimental" else "- -"
        text = f"{mark}  {style.ARMS[arm]['label']}, n {size:.0f}"
        for stated in own.loc[own["kind"] == "stated median", "text"]:
            text += f"; stated median {stated}"
        lines.append((text, "normal", style.ARMS[arm]["color"]))
    return lines


def draw_curves(axes: Axes, frame: pd.DataFrame, marker: float = 8) -> None:
    """Draw the curves, bands and stated values of one result; `marker` is in points."""
    curves = frame[frame["kind"] == "curve"]
    for place, (basis, rows) in enumerate(curves.groupby("basis", sort=False)):
        for arm, own in rows.groupby("arm", sort=False):
            look, gid = style.ARMS[arm], f"{basis} {arm}"
            if own["low"].notna().any():
                axes.fill_between(
                    own["time"],
                    own["low"],
                    own["high"],
                    step="post",
                    color=look["color"],
                    alpha=0.2,
                    linewidth=0,
                    gid=f"band {gid}",
                )
            width = 2.0 if place == 0 else 0.9
            _steps(axes, own[~own["sparse"]], look, width, f"curve {gid}")
            # The last solid point begins the thin part, so that no gap is left.
            thin = own[own["sparse"] | own["sparse"].shift(-1, fill_value=False)]
            _steps(axes, thin, look, 0.8, f"sparse {gid}")
    _draw_medians(axes, frame[frame["kind"] == "stated median"], marker)
    _draw_landmarks(axes, frame[frame["kind"] == "stated landmark"])
    longest = curves["time"].max()
    axes.set_xlim(0, longest * 1.01)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(month_ticks(longest))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def _steps(axes: Axes, own: pd.DataFrame, look: dict, width: float, gid: str) -> None:
    line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": width}
    axes.plot(own["time"], own["surv"], drawstyle="steps-post", gid=gid, **line)


def _draw_landmarks(axes: Axes, rows: pd.DataFrame) -> None:
    for row in rows.to_dict("records"):
        look = {"color": style.ARMS[row["arm"]]["color"], "clip_on": False, "zorder": 5}
        gid = f"landmark {row['arm']} {row['time']:g}"
        axes.plot([row["time"]], [row["surv"]], "D", markersize=7, gid=gid, **look)
        if not np.isnan(row["low"]):
            limits = [row["low"], row["high"]]
            axes.plot([row["time"]] * 2, limits, linewidth=1.2, **look)


def _draw_medians(axes: Axes, rows: pd.DataFrame, size: float) -> None:
    for row in rows.to_dict("records"):
        colour = style.ARMS[row["arm"]]["color"]
        axes.plot(
            [row["time"]],
            [0.5],
            marker="o" if row["arm"] == "experimental" else "s",
            markersize=size,
            markerfacecolor="white",
            markeredgecolor=colour,
            markeredgewidth=2,
            linestyle="none",
            zorder=5,
            gid=f"median {row['arm']}",
        )


def month_ticks(longest: float) -> list[float]:
    """Ticks at every 1, 3, 6, 12, 24 ... months: as many as leave their labels apart."""
    step = next(s for s in (1, 3, 6, 12, 24, 48, 120, 240, 480, 1200) if longest / s <= 5.5)
    return list(np.arange(0, longest + 1e-9, step))


def numbers_at_risk(axes: Axes, frame: pd.DataFrame, heading: str, drop: float = 46) -> None:
    """Write the numbers at risk of both arms under the ticks of the x axis.

    Parameters
    ----------
    axes : Axes
    frame : pandas.DataFrame
        As from `km_data`; the first basis is shown.
    heading : str
        Written above the numbers; "" for none.
    drop : float
        Distance of the first line from the axis, points.
    """
    curves = frame[frame["kind"] == "curve"]
    first = curves[curves["basis"] == curves["basis"].iloc[0]]
    if heading:
        _under(axes, axes.get_xlim()[0], drop, heading, ha="left", color=style.GREY)
        drop += 16
    for line, (arm, own) in enumerate(first.groupby("arm", sort=False)):
        for tick in axes.get_xticks():
            at = own[np.isclose(own["time"], tick)]
            text = f"{np.floor(at['n_risk'].iloc[0]):.0f}" if len(at) else "0"
            colour = style.ARMS[arm]["color"]
            _under(axes, tick, drop + 15 * line, text, ha="center", color=colour)


def _under(axes: Axes, x: float, points: float, text: str, **look: Any) -> None:
    axes.annotate(
        text,
        (x, 0),
        xycoords=("data", "axes fraction"),
        xytext=(0, -points),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **look,
    )


def alt_km(frame: pd.DataFrame) -> str:
    """Say in words what the curves show, with their numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `km_data`.

    Returns
    -------
    str
    """
    curves = frame[frame["kind"] == "curve"]
    parts = [f"Kaplan-Meier curves of progression-free survival, {frame['label'].iloc[0]}."]
    for basis, rows in curves.groupby("basis", sort=False):
        arms = [
            f"{style.ARMS[arm]['label']}: {survival_words(own)}"
            for arm, own in rows.groupby("arm", sort=False)
        ]
        parts.append(f"{BASES[basis].capitalize()}; {'; '.join(arms)}.")
    for kind, name in (("stated median", "Stated median"), ("stated landmark", "Stated PFS")):
        for row in frame[frame["kind"] == kind].to_dict("records"):
            arm = style.ARMS[row["arm"]]["label"]
            parts.append(f"{name}, {arm}: {row['text']} months.")
    if curves["low"].notna().any():
        parts.append(BAND)
    return " ".join(parts)


def survival_words(own: pd.DataFrame, times: Iterable[float] | None = None) -> str:
    """Survival of one arm with its band, where enough patients are at risk.

    Parameters
    ----------
    own : pandas.DataFrame
        Rows of kind "curve" of one arm and basis.
    times : iterable of float, optional
        Months; default the ticks of the axis.
    """
    solid = own[~own["sparse"] & own["surv"].notna()]
    texts = []
    for time in month_ticks(own["time"].max())[1:] if times is None else times:
        row = solid[np.isclose(solid["time"], time)]
        if len(row):
            texts.append(f"{time:g} months {_with_band(row.iloc[0])}")
    return ", ".join(texts) or "too few patients at risk at these times"


def _with_band(row: pd.Series) -> str:
    text = decimals(row["surv"], 2)
    if np.isnan(row["low"]):
        return text
    return f"{text} (band {decimals(row['low'], 2)} to {decimals(row['high'], 2)})"
