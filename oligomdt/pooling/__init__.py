"""Pooling of hazard ratios from few trials.

Estimates from printed statistics, pooled effects with the usual estimators of heterogeneity,
the Bayesian random-effects model, ratios of hazard ratios between groups, and sensitivity
analyses. All effects are log hazard ratios, experimental versus control.
"""

from oligomdt.pooling.bayesian import (
    BayesianDifference,
    BayesianEffect,
    bayes,
    bayes_interaction,
)
from oligomdt.pooling.effect import PooledEffect, Prediction, pool, predict
from oligomdt.pooling.estimates import Estimate, from_ci, from_p, from_upper_limit
from oligomdt.pooling.heterogeneity import Tau2Interval, q_profile, tau2

__all__ = [
    "BayesianDifference",
    "BayesianEffect",
    "Estimate",
    "PooledEffect",
    "Prediction",
    "Tau2Interval",
    "bayes",
    "bayes_interaction",
    "from_ci",
    "from_p",
    "from_upper_limit",
    "pool",
    "predict",
    "q_profile",
    "tau2",
]
