"""Two-arm survival analysis of an individual patient data (IPD) frame.

An IPD frame has one row per patient and the columns `time` (months), `event` (1 progression
or death, 0 censored) and `arm` ("control" or "experimental"). Effects are always experimental
versus control, so a log hazard ratio below zero favours the experimental arm.
"""

from .cox import CoxResult, cox
from .kaplan_meier import km, median, survival_at
from .logrank import LogRankResult, logrank
from .proportional_hazards import PhTestResult, ph_test
from .rmst import RmstResult, rmst

__all__ = [
    "CoxResult",
    "LogRankResult",
    "PhTestResult",
    "RmstResult",
    "cox",
    "km",
    "logrank",
    "median",
    "ph_test",
    "rmst",
    "survival_at",
]
