"""What the digitiser accepts at most; more is refused with an error that names the limit."""

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
