"""What digitised points say about a curve: how they were read and how exactly."""

from dataclasses import dataclass

import numpy as np

KINDS = ("trace", "clicks", "times")
# Divisions of an axis that points may have been rounded to: pixels, then decimal places.
DIVISIONS = (*range(100, 2001), 5000, 10_000, 20_000, 50_000, 100_000)
# Values of one axis lie on a grid when none is further from it than this share of a step.
ON_GRID = 1e-6
# Levels on a coarse grid are there by chance only if that is more likely than this.
BY_CHANCE = 1e-6
# Without a grid a point is taken to be read to this share of its axis.
NO_GRID = 1 / 1000
# A point further back than this share of the resolution did not get there by rounding.
BACK = 0.9
# Survival read at a few times: no more points than this, and more events than this for each.
FEW_POINTS, CROWDED = 15, 4.0


@dataclass(frozen=True)
class Observation:
    """How the points of one curve were read.

    Attributes
    ----------
    kind : {"trace", "clicks", "times"}
        `trace`: every visible drop is there, as corners of a vector figure or an automatic
        trace give it; `clicks`: made by hand, off by about a pixel in both directions;
        `times`: survival at a few times, with drops between them that nobody read.
    step_time, step_surv : float
        Resolution: smallest difference that the points can show, in the units of the points.
    reason : str
        Why this kind was chosen, in words.
    """

    kind: str
    step_time: float
    step_surv: float
    reason: str


def grid_step(values):
    """Return the coarsest step of a grid on which all values lie, None where there is none."""
    values = np.unique(values)
    values = values[(values > 0) & (values < 1)]
    if len(values) == 0:
        return None
    scaled = values[:, None] * np.array(DIVISIONS)
    off = np.abs(scaled - np.round(scaled)).max(axis=0)
    found = np.flatnonzero(off < ON_GRID * np.array(DIVISIONS))
    return 1 / DIVISIONS[found[0]] if len(found) else None


def resolution(curve, xmax=None):
    """Smallest differences in time and survival that the points of a curve can show.

    The points of a figure are rounded to its pixels, or to the decimals of the file. The
    coarsest grid on which all of them lie is taken as that rounding; the finer axis rules where
    the two differ, since a few values can lie on a coarse grid by chance.
    """
    end = xmax or float(curve.time[-1])
    in_time, in_surv = grid_step(curve.raw_time / end), grid_step(curve.raw_surv)
    if in_surv is None and in_time is None:
        return end * NO_GRID, NO_GRID
    if in_surv is None:
        return end * in_time, 1.5 * in_time
    if in_time is None:
        return end * in_surv, in_surv
    levels = np.unique(curve.raw_surv[(curve.raw_surv > 0) & (curve.raw_surv < 1)])
    if min(1.0, 2 * in_time / in_surv) ** len(levels) < BY_CHANCE:
        return end * in_time, in_surv
    return end * in_time, min(in_surv, 2 * in_time)


def observe(curve, n, xmax=None, kind=None, given=None):
    """Choose the way in which the points of a curve are taken.

    Parameters
    ----------
    curve : Coordinates
        Cleaned points of the curve, with the points as read.
    n : int
        Patients in the arm.
    xmax : float, optional
        End of the figure's time axis, in which a pixel of time is counted.
    kind : {"trace", "clicks", "times"}, optional
        Chosen from the points where it is not given.
    given : tuple of two floats, optional
        Resolution in time and in survival; found from the points where it is not given.

    Returns
    -------
    Observation

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean
    >>> observe(clean([0.01, 0.02, 0.04, 0.05], [1, 0.99, 0.995, 0.98]), 40, xmax=1).kind
    'clicks'
    """
    step_time, step_surv = given or resolution(curve, xmax)
    if kind is not None:
        return Observation(kind, step_time, step_surv, "stated")
    if curve.back > BACK * step_time or curve.moved > 0.25 * step_surv:
        return Observation(
            "clicks", step_time, step_surv, "points go back in time or rise in survival"
        )
    later = curve.raw_time > 0
    time, surv = curve.raw_time[later], curve.raw_surv[later]
    alone = len(np.unique(time)) == len(time) and len(np.unique(surv)) == len(surv)
    if alone and len(time) <= FEW_POINTS and n * (1 - surv[-1]) > CROWDED * len(time):
        return Observation(
            "times", step_time, step_surv, f"{len(time)} points for many more events, no steps"
        )
    return Observation("trace", step_time, step_surv, "points never rise nor go back in time")
