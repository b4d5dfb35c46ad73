"""Common-effect and random-effects fits, leave-one-out, subgroups, posteriors, conversions."""

import re

import numpy as np

from oligomdt import pooling

from . import studies

METHODS = ("DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
# Closed forms 1e-10. Iterative results (likelihoods, roots, quadrature) 1e-6: the accuracy to
# which two programs agreed when the reference was made. tau2 is measured against var(yi).
# p-values are compared by their logarithm, which loses digits where they are tiny.
CLOSED, ITERATIVE = 1e-10, 1e-6
P_CLOSED, P_ITERATIVE = 1e-8, 1e-5
ITERATIVE_PATH = re.compile(r"/(ML|REML|EB|PM)(_|/)|/(tau2_ci95|bayes)/|/REML_")


def tolerance(path):
    iterative = bool(ITERATIVE_PATH.search(path))
    if re.search(r"/(Q_)?p(/\d+)?$", path):
        return "logarithm", P_ITERATIVE if iterative else P_CLOSED
    if re.search(r"/tau2(/\d+)?$|/q_profile/(lb|ub)$", path):
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
    return {
        "tau2": wald.tau2,
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
    return {"q_profile": {"lb": low, "ub": high, **flags}}


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
    ("datasets", "leave_one_out"): leave_one_out,
    ("datasets", "subgroups"): subgroups,
    ("datasets", "bayes"): bayes,
    ("conversions", "case"): conversion,
}

LEFT_OUT = {
    r"^datasets/syn_k1/common_effect/(I2_Q_percent|H2_Q)$": (
        "I2 and H2 of one study are NaN here, 0 and NA in the reference"
    ),
    r"^datasets/[^/]+/bayes/[^/]+/(prior/|interval_type$)": "a description, not a result",
    r"^conversions/\d+/case/(?!log_hr$|se$)": "input",
}
