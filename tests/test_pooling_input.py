"""Bad input gives one clear error; few studies give what can be known, and say what cannot."""

import math

import numpy as np
import pandas as pd
import pytest

from oligomdt import pooling

Y, S = [-0.9, -0.1, -0.5], [0.2, 0.3, 0.25]
FITS = pytest.mark.parametrize(
    "fit", [pooling.pool, pooling.bayes, pooling.leave_one_out], ids=lambda f: f.__name__
)


# Hazard ratios and limits --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.95, 0.41, 0.93), "hr is 0.95, outside its limits 0.41 to 0.93"),
        ((0.40, 0.41, 0.93), "hr is 0.4, outside its limits"),
        ((0.62, 0.93, 0.41), "lower is 0.93 and upper is 0.41; lower must be below upper"),
        ((0.62, 0.62, 0.62), "lower must be below upper"),
        ((0.62, 0.41, 0.93, 95), "level is 95; .* for 95 % write 0.95"),
        ((0.62, 0.41, 0.93, 1), "level is 1; it must lie between 0 and 1"),
        ((0.62, 0.41, 0.93, 0), "level is 0; it must lie between 0 and 1"),
        ((0.62, 0.41, 0.93, math.nan), "level is nan"),
        ((-0.62, 0.41, 0.93), "hr is -0.62; it must be a finite number above 0"),
        ((0.62, 0, 0.93), "lower is 0; it must be a finite number above 0"),
        ((0.62, 0.41, math.inf), "upper is inf; it must be a finite number above 0"),
        ((math.nan, 0.41, 0.93), "hr is nan"),
    ],
)
def test_bad_limits_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        pooling.from_ci(*arguments)


@pytest.mark.parametrize("value", [None, "0.62 or so", True])
def test_a_hazard_ratio_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match="hr is .* must be a number"):
        pooling.from_ci(value, 0.41, 0.93)


def test_an_estimate_on_its_limit_is_accepted():
    # Printed with few digits, an estimate may equal its limit.
    assert pooling.from_ci(0.1, 0.1, 0.4).asymmetry == pytest.approx(1.96, abs=1e-3)


def test_asymmetry_counts_standard_errors_from_the_midpoint():
    centred = pooling.from_ci(0.5, 0.25, 1.0)
    assert centred.asymmetry == pytest.approx(0, abs=1e-12)
    moved = pooling.from_ci(0.5 * math.exp(0.3 * centred.se), 0.25, 1.0)
    assert moved.asymmetry == pytest.approx(0.3, abs=1e-12)
    assert pooling.from_p(0.58, 0.013).asymmetry is None


def test_a_level_misread_makes_a_trial_too_precise():
    right, wrong = pooling.from_ci(0.6, 0.4, 0.9, 0.8), pooling.from_ci(0.6, 0.4, 0.9)
    assert right.se / wrong.se == pytest.approx(1.959964 / 1.281552, rel=1e-6)
    assert right.ci(0.8) == pytest.approx((0.4, 0.9), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pooling.from_upper_limit(0.9, 0.55), "hr must be below upper"),
        (lambda: pooling.from_p(1, 0.5), "hr is 1; with no effect"),
        (lambda: pooling.from_p(0.5, 0), "p is 0; it must lie between 0 and 1"),
        (lambda: pooling.from_p(0.5, 1), "p is 1; it must lie between 0 and 1"),
        (lambda: pooling.from_p(0.5, 3), "p is 3; .* 3 per cent is 0.03"),
        (lambda: pooling.from_p(0.5, 0.7, "one-sided"), "contradicts the direction"),
        (lambda: pooling.from_p(0.5, 0.1, "less"), "alternative is 'less'; .* two-sided"),
        (lambda: pooling.from_events(0.5, 0, 12), "experimental is 0"),
        (lambda: pooling.from_events(0.5, 12, -1), "control is -1"),
        (lambda: pooling.from_total_events(0.5, 0), "events is 0"),
        (lambda: pooling.from_total_events(0.5, 9, (2, 0)), "allocation is 0"),
        (lambda: pooling.from_total_events(0.5, 9, (2, 1, 1)), "give two parts"),
        (lambda: pooling.from_oe_v(-7.4, 0), "v is 0"),
        (lambda: pooling.from_oe_v(math.nan, 80), "o_minus_e is nan"),
        (lambda: pooling.from_p_and_events(0.2, 22, 29, "MDT"), "favours is 'MDT'"),
        (lambda: pooling.from_medians(0, 7.9, 58), "experimental is 0"),
        (lambda: pooling.from_landmark(62, 0.07, 0.4, 0.08), "62 per cent is 0.62"),
        (lambda: pooling.from_landmark(0.62, 0.07, 0.4, 0), "control_se is 0"),
    ],
)
def test_other_bad_statistics_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Studies -------------------------------------------------------------------------------------


@FITS
@pytest.mark.parametrize(
    ("y", "s", "message"),
    [
        ([], [], "log_hr is empty"),
        (Y, S[:2], "log_hr has 3 values and se has 2"),
        (Y, [0.2, 0.0, 0.25], "study EXTEND: se is 0.0; it must be a finite number above 0"),
        (Y, [0.2, -0.3, 0.25], "study EXTEND: se is -0.3"),
        (Y, [0.2, math.nan, 0.25], "study EXTEND: se is nan"),
        (Y, [0.2, math.inf, 0.25], "study EXTEND: se is inf"),
        ([-0.9, math.nan, -0.5], S, "study EXTEND: log_hr is nan"),
        ([-0.9, -math.inf, -0.5], S, "study EXTEND: log_hr is -inf"),
        ([Y], [S], "log_hr has 2 dimensions"),
    ],
)
def test_bad_studies_are_refused(fit, y, s, message):
    labels = ["CURB", "EXTEND", "Gomez"] if y else []
    with pytest.raises(ValueError, match=message):
        fit(y, s, labels=labels)


def test_studies_without_labels_are_numbered_from_one():
    with pytest.raises(ValueError, match="study 3: se is 0.0"):
        pooling.pool(Y, [0.2, 0.3, 0])


def test_labels_must_match():
    with pytest.raises(ValueError, match="labels has 2 values and log_hr has 3"):
        pooling.pool(Y, S, labels=["A", "B"])


def test_text_is_refused():
    with pytest.raises(TypeError, match="log_hr must hold numbers only"):
        pooling.pool(["-0.9", "low"], [0.2, 0.3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pooling.pool(Y, S, tau2="reml"), "tau2 is 'reml'; it must be one of CE, DL"),
        (lambda: pooling.pool(Y, S, ci="z"), "ci is 'z'; it must be one of wald, hksj"),
        (lambda: pooling.pool(Y, S, level=95), "for 95 % write 0.95"),
        (lambda: pooling.tau2(Y, S, "BM"), "tau2 method is 'BM'"),
        (lambda: pooling.tau2(Y[:1], S[:1]), "cannot be estimated from one study"),
        (lambda: pooling.q_profile(Y[:1], S[:1]), "no interval with one study"),
        (lambda: pooling.bayes(Y, S, tau_scale=0), "tau_scale is 0"),
        (lambda: pooling.bayes(Y, S, level=80), "for 80 % write 0.8"),
        (lambda: pooling.leave_one_out(Y[:1], S[:1]), "leaves none"),
        (lambda: pooling.rubin(Y[:1], S[:1]), "one draw has no variance"),
        (lambda: pooling.rubin(Y, [0.2, 0, 0.2]), "study draw 2: se is 0.0"),
        (lambda: pooling.rubin([], []), "log_hr is empty"),
        (lambda: pooling.predict(pooling.pool(Y, S, "CE")), "common effect has no prediction"),
        (lambda: pooling.predict(pooling.pool(Y[:1], S[:1])), "needs 2 studies and .* has 1"),
        (
            lambda: pooling.predict(pooling.pool(Y[:2], S[:2]), "t_km2"),
            "'t_km2' needs 3 studies and the effect has 2",
        ),
        (lambda: pooling.predict(pooling.pool(Y, S), "HTS"), "convention is 'HTS'"),
    ],
)
def test_bad_options_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


COMPARE = pytest.mark.parametrize(
    "compare", [pooling.interaction, pooling.bayes_interaction], ids=lambda f: f.__name__
)


@COMPARE
@pytest.mark.parametrize(
    ("group", "options", "message"),
    [
        (["a", "b"], {}, "group has 2 values and log_hr has 3"),
        (["a", "a", "a"], {}, "group has one value only"),
        (["a", None, "b"], {}, "study 2: group is None"),
        (["a", math.nan, "b"], {}, "study 2: group is nan"),
        (["a", pd.NA, "b"], {}, "study 2: group is <NA>"),
        (["a", "a", "b"], {"reference": "c"}, "reference is 'c'; it must be one of a, b"),
        (["a", "a", "b"], {"level": 95}, "for 95 % write 0.95"),
    ],
)
def test_bad_groups_are_refused(compare, group, options, message):
    with pytest.raises(ValueError, match=message):
        compare(Y, S, group, **options)


@pytest.mark.parametrize(
    ("group", "options", "message"),
    [
        (["a", "a", "b"], {"spread": "joint"}, "spread is 'joint'"),
        (["a", "a", "b"], {"test": "z"}, "test is 'z'"),
        (["a", "a", "b"], {"spread": "separate", "test": "hksj"}, "needs spread='common'"),
        (["a", "b", "c"], {}, "3 studies in 3 groups leave no tau2 to estimate"),
        (["a", "b", "c"], {"tau2": "CE", "test": "adhoc"}, "leave no tau2 to estimate"),
    ],
)
def test_impossible_comparisons_are_refused(group, options, message):
    with pytest.raises(ValueError, match=message):
        pooling.interaction(Y, S, group, **options)


# Few studies and special cases ---------------------------------------------------------------


@pytest.mark.parametrize("tau2", ["CE", "REML", "PM"])
@pytest.mark.parametrize("ci", ["wald", "hksj", "adhoc", "wider"])
def test_one_study_is_itself(tau2, ci):
    effect = pooling.pool(-0.5, 0.2, tau2=tau2, ci=ci, labels=["CURB"])
    assert (effect.mu, effect.se, effect.method) == (-0.5, 0.2, "single")
    assert effect.ci_method == "wald"
    assert effect.ci_low == pytest.approx(-0.5 - 1.959963984540054 * 0.2, abs=1e-12)
    assert np.isnan([effect.tau2, effect.i2, effect.h2]).all()
    assert effect.prediction is None
    assert effect.tau2_ci is None
    assert "heterogeneity cannot be estimated" in effect.notes[0]


def test_two_studies_have_no_prediction_unless_asked():
    effect = pooling.pool(Y[:2], S[:2])
    assert effect.prediction is None
    assert pooling.predict(effect, "t_km1").low < effect.ci_low


def test_a_common_effect_has_no_prediction():
    assert pooling.pool(Y, S, tau2="CE").prediction is None
    assert pooling.pool(Y, S).prediction.convention == "t_km1"


@pytest.mark.parametrize("tau2", ["CE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_identical_estimates(tau2, k):
    y, s = np.full(k, -0.4), np.linspace(0.1, 0.5, k)
    effect = pooling.pool(y, s, tau2=tau2)
    assert effect.mu == pytest.approx(-0.4, abs=1e-12)
    assert effect.tau2 == pytest.approx(0, abs=1e-20)
    assert effect.q == pytest.approx(0, abs=1e-20)
    assert effect.tau2_ci.null_set
    adhoc = pooling.pool(y, s, tau2=tau2, ci="adhoc")
    assert adhoc.se == pytest.approx(effect.se, rel=1e-12)


def test_identical_null_estimates_under_hartung_knapp_have_no_p_value():
    effect = pooling.pool([0.0, 0.0], [0.2, 0.3], ci="hksj")
    assert effect.se == 0
    assert np.isnan(effect.p)
    assert "is below 1: it shrinks" in effect.notes[0]


def test_an_empty_tau2_interval_is_not_printed_as_zero():
    row = pooling.pool([-0.41, -0.36, -0.45, -0.39], [0.2, 0.25, 0.18, 0.3]).to_dict()
    assert row["tau2_ci_null"] is True
    assert np.isnan([row["tau2_ci_low"], row["tau2_ci_high"]]).all()


def test_tau2_is_truncated_at_zero_where_libraries_go_below():
    # (Q - df) / C is -0.12 here.
    y, s = np.log([0.38, 0.35, 0.40]), [0.30, 0.35, 0.40]
    for method in ("DL", "HE", "HS"):
        effect = pooling.pool(y, s, tau2=method)
        assert effect.tau2 == 0
        assert effect.i2 == 0


@pytest.mark.parametrize("far", [[1.9, -2.3, 2.4], [3.5, -3.2, 4.0]])
def test_the_highest_of_several_maxima_is_taken(far):
    # Three precise studies that agree and three imprecise ones that do not: the likelihood of
    # tau2 has one maximum at 0 and one far from it.
    y = np.array([-0.35, -0.34, -0.36, *far])
    s = np.array([0.02, 0.02, 0.02, 0.9, 0.9, 0.9])

    def log_density(tau2):
        v = s**2 + tau2
        mu = np.average(y, weights=1 / v)
        return -0.5 * np.sum(np.log(v) + (y - mu) ** 2 / v)

    grid = np.concatenate([[0], np.geomspace(1e-8, 20, 4000)])
    height = np.array([log_density(tau2) for tau2 in grid])
    inner = (height[1:-1] > height[:-2]) & (height[1:-1] > height[2:])
    assert height[0] > height[1] and inner.sum() == 1
    assert log_density(pooling.tau2(y, s, "ML")) >= height.max() - 1e-12


# Rows and frames -----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_effect_is_one_row_with_the_same_columns(k):
    frame = pooling.pool(Y[:k], S[:k]).to_frame()
    assert len(frame) == 1
    assert (
        frame.columns.tolist() == pooling.pool(Y, S, "CE", "wider").to_frame().columns.tolist()
    )
    assert frame.loc[0, "hr"] == pytest.approx(np.exp(frame.loc[0, "mu"]))
    assert frame.loc[0, "k"] == k


def test_rows_of_both_models_stack():
    frame = pd.concat([pooling.pool(Y, S).to_frame(), pooling.bayes(Y, S).to_frame()])
    assert frame["hr"].notna().all()
    assert frame["method"].tolist() == ["REML", "Bayes half-normal(0.5)"]


def test_leave_one_out_with_the_bayesian_model():
    frame = pooling.leave_one_out(Y, S, ["A", "B", "C"], fit=pooling.bayes, tau_scale=0.25)
    direct = pooling.bayes(Y[1:], S[1:], tau_scale=0.25)
    assert frame["omitted"].tolist() == ["A", "B", "C"]
    assert frame.loc[0, "hr"] == pytest.approx(direct.hr, abs=1e-12)


def test_interaction_frames_name_both_groups():
    result = pooling.interaction(Y, S, ["NSCLC", "NSCLC", "breast"], reference="breast")
    frame = result.to_frame()
    assert frame[["group", "reference"]].values.tolist() == [["NSCLC", "breast"]]
    assert result.groups_frame()["group"].tolist() == ["NSCLC", "breast"]
    assert frame.loc[0, "ratio_low"] < frame.loc[0, "ratio"] < frame.loc[0, "ratio_high"]
    posterior = pooling.bayes_interaction(
        Y, S, ["NSCLC", "NSCLC", "breast"], reference="breast"
    )
    assert posterior.to_frame().loc[0, "group"] == "NSCLC"


def test_shrinkage_lies_between_the_study_and_the_mean():
    posterior = pooling.bayes(Y, S, labels=["A", "B", "C"])
    frame = posterior.shrinkage_frame()
    assert frame["label"].tolist() == ["A", "B", "C"]
    assert Y[0] < frame.loc[0, "mean"] < posterior.mu.mean < frame.loc[1, "mean"] < Y[1]


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, pd.NaT])
def test_a_missing_label_is_refused(missing):
    with pytest.raises(ValueError, match="labels: that of study 2 is .*; give it a name"):
        pooling.pool([-0.4, -0.2], [0.2, 0.2], labels=["A", missing])
    assert pooling.pool([-0.4], [0.2], labels=["None"]).labels == ("None",)


def test_complex_numbers_are_refused():
    with pytest.raises(TypeError, match="log_hr must hold real numbers only"):
        pooling.pool(np.array([-0.4 + 1j, -0.2]), [0.2, 0.2])
