"""Tables of the digitiser's benchmark: this project's results beside other tools'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oligomdt.figures.measurement import committed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["by_difficulty", "further", "tools", "unseen"]

OURS, LIMIT = "oligomdt", "pixel-limit"
LEVELS = ("easy", "medium", "hard", "extreme", "all")
NONE = "\u2013"


def by_difficulty(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """Our error for each kind of file and difficulty, beside the best of the other tools.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/digitize/results.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        Texts. The other tool is the one with the smallest median error there; it read images
        only. Arms that were not found count as an error of 1.
    """
    import pandas as pd

    frame = committed("digitize", "results") if results is None else results
    rows = []
    for kind in ("vector", "raster"):
        for level in LEVELS:
            here = frame[(frame["kind"] == kind) & (frame["difficulty"] == level)]
            own = here[here["method"] == OURS]
            if own.empty:
                continue
            own = own.iloc[0]
            others = here[~here["method"].isin([OURS, LIMIT])]
            best = None if others.empty else others.loc[others["iae_median"].idxmin()]
            rows.append(
                {
                    "Files": "PDF and SVG" if kind == "vector" else "images",
                    "Difficulty": level,
                    "Figures": f"{own['figures']:.0f}",
                    "Curves": f"{own['arms']:.0f}",
                    "Missing or wrong": _failed(own),
                    "Median error": _small(own["iae_median"]),
                    "90th percentile": _small(own["iae_p90"]),
                    **_other(best),
                }
            )
    return pd.DataFrame(rows)


def tools(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """All tools on all images, the smallest median error first.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As for `by_difficulty`.

    Returns
    -------
    pandas.DataFrame
        Texts; no row where no image was run.
    """
    import pandas as pd

    frame = committed("digitize", "results") if results is None else results
    frame = frame[(frame["kind"] == "raster") & (frame["difficulty"] == "all")]
    rows = [
        {
            "Tool": "whole pixels of the truth" if row["method"] == LIMIT else row["method"],
            "Curves": f"{row['arms']:.0f}",
            "Missing": f"{row['missing']:.0f}",
            "Wrong": f"{row['wrong']:.0f}",
            "Median error": _small(row["iae_median"]),
            "90th percentile": _small(row["iae_p90"]),
            "Steps found": _share(row["step_recall"]),
            "Steps that are true": _share(row["step_precision"]),
            "Seconds": _digits(row["seconds_median"], 1),
        }
        for row in frame.sort_values("iae_median", kind="stable").to_dict("records")
    ]
    return pd.DataFrame(rows)


def further(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """What else our digitiser reads, for each kind of file.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As for `by_difficulty`.

    Returns
    -------
    pandas.DataFrame
        Texts.
    """
    import pandas as pd

    frame = committed("digitize", "results") if results is None else results
    frame = frame[(frame["method"] == OURS) & (frame["difficulty"] == "all")]
    rows = []
    for row in frame.to_dict("records"):
        rows.append(
            {
                "Files": "PDF and SVG" if row["kind"] == "vector" else "images",
                "Figures": f"{row['figures']:.0f}",
                "Refused": f"{row['refused']:.0f}",
                "Axes right": _percent(row["axes_ok_pct"]),
                "Names right": _percent(row["label_ok_pct"]),
                "Cells of numbers at risk right": _percent(row["risk_cells_ok_pct"]),
                "Censoring marks, F1": _digits(row["cens_f1"], 2),
                "Median error of the log hazard ratio": NONE
                if pd.isna(row["loghr_err_median"])
                else f"{_small(row['loghr_err_median'])} ({row['loghr_figures']:.0f} of "
                f"{row['two_arms']:.0f} figures)",
                "Longest, seconds": f"{row['seconds_max']:.1f}",
            }
        )
    return pd.DataFrame(rows)


KINDS = {"PDF and SVG": ("pdf", "svg"), "PNG": ("png",), "JPEG": ("jpg",)}


def unseen(results: pd.DataFrame | None = None) -> pd.DataFrame:
    """What the digitiser reads of figures in looks drawn at random.

    Parameters
    ----------
    results : pandas.DataFrame, optional
        As in benchmarks/digitize/unseen.csv, which is the default.

    Returns
    -------
    pandas.DataFrame
        Texts, one row per kind of file.
    """
    import pandas as pd

    frame = committed("digitize", "unseen") if results is None else results
    rows = []
    for name, kinds in KINDS.items():
        own = frame[frame["kind"].isin(kinds)]
        if own.empty:
            continue
        read = own[own["refused"].isna()]
        failed = read[(read["wrong"] > 0) | (read["found"] != read["arms"])]
        named = read[read["names_right"].notna()]
        rows.append(
            {
                "Files": name,
                "Figures": f"{len(own)}",
                "Refused": f"{len(own) - len(read)}",
                "A curve missing, wrong or too many": f"{len(failed)}",
                "Of these without a warning": f"{(failed['warnings'] == 0).sum()}",
                "Median error": _small(read["error"].median()),
                "Names right": _percent(100 * named["names_right"].sum() / named["arms"].sum()),
                "Figures with names exchanged": f"{(read['names_exchanged'] > 0).sum()}",
                "Cells of numbers at risk right": _percent(
                    100 * read["cells_right"].sum() / read["cells"].sum()
                ),
                "Cells with a wrong number": f"{read['cells_false'].sum():.0f}",
                "Marks found": _share(read["marks_right"].sum() / read["marks"].sum()),
                "Marks that are true": _share(
                    read["marks_right"].sum() / read["marks_read"].sum()
                ),
            }
        )
    return pd.DataFrame(rows)


def _other(best) -> dict[str, str]:
    heading = "Best other tool"
    if best is None:
        return dict.fromkeys(
            (f"{heading}: missing or wrong", f"{heading}: median error", heading), NONE
        )
    return {
        f"{heading}: missing or wrong": _failed(best),
        f"{heading}: median error": _small(best["iae_median"]),
        heading: best["method"],
    }


def _failed(row) -> str:
    return f"{row['missing'] + row['wrong']:.0f} of {row['arms']:.0f}"


def _small(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else f"{value:.4f}"


def _digits(value: float, digits: int) -> str:
    return NONE if value != value else f"{value:.{digits}f}"


def _share(value: float) -> str:
    return NONE if value != value else f"{100 * value:.0f} %"


def _percent(value: float) -> str:
    return NONE if value != value else f"{value:.4g} %"
