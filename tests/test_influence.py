"""Influence diagnostics: identities that hold whatever the studies, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oligomdt import pooling

FEW = settings(deadline=None, max_examples=25)
effects = st.floats(-3, 3).map(lambda x: round(x, 3))
errors = st.floats(0.05, 2).map(lambda x: round(x, 3))
studies = st.lists(st.tuples(effects, errors), min_size=3, max_size=7).map(
    lambda rows: np.array(rows, dtype=float).T
)
methods = st.sampled_from(("CE", "DL", "PM", "SJ", "REML"))


@FEW
@given(studies, methods)
def test_the_fits_without_a_study_are_those_of_leave_one_out(data, tau2):
    frame, refits = pooling.influence(*data, tau2=tau2), pooling.leave_one_out(*data, tau2=tau2)
    for ours, theirs in (("mu", "mu"), ("se", "se"), ("tau2", "tau2"), ("q", "q")):
        assert frame[f"{ours}_without"].to_numpy() == pytest.approx(refits[theirs], abs=1e-12)


@FEW
@given(studies)
def test_a_common_effect_fit_is_a_regression_on_a_constant(data):
    """The textbook identities of linear models, which need no refit at all."""
    y, s = data
    frame, line = pooling.influence(y, s, tau2="CE"), pooling.baujat(y, s)
    weight = s**-2 / (s**-2).sum()
    assert frame["weight"].to_numpy() == pytest.approx(weight)
    residual = (y - weight @ y) / s
    rstudent = residual / np.sqrt(1 - weight)
    for name in ("rstandard", "rstudent"):
        assert frame[name].to_numpy() == pytest.approx(rstudent, abs=1e-8)
    cook = residual**2 * weight / (1 - weight) ** 2
    assert frame["cook"].to_numpy() == pytest.approx(cook, rel=1e-6, abs=1e-9)
    assert frame["cov_ratio"].to_numpy() == pytest.approx(1 / (1 - weight))
    q = pooling.pool(y, s, tau2="CE").q
    assert line["x"].sum() == pytest.approx(q, abs=1e-9)
    assert line["y"].to_numpy() == pytest.approx(cook * (1 - weight), rel=1e-6, abs=1e-9)


@FEW
@given(studies, methods)
def test_swapping_the_arms_turns_the_signs_and_nothing_else(data, tau2):
    y, s = data
    one, other = (pooling.influence(z, s, tau2=tau2) for z in (y, -y))
    for name in ("rstandard", "rstudent", "dffits", "dfbetas", "mu_without"):
        assert other[name].to_numpy() == pytest.approx(-one[name], abs=1e-6)
    for name in ("weight", "cook", "cov_ratio", "se_without", "q_without"):
        assert other[name].to_numpy() == pytest.approx(one[name], rel=1e-6, abs=1e-8)


def test_order_and_unit_change_nothing():
    y, s = np.array([-0.9, -0.1, -0.5, 0.3]), np.array([0.2, 0.3, 0.25, 0.4])
    names = list("ABCD")
    one = pooling.influence(y, s, names).set_index("study")
    back = pooling.influence(y[::-1], s[::-1], names[::-1]).set_index("study").loc[names]
    scaled = pooling.influence(10 * y, 10 * s, names).set_index("study")
    columns = ["weight", "rstandard", "rstudent", "dffits", "cook", "cov_ratio", "dfbetas"]
    assert back[columns].to_numpy() == pytest.approx(one[columns].to_numpy(), abs=1e-9)
    assert scaled[columns].to_numpy() == pytest.approx(one[columns].to_numpy(), abs=1e-7)
    for tau2 in ("CE", "REML"):
        plot, turned = (
            pooling.baujat(y[step], s[step], tau2=tau2)
            for step in (slice(None), slice(None, None, -1))
        )
        assert turned[["x", "y"]].to_numpy()[::-1] == pytest.approx(plot[["x", "y"]].to_numpy())


def test_a_study_that_agrees_with_the_rest_has_no_influence():
    frame = pooling.influence([-0.4, -0.4, -0.4], [0.2, 0.3, 0.4])
    assert frame[["cook", "dffits", "rstudent"]].abs().to_numpy().max() < 1e-12
    assert (frame["cov_ratio"] > 1).all()


def test_studentised_residuals_have_the_distribution_they_are_named_after():
    """With the heterogeneity known to be 0 they are standard normal draws."""
    rng = np.random.default_rng(1)
    se = np.array([0.2, 0.3, 0.5, 0.25])
    first = [
        pooling.influence(rng.normal(-0.3, se), se, tau2="CE").loc[0, "rstudent"]
        for _ in range(800)
    ]
    assert stats.kstest(first, "norm").pvalue > 0.01


@pytest.mark.parametrize("function", [pooling.influence, pooling.baujat])
def test_two_studies_are_refused_with_the_reason(function):
    with pytest.raises(ValueError, match="log_hr has 2 values; influence needs at least 3"):
        function([-0.4, -0.2], [0.2, 0.2])
    with pytest.raises(ValueError, match="tau2 is 'XX'; it must be one of CE, DL"):
        function([-0.4, -0.2, 0], [0.2, 0.2, 0.2], tau2="XX")
    with pytest.raises(
        ValueError, match="study B: se is 0.0; it must be a finite number above"
    ):
        function([-0.4, -0.2, 0], [0.2, 0, 0.2], ["A", "B", "C"])
