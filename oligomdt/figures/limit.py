"""Two different sets of patients that give the same picture of a trial's curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import survival
from oligomdt.analysis.printing import decimals, ratio
from oligomdt.figures import measurement, style
from oligomdt.figures.km import month_ticks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "AXIS", "COLUMN", "HEIGHT", "PIXEL", "alt_limit", "draw_limit", "limit_data", "pixel_rows",
]  # fmt: skip

# The picture: end of its time axis in months, its size in pixels, a pixel in months.
AXIS, WIDTH, HEIGHT = 90.0, 600, 400
PIXEL = AXIS / WIDTH
# Months between the columns of the number-at-risk table, and between the points drawn here.
COLUMN, EVERY = 12.0, 3.0
KNOWN = {"curves": "Without a table", "curves and table": f"Table every {COLUMN:.0f} months"}
SETS = {
    "first": {"color": "#B84A00", "linestyle": "solid", "linewidth": 4.5, "alpha": 0.5},
    "second": {"color": "#0072B2", "linestyle": (0, (4, 1.6)), "linewidth": 1.5, "alpha": 1},
}
TRUE = {"color": "black", "linestyle": (0, (1, 1.5)), "linewidth": 1.2}
LOOKS = {**SETS, "true": TRUE}
ARMS = {"experimental": "hormone therapy", "control": "no hormone therapy"}
TOP, CURVES, BETWEEN, COUNTS, FOOT, LEFT, GAP = 0.65, 2.3, 1.5, 1.7, 0.6, 0.65, 0.6


def pixel_rows(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Row of pixels in which a survival curve leaves each column of the picture.

    A column is filled from the row in which the one before was left down to its own, so two
    curves with the same rows are the same picture. Times and survival are rounded to the
    nearest of the 600 columns and 400 rows.

    Parameters
    ----------
    time, event : arrays of shape (patients,)
        Months, up to 90, and 1 event or 0 censored.

    Returns
    -------
    array of int
        One row for each column up to that of the last patient; 400 is survival 1.

    Examples
    --------
    >>> pixel_rows(np.array([0.15, 0.45]), np.array([1, 0])).tolist()
    [400, 200, 200, 200]
    """
    curve = survival.kaplan_meier.curve(time, event)
    ends = (np.arange(round(time.max() / PIXEL) + 1) + 0.5) * PIXEL
    before = np.searchsorted(curve.time, ends, side="right") - 1
    return np.round(curve.surv[before] * HEIGHT).astype(int)


def limit_data(patients: pd.DataFrame | None = None) -> pd.DataFrame:
    """Curves, numbers at risk, events and hazard ratio of sets of patients.

    Parameters
    ----------
    patients : pandas.DataFrame, optional
        As in benchmarks/limit/patients.csv, which is the default: `known`, `patients`, `arm`,
        `time` (months), `event`.

    Returns
    -------
    pandas.DataFrame
        `known` ("curves", "curves and table" or "all"), `patients` ("first", "second" or
        "true"), `arm` (or "both"), `kind`, `time` (months), `value`. Kinds: "curve" (corners of
        survival), "at risk" (every 3 months), "events", "hr", "hr low", "hr high" (95 % limits)
        and "pixels" (columns of the picture in which the set differs from the true patients).
    """
    import pandas as pd

    if patients is None:
        patients = measurement.committed("limit", "patients")
    real = patients[patients["patients"] == "true"]
    parts = []
    for (known, name), own in patients.groupby(["known", "patients"], sort=False):
        rows = [*_both_arms(own), ("both", "pixels", np.nan, _differing(own, real))]
        for arm, (time, event) in _arms(own).items():
            if known == "curves":
                rows += _corners(arm, time, event)
            moments = np.arange(0, time.max(), EVERY)
            rows += [(arm, "at risk", at, (time >= at).sum()) for at in moments]
        part = pd.DataFrame(rows, columns=["arm", "kind", "time", "value"])
        parts.append(part.assign(known=known, patients=name))
    frame = pd.concat(parts, ignore_index=True).astype({"time": float, "value": float})
    return frame[["known", "patients", "arm", "kind", "time", "value"]]


def _arms(own: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        arm: (rows["time"].to_numpy(), rows["event"].to_numpy())
        for arm, rows in own.groupby("arm")
    }


def _both_arms(own: pd.DataFrame) -> list[tuple[str, str, float, float]]:
    cox = survival.cox(own)
    values = {"events": cox.events, "hr": cox.hr, "hr low": cox.hr_low, "hr high": cox.hr_high}
    return [("both", kind, np.nan, value) for kind, value in values.items()]


def _corners(
    arm: str, time: np.ndarray, event: np.ndarray
) -> list[tuple[str, str, float, float]]:
    curve = survival.kaplan_meier.curve(time, event)
    drops = (curve.n_event > 0) | np.isin(curve.time, (0, time.max()))
    pairs = zip(curve.time[drops], curve.surv[drops], strict=True)
    return [(arm, "curve", moment, surv) for moment, surv in pairs]


def _differing(own: pd.DataFrame, real: pd.DataFrame) -> int:
    """Columns in which the two pictures differ, over both arms."""
    count, here = 0, _arms(own)
    for arm, patients in _arms(real).items():
        rows, wanted = pixel_rows(*here[arm]), pixel_rows(*patients)
        shared = min(len(rows), len(wanted))
        count += int((rows[:shared] != wanted[:shared]).sum()) + abs(len(rows) - len(wanted))
    return count


@style.styled
def draw_limit(frame: pd.DataFrame) -> Figure:
    """Draw the curves of two sets, and what a table of numbers at risk leaves open.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `limit_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = style.figure(TOP + CURVES + BETWEEN + COUNTS + FOOT)
    _draw_curves(figure, frame)
    for place, known in enumerate(KNOWN):
        _draw_counts(figure, frame, known, place)
    _legend(figure)
    return figure


def _draw_curves(figure: Figure, frame: pd.DataFrame) -> None:
    """The curves of the two sets over each other, at the full width of the figure."""
    width, height = figure.get_size_inches()
    box = (LEFT / width, 1 - (TOP + CURVES) / height, _wide(width) / width, CURVES / height)
    axes = figure.add_axes(box)
    _draw_lines(axes, frame[(frame["known"] == "curves") & (frame["kind"] == "curve")])
    _months(axes, frame, step=12)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("survival")
    axes.set_title("One picture, two sets of patients")
    for arm, (x, y) in {"experimental": (44, 0.78), "control": (20, 0.42)}.items():
        axes.text(x, y, ARMS[arm], color=style.GREY)


def _draw_counts(figure: Figure, frame: pd.DataFrame, known: str, place: int) -> None:
    """Numbers at risk of the two sets and of the true patients in one of two panels."""
    width, height = figure.get_size_inches()
    each = (_wide(width) - GAP) / 2
    left = LEFT + place * (each + GAP)
    axes = figure.add_axes((left / width, FOOT / height, each / width, COUNTS / height))
    counts = frame[frame["kind"] == "at risk"]
    _draw_lines(axes, counts[counts["known"].isin([known, "all"])])
    _months(axes, frame, step=24)
    axes.set_ylim(0, 1.04 * counts["value"].max())
    if place == 0:
        axes.set_ylabel("number at risk")
    axes.set_title(KNOWN[known], fontsize=style.FONT, pad=40)
    _say(axes, frame[frame["known"] == known])


def _wide(width: float) -> float:
    return width - LEFT - 0.15


def _draw_lines(axes: Axes, rows: pd.DataFrame) -> None:
    """A line for each set and arm: steps of survival, straight lines of numbers at risk."""
    for (name, arm), own in rows.groupby(["patients", "arm"], sort=False):
        kind = own["kind"].iloc[0]
        steps = "steps-post" if kind == "curve" else "default"
        gid = f"{kind} {own['known'].iloc[0]} {name} {arm}"
        axes.plot(own["time"], own["value"], drawstyle=steps, gid=gid, **LOOKS[name])


def _months(axes: Axes, frame: pd.DataFrame, step: int) -> None:
    longest = frame["time"].max()
    axes.set_xlim(0, longest * 1.01)
    axes.set_xticks([tick for tick in month_ticks(longest) if tick % step == 0])
    axes.set_xlabel("months")


def _value(own: pd.DataFrame, name: str, kind: str) -> float:
    return float(own.loc[(own["patients"] == name) & (own["kind"] == kind), "value"].iloc[0])


def _say(axes: Axes, own: pd.DataFrame) -> None:
    """Events and hazard ratios of both sets over a panel, each in its colour."""
    for line, (name, look) in enumerate(SETS.items()):
        text = f"{_value(own, name, 'events'):.0f} events, HR {ratio(_value(own, name, 'hr'))}"
        axes.annotate(
            text, (0, 1), xytext=(0, 22 - 16 * line), xycoords="axes fraction",
            textcoords="offset points", va="bottom", color=look["color"],
        )  # fmt: skip


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=f"{name} set", **look) for name, look in SETS.items()]
    handles.append(Line2D([], [], label="true patients (below)", **TRUE))
    figure.legend(
        handles=handles, loc="upper left", ncols=3, columnspacing=1.2, bbox_to_anchor=(0, 1)
    )


def alt_limit(frame: pd.DataFrame) -> str:
    """Say in words how alike the pictures and how different the patients are.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `limit_data`.

    Returns
    -------
    str
    """
    parts = []
    for known, heading in KNOWN.items():
        own = frame[frame["known"] == known]
        texts = [f"{name} set {_in_words(own, name)}" for name in SETS]
        parts.append(f"{heading}: {'; '.join(texts)}")
    real = _in_words(frame, "true")
    return (
        "Two sets of reconstructed patients whose survival curves are the same picture of "
        f"{WIDTH} x {HEIGHT} pixels, and their numbers at risk. {'. '.join(parts)}. "
        f"True patients: {real}."
    )


def _in_words(own: pd.DataFrame, name: str) -> str:
    ratios = [decimals(_value(own, name, kind), 3) for kind in ("hr", "hr low", "hr high")]
    low_high = f"{ratios[1]} to {ratios[2]}"
    text = f"{_value(own, name, 'events'):.0f} events, HR {ratios[0]} ({low_high})"
    left: dict[str, Any] = {}
    for row in own[(own["patients"] == name) & (own["kind"] == "at risk")].itertuples():
        if row.time % 24 == 0 and row.time > 0:
            left.setdefault(ARMS[row.arm], []).append(f"{row.value:.0f}")
    counts = ", ".join(f"{arm} {', '.join(values)}" for arm, values in left.items())
    return f"{text}, at risk at 24, 48 and 72 months {counts}"
