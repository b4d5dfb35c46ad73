"""What was read from one panel: the arms, the numbers at risk and how sure it is."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from oligomdt.digitize.axis import Axis
from oligomdt.digitize.drawing import Colour, Drawing


@dataclass(frozen=True)
class Panel:
    """The box of a panel's axes, in page units.

    Attributes
    ----------
    name : str
        The letter printed beside it, else its number from 1, row by row.
    x0, y0, x1, y1 : float
        Left, top, right and bottom.
    title : str
        Printed above it; empty if there is none.
    """

    name: str
    x0: float
    y0: float
    x1: float
    y1: float
    title: str = ""


@dataclass(frozen=True, eq=False)
class Arm:
    """The curve of one arm.

    Attributes
    ----------
    name : str
        From the legend, a label or the numbers at risk; else 'Arm 1', 'Arm 2', ...
    colour : tuple of int
        Red, green and blue of its line, 0 to 255.
    dash : tuple of float
        Lengths of ink and gap in page units; empty for a solid line.
    time, surv : array of shape (m,)
        Every corner of the right-continuous step curve: its start, its drops and its end, in
        the unit of the time axis and as a proportion.
    censor_time : array of shape (c,)
        Times of the censoring marks.
    confidence : float
        0 to 1.
    notes : tuple of str
        What is not sure about it.
    censor_surv : array of shape (c,)
        Survival at the marks.
    """

    name: str
    colour: Colour
    dash: tuple[float, ...]
    time: np.ndarray
    surv: np.ndarray
    censor_time: np.ndarray = field(default_factory=lambda: np.empty(0))
    confidence: float = 1.0
    notes: tuple[str, ...] = ()
    censor_surv: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class RiskTable:
    """Numbers at risk printed below a panel or inside it.

    Attributes
    ----------
    time : array of shape (k,)
        Times of its columns.
    counts : dict of str to tuple of (int or None)
        Of each arm; None for an empty or unreadable cell.
    confidence : float
        0 to 1.
    """

    time: np.ndarray
    counts: dict[str, tuple[int | None, ...]]
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class Digitised:
    """Everything read from one panel.

    Attributes
    ----------
    panel : Panel
        Which one.
    x_axis, y_axis : Axis
        Calibration: time, and survival as a proportion.
    arms : tuple of Arm
        From the highest end of the curve to the lowest, or as `names` or `colours` ask.
    risk_table : RiskTable or None
        None if there is none.
    resolution : (float, float)
        Time and survival that one page unit stands for; in a vector file times the precision
        of its numbers.
    warnings : tuple of str
        What was read with low confidence.
    settings : dict
        The options given.
    source : str
        Name of the file and page.
    drawing : Drawing or None
        The page.
    """

    panel: Panel
    x_axis: Axis
    y_axis: Axis
    arms: tuple[Arm, ...]
    risk_table: RiskTable | None
    resolution: tuple[float, float]
    warnings: tuple[str, ...] = ()
    settings: dict = field(default_factory=dict)
    source: str = ""
    drawing: Drawing | None = None

    def points(self) -> pd.DataFrame:
        """Corners of all curves: columns arm, time, survival."""
        return _stacked(self.arms, lambda arm: {"time": arm.time, "survival": arm.surv})

    def censor(self) -> pd.DataFrame:
        """Censoring marks of all arms: columns arm, time."""
        return _stacked(self.arms, lambda arm: {"time": arm.censor_time})

    def risk(self) -> pd.DataFrame:
        """Numbers at risk that could be read: columns arm, time, n_risk."""
        rows = []
        if self.risk_table is not None:
            for arm, counts in self.risk_table.counts.items():
                pairs = zip(self.risk_table.time, counts, strict=True)
                rows += [(arm, time, count) for time, count in pairs if count is not None]
        return pd.DataFrame(rows, columns=["arm", "time", "n_risk"])


def _stacked(arms, columns_of) -> pd.DataFrame:
    parts = [pd.DataFrame({"arm": arm.name, **columns_of(arm)}) for arm in arms]
    return pd.concat(parts, ignore_index=True)
