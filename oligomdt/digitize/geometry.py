"""Matrices, Bezier curves and boxes of page coordinates."""

import math

import numpy as np

IDENTITY = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
"""(a, b, c, d, e, f): x' = a x + c y + e and y' = b x + d y + f."""

PIECES = 8
"""Straight pieces that stand for one Bezier curve."""


def product(outer, inner) -> tuple:
    """The matrix that first does `inner`, then `outer`."""
    a, b, c, d, e, f = outer
    p, q, r, s, t, u = inner
    return (
        a * p + c * q,
        b * p + d * q,
        a * r + c * s,
        b * r + d * s,
        a * t + c * u + e,
        b * t + d * u + f,
    )


def apply(matrix, points) -> np.ndarray:
    """Points of shape (m, 2) moved by a matrix."""
    a, b, c, d, e, f = matrix
    points = np.asarray(points, float).reshape(-1, 2)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([a * x + c * y + e, b * x + d * y + f])


def scale_of(matrix) -> float:
    """Factor by which a matrix changes lengths."""
    a, b, c, d, _, _ = matrix
    return math.sqrt(abs(a * d - b * c))


def intersection(one, other):
    """The box that two boxes share; None stands for the whole page."""
    if one is None or other is None:
        return other if one is None else one
    return (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )


class Outline:
    """Subpaths as they are drawn, command by command."""

    def __init__(self):
        self.parts = []  # (points, closed, curved)
        self._points, self.curved, self._start = [], False, (0.0, 0.0)
        self.last = (0.0, 0.0)

    def move(self, x, y):
        """Start a subpath."""
        self._finish(False)
        self._points = [(x, y)]
        self.last = self._start = (x, y)

    def line(self, x, y):
        """Draw a straight line."""
        if not self._points:
            self._points = [self.last]
        self._points.append((x, y))
        self.last = (x, y)

    def curve(self, x1, y1, x2, y2, x3, y3):
        """Draw a Bezier curve; one that is straight becomes a line."""
        x0, y0 = self.last
        length = math.hypot(x3 - x0, y3 - y0)
        bend = max(
            abs((x - x0) * (y3 - y0) - (y - y0) * (x3 - x0)) / length
            if length > 0
            else math.hypot(x - x0, y - y0)
            for x, y in ((x1, y1), (x2, y2))
        )
        if bend <= 1e-3:
            self.line(x3, y3)
            return
        for k in range(1, PIECES + 1):
            t = k / PIECES
            s = 1 - t
            self.line(
                s**3 * x0 + 3 * s * s * t * x1 + 3 * s * t * t * x2 + t**3 * x3,
                s**3 * y0 + 3 * s * s * t * y1 + 3 * s * t * t * y2 + t**3 * y3,
            )
        self.curved = True

    def close(self):
        """Join the subpath to its start."""
        self._finish(True)
        self.last = self._start

    def done(self) -> list:
        """All subpaths: (points, closed, curved)."""
        self._finish(False)
        return self.parts

    def _finish(self, closed):
        if len(self._points) > 1 or (self._points and closed):
            self.parts.append((np.array(self._points, float), closed, self.curved))
        self._points, self.curved = [], False
