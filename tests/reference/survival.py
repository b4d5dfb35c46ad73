"""Cox, log-rank and Kaplan-Meier estimates, their contrasts and parametric fits of five sets.

The reference is R's survival package; its Cox and parametric fits were run until the log-
likelihood changed by less than 1e-12. All agree to 1e-11, so 1e-10 leaves room for the order of
summation only. p-values are compared by their logarithm.
"""

import csv
import re

import numpy as np
import pandas as pd

from oligomdt import survival

from . import DATA

CLOSE = 1e-10
ARMS = {"control": "control", "treated": "experimental"}


def tolerance(path):
    if re.search(r"/(\w+_)?p$", path):
        return "logarithm", CLOSE
    return "relative", CLOSE


def patients(name):
    with (DATA / "survival" / f"{name}.csv").open() as stream:
        rows = pd.DataFrame(list(csv.DictReader(stream))).rename(columns={"status": "event"})
    ipd = rows.astype({"time": float, "event": int})
    ipd["arm"] = np.where(rows["arm"] == "1", "experimental", "control")
    return ipd


def none(values):
    """Numbers as a list, with None (not reached, not defined) for nan."""
    return [None if np.isnan(value) else float(value) for value in values]


def cox_fit(ipd, ties, strata=None):
    fit = survival.cox(ipd, ties=ties, strata=strata)
    return {
        "log_hr": fit.log_hr,
        "se": fit.se,
        "hr": fit.hr,
        "ci_lb": fit.hr_low,
        "ci_ub": fit.hr_high,
        "z": fit.z,
        "p": fit.p,
        "loglik_null": fit.log_likelihood_null,
        "loglik": fit.log_likelihood,
        "lr_chisq": fit.lr_chi2,
        "wald_chisq": fit.wald_chi2,
        "score_chisq": fit.score_chi2,
    }


def cox(data, name):
    ipd = patients(name)
    fits = {ties: cox_fit(ipd, ties) for ties in ("efron", "breslow")}
    # The reference holds exact ties of sets below 200 patients.
    return {**fits, "exact": cox_fit(ipd, "exact") if len(ipd) < 200 else None}


def cox_stratified(data, name):
    return {ties: cox_fit(patients(name), ties, "stratum") for ties in ("efron", "breslow")}


def logrank_test(test):
    return {
        "observed": list(test.observed.values()),
        "expected": list(test.expected.values()),
        "o_minus_e_treated": test.o_minus_e,
        "variance": test.variance,
        "chisq": test.chi2,
        "p": test.p,
        "one_step_log_hr": test.log_hr,
        "one_step_se": test.se,
    }


def logrank(data, name):
    return logrank_test(survival.logrank(patients(name)))


def logrank_stratified(data, name):
    return logrank_test(survival.logrank(patients(name), strata="stratum"))


def peto_peto(data, name):
    test = survival.peto_peto(patients(name))
    return {"chisq": test.chi2, "p": test.p}


def one_arm(ipd, landmarks):
    curve = survival.km(ipd)
    at = survival.survival_at(ipd, landmarks)
    half = curve.loc[curve["surv"] <= 0.5 + 1e-12, "time"]
    block = {
        "n": int(curve["n_risk"].iloc[0]),
        "events": int(curve["n_event"].sum()),
        "max_time": curve["time"].max(),
        "last_event": curve.loc[curve["n_event"] > 0, "time"].max(),
        "landmarks": landmarks,
        "surv": at["surv"].tolist(),
        "greenwood_se": at["se"].tolist(),
        "n_risk": at["n_risk"].tolist(),
        "cumulative_hazard_nelson_aalen": survival.cumulative_hazard(ipd, landmarks)[
            "cumhaz"
        ].tolist(),
        "median_followup_reverse_km": none(survival.followup(ipd)["median"])[0],
        "median_time_rule_first_le_half": none([half.min()])[0],
    }
    for transform in ("log", "log-log", "plain"):
        at = survival.survival_at(ipd, landmarks, transform=transform)
        quartiles = pd.concat(
            survival.quantile(ipd, share, transform=transform) for share in (0.25, 0.5, 0.75)
        )
        median = survival.median(ipd, transform=transform)["median"]
        block[f"ci_{transform.replace('-', '')}"] = {
            "quantile_probs": quartiles["probability"].tolist(),
            "quantile": none(quartiles["quantile"]),
            "quantile_lb": none(quartiles["ci_low"]),
            "quantile_ub": none(quartiles["ci_high"]),
            "median_R_table": none(median)[0],
            "surv_lb": at["ci_low"].tolist(),
            "surv_ub": at["ci_high"].tolist(),
        }
    return block


def kaplan_meier(data, name):
    ipd, landmarks = patients(name), data["landmark_contrast"]["times"]
    return {key: one_arm(ipd[ipd["arm"] == arm], landmarks) for key, arm in ARMS.items()}


def landmark_contrast(data, name):
    times = data["landmark_contrast"]["times"]
    at = [survival.landmark(patients(name), time) for time in times]
    return {
        "times": times,
        "survival_difference": [one.difference for one in at],
        "survival_difference_se": [one.difference_se for one in at],
        "log_cumhaz_ratio": [one.log_cumhaz_ratio for one in at],
        "log_cumhaz_ratio_se": [one.log_cumhaz_ratio_se for one in at],
    }


def rmst_at(ipd, tau):
    result = survival.rmst(ipd, tau)
    block = {"tau": tau}
    for key, arm in ARMS.items():
        one = getattr(result, arm)
        block[key] = {"tau": tau, "rmst": one.rmst, "se": one.se}
    return block | {
        "difference": result.difference,
        "difference_se": result.difference_se,
        "difference_ci": [result.difference_ci_low, result.difference_ci_high],
        "difference_p": result.difference_p,
        "ratio": result.ratio,
        "ratio_ci": [result.ratio_ci_low, result.ratio_ci_high],
        "ratio_p": result.ratio_p,
    }


def rmst(data, name):
    return [rmst_at(patients(name), one["tau"]) for one in data["rmst"]]


def weighted_logrank(data, name):
    powers = [(one["rho"], one["gamma"]) for one in data["weighted_logrank"]]
    tests = [survival.weighted_logrank(patients(name), *power) for power in powers]
    return [
        {"rho": one.rho, "gamma": one.gamma, "U": one.u, "V": one.v, "z": one.z, "p": one.p}
        for one in tests
    ]


def cox_zph(data, name):
    block = {}
    for transform in ("km", "rank", "identity", "log"):
        test = survival.ph_test(patients(name), transform)
        old = survival.ph_correlation_test(patients(name), transform)
        block[transform] = {
            "chisq": test.chi2,
            "df": test.df,
            "p": test.p,
            "old_approximation": {"chisq": old.chi2, "p": old.p},
        }
    return block


def piecewise_hr(data, name):
    cut = data["piecewise_hr"]["cut"]
    fit = survival.piecewise(patients(name), cut)
    pieces = (fit.early, fit.late)
    return {
        "cut": fit.cut,
        "log_hr": [one.log_hr for one in pieces],
        "se": [one.se for one in pieces],
    }


def time_varying_log_t(data, name):
    fit = survival.time_varying(patients(name), "log")
    return {
        "coef_arm": fit.coefficients[0],
        "coef_arm_x_log_t": fit.coefficients[1],
        "vcov": fit.covariance,
    }


def parametric(data, name):
    block = {}
    for distribution in ("exponential", "weibull", "lognormal", "loglogistic"):
        fit = survival.accelerated(patients(name), distribution)
        block[distribution] = {
            "aft_intercept": fit.intercept,
            "aft_arm": fit.log_time_ratio,
            "scale": fit.scale,
            "loglik": fit.log_likelihood,
            "aic": fit.aic,
            "arm_se": fit.se,
        }
        if not np.isnan(fit.log_hr):
            block[distribution]["log_hr"] = fit.log_hr
    return block


COMPUTE = {
    ("survival", function.__name__): function
    for function in (
        cox,
        cox_stratified,
        logrank,
        logrank_stratified,
        peto_peto,
        kaplan_meier,
        landmark_contrast,
        rmst,
        weighted_logrank,
        cox_zph,
        piecewise_hr,
        time_varying_log_t,
        parametric,
    )
}
