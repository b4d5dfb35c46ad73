"""Delimited text files as other programs write them: separators, numbers and names."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
TIME = re.compile(r"(x|t|trisk|time|days?|weeks?|months?|years?)([\W_].*)?", re.IGNORECASE)
ARM = {"arm", "curve"}
# Columns that index rows for another program's sake and say nothing about the figure.
UNUSED = {"id", "index", "k", "interval", "lower", "upper"}
SEPARATORS = {"\t": "tab", ";": "semicolon", ",": "comma", " ": "space"}


@dataclass(frozen=True)
class Line:
    """One line of a file: its number, from 1, and its cells without empty ones at the end."""

    number: int
    cells: tuple


@dataclass(frozen=True)
class Sheet:
    """The lines of a delimited file that are not blank, and how it is written."""

    path: Path
    separator: str
    lines: tuple

    def error(self, line, problem):
        """Error that names the file and the line."""
        return ValueError(f"{self.path}, line {line.number}: {problem}")

    def number(self, line, cell, what):
        """Return the number in a cell; a decimal comma is read unless commas separate cells."""
        if not cell:
            raise self.error(line, f"{what} is empty; write a number")
        if not is_number(cell):
            raise self.error(line, f"{what} is {cell!r}; write a plain number")
        if "," in cell and self.separator == ",":
            raise self.error(
                line,
                f"{what} is {cell!r} in a file separated by commas; write numbers with a "
                "decimal point and without a thousands separator",
            )
        value = float(cell.replace(",", "."))
        if not np.isfinite(value):
            raise self.error(line, f"{what} is {cell!r}; it must be finite")
        return value

    def count(self, line, cell, what):
        """Return the whole number, 0 or more, in a cell."""
        value = self.number(line, cell, what)
        if value < 0 or value != int(value):
            raise self.error(line, f"{what} is {cell!r}; it must be a whole number, 0 or more")
        return int(value)

    def row(self, line, width):
        """Cells of a line, filled up with empty ones; more cells than `width` are an error."""
        # Between spaces an empty cell cannot be seen, so the rest would shift to the left.
        cells = line.cells
        if len(cells) > width or (self.separator == " " and len(cells) != width):
            raise self.error(line, f"there are {len(cells)} cells where the header has {width}")
        return cells + ("",) * (width - len(cells))


def is_number(cell):
    """Whether a cell holds a number, with decimal point or comma."""
    return NUMBER.fullmatch(cell) is not None


def is_time(name):
    """Whether a column's name is that of a time: ``time``, ``t``, ``months`` and the like."""
    return TIME.fullmatch(name) is not None


def same_name(name):
    """Return a name without spaces and in small letters, by which arms are matched."""
    return "".join(name.split()).casefold()


def trimmed(cells):
    """Cells without the empty ones at the end."""
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    return tuple(cells[:width])


def plain(name):
    """Return a column's name in small letters with ``_`` between words."""
    return re.sub(r"[\s._-]+", "_", name.strip().casefold()).strip("_")


def read_text(path):
    """Text of a file in UTF-8, or in UTF-16 with its mark, as spreadsheets write it."""
    data = Path(path).read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}, line {line}: is not text in UTF-8; export or save it as CSV in UTF-8"
        ) from None
    if not text.strip(" \t\r\n,;"):
        raise ValueError(f"{path}, line 1: the file is empty; it must hold at least one row")
    return text


def read_sheet(path, text=None):
    """Cells of a file separated by tabs, semicolons, commas or spaces."""
    text = read_text(path) if text is None else text
    lines = [
        # A header of Gnuplot's is a comment, as in "# x, arm".
        (number, re.sub(r"^#+", "", line.strip(" ")))
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
        if line.strip(' \t,;"#')
    ]
    separator = _separator(path, lines) if lines else ""
    rows = [_line(path, separator, *line) for line in lines]
    sheet = Sheet(Path(path), separator, tuple(row for row in rows if row.cells))
    if not sheet.lines:
        raise ValueError(f"{path}, line 1: all cells are empty; there must be at least one row")
    _check_decimals(sheet)
    return sheet


def _separator(path, lines):
    """Return the first separator that stands in every line outside quotes; none: one column."""
    bare = [(number, re.sub(r'"[^"]*"', "_", line).strip(" ")) for number, line in lines]
    for separator in SEPARATORS:
        if all(separator in line for _, line in bare):
            return separator
    if all(is_number(line) or line == bare[0][1] for _, line in bare):
        return ""
    used = next((mark for mark in SEPARATORS for _, line in bare if mark in line), ",")
    number = next(number for number, line in bare if used not in line)
    raise ValueError(
        f"{path}, line {number}: there is no {SEPARATORS[used]} between cells; separate the "
        "cells of every line by the same mark: tab, semicolon, comma or space"
    )


def _line(path, separator, number, text):
    if text.count('"') % 2:
        raise ValueError(f'{path}, line {number}: a quote (") is not closed; close it')
    if not separator:
        return Line(number, (text.strip(' "'),))
    cells = next(csv.reader([text], delimiter=separator, skipinitialspace=True))
    # R writes NA where a cell has no value.
    cells = [cell.strip() for cell in cells]
    return Line(number, trimmed(["" if cell == "NA" else cell for cell in cells]))


def _check_decimals(sheet):
    """Refuse a file in which some numbers have a decimal comma and others a point."""
    if sheet.separator == ",":
        return
    seen = {}
    for line in sheet.lines:
        for cell in filter(is_number, line.cells):
            for mark in {",", "."} & set(cell):
                seen.setdefault(mark, (line, cell))
    if len(seen) == 2:
        (_, first), (line, cell) = sorted(seen.values(), key=lambda hit: hit[0].number)
        raise sheet.error(line, f"{cell!r} after {first!r}; use one decimal mark throughout")


def named_columns(sheet, roles, needed):
    """Index of the column of each role, found by the names in the first line.

    `roles` maps a role to the test that its column's name passes.
    """
    head = sheet.lines[0]
    found = {}
    for index, name in enumerate(head.cells):
        role = next((role for role, test in roles.items() if test(name)), None)
        if role in found:
            first = head.cells[found[role]]
            raise sheet.error(
                head, f"columns {first!r} and {name!r} both give {role}; keep one"
            )
        if role is not None:
            found[role] = index
        elif plain(name) not in UNUSED and (name or index):
            known = ", ".join(roles)
            raise sheet.error(
                head, f"column {name!r} is not known; the columns are {known}; delete others"
            )
    for role in needed:
        if role not in found:
            raise sheet.error(head, f"there is no column {role}; needed: {', '.join(needed)}")
    return found
