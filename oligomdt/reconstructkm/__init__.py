"""Individual patient data reconstructed from published survival figures and statistics."""

from .arm import ReconstructedArm, Report, reconstruct
from .comparison import Comparison, FollowUp, Landmark, StatedArm
from .ensemble import Ensemble, InfeasibleError, from_statistics
from .printed import NOT_REACHED, Printed, printed

__all__ = [
    "NOT_REACHED",
    "Comparison",
    "Ensemble",
    "FollowUp",
    "InfeasibleError",
    "Landmark",
    "Printed",
    "ReconstructedArm",
    "Report",
    "StatedArm",
    "from_statistics",
    "printed",
    "reconstruct",
]
