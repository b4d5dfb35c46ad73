"""Error of reconstruction against the number of patients in the smaller arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oligomdt.analysis.printing import decimals
from oligomdt.figures import measurement, style
from oligomdt.figures.measurement import FIDELITIES, VARIANTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FLOOR", "alt_size", "draw_size", "size_data", "size_table"]

LOOKS = {
    "vector": ("o", "#0072B2", "solid"),
    "fine": ("s", "#007A5A", (0, (5, 1.4))),
    "coarse": ("^", "#B84A00", (0, (1.5, 1))),
}
SHORT = {"vector": "vector", "fine": "600 x 400 pixels", "coarse": "300 x 200, by hand"}
# Smaller errors are drawn here: below it they change a hazard ratio in the fourth digit.
FLOOR, CEILING = 0.0002, 0.4
ERROR_TICKS, SIZE_TICKS = (0.0002, 0.001, 0.01, 0.1), (10, 100, 1000)
# Inches: above the panels, of one panel, between two, under the last, left of them.
HEAD, PANEL, GAP, FOOT, LEFT = 0.85, 1.75, 0.35, 0.6, 0.95
THIRDS = ("smallest", "middle", "largest")
ERRORS = ("loghr_err", "events_err", "nrisk_err")


def size_data(cases: pd.DataFrame | None = None) -> pd.DataFrame:
    """Errors case by case and their medians over thirds of the cases by size.

    Parameters
    ----------
    cases : pandas.DataFrame, optional
        As in benchmarks/reconstruct/cases.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        `variant`, `fidelity`, `kind`, `case`, `smaller_arm` (patients), `largest` and the
        absolute errors `loghr_err`, `events_err` (of both arms) and `nrisk_err` (a share of
        the patients). Rows of kind "case"; and of the kinds "smallest", "middle", "largest"
        with the medians of that third, which reaches from `smaller_arm` to `largest`.
    """
    import pandas as pd

    if cases is None:
        cases = measurement.committed("reconstruct", "cases")
    frame = cases.assign(kind="case", largest=cases["smaller_arm"])
    medians = (
        frame.assign(kind=frame["case"].map(_third(cases)), case="")
        .groupby(["variant", "fidelity", "kind", "case"], as_index=False)
        .agg({"smaller_arm": "min", "largest": "max", **dict.fromkeys(ERRORS, "median")})
    )
    frame = pd.concat([frame, medians]).sort_values(["smaller_arm", "case"])
    shown = {"variant": VARIANTS, "fidelity": FIDELITIES, "kind": ("case", *THIRDS)}
    columns = [*shown, "case", "smaller_arm", "largest", *ERRORS]
    return measurement.in_order(frame, shown)[columns]


def _third(cases: pd.DataFrame) -> dict[str, str]:
    """Third by size to which each case belongs; those of one size are parted by name."""
    sizes = cases[["case", "smaller_arm"]].drop_duplicates()
    names = sizes.sort_values(["smaller_arm", "case"])["case"].to_numpy()
    thirds = np.array_split(names, len(THIRDS))
    return {case: name for name, part in zip(THIRDS, thirds, strict=True) for case in part}


def size_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Table of the median errors of the patients by size, with a table and without.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `size_data`.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per fidelity and third of the cases.
    """
    import pandas as pd

    rows = []
    thirds = frame[frame["kind"] != "case"].groupby(["fidelity", "kind"], sort=False)
    for (fidelity, _), own in thirds:
        row = {"Figure": FIDELITIES[fidelity], "Patients, smaller arm": _span(own.iloc[0])}
        medians = own.set_index("variant")
        for variant in ("risk", "n"):
            row[f"Events, {VARIANTS[variant]}"] = f"{medians.loc[variant, 'events_err']:g}"
        for variant in ("risk", "n"):
            percent = decimals(100 * medians.loc[variant, "nrisk_err"], 1)
            row[f"At risk (%), {VARIANTS[variant]}"] = percent
        rows.append(row)
    return pd.DataFrame(rows)


def _span(row: pd.Series) -> str:
    return f"{row['smaller_arm']} to {row['largest']}"


@style.styled
def draw_size(frame: pd.DataFrame) -> Figure:
    """Draw the error of the log hazard ratio, a panel for each kind of knowledge.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `size_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = -(-len(VARIANTS) // 2)
    figure = style.figure(HEAD + lines * (PANEL + GAP) - GAP + FOOT)
    width, height = figure.get_size_inches()
    each = (width - LEFT - GAP - 0.15) / 2
    for place, (variant, heading) in enumerate(VARIANTS.items()):
        line, column = divmod(place, 2)
        bottom = height - HEAD - PANEL - line * (PANEL + GAP)
        left = LEFT + column * (each + GAP)
        axes = figure.add_axes((left / width, bottom / height, each / width, PANEL / height))
        _scale(axes, frame)
        axes.set_title(heading, fontsize=style.FONT)
        axes.tick_params(labelleft=column == 0, labelbottom=line == lines - 1)
        for fidelity, own in frame[frame["variant"] == variant].groupby("fidelity", sort=False):
            _draw_errors(axes, own, f"{variant} {fidelity}", fidelity)
    _label(figure)
    return figure


def _label(figure: Figure) -> None:
    """Both axes and the markers, once for all panels."""
    height = figure.get_size_inches()[1]
    figure.text(0.55, 0.08 / height, "patients in the smaller arm (log scale)", ha="center")
    middle = (FOOT + (height - HEAD - FOOT) / 2) / height
    text = "absolute error of the log hazard ratio"
    figure.text(0.02, middle, text, rotation=90, va="center")
    looks = {SHORT[name]: look[:2] for name, look in LOOKS.items()}
    note = f"line: median of each third by size; at {FLOOR:g}: smaller errors"
    measurement.legend(figure, looks, note)


def _scale(axes: Axes, frame: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    sizes = frame["smaller_arm"]
    style.log_axis(axes, 0.8 * sizes.min(), 1.2 * sizes.max(), SIZE_TICKS)
    axes.set_yscale("log")
    axes.set_ylim(0.8 * FLOOR, max(CEILING, 1.2 * frame["loghr_err"].max()))
    axes.yaxis.set_major_locator(FixedLocator(ERROR_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(color=style.LIGHT, linewidth=0.5)


def _draw_errors(axes: Axes, own: pd.DataFrame, gid: str, fidelity: str) -> None:
    """A marker for each case, and a line over the medians of the thirds."""
    marker, colour, dashes = LOOKS[fidelity]
    single = own["kind"] == "case"
    cases = own[single]
    axes.plot(
        cases["smaller_arm"], cases["loghr_err"].clip(lower=FLOOR), marker, color=colour,
        markersize=4.5, alpha=0.45, markeredgewidth=0, gid=f"cases {gid}",
    )  # fmt: skip
    ends = own.loc[~single, ["smaller_arm", "largest"]].to_numpy().ravel()
    levels = np.repeat(own.loc[~single, "loghr_err"].clip(lower=FLOOR), 2)
    axes.plot(ends, levels, color=colour, linewidth=2, linestyle=dashes, gid=f"median {gid}")


def alt_size(frame: pd.DataFrame) -> str:
    """Say in words how the error changes with the size of the arms.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `size_data`.

    Returns
    -------
    str
    """
    thirds = frame[frame["kind"] != "case"]
    spans = thirds.drop_duplicates("kind")
    sizes = ", ".join(_span(row) for _, row in spans.iterrows())

    def words(row: dict) -> str:
        return decimals(row["loghr_err"], 4)

    return (
        "Absolute error of the log hazard ratio against the patients in the smaller arm, "
        f"median over the data sets with {sizes} patients. "
        f"{measurement.by_cell(thirds, words)}."
    )
