"""Two-arm survival analysis of an individual patient data (IPD) frame.

An IPD frame has one row per patient and the columns `time` (months), `event` (1 progression
or death, 0 censored) and `arm` ("control" or "experimental"). Effects are always experimental
versus control, so a log hazard ratio below zero favours the experimental arm.
"""

from .contrasts import LandmarkResult, landmark
from .cox import CoxResult, cox
from .draws import cox_draws
from .kaplan_meier import cumulative_hazard, followup, km, median, quantile, survival_at
from .logrank import LogRankResult, logrank
from .parametric import AcceleratedResult, accelerated
from .proportional_hazards import PhTestResult, ph_correlation_test, ph_test
from .rmst import RmstResult, rmst
from .time_varying import PiecewiseResult, TimeVaryingResult, piecewise, time_varying
from .treatment_by_trial import LikelihoodRatioTest, interaction_test
from .weighted import (
    WeightedLogRankResult,
    peto_peto,
    weighted_logrank,
    weighted_logranks,
)

__all__ = [
    "AcceleratedResult",
    "CoxResult",
    "LandmarkResult",
    "LikelihoodRatioTest",
    "LogRankResult",
    "PhTestResult",
    "PiecewiseResult",
    "RmstResult",
    "TimeVaryingResult",
    "WeightedLogRankResult",
    "accelerated",
    "cox",
    "cox_draws",
    "cumulative_hazard",
    "followup",
    "interaction_test",
    "km",
    "landmark",
    "logrank",
    "median",
    "peto_peto",
    "ph_correlation_test",
    "ph_test",
    "piecewise",
    "quantile",
    "rmst",
    "survival_at",
    "time_varying",
    "weighted_logrank",
    "weighted_logranks",
]
