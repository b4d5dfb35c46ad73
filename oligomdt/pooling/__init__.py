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
from oligomdt.pooling.consistency import Comparison, ConsistencyReport, check
from oligomdt.pooling.draws import CombinedEffect, PooledDraws, pool_draws
from oligomdt.pooling.effect import PooledEffect, Prediction, pool, predict, shrinkage
from oligomdt.pooling.estimates import Estimate, from_ci, from_p, from_upper_limit
from oligomdt.pooling.heterogeneity import Tau2Interval, q_profile, tau2
from oligomdt.pooling.imputation import CombinedEstimate, rubin
from oligomdt.pooling.influence import baujat, influence
from oligomdt.pooling.mixture import NormalMixture, TauPosterior
from oligomdt.pooling.multilevel import RobustEffect, ThreeLevelEffect, three_level
from oligomdt.pooling.profile import ProfileEffect, profile_mu, profile_tau2
from oligomdt.pooling.regression import MetaRegression, regression
from oligomdt.pooling.sensitivity import cumulative, leave_one_out
from oligomdt.pooling.small_study import (
    AsymmetryTest,
    HenmiCopas,
    RankTest,
    TrimAndFill,
    begg,
    egger,
    egger_random,
    event_asymmetry,
    event_asymmetry_by_arm,
    henmi_copas,
    trim_and_fill,
)
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
    "AsymmetryTest",
    "BayesianDifference",
    "BayesianEffect",
    "CombinedEffect",
    "CombinedEstimate",
    "Comparison",
    "ConsistencyReport",
    "Contrast",
    "Estimate",
    "GroupEffect",
    "HenmiCopas",
    "Interaction",
    "MetaRegression",
    "NormalMixture",
    "PooledDraws",
    "PooledEffect",
    "Prediction",
    "ProfileEffect",
    "RankTest",
    "RobustEffect",
    "Tau2Interval",
    "TauPosterior",
    "ThreeLevelEffect",
    "TrimAndFill",
    "baujat",
    "bayes",
    "bayes_interaction",
    "begg",
    "check",
    "cumulative",
    "egger",
    "egger_random",
    "event_asymmetry",
    "event_asymmetry_by_arm",
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
    "henmi_copas",
    "influence",
    "interaction",
    "leave_one_out",
    "pool",
    "pool_draws",
    "predict",
    "profile_mu",
    "profile_tau2",
    "q_profile",
    "regression",
    "rubin",
    "shrinkage",
    "tau2",
    "three_level",
    "trim_and_fill",
]
