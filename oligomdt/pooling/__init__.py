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
from oligomdt.pooling.imputation import CombinedEstimate, rubin
from oligomdt.pooling.mixture import NormalMixture, TauPosterior
from oligomdt.pooling.one_stage import OneStageEffect, one_stage, one_stage_random
from oligomdt.pooling.sensitivity import leave_one_out
from oligomdt.pooling.subgroups import Contrast, GroupEffect, Interaction, interaction
from oligomdt.pooling.summaries import (
    from_events,
    from_landmark,
    from_medians,
    from_oe_v,
    from_p_and_events,
    from_p_and_total_events,
    from_total_events,
)

__all__ = [
    "BayesianDifference",
    "BayesianEffect",
    "CombinedEstimate",
    "Contrast",
    "Estimate",
    "GroupEffect",
    "Interaction",
    "NormalMixture",
    "OneStageEffect",
    "PooledEffect",
    "Prediction",
    "Tau2Interval",
    "TauPosterior",
    "bayes",
    "bayes_interaction",
    "from_ci",
    "from_events",
    "from_landmark",
    "from_medians",
    "from_oe_v",
    "from_p",
    "from_p_and_events",
    "from_p_and_total_events",
    "from_total_events",
    "from_upper_limit",
    "interaction",
    "leave_one_out",
    "one_stage",
    "one_stage_random",
    "pool",
    "predict",
    "q_profile",
    "rubin",
    "tau2",
]
