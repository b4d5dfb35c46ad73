"""Individual patient data reconstructed from published survival figures and statistics."""

from .arm import ReconstructedArm, Report, reconstruct
from .censoring import CensoringHazard
from .comparison import Comparison, FollowUp, Landmark, StatedArm
from .ensemble import Ensemble, InfeasibleError, from_statistics
from .figure import ReconstructedFigure, reconstruct_figure
from .files import (
    ArmInput,
    RiskRows,
    as_survival,
    at_or_after,
    read_figure,
    read_points,
    read_risk_table,
    write_patients,
)
from .joint import Conditioned, Contradiction, condition, contradictions, statistics
from .plot import draw_report
from .printed import NOT_REACHED, Printed, printed

__all__ = [
    "NOT_REACHED",
    "ArmInput",
    "CensoringHazard",
    "Comparison",
    "Conditioned",
    "Contradiction",
    "Ensemble",
    "FollowUp",
    "InfeasibleError",
    "Landmark",
    "Printed",
    "ReconstructedArm",
    "ReconstructedFigure",
    "Report",
    "RiskRows",
    "StatedArm",
    "as_survival",
    "at_or_after",
    "condition",
    "contradictions",
    "draw_report",
    "from_statistics",
    "printed",
    "read_figure",
    "read_points",
    "read_risk_table",
    "reconstruct",
    "reconstruct_figure",
    "statistics",
    "write_patients",
]
