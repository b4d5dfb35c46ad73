"""Meta-regression against weighted least squares, the group comparison and simulation."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy import optimize, stats
from test_pooling_properties import METHODS, studies

from oligomdt import pooling

FEW = settings(deadline=None, max_examples=15)
Y = np.array([-0.2, -0.9, 0.3, -0.5, -1.4, 0.1])
S = np.array([0.2, 0.3, 0.25, 0.15, 0.4, 0.3])
DOSE = np.array([0.0, 3.0, 1.0, 2.0, 4.0, 2.0])
AGE = np.array([61.0, 58.0, 70.0, 66.0, 55.0, 63.0])
ONE = pd.DataFrame({"dose": DOSE})
TWO = pd.DataFrame({"dose": DOSE, "age": AGE})


@pytest.mark.parametrize("tau2", METHODS)
@pytest.mark.parametrize("test", ["wald", "hksj", "adhoc"])
def test_a_line_through_two_groups_is_the_group_comparison(tau2, test):
    group = ["a", "b", "a", "b", "b", "a"]
    column = pd.DataFrame({"b": [float(g == "b") for g in group]})
    line = pooling.regression(Y, S, column, tau2=tau2, test=test)
    compared = pooling.interaction(Y, S, group, tau2=tau2, test=test)
    (contrast,) = compared.contrasts
    slope = line.coefficients.set_index("term").loc["b"]
    assert line.tau2 == pytest.approx(compared.groups[0].tau2, abs=1e-12)
    assert slope["estimate"] == pytest.approx(contrast.log_ratio, abs=1e-12)
    assert slope["se"] == pytest.approx(contrast.se, abs=1e-12)
    limits = (contrast.ci_low, contrast.ci_high)
    assert (slope["ci_low"], slope["ci_high"]) == pytest.approx(limits, abs=1e-10)
    assert (line.qm, line.qm_p) == pytest.approx((compared.statistic, compared.p), abs=1e-10)
    assert (line.qe, line.qe_df) == pytest.approx((compared.q_within, 4))
    assert line.qe_p == pytest.approx(compared.q_within_p)


@pytest.mark.parametrize("frame", [ONE, TWO], ids=["one", "two"])
def test_the_line_is_weighted_least_squares(frame):
    fit = pooling.regression(Y, S, frame, test="hksj")
    root = (S**2 + fit.tau2) ** -0.5
    x = root[:, None] * np.column_stack([np.ones(6), frame])
    beta, rss, *_ = np.linalg.lstsq(x, root * Y, rcond=None)
    df = 6 - x.shape[1]
    covariance = rss[0] / df * np.linalg.inv(x.T @ x)
    assert fit.coefficients["estimate"].to_numpy() == pytest.approx(beta, abs=1e-10)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-9)
    t = beta / np.sqrt(np.diag(covariance))
    assert fit.coefficients["p"].to_numpy() == pytest.approx(2 * stats.t.sf(abs(t), df))
    reduced = np.linalg.lstsq(x[:, :1], root * Y, rcond=None)[1][0]
    f = (reduced - rss[0]) / (x.shape[1] - 1) / (rss[0] / df)
    assert fit.qm == pytest.approx(f, rel=1e-9)
    assert fit.qm_p == pytest.approx(stats.f.sf(f, x.shape[1] - 1, df), rel=1e-8)
    assert fit.scale == pytest.approx(rss[0] / df, rel=1e-9)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_likelihood_estimates_maximise_the_density(method):
    x = np.column_stack([np.ones(6), TWO])
    basis = np.linalg.svd(x)[0][:, 3:].T if method == "REML" else None

    def minus_log(tau2):
        v = S**2 + tau2
        if method == "REML":
            covariance = basis @ np.diag(v) @ basis.T
            return -stats.multivariate_normal.logpdf(basis @ Y, cov=covariance)
        beta = np.linalg.lstsq(x / np.sqrt(v)[:, None], Y / np.sqrt(v), rcond=None)[0]
        return -stats.norm.logpdf(Y, x @ beta, np.sqrt(v)).sum()

    found = optimize.minimize_scalar(
        minus_log, bounds=(0, 5), method="bounded", options={"xatol": 1e-12}
    )
    best = min((found.x, 0.0), key=minus_log)
    fit = pooling.regression(Y, S, TWO, tau2=method)
    assert fit.tau2 == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("tau2", ["PM", "EB"])
def test_paule_mandel_makes_q_equal_its_degrees_of_freedom(tau2):
    fit = pooling.regression(Y, S, ONE, tau2=tau2)
    x = np.column_stack([np.ones(6), DOSE]) / np.sqrt(S**2 + fit.tau2)[:, None]
    rss = np.linalg.lstsq(x, Y / np.sqrt(S**2 + fit.tau2), rcond=None)[1][0]
    assert fit.tau2 > 0
    assert rss == pytest.approx(4, abs=1e-9)


@pytest.mark.parametrize("tau2", ["DL", "HE"])
def test_moment_estimators_have_no_bias_before_truncation(tau2):
    # tau2 is large, so that hardly any estimate is truncated.
    rng = np.random.default_rng(2)
    x = pd.DataFrame({"x": np.arange(12.0)})
    s = np.tile([0.2, 0.5, 1.0], 4)
    found = [
        pooling.regression(rng.normal(0.3 * x["x"], np.sqrt(s**2 + 9)), s, x, tau2=tau2).tau2
        for _ in range(400)
    ]
    error = np.std(found) / 20
    assert abs(np.mean(found) - 9) < 3.5 * error


@FEW
@given(studies)
def test_unit_and_origin_of_a_moderator_change_only_its_coefficient(data):
    y, s = (np.append(values, [values[0], 0.3]) for values in data)
    x = np.arange(len(y), dtype=float)
    one = pooling.regression(y, s, pd.DataFrame({"x": x}))
    other = pooling.regression(y, s, pd.DataFrame({"x": 2016 + x / 12}))
    slopes = [fit.coefficients["estimate"][1] for fit in (one, other)]
    assert slopes[1] == pytest.approx(12 * slopes[0], rel=1e-5, abs=1e-6)
    assert other.tau2 == pytest.approx(one.tau2, abs=1e-6)
    assert (other.qm, other.qe) == pytest.approx((one.qm, one.qe), rel=1e-4, abs=1e-6)


@FEW
@given(studies)
def test_swapping_the_arms_turns_the_line_over(data):
    y, s = (np.append(values, [values[0], 0.3]) for values in data)
    frame = pd.DataFrame({"x": np.arange(len(y)) % 3})
    one, other = (pooling.regression(sign * y, s, frame, tau2="DL") for sign in (1, -1))
    estimates = [fit.coefficients["estimate"].to_numpy() for fit in (one, other)]
    assert estimates[1] == pytest.approx(-estimates[0], abs=1e-9)
    assert other.tau2 == pytest.approx(one.tau2, abs=1e-9)


def test_prediction_is_the_line_at_that_place():
    fit = pooling.regression(Y, S, TWO)
    new = pd.DataFrame({"age": [60.0, 64.0], "dose": [1.0, 2.5]})
    frame = fit.predict(new)
    estimate = fit.coefficients["estimate"].to_numpy()
    x = np.array([[1, 1.0, 60.0], [1, 2.5, 64.0]])
    assert frame["log_hr"].to_numpy() == pytest.approx(x @ estimate)
    # Centred on the place, the intercept is the prediction.
    moved = pooling.regression(Y, S, TWO - [1.0, 60.0]).coefficients.loc[0]
    assert frame.loc[0, "se"] == pytest.approx(moved["se"], rel=1e-9)
    assert frame.loc[0, "ci_low"] == pytest.approx(moved["ci_low"], rel=1e-9)
    half = stats.norm.ppf(0.975) * np.hypot(frame["se"], fit.tau2**0.5)
    assert frame["prediction_high"].to_numpy() == pytest.approx(frame["log_hr"] + half)
    assert pooling.regression(Y, S, TWO, "CE").predict(new)["prediction_low"].isna().all()


def test_explained_share_of_the_spread():
    fit = pooling.regression(Y, S, ONE)
    without = pooling.tau2(Y, S)
    assert fit.r2 == pytest.approx(max(0, 1 - fit.tau2 / without))
    assert np.isnan(pooling.regression(Y, S, ONE, "CE").r2)
    alike = pooling.regression([-0.4, -0.41, -0.39, -0.4], S[:4], ONE[:4])
    assert np.isnan(alike.r2)


def test_studies_exactly_on_a_line():
    fit = pooling.regression(-0.2 * DOSE, S, ONE, test="adhoc")
    assert fit.coefficients["estimate"].to_numpy() == pytest.approx([0, -0.2], abs=1e-12)
    assert fit.tau2 == 0
    assert fit.qe == pytest.approx(0, abs=1e-20)
    assert (fit.coefficients["se"] > 0).all()


def changed(column, row, value):
    frame = TWO.astype(object)
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (TWO[:5], {}, "moderators has 5 rows and log_hr has 6 values"),
        (pd.DataFrame(index=range(6)), {}, "moderators has no column; .* use pool"),
        (changed("age", 1, math.nan), {}, "study B: moderator 'age' is nan"),
        (changed("age", 1, None), {}, "study B: moderator 'age' is"),
        (changed("dose", 2, math.inf), {}, "study C: moderator 'dose' is inf"),
        (TWO.assign(age=60), {}, "moderator 'age' is the same in all studies"),
        (TWO.assign(zero=0.0), {}, "moderator 'zero' is the same in all studies"),
        (TWO.assign(sum=DOSE + 2 * AGE - 1), {}, "'sum' is a combination of dose, age"),
        (TWO.rename(columns={"age": "intercept"}), {}, "give each its own name"),
        (pd.concat([ONE, ONE], axis=1), {}, "give each its own name"),
        (
            pd.DataFrame(np.eye(6)[:, :5], columns=list("abcde")),
            {},
            "6 studies and 6 coefficients leave nothing",
        ),
        (TWO.assign(huge=DOSE * 1e300), {}, "moderator 'huge' reaches .*e\\+300; .* a unit"),
        (TWO.assign(tiny=DOSE * 1e-300), {}, "moderator 'tiny' reaches .*e-300; .* a unit"),
        (
            pd.DataFrame({"nearly": 1 + 2e-10 * (np.arange(6) == 0)}),
            {},
            "moderator 'nearly' is the same in all studies",
        ),
        (TWO.assign(se=DOSE**2), {}, "has a column 'se', the name of a column of the predict"),
        (TWO.assign(log_hr=DOSE**2), {}, "has a column 'log_hr', the name of a column"),
        (ONE, {"tau2": "reml"}, "tau2 is 'reml'"),
        (ONE, {"test": "z"}, "test is 'z'; it must be one of wald, hksj, adhoc"),
        (ONE, {"level": 95}, "for 95 % write 0.95"),
    ],
)
def test_bad_moderators_are_refused(frame, options, message):
    with pytest.raises(ValueError, match=message):
        pooling.regression(Y, S, frame, labels=list("ABCDEF"), **options)


@pytest.mark.parametrize(
    "values",
    [
        list("aabbcc"),
        list("123456"),
        pd.Categorical(list("aabbcc")),
        pd.date_range("2020", periods=6),
        np.arange(6) + 1j,
        [1, 2, 3, 4, 5, 6 + 1j],
    ],
)
def test_moderators_that_are_no_numbers_are_refused(values):
    with pytest.raises(TypeError, match="'group' must hold numbers only; code a group"):
        pooling.regression(Y, S, pd.DataFrame({"group": values}))


@pytest.mark.parametrize("dtype", ["bool", "int64", "Int64", "boolean", "object"])
def test_any_kind_of_number_is_a_moderator(dtype):
    values = pd.Series([0, 1, 0, 1, 1, 0])
    one = pooling.regression(Y, S, pd.DataFrame({"x": values.astype(float)}))
    other = pooling.regression(Y, S, pd.DataFrame({"x": values.astype(dtype)}))
    np.testing.assert_array_equal(other.covariance, one.covariance)


def test_moderators_must_be_a_frame():
    with pytest.raises(TypeError, match="moderators must be a data frame"):
        pooling.regression(Y, S, DOSE)


def test_prediction_needs_the_moderators_of_the_fit():
    fit = pooling.regression(Y, S, ONE)
    with pytest.raises(ValueError, match="moderators has columns age; give dose"):
        fit.predict(pd.DataFrame({"age": [60.0]}))
    with pytest.raises(ValueError, match="row 2: moderator 'dose' is nan"):
        fit.predict(pd.DataFrame({"dose": [1.0, math.nan]}))


@pytest.mark.parametrize("moderators", [{"dose": [1.0]}, pd.Series([1.0], name="dose"), [1.0]])
def test_prediction_needs_a_frame(moderators):
    with pytest.raises(TypeError, match="moderators must be a data frame"):
        pooling.regression(Y, S, ONE).predict(moderators)


def test_a_column_may_be_called_by_a_number():
    fit = pooling.regression(Y, S, pd.DataFrame({2020: DOSE}))
    named = pooling.regression(Y, S, pd.DataFrame({"x": DOSE}))
    at = fit.predict(pd.DataFrame({2020: [1.5]}))
    assert at.columns[0] == 2020
    expected = named.predict(pd.DataFrame({"x": [1.5]}))
    assert at["log_hr"].tolist() == expected["log_hr"].tolist()
