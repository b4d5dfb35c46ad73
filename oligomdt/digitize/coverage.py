"""Ink of an image: the share of each pixel that the colour of a line covers."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def coverage(pixels, paper, colour, others=()) -> np.ndarray:
    """The share of each pixel that a line of one colour covers.

    Wide areas in a tint of the colour, such as confidence bands, are taken off. Parameters and
    result are those of `ink`.
    """
    share = ink(pixels, paper, colour, others)
    area = ndimage.grey_opening(share, size=(9, 9))
    area = np.where(area > 0.55, 0, area)
    return np.clip((share - area) / (1 - area), 0, 1)


def ink(pixels, paper, colour, others=()) -> np.ndarray:
    """The share of each pixel that one colour covers, in lines and areas.

    Parameters
    ----------
    pixels : array of shape (height, width, 3)
        Part of the image.
    paper : array of shape (3,)
        Its background.
    colour : tuple of int
        Of the line.
    others : list of tuple of int
        Colours of other lines: a pixel that is nearer to one of them is not of this one.

    Returns
    -------
    array of shape (height, width)
        0 to 1.
    """
    share, away = _mixed(pixels, paper, colour)
    match = np.clip(1.6 - away / 45.0, 0, 1)
    for other in others:
        other_share, other_away = _mixed(pixels, paper, other)
        lighter, darker = tint(other, colour, paper), tint(colour, other, paper)
        if lighter is not None:
            # A paler line is told from the fringe of this one by what is next to it.
            alone = ndimage.grey_dilation(share, size=(3, 3)) < (1 + lighter) / 2
            match = np.where(alone, 0, match)
        elif darker is not None:
            fringe = ndimage.grey_dilation(other_share, size=(3, 3)) > (1 + darker) / 2
            match = np.where(fringe & (other_away < 60), 0, match)
        else:
            nearer = (other_away + 14 < away) & (other_share > 0.3)
            match = np.where(nearer, 0, match)
    return np.clip(share, 0, 1) * match


def tint(colour, other, paper) -> float | None:
    """The share of another colour that, thinned with the paper, gives this one; or None."""
    share, away = _mixed(np.asarray(colour, float)[None, None], paper, other)
    near = 0.1 < float(share[0, 0]) < 0.85 and float(away[0, 0]) < 25
    return float(share[0, 0]) if near else None


def _mixed(pixels, paper, colour):
    """Share of a colour in each pixel and how far the pixel is from that mixture."""
    way = np.asarray(colour, float) - paper
    away = pixels - paper
    along, square = away @ way, max(float(way @ way), 1.0)
    share = along / square
    clipped = np.clip(share, 0, 1.05)
    rest = np.einsum("ijk,ijk->ij", away, away) + clipped * (clipped * square - 2 * along)
    return share, np.sqrt(np.maximum(rest, 0.0))
