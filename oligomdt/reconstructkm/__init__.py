"""Individual patient data reconstructed from published survival figures and statistics."""

from .arm import ReconstructedArm, Report, reconstruct

__all__ = ["ReconstructedArm", "Report", "reconstruct"]
