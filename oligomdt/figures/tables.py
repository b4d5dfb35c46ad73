"""Tables for the pages: readable headings, printed numbers, daggers; and their CSV files."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis import printing
from oligomdt.evidence import DAGGER, Interval, NotReached, NotReported, Stated

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

__all__ = ["FOOTNOTE", "save", "table"]

FOOTNOTE = f"{DAGGER} not read in its source."
ABSENT = "\u2013"
# The dagger of a row stands at its estimate; it covers limits and probabilities beside it.
ESTIMATES = {"hr", "ratio"}

RATIO, LOG, PERCENT, P, COUNT = "ratio", "log", "percent", "p", "count"
# Heading and kind of number of the columns that the analysis gives.
COLUMNS: dict[str, tuple[str, str]] = {
    "result": ("Result", ""),
    "label": ("Trial", ""),
    "group": ("Histology", ""),
    "k": ("Trials", COUNT),
    "patients": ("Patients", COUNT),
    "method": ("Method", ""),
    "role": ("Place", ""),
    "interval": ("Interval", ""),
    "n_control": ("n control", COUNT),
    "n_experimental": ("n MDT", COUNT),
    "hr": ("HR", RATIO),
    "ratio": ("Ratio of HRs", RATIO),
    "low": ("95 % low", RATIO),
    "high": ("95 % high", RATIO),
    "ci_low": ("Printed low", RATIO),
    "ci_high": ("Printed high", RATIO),
    "level": ("Printed level", PERCENT),
    "hr95_low": ("95 % low", RATIO),
    "hr95_high": ("95 % high", RATIO),
    "log_hr": ("ln HR", LOG),
    "se": ("SE of ln HR", LOG),
    "within_se": ("SE within draws", LOG),
    "between_sd": ("SD between draws", LOG),
    "reconstruction_share": ("Share of variance from reconstruction", PERCENT),
    "tau": ("tau", RATIO),
    "tau_low": ("tau, 95 % low", RATIO),
    "tau_high": ("tau, 95 % high", RATIO),
    "p_benefit": ("P(HR < 1)", PERCENT),
    "p_relevant": ("P(HR < 0.8)", PERCENT),
    "p_below_1": ("P(ratio < 1)", PERCENT),
    "predictive_low": ("New trial, 95 % low", RATIO),
    "predictive_high": ("New trial, 95 % high", RATIO),
    "p": ("p", P),
    "hr_published": ("HR, published", RATIO),
    "low_published": ("95 % low, published", RATIO),
    "high_published": ("95 % high, published", RATIO),
    "hr_reconstructed": ("HR, reconstructed", RATIO),
    "low_reconstructed": ("95 % low, reconstructed", RATIO),
    "high_reconstructed": ("95 % high, reconstructed", RATIO),
    "difference": ("Difference of ln HR", LOG),
    "difference_in_se": ("Difference in SE", RATIO),
    "se_ratio": ("SE, reconstructed / published", RATIO),
    "events_control_median": ("Events, control", COUNT),
    "events_experimental_median": ("Events, MDT", COUNT),
    "draws": ("Draws", COUNT),
    "scenario": ("Scenario", ""),
    "kind": ("What changes", ""),
    "changed": ("Change", ""),
    "note": ("Remark", ""),
    "stated": ("Stated", ""),
    "reached_low": ("Reconstructed, lowest", "figures"),
    "reached_median": ("Reconstructed, median", "figures"),
    "reached_high": ("Reconstructed, highest", "figures"),
    "met": ("Draws that meet it", PERCENT),
    "value": ("Value", "figures"),
}


def table(
    frame: pd.DataFrame,
    caption: str,
    name: str,
    columns: Mapping[str, str] | None = None,
) -> Styler:
    """A table as the pages show it.

    Numbers are printed by kind of column; stated values as printed, with a dagger where they
    were not read in their source. A row whose `checked` is false carries a dagger at its
    hazard ratio, or ratio of two. Daggers are explained in the caption.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; cells may be numbers, texts, `Stated`, `Interval`, `NotReported`.
    caption : str
        What the table shows.
    name : str
        Unique on its page; the identifier of the element.
    columns : mapping, optional
        Columns to show, in order, and their headings; "" keeps the usual heading. Default:
        every column but `checked`.

    Returns
    -------
    pandas.io.formats.style.Styler
        Shows itself as an HTML table with scoped headers.

    Raises
    ------
    ValueError
        Where there is no row, or a column does not exist; the message names it.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"label": ["A", "B"], "hr": [0.5, 0.7], "checked": [True, False]})
    >>> shown = table(frame, "Hazard ratios.", "example")
    >>> shown.data.iloc[1].tolist()
    ['B', '0.70†']
    """
    if frame.empty:
        raise ValueError(f"table {name!r} has no row")
    chosen = list(columns) if columns else [c for c in frame.columns if c != "checked"]
    for column in chosen:
        if column not in frame:
            raise ValueError(f"table {name!r}: no column {column!r} in {list(frame.columns)}")
    headings = [(columns or {}).get(column) or heading(column) for column in chosen]
    text = frame[chosen].apply(lambda column: column.map(lambda v: cell(v, column.name)))
    for estimate in ESTIMATES.intersection(chosen) if "checked" in frame else ():
        unread = ~frame["checked"].astype(bool)
        text.loc[unread, estimate] = text.loc[unread, estimate] + DAGGER
    numeric = [_is_number(frame[column], column) for column in chosen]
    text = text.set_axis(headings, axis=1).reset_index(drop=True)
    if text.map(lambda v: DAGGER in v).to_numpy().any() and DAGGER not in caption:
        caption = f"{caption} {FOOTNOTE}"
    return _styler(text, caption, name, numeric)


def heading(column: str) -> str:
    """The heading of a column; its name in plain words where it has none of its own."""
    known = COLUMNS.get(column)
    return known[0] if known else str(column).replace("_", " ").capitalize()


def cell(value: Any, column: str = "") -> str:
    """A cell as text, by the kind of its column."""
    if isinstance(value, (Stated, Interval)):
        return str(value)
    if value is NotReported or value is NotReached:
        return repr(value)
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and np.isnan(value)) or _is_na(value):
        return ABSENT
    if isinstance(value, (int, float, np.number)):
        return _number(float(value), COLUMNS.get(column, ("", ""))[1], value)
    return str(value)


def _is_na(value: Any) -> bool:
    import pandas as pd

    return value is pd.NA or value is pd.NaT


def _number(value: float, kind: str, original: Any) -> str:
    if np.isinf(value):
        return "not reached"
    if kind == COUNT or (not kind and isinstance(original, (int, np.integer))):
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    if kind == RATIO:
        return printing.ratio(value)
    if kind == LOG:
        return printing.decimals(value, 3)
    if kind == PERCENT:
        return f"{printing.percent(value)} %"
    if kind == P:
        return "<0.001" if value < 0.001 else f"{value:.2g}"
    return _figures(value)


def _figures(value: float) -> str:
    """Three significant figures without an exponent for the sizes that occur."""
    if value and abs(value) < 0.001:
        return f"{value:.1g}"
    digits = 3 if abs(value) < 100 else 4
    return f"{value:.{digits}g}"


def _is_number(column: pd.Series, name: str) -> bool:
    if COLUMNS.get(name, ("", ""))[1]:
        return True
    return all(isinstance(v, (int, float, np.number, Stated)) for v in column)


def _styler(text: pd.DataFrame, caption: str, name: str, numeric: list[bool]) -> Styler:
    import pandas as pd
    from pandas.io.formats.style import Styler

    class Table(Styler):
        """A styler whose header cells say what they head."""

        def _repr_html_(self) -> str:
            return _scoped(super()._repr_html_(), numeric)

    names = [f"column{i}" for i in range(text.shape[1])]
    headings = dict(zip(names, text.columns, strict=True))
    escaped = text.set_axis(names, axis=1)
    shown = Table(escaped, uuid=name, cell_ids=False).hide(axis="index")
    shown = shown.format(html.escape).format_index(
        lambda column: html.escape(headings[column]), axis="columns"
    )
    classes = pd.DataFrame("", index=escaped.index, columns=names)
    for column, number in zip(names, numeric, strict=True):
        words = escaped[column].isin([repr(NotReported), repr(NotReached)])
        classes[column] = np.where(words, "not-reported", "number" if number else "")
    return shown.set_td_classes(classes).set_caption(html.escape(caption))


def _scoped(text: str, numeric: list[bool]) -> str:
    """Give header cells their scope, and make the first cell of a row its header."""
    for i, number in enumerate(numeric):
        old = f'class="col_heading level0 col{i}"'
        new = f'scope="col" class="col_heading level0 col{i}{" number" if number else ""}"'
        text = text.replace(old, new)
    first = re.compile(r"(<tr>\s*)<td([^>]*)>(.*?)</td>", re.DOTALL)
    return first.sub(r'\1<th scope="row"\2>\3</th>', text)


def save(frame: pd.DataFrame, name: str) -> Path:
    """Write a frame for download, as `_build/results/NAME.csv` of the book's folder.

    Parameters
    ----------
    frame : pandas.DataFrame
        What the table or figure of the page shows, unrounded.
    name : str
        Name of the file without its ending.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        Where the frame has no row or the name holds more than letters, digits, - and _.
    """
    if frame.empty:
        raise ValueError(f"{name}: there is no row to save")
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"name {name!r}: use letters, digits, - and _ only")
    folder = book_folder() / "_build" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.csv"
    # Ten digits: enough for any use, and the same on machines whose last bits differ.
    frame.to_csv(file, index=False, float_format="%.10g", lineterminator="\n")
    return file


def book_folder() -> Path:
    """The folder of the book: the nearest above the working directory, else the project's."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_config.yml").is_file() and (folder / "_toc.yml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]
