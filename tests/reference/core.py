"""Common-effect and random-effects fits, leave-one-out, subgroups, posteriors, conversions."""

import re
from functools import partial

import numpy as np
import pandas as pd

from oligomdt import pooling

from . import load, studies

METHODS = ("DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
# Closed forms 1e-10. Iterative results (likelihoods, roots, quadrature) 1e-6: the accuracy to
# which two programs agreed when the reference was made. tau2 is measured against var(yi).
# p-values are compared by their logarithm, which loses digits where they are tiny.
CLOSED, ITERATIVE = 1e-10, 1e-6
P_CLOSED, P_ITERATIVE = 1e-8, 1e-5
STOPPED = 1.2e-4
ITERATIVE_PATH = re.compile(
    r"/(ML|REML|EB|PM)(_|/)|/(tau2_ci95|bayes|profile_likelihood_mu_ML)/|/REML_"
)


def tolerance(path):
    iterative = bool(ITERATIVE_PATH.search(path))
    if re.search(r"/((Q|QE|QM)_)?p(/\d+)?$", path):
        return "logarithm", P_ITERATIVE if iterative else P_CLOSED
    if "/tau2_at_metafor_default_tolerance/" in path:
        # What a default stopping rule leaves: how far from the root it may be.
        return "spread", STOPPED
    if re.search(r"^summary/.*/tau2$", path):
        return "relative", ITERATIVE if iterative else CLOSED
    if re.search(r"/tau2(/\d+)?$|/tau2_ci95/.*/(lb|ub)$", path):
        return "spread", ITERATIVE if iterative else CLOSED
    return "absolute", ITERATIVE if iterative else CLOSED


# The same layout as the reference, filled by the package ------------------------------------


def estimate_and_limits(effect, name):
    return {
        "se": effect.se,
        name: effect.mu / effect.se,
        "p": effect.p,
        "ci_lb": effect.ci_low,
        "ci_ub": effect.ci_high,
    }


def bounds(interval, low="lb", high="ub"):
    return dict(zip((low, high), interval, strict=True))


def common_effect(data, name):
    effect = pooling.pool(*studies(data), tau2="CE")
    return {
        "estimate": effect.mu,
        **estimate_and_limits(effect, "z"),
        "weights_percent": (100 * effect.weights).tolist() if effect.k > 1 else 100.0,
        "Q": effect.q,
        "Q_df": effect.q_df,
        "Q_p": effect.q_p,
        "I2_Q_percent": 100 * effect.i2,
        "H2_Q": effect.h2,
    }


def one_method(data, method):
    wald, hksj, adhoc, wider = (
        pooling.pool(*studies(data), tau2=method, ci=ci)
        for ci in ("wald", "hksj", "adhoc", "wider")
    )
    three = wald.k >= 3
    shrunken = pooling.shrinkage(wald, *studies(data))
    return {
        "tau2": wald.tau2,
        "tau": wald.tau2**0.5,
        "se_tau2": wald.tau2_se,
        "D2_percent": 100 * wald.d2,
        "logLik_ML": wald.log_likelihood if method == "ML" else None,
        "logLik_REML": wald.log_likelihood if method == "REML" else None,
        "blup": {"pred": shrunken["log_hr"].tolist(), "se": shrunken["se"].tolist()},
        "I2_percent": 100 * wald.i2,
        "H2": wald.h2,
        "estimate": wald.mu,
        "weights_percent": (100 * wald.weights).tolist(),
        "wald": estimate_and_limits(wald, "z"),
        "hksj": {**estimate_and_limits(hksj, "t"), "df": hksj.df},
        "hksj_adhoc": {**estimate_and_limits(adhoc, "t"), "df": adhoc.df},
        "wider_of_wald_hksj": {"ci_lb": wider.ci_low, "ci_ub": wider.ci_high},
        "prediction": {
            "normal": bounds(pooling.predict(wald, "normal")),
            "t_km1": bounds(wald.prediction or pooling.predict(wald, "t_km1")),
            "t_km2_HTS": bounds(pooling.predict(wald, "t_km2")) if three else None,
            "hksj_t_km1": bounds(pooling.predict(hksj, "t_km1")),
            "hksj_t_km2": bounds(pooling.predict(hksj, "t_km2")) if three else None,
        },
    }


def random_effects(data, name):
    return {method: one_method(data, method) for method in METHODS}


def tau2_ci95(data, name):
    interval = pooling.q_profile(*studies(data))
    # An empty set is NaN here and 0 in the reference.
    low, high = (0.0, 0.0) if interval.null_set else interval
    flags = {"lb_at_zero": low == 0, "null_set": interval.null_set}
    blocks = {"q_profile": {"lb": low, "ub": high, **flags}}
    for method in ("REML", "ML"):
        limits = pooling.profile_tau2(*studies(data), method)
        blocks[f"profile_likelihood_{method}"] = bounds(limits)
    return blocks


def profile_likelihood_mu(data, name):
    effect = pooling.profile_mu(*studies(data))
    return {"estimate_ml": effect.mu, "ci_lb": effect.ci_low, "ci_ub": effect.ci_high}


def default_tolerance(data, name):
    return {method: pooling.tau2(*studies(data), method) for method in ("REML", "ML", "PM")}


def leave_one_out(data, name):
    yi, sei = studies(data)
    fits = {
        "common_effect": {"tau2": "CE"},
        "DL": {"tau2": "DL"},
        "REML": {"tau2": "REML"},
        "REML_hksj": {"tau2": "REML", "ci": "hksj"},
    }
    blocks = {"omitted_index": list(range(1, len(yi) + 1))}
    for key, options in fits.items():
        frame = pooling.leave_one_out(yi, sei, **options)
        assert frame["omitted"].tolist() == [str(i) for i in blocks["omitted_index"]]
        if len(yi) == 2:  # one study left: heterogeneity NaN here, 0 in the reference
            assert frame[["tau2", "i2"]].isna().all(axis=None)
            frame[["tau2", "i2"]] = 0.0
        columns = {
            "estimate": frame["mu"],
            "se": frame["se"],
            "ci_lb": frame["ci_low"],
            "ci_ub": frame["ci_high"],
            "p": frame["p"],
            "tau2": frame["tau2"],
            "Q": frame["q"],
            "I2_percent": 100 * frame["i2"],
        }
        blocks[key] = {column: values.tolist() for column, values in columns.items()}
    return blocks


def cumulative(data, name):
    yi, sei = studies(data)
    fits = {"common_effect": "CE", "REML": "REML", "DL": "DL"}
    blocks = {"order": "as listed"}
    for key, tau2 in fits.items():
        frame = pooling.cumulative(yi, sei, tau2=tau2)
        assert frame["k"].tolist() == list(range(1, len(yi) + 1))
        # One study: heterogeneity NaN here, 0 in the reference.
        assert np.isnan(frame.loc[0, "tau2"])
        frame.loc[0, "tau2"] = 0.0
        columns = {"estimate": "mu", "se": "se", "ci_lb": "ci_low", "ci_ub": "ci_high"}
        columns |= {"tau2": "tau2"}
        blocks[key] = {ours: frame[column].tolist() for ours, column in columns.items()}
    return blocks


def meta_regression(data, name):
    (term,) = data["meta_regression"]["terms"][1:]
    used = [i - 1 for i in data["meta_regression"]["rows_used"]]
    yi, sei = (values[used] for values in studies(data))
    column = pd.DataFrame({term: np.array(data["input"][term], dtype=float)[used]})
    blocks = {"n_used": len(used), "rows_used": [i + 1 for i in used]}
    blocks["terms"] = ["intercept", term]
    for key in data["meta_regression"]:
        if key not in blocks:
            tau2, test = key.replace("EE", "CE").split("_")
            test = {"z": "wald", "knha": "hksj"}[test]
            fit = pooling.regression(yi, sei, column, tau2=tau2, test=test)
            newx = data["meta_regression"][key]["predict"]["newx"]
            blocks[key] = fitted(fit, pd.DataFrame({term: newx}))
    return blocks


def fitted(fit, new):
    limits = {"ci_low": "ci_lb", "ci_high": "ci_ub", "statistic": "stat", "estimate": "coef"}
    table = fit.coefficients.rename(columns=limits).drop(columns="term")
    predicted = fit.predict(new).rename(columns=limits | {"log_hr": "pred"})
    block = {name: table[name].tolist() for name in table}
    block |= {"tau2": fit.tau2, "QM": fit.qm, "QM_p": fit.qm_p}
    block |= {"QE": fit.qe, "QE_df": fit.qe_df, "QE_p": fit.qe_p}
    block |= {"I2_percent": 100 * fit.i2, "vcov": fit.covariance.tolist()}
    if fit.method != "CE":
        block["R2_percent"] = 100 * fit.r2
    shown = {name: predicted[name].tolist() for name in ("pred", "se", "ci_lb", "ci_ub")}
    return block | {"predict": {"newx": new.iloc[:, 0].tolist(), **shown}}


def summary(method, data, name):
    """One row of the table over all sets, which repeats what their own files say."""
    content = load("datasets", name)
    yi, sei = studies(content)
    common = pooling.pool(yi, sei, tau2="CE")
    row = dict.fromkeys(data[method])
    row |= {"k": len(yi), "method": method, "Q": common.q, "Q_p": common.q_p}
    one = {"estimate": common.mu, "wald": estimate_and_limits(common, "z")}
    if method != "CE":
        one = one_method(content, method)
        for name in ("tau2", "se_tau2", "I2_percent", "H2"):
            row[name] = one[name]
        shorts = {"hksj": "hksj", "adhoc": "hksj_adhoc"}
        for short, name in shorts.items():
            row |= {f"se_{short}": one[name]["se"], **limits_of(one[name], short, "ci_")}
        for name, interval in one["prediction"].items():
            if interval and name != "hksj_t_km2":
                short = name.replace("t_", "").replace("_HTS", "")
                row |= limits_of(interval, f"pi_{short}", "")
    row |= {"estimate": one["estimate"], "se_wald": one["wald"]["se"]}
    return row | limits_of(one["wald"], "wald", "ci_")


def limits_of(interval, name, prefix):
    return {f"{name}_{side}": interval[f"{prefix}{side}"] for side in ("lb", "ub")}


def group_rows(data, result, with_spread):
    yi, sei = studies(data)
    member = np.array(data["input"]["group"])
    rows = []
    for one in result.groups:
        row = {
            "level": one.group,
            "estimate": one.mu,
            "se": one.se,
            "ci_lb": one.ci_low,
            "ci_ub": one.ci_high,
        }
        if with_spread:
            own = member == one.group
            row |= {"tau2": one.tau2, "Q": pooling.pool(yi[own], sei[own]).q}
        rows.append(row)
    return rows


def q_test(result):
    return {"Q_between": result.statistic, "df": result.df, "p": result.p}


def f_test(result):
    degrees = {"df1": result.df, "df2": result.df2}
    return {"F": result.statistic, **degrees, "p": result.p}


def contrast(result):
    (one,) = result.contrasts
    return {
        "difference_level2_minus_level1": one.log_ratio,
        "se": one.se,
        "z": one.log_ratio / one.se,
        "p": one.p,
        "ci_lb": one.ci_low,
        "ci_ub": one.ci_high,
    }


def subgroups(data, name):
    group = data["input"]["group"]

    def compare(tau2, spread, test="wald"):
        return pooling.interaction(*studies(data), group, tau2=tau2, spread=spread, test=test)

    common = compare("CE", "common")
    blocks = {
        "levels": [one.group for one in common.groups],
        "k": [one.k for one in common.groups],
        "common_effect": {
            "groups": group_rows(data, common, with_spread=True),
            "test": q_test(common),
            "Q_within": common.q_within,
        },
    }
    separate = {tau2: compare(tau2, "separate") for tau2 in ("DL", "REML")}
    shared = {tau2: compare(tau2, "common") for tau2 in ("DL", "REML")}
    for tau2, result in separate.items():
        rows = group_rows(data, result, with_spread=True)
        blocks[f"{tau2}_separate_tau2"] = {"groups": rows, "test": q_test(result)}
    for tau2, result in shared.items():
        blocks[f"{tau2}_common_tau2"] = {
            "tau2": result.groups[0].tau2,
            "groups": group_rows(data, result, with_spread=False),
            "test": q_test(result),
            "test_hksj": f_test(compare(tau2, "common", "hksj")),
            "test_hksj_adhoc": f_test(compare(tau2, "common", "adhoc")),
            "QE": result.q_within,
            "QE_df": sum(one.k - 1 for one in result.groups),
            "QE_p": result.q_within_p,
        }
    if len(common.groups) == 2:
        blocks["contrast"] = {
            "common_effect": contrast(common),
            "DL_separate_tau2": contrast(separate["DL"]),
            "REML_separate_tau2": contrast(separate["REML"]),
            "REML_common_tau2": contrast(shared["REML"]),
        }
    return blocks


def posterior(one, names):
    own = {"ci_lb": "ci_low", "ci_ub": "ci_high"}
    return {name: getattr(one, own.get(name, name)) for name in names}


def bayes(data, name):
    blocks = {}
    for key in data["bayes"]:
        result = pooling.bayes(*studies(data), tau_scale=float(key.rsplit("_", 1)[1]))
        short = ("mean", "median", "ci_lb", "ci_ub")
        blocks[key] = {
            "log_marginal_likelihood": result.log_marginal_likelihood,
            "mu": {
                **posterior(result.mu, (*short, "sd")),
                "p_below_zero": result.mu.p_hr_below(1),
            },
            "tau": {
                **posterior(result.tau, (*short, "sd")),
                "upper95": result.tau.quantile(0.95),
            },
            "theta_new": {
                **posterior(result.theta_new, short),
                "p_below_zero": result.theta_new.p_hr_below(1),
            },
            "shrinkage": [posterior(one, short) for one in result.shrinkage],
        }
    return blocks


def convert(row):
    value = {key: number for key, number in row.items() if number is not None}

    def take(*names):
        return [value[name] for name in names]

    favours = {-1: "experimental", 1: "control"}.get(value.get("dir"))
    ratio = (value.get("rt", 1), value.get("rc", 1))
    match row["method"]:
        case "ci":
            return pooling.from_ci(*take("hr", "ci_lo", "ci_hi", "level"))
        case "ci_flip":
            return pooling.from_ci(*take("hr", "ci_lo", "ci_hi", "level")).swapped()
        case "ci_upper_only":
            return pooling.from_upper_limit(*take("hr", "ci_hi", "level"))
        case "hr_p_two_sided":
            return pooling.from_p(*take("hr", "p"))
        case "hr_p_one_sided":
            return pooling.from_p(*take("hr", "p"), alternative="one-sided")
        case "oe_v":
            return pooling.from_oe_v(*take("oe", "v"))
        case "hr_events_arms":
            return pooling.from_events(*take("hr", "ev_t", "ev_c"))
        case "hr_total_events_ratio":
            return pooling.from_total_events(*take("hr", "ev"), allocation=ratio)
        case "p_total_events_equal" | "p_total_events_ratio":
            return pooling.from_p_and_total_events(*take("p", "ev"), favours, ratio)
        case "p_events_arms":
            return pooling.from_p_and_events(*take("p", "ev_t", "ev_c"), favours)
        case "medians_events_equal":
            return pooling.from_medians(*take("med_t", "med_c", "ev"))
        case "landmark_survival":
            return pooling.from_landmark(*take("s_t", "se_t", "s_c", "se_c"))
    raise AssertionError(f"no conversion for {row['method']}")


def conversion(data, name):
    estimate = convert(data["case"])
    return {**data["case"], "log_hr": estimate.log_hr, "se": estimate.se}


COMPUTE = {
    ("datasets", "common_effect"): common_effect,
    ("datasets", "random_effects"): random_effects,
    ("datasets", "tau2_ci95"): tau2_ci95,
    ("datasets", "profile_likelihood_mu_ML"): profile_likelihood_mu,
    ("datasets", "tau2_at_metafor_default_tolerance"): default_tolerance,
    ("datasets", "leave_one_out"): leave_one_out,
    ("datasets", "cumulative"): cumulative,
    ("datasets", "meta_regression"): meta_regression,
    ("datasets", "subgroups"): subgroups,
    ("datasets", "bayes"): bayes,
    ("conversions", "case"): conversion,
    **{("summary", method): partial(summary, method) for method in ("CE", *METHODS)},
}

LEFT_OUT = {
    r"^datasets/syn_k1/common_effect/(I2_Q_percent|H2_Q)$": (
        "I2 and H2 of one study are NaN here, 0 and NA in the reference"
    ),
    r"^datasets/[^/]+/bayes/[^/]+/(prior/|interval_type$)": "a description, not a result",
    r"^conversions/\d+/case/(?!log_hr$|se$)": "input",
}
