"""Number-at-risk tables as users have them, with cumulative events and censorings."""

import re
from dataclasses import dataclass

import numpy as np

from .coordinates import column
from .delimited import (
    ARM,
    Line,
    is_number,
    is_time,
    named_columns,
    plain,
    read_sheet,
    same_name,
)

N_RISK = {"n_risk", "nrisk", "nar", "number_at_risk", "at_risk", "no_at_risk"}
COUNTED = ("at or after", "after")


@dataclass(frozen=True)
class RiskRows:
    """Number-at-risk table of a figure: for each arm the rows that are stated.

    Attributes
    ----------
    time : dict of str to array of shape (rows,)
        Times of the rows by arm, rising, in the unit of the file.
    n_risk : dict of str to integer array of shape (rows,)
        Patients at risk by arm.
    events, censored : dict of str to integer array of shape (rows,)
        Cumulative events and censorings before each time, for the arms that state them.
    """

    time: dict
    n_risk: dict
    events: dict
    censored: dict

    def patients(self, arm):
        """Patients in an arm: the number at time 0 or what the counts add up to, else None."""
        gone = [counts[arm][0] for counts in (self.events, self.censored) if arm in counts]
        if self.time[arm][0] == 0 or len(gone) == 2:
            return int(self.n_risk[arm][0] + sum(gone))
        return None


@dataclass(frozen=True)
class _Row:
    line: Line
    time: float
    n_risk: int
    events: int | None
    censored: int | None

    @property
    def gone(self):
        return (self.events or 0) + (self.censored or 0)


def read_risk_table(path):
    r"""Read a number-at-risk table, with cumulative events and censorings if it has them.

    Two layouts, told apart by the first line:

    * wide: ``arm,0,6,12`` and below it one row per arm. A row called ``events`` or
      ``censored`` gives the cumulative counts of the arm above it, one called ``NAME events``
      those of the arm NAME. An empty cell is a number that is not stated. Counts in brackets
      beside the number at risk, ``35 (3)``, are read if the first cell of the file says what
      they are: ``arm (events)`` or ``arm (censored)``, cumulative.
    * long: columns time and n_risk, and if there are several arms arm; also events and
      censored. The columns ``time,NAR`` of reconstructKM and ``trisk,nrisk`` of the scripts
      around Guyot et al. (2012) and IPDfromKM are the same (with ``interval``, ``lower`` and
      ``upper``, which are not needed). Without a column arm the arm is called as the file.

    The layout ``time,NAR`` is that of reconstructKM's documentation. IPDfromKM takes
    vectors called trisk and nrisk and documents no file; the names come from its
    documentation and the order of columns from files that were published for Guyot's script.

    Parameters
    ----------
    path : str or path
        Text file separated by tabs, semicolons, commas or spaces.

    Returns
    -------
    RiskRows
        The rows of each arm, in file order.

    Raises
    ------
    ValueError
        Naming file, line and arm: if a count is not whole, rises where it cannot, or if
        n - n_risk is not the sum of events and censorings before the time.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "table.csv")
    ...     _ = file.write_text("arm,0,6\nA,10,7\nevents,0,2\nB,10,8\n")
    ...     rows = read_risk_table(file)
    >>> rows.n_risk["A"].tolist(), rows.events["A"].tolist(), rows.patients("B")
    ([10, 7], [0, 2], 10)
    """
    sheet = read_sheet(path)
    head = sheet.lines[0].cells
    wide = len(head) > 1 and not is_number(head[0]) and all(map(is_number, head[1:]))
    arms = _wide(sheet, head) if wide else _long(sheet)
    for arm, rows in arms.items():
        _check_arm(sheet, arm, rows)
    return RiskRows(
        time={arm: np.array([row.time for row in rows]) for arm, rows in arms.items()},
        n_risk={arm: np.array([row.n_risk for row in rows]) for arm, rows in arms.items()},
        events=_counts(arms, "events"),
        censored=_counts(arms, "censored"),
    )


def _counts(arms, kind):
    return {
        arm: np.array([getattr(row, kind) for row in rows])
        for arm, rows in arms.items()
        if getattr(rows[0], kind) is not None
    }


def _wide(sheet, head):
    times = [sheet.number(sheet.lines[0], cell, "time") for cell in head[1:]]
    bracket = re.search(r"\((events|censored)\)$", head[0], flags=re.IGNORECASE)
    tables = {}
    for line in sheet.lines[1:]:
        label, *cells = sheet.row(line, len(head))
        arm, kind = _label(sheet, line, label, tables)
        parts = {kind: cells}
        if any(cell.endswith(")") for cell in cells):
            parts = _bracketed(sheet, line, kind, cells, bracket)
        for kind, own in parts.items():
            if kind in tables.setdefault(arm, {}):
                raise sheet.error(line, f"a second row {kind} for the arm {arm!r}; keep one")
            tables[arm][kind] = line, own
    if not tables:
        raise sheet.error(sheet.lines[0], "there is no row below the times; write one per arm")
    return {arm: _wide_rows(sheet, arm, times, table) for arm, table in tables.items()}


def _bracketed(sheet, line, kind, cells, bracket):
    """Numbers at risk, and the counts in brackets beside them."""
    if kind != "n_risk" or not bracket:
        raise sheet.error(
            line,
            "has numbers in brackets; say what they count in the first cell of the file, "
            "`arm (events)` or `arm (censored)`",
        )
    found = [re.fullmatch(r"(\S+)\s*\(([^()]+)\)", cell) for cell in cells]
    for cell, match in zip(cells, found, strict=True):
        if cell and not match:
            raise sheet.error(
                line, f"{cell!r} has no number in brackets; write one in all cells"
            )
    return {
        "n_risk": [match[1] if match else "" for match in found],
        bracket[1].lower(): [match[2].strip() if match else "" for match in found],
    }


def _label(sheet, line, label, tables):
    """Arm and kind of count that the first cell of a row names."""
    if not label:
        raise sheet.error(line, "the row has no name; write the arm into its first cell")
    match = re.fullmatch(r"(|.*[\s:_(-])(events|censored)\)?", label, flags=re.IGNORECASE)
    if not match:
        return label, "n_risk"
    arm, kind = match[1].strip(" \t:_(-"), match[2].lower()
    if not arm and tables:
        return list(tables)[-1], kind
    for known in tables:
        if same_name(known) == same_name(arm):
            return known, kind
    raise sheet.error(
        line, f"the row {label!r} follows no arm of that name; write it below its arm"
    )


def _wide_rows(sheet, arm, times, table):
    rows = []
    for at, time in enumerate(times):
        values = {}
        for kind, (line, cells) in table.items():
            what = f"{kind} of the arm {arm!r} at {time:g}"
            values[kind] = sheet.count(line, cells[at], what) if cells[at] else None
        stated = [kind for kind, value in values.items() if value is not None]
        if not stated:
            continue
        if len(stated) < len(values):
            missing = next(kind for kind in values if kind not in stated)
            raise sheet.error(
                table[missing][0],
                f"{missing} of the arm {arm!r} at {time:g} is empty while {stated[0]} is "
                "given; give both or neither",
            )
        line = table["n_risk"][0]
        counts = [values.get(kind) for kind in ("n_risk", "events", "censored")]
        rows.append(_Row(line, time, *counts))
    if not rows:
        raise sheet.error(table["n_risk"][0], f"the arm {arm!r} has no number at risk")
    return rows


def _long(sheet):
    head = sheet.lines[0]
    roles = {
        "time": is_time,
        "n_risk": lambda name: plain(name) in N_RISK,
        "arm": lambda name: plain(name) in ARM,
        "events": lambda name: plain(name) == "events",
        "censored": lambda name: plain(name) == "censored",
    }
    if is_number(head.cells[0]) or not any(is_time(name) for name in head.cells):
        raise sheet.error(
            head,
            "is not the header of a number-at-risk table; begin with `arm,0,6,12` (wide: the "
            "times) or `time,n_risk,arm` (long)",
        )
    at = named_columns(sheet, roles, ("time", "n_risk"))
    arms = {}
    for line in sheet.lines[1:]:
        cells = sheet.row(line, len(head.cells))
        arm = cells[at["arm"]] if "arm" in at else sheet.path.stem
        if not arm:
            raise sheet.error(line, "arm is empty; write the arm into every row")
        counts = [
            sheet.count(line, cells[at[kind]], f"{kind} of the arm {arm!r}")
            if kind in at
            else None
            for kind in ("n_risk", "events", "censored")
        ]
        time = sheet.number(line, cells[at["time"]], "time")
        arms.setdefault(arm, []).append(_Row(line, time, *counts))
    if not arms:
        raise sheet.error(head, "there is no row below the header; write one per time")
    return arms


def _check_arm(sheet, arm, rows):
    """Check that times rise, counts move the right way and every patient is counted once."""
    first, before, left = rows[0], None, 0
    for row in rows:
        where = f"arm {arm!r}, time {row.time:g}"
        if row.time < 0:
            raise sheet.error(row.line, f"{where}: times must be 0 or later")
        if before is not None and row.time <= before.time:
            raise sheet.error(
                row.line, f"{where}: comes after {before.time:g}; times must rise"
            )
        if row.time == 0 and row.gone:
            raise sheet.error(row.line, f"{where}: {row.gone} counted before time 0; must be 0")
        if before is not None:
            _check_direction(sheet, where, before, row)
        left = _check_sum(sheet, where, first.n_risk + first.gone, row, left)
        before = row


def _check_direction(sheet, where, before, row):
    if row.n_risk > before.n_risk:
        raise sheet.error(
            row.line,
            f"{where}: {row.n_risk} at risk after {before.n_risk}; the number never rises",
        )
    for kind in ("events", "censored"):
        now, then = getattr(row, kind), getattr(before, kind)
        if now is not None and now < then:
            raise sheet.error(
                row.line, f"{where}: {now} {kind} after {then}; cumulative counts never fall"
            )


def _check_sum(sheet, where, n, row, left):
    """Patients gone without a stated count; none if both counts are given, else never fewer."""
    rest = n - row.n_risk - row.gone
    both = row.events is not None and row.censored is not None
    if both and rest:
        raise sheet.error(
            row.line,
            f"{where}: {n} patients less {row.n_risk} at risk leave {n - row.n_risk}, but "
            f"{row.events} events and {row.censored} censored make {row.gone}, "
            f"{abs(rest)} too {'few' if rest > 0 else 'many'}",
        )
    if not both and rest < left:
        raise sheet.error(
            row.line,
            f"{where}: of {n} patients {row.n_risk} are at risk and {row.gone} counted gone, "
            f"{left - rest} too many; the counts must fit into each other",
        )
    return rest


def at_or_after(risk_time, risk_n, counted="at or after"):
    """Rows of a number-at-risk table as counts of the patients with T >= t.

    Some tables count the patients at risk just after t (T > t). No time that a computer can
    hold lies between t and the next one, so the number with T > t is exactly the number with
    T >= that next time: the row moves there and keeps its number. Leaving it at t would count
    the events at t itself, of which a table at whole months may have several, as after it.

    Parameters
    ----------
    risk_time : array of shape (rows,)
        Times of the rows, 0 or later.
    risk_n : array of shape (rows,)
        Patients at risk.
    counted : {"at or after", "after"}
        Whether the table counts a patient whose time is exactly that of the row.

    Returns
    -------
    risk_time, risk_n : arrays of shape (rows,)
        Rows as `reconstruct` takes them.

    Raises
    ------
    ValueError
        If `counted` is another word, or the arrays are not numbers of one length.

    Examples
    --------
    >>> time, n = at_or_after([6, 12], [30, 9], counted="after")
    >>> bool(time[0] > 6), time.round(9).tolist(), n.tolist()
    (True, [6.0, 12.0], [30, 9])
    """
    if counted not in COUNTED:
        words = " or ".join(map(repr, COUNTED))
        raise ValueError(f"counted is {counted!r}; it must be {words}")
    time, n = column(risk_time, "risk_time"), np.asarray(risk_n)
    if len(time) != len(column(n, "risk_n")):
        raise ValueError(f"risk_time and risk_n differ in length: {len(time)} and {len(n)}")
    return (time, n) if counted == "at or after" else (np.nextafter(time, np.inf), n)
