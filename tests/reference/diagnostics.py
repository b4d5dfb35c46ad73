"""Influence diagnostics, small-study methods and the three-level model."""

import re

from oligomdt import pooling
from oligomdt.pooling import small_study as small

from . import studies

# Closed forms at a given tau2 1e-10; what rests on REML, roots or quadrature 1e-6. The variance
# components are measured against var(yi); values near 1e-10 mean zero in the reference.
CLOSED, ITERATIVE = 1e-10, 1e-6
# Two results carry the default stopping rules of the reference's software: the fit after trim
# and fill (tau2 up to 3e-5 away, see its README), and the root behind the limits of Henmi and
# Copas (1.2e-4 on a quantile of about 2).
STOPPED = 2e-4


def tolerance(path):
    closed = re.search(r"/(egger_lm|begg_rank)/|baujat_common|/Q(_del/\d+)?$|/k0$", path)
    if re.search(r"/trim_fill_L0_REML/tau2$", path):
        return "spread", STOPPED
    if re.search(r"/trim_fill_L0_REML/|/henmi_copas/ci_", path):
        return "relative", STOPPED
    if re.search(r"/p$", path):
        return "logarithm", 1e-8 if closed else 1e-5
    if re.search(r"/(tau2|tau2_del/\d+|sigma2_\w+)$", path):
        return "spread", ITERATIVE
    # Statistics of hundreds (huge effects) are compared relative to their size.
    return "relative", CLOSED if closed else ITERATIVE


def influence(data, name):
    yi, sei = studies(data)
    frame = pooling.influence(yi, sei).to_dict("list")
    return {
        "model": "REML",
        "rstudent": frame["rstudent"],
        "dffits": frame["dffits"],
        "cook_d": frame["cook"],
        "cov_ratio": frame["cov_ratio"],
        "tau2_del": frame["tau2_without"],
        "Q_del": frame["q_without"],
        "hat": frame["weight"],
        "weight_percent": [100 * weight for weight in frame["weight"]],
        "dfbetas": frame["dfbetas"],
        "rstandard": frame["rstandard"],
        "baujat_common_effect": pooling.baujat(yi, sei)[["x", "y"]].to_dict("list"),
        "baujat_REML": pooling.baujat(yi, sei, tau2="REML")[["x", "y"]].to_dict("list"),
    }


def small_study(data, name):
    """Fill the block below ten studies too, by the arithmetic behind the refusal."""
    yi, sei = studies(data)
    vi = sei**2
    line, mixed = small._linear(yi, vi, sei), small._mixed(yi, vi, sei)
    rank, filled = small._rank(yi, vi), small._trim_and_fill(yi, vi, None)
    copas = small._henmi_copas(yi, vi, 0.95)
    return {
        "egger_lm": {
            "intercept_limit": line.limit,
            "slope": line.slope,
            "slope_se": line.slope_se,
            "t": line.statistic,
            "df": line.df,
            "p": line.p,
        },
        "egger_mixed_REML": {"z": mixed.statistic, "p": mixed.p},
        "begg_rank": {"tau": rank.tau, "p": rank.p},
        "trim_fill_L0_REML": {
            "k0": filled.filled,
            "side": filled.side,
            "estimate": filled.effect.mu,
            "se": filled.effect.se,
            "tau2": filled.effect.tau2,
        },
        "henmi_copas": {
            "estimate": copas.mu,
            "se": copas.se,
            "ci_lb": copas.ci_low,
            "ci_ub": copas.ci_high,
        },
    }


def three_levels(data, method):
    yi, sei = studies(data)
    effect = pooling.three_level(yi, sei, data["input"]["cluster"], method=method)
    return {
        "sigma2_cluster": effect.sigma2_cluster,
        "sigma2_obs": effect.sigma2_study,
        "estimate": effect.mu,
        "se": effect.se,
        "ci_lb": effect.ci_low,
        "ci_ub": effect.ci_high,
        "logLik": effect.log_likelihood,
        "Q": pooling.pool(yi, sei, tau2="CE").q,
    }


def multilevel(data, name):
    yi, sei = studies(data)
    cluster = data["input"]["cluster"]
    robust = pooling.three_level(yi, sei, cluster).robust()
    t = pooling.three_level(yi, sei, cluster, test="t")
    return {
        "REML": three_levels(data, "REML"),
        "ML": three_levels(data, "ML"),
        "robust_CR1_on_REML": {
            "n_clusters": robust.clusters,
            "se": robust.se,
            "t": robust.mu / robust.se,
            "df": robust.df,
            "p": robust.p,
            "ci_lb": robust.ci_low,
            "ci_ub": robust.ci_high,
        },
        "REML_t": {"df": t.df, "ci_lb": t.ci_low, "ci_ub": t.ci_high},
    }


COMPUTE = {
    ("datasets", "influence"): influence,
    ("datasets", "small_study"): small_study,
    ("datasets", "multilevel"): multilevel,
}

LEFT_OUT = {
    r"^datasets/[^/]+/small_study/note$": "a description, not a result",
    r"^datasets/[^/]+/multilevel/model$": "a description, not a result",
}
