"""From a published Kaplan-Meier figure to its coordinates.

A page is read into a `Drawing`: lines and texts of an SVG or PDF, or an image. The axes are
found and calibrated, the curves of the arms are told apart and followed from corner to corner,
and censoring marks, arm names and numbers at risk are read. What was read with low confidence
is said, and every part of it can be given instead. Needs the extra `oligomdt[digitize]`.
"""

from oligomdt.digitize.axis import Axis
from oligomdt.digitize.drawing import Drawing, Stroke, Text
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Arm, Digitised, Panel, RiskTable
from oligomdt.digitize.reading import digitize, panels

__all__ = [
    "Arm",
    "Axis",
    "Digitised",
    "DigitizeError",
    "Drawing",
    "Panel",
    "RiskTable",
    "Stroke",
    "Text",
    "digitize",
    "panels",
]
