"""Published facts as frozen, checked records; what each field means is in data/README.md."""

from .acceptance import accept_curve
from .curve import ArmCurve, Curve, Origin
from .curve_checks import contradictions
from .loading import context, curves, data_folder, load, sources
from .reading import EvidenceError
from .record import (
    ArmResult,
    Cohort,
    ContextTrial,
    Design,
    Finding,
    FollowUp,
    Landmark,
    Report,
    Result,
    Trial,
)
from .register import Source
from .summary import summary
from .values import (
    DAGGER,
    HazardRatio,
    Interval,
    NotReached,
    NotReported,
    ReadOnly,
    SourceRef,
    Stated,
)

__all__ = [
    "DAGGER",
    "ArmCurve",
    "ArmResult",
    "Cohort",
    "ContextTrial",
    "Curve",
    "Design",
    "EvidenceError",
    "Finding",
    "FollowUp",
    "HazardRatio",
    "Interval",
    "Landmark",
    "NotReached",
    "NotReported",
    "Origin",
    "ReadOnly",
    "Report",
    "Result",
    "Source",
    "SourceRef",
    "Stated",
    "Trial",
    "accept_curve",
    "context",
    "contradictions",
    "curves",
    "data_folder",
    "load",
    "sources",
    "summary",
]
