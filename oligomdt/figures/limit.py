"""Two different sets of patients that give the same picture of a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.figures import style
from oligomdt.figures.km import month_ticks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_limit", "draw_limit", "limit_data"]

# The picture: end of its axis in months, and its size in pixels.
AXIS, WIDTH, HEIGHT = 90.0, 600, 400
EVERY, TABLE = 3, 12
DRAWS, SEED = 200, 20261122
SETS = {
    "first": {"color": "#B84A00", "linestyle": "solid"},
    "second": {"color": "#0072B2", "linestyle": (0, (4, 1.6))},
}
HEAD, FOOT, TALL = 0.6, 1.25, 2.6


def limit_data(
    time: np.ndarray | None = None, event: np.ndarray | None = None, draws: int = DRAWS
) -> pd.DataFrame:
    """Find two sets of patients that the picture of a curve does not tell apart.

    The curve of the given patients is read from a picture of 600 x 400 pixels, without numbers
    at risk. Of the reconstructed data sets those whose curves stay within a pixel of the
    picture are kept; of all pairs of these whose curves stay within a pixel of each other, the
    one whose numbers at risk differ most is taken.

    Parameters
    ----------
    time, event : arrays, optional
        The patients of the picture, time in months; those without hormone therapy in the
        German Breast Cancer Study Group 2 where they are not given.
    draws : int
        Data sets among which the pair is looked for.

    Returns
    -------
    pandas.DataFrame
        `patients` ("first", "second" or "both"), `kind`, `time`, `value`. Kinds: "curve" (its
        corners), "survival" (every 12 months), "at risk" (every 3 months), "events" (their
        number, at the end of follow-up), and for both "apart", the largest distance of the two
        curves in pixels.

    Raises
    ------
    ValueError
        If no two of the reconstructed data sets give the same picture.
    """
    import pandas as pd

    from oligomdt import reconstructkm

    if time is None or event is None:
        time, event = _example()
    at = np.unique(time[event == 1])
    pixel = AXIS / WIDTH
    column, row = np.round(at / pixel), np.round(_survival(time, event, at) * HEIGHT)
    arm = reconstructkm.reconstruct(
        column * pixel, row / HEIGHT, n=len(time), xmax=AXIS, draws=draws, seed=SEED
    )
    first, second, apart = _pair(arm.draws, column, row)
    end = max(own[0].max() for own in (first, second))
    rows: list[tuple[str, str, float, float]] = []
    for name, (times, died) in zip(SETS, (first, second), strict=True):
        corners = np.append(np.unique(times[died == 1]), end)
        rows.append((name, "curve", 0.0, 1.0))
        for moment, surv in zip(corners, _survival(times, died, corners), strict=True):
            rows.append((name, "curve", moment, surv))
        table = np.arange(TABLE, end, TABLE)
        for moment, surv in zip(table, _survival(times, died, table), strict=True):
            rows.append((name, "survival", moment, surv))
        for moment in np.arange(0, end, EVERY):
            rows.append((name, "at risk", moment, (times >= moment).sum()))
        rows.append((name, "events", end, died.sum()))
    rows.append(("both", "apart", end, apart))
    frame = pd.DataFrame(rows, columns=["patients", "kind", "time", "value"])
    return frame.astype({"time": float, "value": float})


def _example() -> tuple[np.ndarray, np.ndarray]:
    from lifelines.datasets import load_gbsg2

    study = load_gbsg2()
    own = study[study["horTh"] == "no"]
    return own["time"].to_numpy() / 30.4375, own["cens"].to_numpy()


def _survival(time: np.ndarray, event: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Kaplan-Meier survival of the patients just after each given time."""
    died, count = np.unique(time[event == 1], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), died, side="left")
    surv = np.append(1.0, np.cumprod(1 - count / at_risk))
    return surv[np.searchsorted(died, at, side="right")]


def _pair(draws: Any, column: np.ndarray, row: np.ndarray) -> tuple[Any, Any, float]:
    """The two draws of one picture whose numbers at risk differ most, and their distance."""
    edges = (np.arange(WIDTH + 1) + 0.5) * AXIS / WIDTH
    # Of several steps in one column of pixels the picture shows the last.
    read = np.append(HEIGHT, row)[np.searchsorted(column, np.arange(WIDTH + 1), side="right")]
    levels = np.array([HEIGHT * _survival(*draw, edges) for draw in draws])
    fits = np.flatnonzero(np.abs(levels - read).max(axis=1) <= 1)
    table = np.arange(0, AXIS, TABLE)
    left = np.array([len(time) - np.searchsorted(time, table) for time, _ in draws])
    best, found = 0, None
    for i in fits:
        differ = np.abs(left[fits] - left[i]).max(axis=1)
        apart = np.abs(levels[fits] - levels[i]).max(axis=1)
        place = int(np.where(apart <= 1, differ, -1).argmax())
        if apart[place] <= 1 and differ[place] > best:
            best, found = differ[place], (i, fits[place], float(apart[place]))
    if found is None:
        raise ValueError(
            f"none of the {len(draws)} reconstructed data sets give the same picture with "
            "other numbers at risk; there is no limit to show"
        )
    i, j, distance = found
    # The set with fewer left at risk, and so the smaller number of events, comes first.
    i, j = (i, j) if left[i].sum() <= left[j].sum() else (j, i)
    return draws[i], draws[j], distance


@style.styled
def draw_limit(frame: pd.DataFrame) -> Figure:
    """Draw both curves on the left and both numbers at risk on the right.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `limit_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = style.figure(HEAD + TALL + FOOT)
    width, height = figure.get_size_inches()
    each = (width - 0.5 - 0.65 - 0.1) / 2
    longest = frame.loc[frame["kind"] == "curve", "time"].max()
    axes = []
    for left in (0.5, 0.5 + each + 0.65):
        box = (left / width, FOOT / height, each / width, TALL / height)
        own = figure.add_axes(box)
        own.set_xlim(0, longest * 1.01)
        own.set_xticks([tick for tick in month_ticks(longest) if tick % 24 == 0])
        own.set_xlabel("months")
        axes.append(own)
    for name, look in SETS.items():
        own = frame[frame["patients"] == name]
        curve, left = (own[own["kind"] == kind] for kind in ("curve", "at risk"))
        wide = {"linewidth": 4, "alpha": 0.45} if name == "first" else {"linewidth": 1.4}
        axes[0].plot(
            curve["time"], curve["value"], drawstyle="steps-post", gid=f"curve {name}",
            **look, **wide,
        )  # fmt: skip
        axes[1].plot(left["time"], left["value"], linewidth=1.8, gid=f"at risk {name}", **look)
    axes[0].set_ylim(0, 1.02)
    axes[0].set_title("Survival")
    axes[1].set_ylim(0, None)
    axes[1].set_title("Number at risk")
    _numbers(axes[1], frame)
    _legend(figure, frame)
    return figure


def _numbers(axes: Axes, frame: pd.DataFrame) -> None:
    """Numbers at risk under the ticks of the axis."""
    for place, (name, look) in enumerate(SETS.items()):
        own = frame[(frame["patients"] == name) & (frame["kind"] == "at risk")]
        value = own.set_index("time")["value"]
        for tick in axes.get_xticks():
            if tick in value.index:
                axes.annotate(
                    f"{value[tick]:.0f}",
                    (tick, 0),
                    xycoords=("data", "axes fraction"),
                    xytext=(0, -44 - 16 * place),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    color=look["color"],
                )


def _legend(figure: Figure, frame: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    height = figure.get_size_inches()[1]
    handles = [
        Line2D([], [], label=f"{name} set: {_events(frame, name):.0f} events", **look)
        for name, look in SETS.items()
    ]
    figure.legend(handles=handles, loc="upper left", ncols=2, bbox_to_anchor=(0, 1))
    text = "Numbers at risk"
    figure.text(0.02, (FOOT - 44 / 72) / height, text, va="top", color=style.GREY)


def _events(frame: pd.DataFrame, name: str) -> float:
    own = frame[(frame["patients"] == name) & (frame["kind"] == "events")]
    return float(own["value"].iloc[0])


def alt_limit(frame: pd.DataFrame) -> str:
    """Say in words how alike the curves and how different the patients are.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `limit_data`.

    Returns
    -------
    str
    """
    parts = []
    for name in SETS:
        own = frame[frame["patients"] == name]
        table = own[own["kind"] == "survival"]
        left = own[own["kind"] == "at risk"].set_index("time")["value"]
        texts = [
            f"{row.time:.0f} months {decimals(row.value, 3)} ({left[row.time]:.0f})"
            for row in table.itertuples()
        ]
        parts.append(f"{name} set, {_events(frame, name):.0f} events: {', '.join(texts)}")
    apart = frame.loc[frame["kind"] == "apart", "value"].iloc[0]
    return (
        "Two sets of patients that give the same picture; their curves are at most "
        f"{decimals(apart, 2)} pixels apart. Survival and in brackets number at risk. "
        f"{'; '.join(parts)}."
    )
