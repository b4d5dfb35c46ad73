"""One page of a figure: its lines and texts, or its image.

Page units run from the top left corner, x to the right and y down: points for a vector page,
pixels for an image, where the centre of pixel i is at i + 0.5.
"""

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""


@dataclass(frozen=True)
class Text:
    """A piece of text and the box of its ink.

    Attributes
    ----------
    text : str
        What it says.
    x0, y0, x1, y1 : float
        Left, top, right and bottom, in page units.
    angle : float
        Direction of reading in degrees, counter-clockwise; 90 reads upwards.
    confidence : float
        0 to 1; 1 where the file itself holds the characters.
    colour : tuple of int or None
        Colour of the letters; None if not known.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    angle: float = 0.0
    confidence: float = 1.0
    colour: Colour | None = None

    @property
    def x(self) -> float:
        """Middle from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        """Middle from top to bottom."""
        return (self.y0 + self.y1) / 2

    @property
    def height(self) -> float:
        """Height of the box."""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """Width of the box."""
        return self.x1 - self.x0


@dataclass(frozen=True, eq=False)
class Stroke:
    """One line, or the outline of one filled area.

    Attributes
    ----------
    points : array of shape (m, 2)
        Corners, in page units.
    colour : tuple of int
        Colour of the line, or of the area if `filled`.
    width : float
        Width of the line in page units; 0 for an area.
    dash : tuple of float
        Lengths of ink and gap in turn, in page units; empty for a solid line.
    closed : bool
        The last corner is joined to the first.
    filled : bool
        An area, not a line. A path with both gives two strokes of one `item`.
    curved : bool
        Some corners stand for a Bezier curve.
    opacity : float
        0 to 1.
    item : int
        Number of the path in the file; the parts of one path share it.
    clip : tuple of float or None
        Left, top, right and bottom of what shows of it.
    """

    points: np.ndarray
    colour: Colour = (0, 0, 0)
    width: float = 1.0
    dash: tuple[float, ...] = ()
    closed: bool = False
    filled: bool = False
    curved: bool = False
    opacity: float = 1.0
    item: int = 0
    clip: tuple[float, float, float, float] | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of its corners."""
        x0, y0 = self.points.min(axis=0)
        x1, y1 = self.points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A page as a reader gives it.

    Attributes
    ----------
    kind : str
        'vector' (strokes and texts) or 'raster' (an image).
    width, height : float
        Size of the page, in page units.
    strokes : tuple of Stroke
        In the order of drawing; empty for a raster page.
    texts : tuple of Text
        One for each piece of text, words of one line joined; empty for a raster page until
        it is read.
    image : array of shape (height, width, 3), uint8, or None
        Of a raster page.
    source : str
        Name of the file.
    page : int
        Number of the page, from 1.
    notes : tuple of str
        What the reader left out or is not sure of.
    """

    kind: str
    width: float
    height: float
    strokes: tuple[Stroke, ...] = ()
    texts: tuple[Text, ...] = ()
    image: np.ndarray | None = None
    source: str = ""
    page: int = 1
    notes: tuple[str, ...] = ()
