"""Blocks whose counterparts are not computed yet."""

COMPUTE = {}


def tolerance(path):
    return None


NOT_YET = "not computed yet"
LEFT_OUT = {
    r"^datasets/[^/]+/random_effects/[^/]+/(tau|se_tau2|D2_percent|logLik\w*)$": NOT_YET,
    r"^datasets/[^/]+/random_effects/[^/]+/blup/": NOT_YET,
    r"^datasets/[^/]+/tau2_ci95/profile_likelihood_": NOT_YET,
    r"^datasets/[^/]+/subgroups/.*QE_p$": NOT_YET,
    r"^datasets/[^/]+/profile_likelihood_mu_ML/": NOT_YET,
    r"^datasets/[^/]+/tau2_at_metafor_default_tolerance/": NOT_YET,
    r"^datasets/[^/]+/(cumulative|meta_regression)/": NOT_YET,
    r"^datasets/[^/]+/(influence|small_study|multilevel)/": NOT_YET,
    r"^(planning|summary)/": NOT_YET,
}
