"""Published facts as frozen, checked records; what each field means is in data/README.md."""

from .acceptance import accept_curve
from .appraisal import load_appraisal
from .curve import ArmCurve, Curve, Origin
from .curve_checks import contradictions
from .extended import ExtendedTrial, Limits, Scenario, extended
from .external import Outcome, PublishedPool, external
from .loading import context, curves, data_folder, load, sources
from .ongoing import OngoingTrial, ongoing
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
    NotFound,
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
    "ExtendedTrial",
    "Finding",
    "FollowUp",
    "HazardRatio",
    "Interval",
    "Landmark",
    "Limits",
    "NotFound",
    "NotReached",
    "NotReported",
    "OngoingTrial",
    "Origin",
    "Outcome",
    "PublishedPool",
    "ReadOnly",
    "Report",
    "Result",
    "Scenario",
    "Source",
    "SourceRef",
    "Stated",
    "Trial",
    "accept_curve",
    "context",
    "contradictions",
    "curves",
    "data_folder",
    "extended",
    "external",
    "load",
    "load_appraisal",
    "ongoing",
    "sources",
    "summary",
]
