"""What the digitiser accepts at most; more is refused with an error that names the limit."""

import time

from oligomdt.digitize.error import DigitizeError

BYTES = 64 * 2**20
"""Size of the file, in bytes."""

UNPACKED = 256 * 2**20
"""Size of all compressed parts of a file together, unpacked, in bytes."""

PAGES = 500
"""Pages of a PDF."""

PIXELS = 100_000_000
"""Pixels of an image: a scan of 10,000 by 10,000."""

SIDE = 20_000
"""Width or height of an image, in pixels."""

PATHS = 200_000
"""Paths of one page."""

POINTS = 2_000_000
"""Corners of all paths of one page."""

CHARACTERS = 200_000
"""Characters of text of one page."""

DEPTH = 50
"""Groups within groups."""

SECONDS = 60.0
"""Time for one page."""

ARMS = 8
"""Arms of one panel."""

PANELS = 40
"""Panels of one page."""

LINES = 60
"""Lines of one panel that fall from survival 1."""

MARKS = 20_000
"""Small shapes of one panel that may be censoring marks."""

RULES = 1_000
"""Rules of a style sheet."""


class Clock:
    """Refuses to go on when `SECONDS` are over.

    Examples
    --------
    >>> from oligomdt.digitize import limits
    >>> limits.Clock("figure.svg").check()
    """

    def __init__(self, name: str):
        self.name, self.end = name, time.monotonic() + SECONDS

    def check(self) -> None:
        """Raise a DigitizeError if the time is over."""
        if time.monotonic() > self.end:
            raise DigitizeError(
                f"{self.name} takes more than {SECONDS:g} seconds; give the figure alone"
            )
