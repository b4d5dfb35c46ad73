"""Error of reconstruction from coordinates: this project's algorithms beside R packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.analysis.printing import decimals
from oligomdt.figures import measurement, style
from oligomdt.figures.measurement import FIDELITIES, VARIANTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "alt_benchmark",
    "benchmark_data",
    "beaten",
    "beaten_table",
    "draw_benchmark",
    "expected_table",
    "marks_table",
    "paired_table",
]

OURS, GUYOT = "oligomdt", "Guyot 2012, ours"
ENGINES = {
    OURS: ("o", "#0072B2"),
    GUYOT: ("P", "#007A5A"),
    "IPDfromKM": ("s", "#B84A00"),
    "reconstructKM": ("^", "#5A5A5A"),
    "kmdata": ("D", "#8A6D00"),
    "CIFresolve": ("v", "#A3396E"),
}
# Names in the results file that are not those of the figure.
NAMES = {"oligomdt_exact": OURS, "oligomdt_guyot": GUYOT}
# Those that are given the censoring marks besides, which the others do not use.
WITH_MARKS = {"oligomdt_exact_marks": OURS, "CIFresolve_marks": "CIFresolve"}
ROW, HEAD = 0.74, 1.0
STEP = 0.14
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def benchmark_data(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of the figure: one per fidelity, variant and engine.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/reconstruct/results.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        `fidelity`, `variant`, `engine`, `cases`, `failed`, `median` and `p90`: median and
        90th percentile of the absolute error of the log hazard ratio over the cases that did
        not fail. Of the two ways of use of an R package the one that fails less often is
        shown; where they fail equally often, the one with the smaller median.
    """
    frame = _results(results)
    names = frame["engine"].str.removesuffix("_expert").replace(NAMES)
    frame = frame.assign(engine=names).sort_values(["failed", "median"])
    cell = {"fidelity": FIDELITIES, "variant": VARIANTS, "engine": ENGINES}
    frame = measurement.in_order(frame.drop_duplicates(list(cell)), cell)
    return frame[[*cell, "cases", "failed", "median", "p90"]]


def _results(results: pd.DataFrame | None) -> pd.DataFrame:
    frame = measurement.committed("reconstruct", "results") if results is None else results
    return frame.rename(columns={"loghr_err_med": "median", "loghr_err_p90": "p90"})


def beaten(frame: pd.DataFrame, column: str) -> list[str]:
    """Cells in which another engine has a smaller error than ours, in words.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `benchmark_data`.
    column : {"median", "p90"}
        The error that is compared.

    Returns
    -------
    list of str
        One text for each cell, with the best engine and the two errors; empty where ours has
        the smallest error everywhere.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"fidelity": "fine", "variant": "n", "median": [0.02, 0.01],
    ...                       "engine": ["oligomdt", "kmdata"]})
    >>> beaten(frame, "median")
    ['600 x 400 pixels, n only: kmdata 0.010, oligomdt 0.020']
    """
    found = []
    for cell, own in frame.groupby(["fidelity", "variant"], sort=False):
        errors = own.set_index("engine")[column]
        best = errors.idxmin()
        if errors[best] < errors[OURS]:
            texts = [f"{name} {decimals(errors[name], 3)}" for name in (best, OURS)]
            found.append(f"{measurement.cell_name(*cell)}: {', '.join(texts)}")
    return found


def beaten_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Table of the cells in which another engine has a smaller error than ours.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `benchmark_data`.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per error (median, 90th percentile) and cell, with the best engine.

    Raises
    ------
    ValueError
        Where ours has the smallest error everywhere.
    """
    import pandas as pd

    rows = []
    for column, name in (("median", "Median"), ("p90", "90th percentile")):
        for (fidelity, variant), own in frame.groupby(["fidelity", "variant"], sort=False):
            errors = own.set_index("engine")[column]
            best = errors.idxmin()
            if errors[best] < errors[OURS]:
                numbers = [decimals(errors[engine], 4) for engine in (best, OURS)]
                cell = (FIDELITIES[fidelity], VARIANTS[variant])
                rows.append((name, *cell, best, *numbers))
    if not rows:
        raise ValueError("frame: no other engine has a smaller error anywhere")
    columns = ["Error", "Figure", "Known", "Smallest by", "Its error", f"Error of {OURS}"]
    return pd.DataFrame(rows, columns=columns)


def marks_table(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """Table of the engines that are given the censoring marks as well.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As for `benchmark_data`.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per fidelity, variant and engine.
    """
    import pandas as pd

    frame = _results(results)
    frame = frame[frame["engine"].isin(WITH_MARKS)]
    rows = [
        {
            "Figure": FIDELITIES[fidelity],
            "Known besides marks": VARIANTS[variant],
            "Engine": name,
            "Failed": f"{row.failed} of {row.cases}",
            "Median error": decimals(row.median, 4),
            "90th percentile": decimals(row.p90, 4),
        }
        for fidelity in FIDELITIES
        for variant in VARIANTS
        for engine, name in WITH_MARKS.items()
        for row in frame[
            (frame["fidelity"] == fidelity)
            & (frame["variant"] == variant)
            & (frame["engine"] == engine)
        ][["cases", "failed", "median", "p90"]].itertuples(index=False)
    ]
    return pd.DataFrame(rows)


def expected_table(expected: pd.DataFrame | None = None) -> pd.DataFrame:
    """Table of our errors beside those that are to be expected if the ensembles are right.

    Parameters
    ----------
    expected : pandas.DataFrame, optional
        As in benchmarks/reconstruct/expected.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per fidelity and variant. In brackets the middle 90 % of the expected
        errors.
    """
    import pandas as pd

    frame = measurement.committed("reconstruct", "expected") if expected is None else expected
    frame = measurement.in_order(frame, {"fidelity": FIDELITIES, "variant": VARIANTS})

    def range_of(row: dict[str, Any], name: str) -> str:
        low, high = (decimals(row[f"{name}_{end}"], 4) for end in ("low", "high"))
        return f"{decimals(row[f'{name}_expected'], 4)} ({low} to {high})"

    rows = [
        {
            "Figure": FIDELITIES[row["fidelity"]],
            "Known": VARIANTS[row["variant"]],
            "Median error": decimals(row["median_found"], 4),
            "Expected median": range_of(row, "median"),
            "90th percentile": decimals(row["p90_found"], 4),
            "Expected 90th percentile": range_of(row, "p90"),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows)


def paired_table(paired: pd.DataFrame | None = None) -> pd.DataFrame:
    """Table of the share of data sets in which ours is nearer to the true log hazard ratio.

    Parameters
    ----------
    paired : pandas.DataFrame, optional
        As in benchmarks/reconstruct/paired.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        Texts: one row per fidelity and variant, one column per package. Of the ways of use of
        a package the one against which ours does worst. A tie counts half.
    """
    import pandas as pd

    frame = measurement.committed("reconstruct", "paired") if paired is None else paired
    names = frame["engine"].str.removesuffix("_expert")
    packages = [name for name in ENGINES if name not in (OURS, GUYOT)]
    shares = frame.assign(engine=names).groupby(["fidelity", "variant", "engine"])
    share = shares["loghr_err_win"].min()
    rows = [
        {"Figure": FIDELITIES[fidelity], "Known": VARIANTS[variant]}
        | {
            name: f"{100 * share[cell]:.0f} %" if cell in share.index else "\u2013"
            for name in packages
            for cell in [(fidelity, variant, name)]
        }
        for fidelity in FIDELITIES
        for variant in VARIANTS
    ]
    return pd.DataFrame(rows)


@style.styled
def draw_benchmark(frame: pd.DataFrame) -> Figure:
    """Draw median (filled) and 90th percentile (hollow) of the error, a panel per fidelity.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `benchmark_data`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    label = "absolute error of the log hazard ratio (log scale)"
    figure, panels = measurement.panels(frame, head=HEAD, row=ROW, label=label)
    for axes, own in panels:
        low = min(0.0015, 0.85 * frame["median"].min())
        style.log_axis(axes, low, 0.4, TICKS)
        axes.grid(axis="x", color=style.LIGHT, linewidth=0.5)
        for row in own.to_dict("records"):
            place = list(ENGINES).index(row["engine"]) - (len(ENGINES) - 1) / 2
            _draw_row(axes, measurement.middle_of(own, row["variant"]) + STEP * place, row)
    measurement.legend(figure, ENGINES, "filled: median; hollow: 90th percentile")
    return figure


def _draw_row(axes: Axes, y: float, row: dict[str, Any]) -> None:
    marker, colour = ENGINES[row["engine"]]
    gid = f"{row['fidelity']} {row['variant']} {row['engine']}"
    axes.plot([row["median"], row["p90"]], [y, y], color=colour, linewidth=0.8, gid=gid)
    axes.plot([row["median"]], [y], marker, color=colour, markersize=6)
    axes.plot([row["p90"]], [y], marker, color=colour, markersize=5.5, markerfacecolor="white")


def alt_benchmark(frame: pd.DataFrame) -> str:
    """Say in words how large the errors are.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `benchmark_data`.

    Returns
    -------
    str
    """

    def words(row: dict[str, Any]) -> str:
        return f"{row['engine']} {decimals(row['median'], 3)} ({decimals(row['p90'], 3)})"

    return (
        "Absolute error of the log hazard ratio of patients reconstructed from coordinates, "
        f"median and in brackets 90th percentile. {measurement.by_cell(frame, words)}."
    )
