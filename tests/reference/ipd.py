"""Two-stage and one-stage analyses of the patient data of five trials."""

import csv
import re
from functools import cache

import pandas as pd

from oligomdt import pooling, survival
from oligomdt.analysis.contrasts import two_stage

from . import DATA

# Closed forms 1e-10, and 1e-8 of Cox fits and what is pooled from them (survival files: 1e-8
# relative). Likelihood estimates of tau2 1e-6, and what depends on them. p-values by their
# logarithm.
CLOSED, COX, ITERATIVE = 1e-10, 1e-8, 1e-6
COX_BLOCKS = re.compile(r"/(two_stage_cox|piecewise|one_stage_\w+|\w+_lr_test|\w+_zph_km)/")


def tolerance(path):
    if re.search(r"/(Q_)?p$", path):
        return "logarithm", ITERATIVE
    if "/REML" in path:
        return "relative", ITERATIVE
    return "relative", COX if COX_BLOCKS.search(path) else CLOSED


@cache
def patients(name):
    with (DATA / "ipd" / f"{name}.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return pd.DataFrame(
        {
            "trial": [row["trial"] for row in rows],
            "time": [float(row["time"]) for row in rows],
            "event": [int(row["status"]) for row in rows],
            "arm": ["experimental" if row["arm"] == "1" else "control" for row in rows],
        }
    )


def fit(rows, tau2, ci="wald"):
    effect = pooling.pool(rows["estimate"], rows["se"], tau2=tau2, ci=ci)
    return {
        "estimate": effect.mu,
        "se": effect.se,
        "ci_lb": effect.ci_low,
        "ci_ub": effect.ci_high,
        "tau2": effect.tau2,
        "Q": effect.q,
        "Q_p": effect.q_p,
        "I2_percent": 100 * effect.i2,
    }


def pooled(name, estimand, **options):
    rows = two_stage(patients(name), estimand, **options)
    return {
        "per_trial": rows["estimate"].tolist(),
        "per_trial_se": rows["se"].tolist(),
        "common_effect": fit(rows, "CE"),
        "DL": fit(rows, "DL"),
        "REML": fit(rows, "REML"),
        "REML_hksj": fit(rows, "REML", "hksj"),
    }


def two_stage_cox(data, name):
    return pooled(name, "cox")


def two_stage_logrank(data, name):
    rows = two_stage(patients(name), "logrank")
    variance = rows["se"] ** -2
    common = pooling.pool(rows["estimate"], rows["se"], tau2="CE")
    return {
        "o_minus_e": (rows["estimate"] * variance).tolist(),
        "variance": variance.tolist(),
        "pooled_log_hr": common.mu,
        "pooled_se": common.se,
        "chisq": (common.mu / common.se) ** 2,
    }


def one_stage(data, name):
    cox = survival.cox(patients(name), strata="trial")
    effect = pooling.one_stage(patients(name))
    return {
        "log_hr": effect.mu,
        "se": effect.se,
        "hr": effect.hr,
        "ci_lb": effect.hr_low,
        "ci_ub": effect.hr_high,
        "z": effect.mu / effect.se,
        "p": effect.p,
        "loglik_null": cox.log_likelihood_null,
        "loglik": effect.log_likelihood,
        "lr_chisq": cox.lr_chi2,
        "wald_chisq": cox.wald_chi2,
        "score_chisq": cox.score_chi2,
    }


def treatment_by_trial(data, name):
    effect = pooling.one_stage(patients(name))
    return {
        "chisq": effect.interaction_chi2,
        "df": effect.interaction_df,
        "p": effect.interaction_p,
    }


def proportional_hazards(data, name):
    test = survival.ph_test(patients(name), "km", strata="trial")
    return {"chisq": test.chi2, "p": test.p}


def restricted_mean(data, name):
    tau = data["rmst_difference"]["tau"]
    return {"tau": tau, **pooled(name, "rmst", horizon=tau)}


def at_time(block, estimand):
    def compute(data, name):
        time = data[block]["time"]
        return {"time": time, **pooled(name, estimand, time=time)}

    return compute


def piecewise(data, name):
    cut = data["piecewise"]["cut"]
    return {"cut": cut, **{part: pooled(name, part, cut=cut) for part in ("early", "late")}}


DIFFERENCE, RATIO = "landmark_survival_difference", "landmark_log_cumhaz_ratio"
COMPUTE = {
    ("ipd", "two_stage_cox"): two_stage_cox,
    ("ipd", "two_stage_logrank_oe"): two_stage_logrank,
    ("ipd", "one_stage_stratified_cox"): one_stage,
    ("ipd", "treatment_by_trial_lr_test"): treatment_by_trial,
    ("ipd", "stratified_cox_zph_km"): proportional_hazards,
    ("ipd", "rmst_difference"): restricted_mean,
    ("ipd", DIFFERENCE): at_time(DIFFERENCE, "landmark"),
    ("ipd", RATIO): at_time(RATIO, "log_cumhaz"),
    ("ipd", "piecewise"): piecewise,
}
