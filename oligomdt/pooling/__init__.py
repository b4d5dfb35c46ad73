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
from oligomdt.pooling.consistency import (
    Comparison,
    ConsistencyReport,
    check,
)
from oligomdt.pooling.decisive_result import (
    CommonEffectNeeded,
    PredictivePower,
    ResultNeeded,
    bayesian_predictive_power,
    result_needed,
    result_needed_common_effect,
)
from oligomdt.pooling.draws import (
    CombinedEffect,
    PooledDraws,
    pool_draws,
)
from oligomdt.pooling.effect import (
    PooledEffect,
    Prediction,
    pool,
    predict,
    shrinkage,
)
from oligomdt.pooling.estimates import (
    Estimate,
    from_ci,
    from_p,
    from_upper_limit,
)
from oligomdt.pooling.heterogeneity import (
    Tau2Interval,
    q_profile,
    tau2,
)
from oligomdt.pooling.imputation import (
    CombinedEstimate,
    rubin,
)
from oligomdt.pooling.influence import (
    baujat,
    influence,
)
from oligomdt.pooling.mixture import (
    NormalMixture,
    TauPosterior,
)
from oligomdt.pooling.multilevel import (
    RobustEffect,
    ThreeLevelEffect,
    three_level,
)
from oligomdt.pooling.one_stage import (
    OneStageEffect,
    one_stage,
    one_stage_random,
)
from oligomdt.pooling.priors import (
    Exponential,
    HalfCauchy,
    HalfNormal,
    HalfT,
    LogNormal,
    TauPrior,
    Uniform,
)
from oligomdt.pooling.profile import (
    ProfileEffect,
    profile_mu,
    profile_tau2,
)
from oligomdt.pooling.regression import (
    MetaRegression,
    regression,
)
from oligomdt.pooling.sample_size import (
    TrialPower,
    alpha_spent,
    equivalent_events,
    information_size,
    power,
    required_events,
)
from oligomdt.pooling.sensitivity import (
    cumulative,
    leave_one_out,
)
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
from oligomdt.pooling.subgroups import (
    Contrast,
    GroupEffect,
    Interaction,
    interaction,
)
from oligomdt.pooling.summaries import (
    from_events,
    from_landmark,
    from_medians,
    from_oe_v,
    from_p_and_events,
    from_p_and_total_events,
    from_total_events,
)
from oligomdt.pooling.update_power import (
    UpdatePower,
    conditional_power,
    predictive_power,
    predictive_power_random_effects,
)

__all__ = [
    "AsymmetryTest",
    "BayesianDifference",
    "BayesianEffect",
    "CombinedEffect",
    "CombinedEstimate",
    "CommonEffectNeeded",
    "Comparison",
    "ConsistencyReport",
    "Contrast",
    "Estimate",
    "Exponential",
    "GroupEffect",
    "HalfCauchy",
    "HalfNormal",
    "HalfT",
    "HenmiCopas",
    "Interaction",
    "LogNormal",
    "MetaRegression",
    "NormalMixture",
    "OneStageEffect",
    "PooledDraws",
    "PooledEffect",
    "Prediction",
    "PredictivePower",
    "ProfileEffect",
    "RankTest",
    "ResultNeeded",
    "RobustEffect",
    "Tau2Interval",
    "TauPosterior",
    "TauPrior",
    "ThreeLevelEffect",
    "TrialPower",
    "TrimAndFill",
    "Uniform",
    "UpdatePower",
    "alpha_spent",
    "baujat",
    "bayes",
    "bayes_interaction",
    "bayesian_predictive_power",
    "begg",
    "check",
    "conditional_power",
    "cumulative",
    "egger",
    "egger_random",
    "equivalent_events",
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
    "information_size",
    "interaction",
    "leave_one_out",
    "one_stage",
    "one_stage_random",
    "pool",
    "pool_draws",
    "power",
    "predict",
    "predictive_power",
    "predictive_power_random_effects",
    "profile_mu",
    "profile_tau2",
    "q_profile",
    "regression",
    "required_events",
    "result_needed",
    "result_needed_common_effect",
    "rubin",
    "shrinkage",
    "tau2",
    "three_level",
    "trim_and_fill",
]
