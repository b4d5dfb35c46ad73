"""Cumulative pooling, and studies that cannot be computed with or are given twice."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from test_pooling_properties import methods, studies

from oligomdt import pooling

Y, S = [-0.9, -0.1, -0.5], [0.2, 0.3, 0.25]
FITS = pytest.mark.parametrize(
    "fit",
    [
        pooling.pool,
        pooling.bayes,
        pooling.leave_one_out,
        pooling.cumulative,
        pooling.tau2,
        pooling.q_profile,
        pooling.profile_mu,
        pooling.profile_tau2,
        pooling.rubin,
    ],
    ids=lambda f: f.__name__,
)


@settings(deadline=None, max_examples=15)
@given(studies, methods)
def test_each_row_pools_the_studies_so_far(data, tau2):
    y, s = data
    frame = pooling.cumulative(y, s, tau2=tau2, ci="adhoc")
    assert frame["k"].tolist() == list(range(1, len(y) + 1))
    for i, row in enumerate(frame.to_dict("records"), start=1):
        direct = pooling.pool(y[:i], s[:i], tau2=tau2, ci="adhoc")
        assert (row["mu"], row["ci_low"]) == pytest.approx((direct.mu, direct.ci_low))
    assert frame.loc[0, "method"] == "single"


def test_studies_come_in_their_order():
    names = ["CURB", "Gomez", "Iyengar"]
    frame = pooling.cumulative(Y, S, names, order=[2024, 2016, 2018])
    assert frame["added"].tolist() == ["Gomez", "Iyengar", "CURB"]
    assert frame.loc[0, "mu"] == Y[1]
    assert frame.loc[2, "mu"] == pytest.approx(pooling.pool(Y, S).mu, abs=1e-12)
    ties = pooling.cumulative(Y, S, names, order=[2024, 2016, 2016])
    assert ties["added"].tolist() == ["Gomez", "Iyengar", "CURB"]
    dates = pd.to_datetime(["2024-02-03", "2016-10-01", "2018-01-11"])
    assert pooling.cumulative(Y, S, names, dates)["added"].tolist() == frame["added"].tolist()


def test_the_common_effect_only_gains_precision():
    frame = pooling.cumulative(Y, S, tau2="CE")
    assert (np.diff(frame["se"]) < 0).all()


def test_cumulative_with_the_bayesian_model():
    frame = pooling.cumulative(Y[:2], S[:2], ["A", "B"], fit=pooling.bayes, tau_scale=0.25)
    direct = pooling.bayes(Y[:2], S[:2], tau_scale=0.25)
    assert frame.loc[1, "hr"] == pytest.approx(direct.hr, abs=1e-12)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([2016, 2018], "order has 2 values and log_hr has 3"),
        ([2016, None, 2018], "study B: order is None; say where it belongs"),
        ([2016, 2018, math.nan], "study C: order is nan"),
    ],
)
def test_bad_orders_are_refused(order, message):
    with pytest.raises(ValueError, match=message):
        pooling.cumulative(Y, S, ["A", "B", "C"], order)


# Studies given twice, and magnitudes that cannot be computed with -----------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda labels: pooling.pool(Y, S, labels=labels),
        lambda labels: pooling.bayes(Y, S, labels=labels),
        lambda labels: pooling.leave_one_out(Y, S, labels),
        lambda labels: pooling.cumulative(Y, S, labels),
        lambda labels: pooling.interaction(Y, S, ["a", "a", "b"], labels=labels),
        lambda labels: pooling.regression(
            Y, S, pd.DataFrame({"x": [0, 1, 3]}), "DL", labels=labels
        ),
    ],
)
def test_a_study_given_twice_is_refused(call):
    with pytest.raises(ValueError, match="labels: 'A' is given twice; no patient may count"):
        call(["A", "B", "A"])
    call(["A", "B", "a"])


@FITS
@pytest.mark.parametrize(
    ("y", "s", "message"),
    [
        (Y, [0.2, 1e-170, 0.25], "2: se is 1e-170; it must lie between 1e-08 and 1e\\+08"),
        (Y, [0.2, 1e170, 0.25], "2: se is 1e\\+170; it must lie between"),
        (
            [-0.9, 1e160, 0],
            S,
            "2: log_hr is 1e\\+160; it must lie between -1e\\+08 and 1e\\+08",
        ),
        ([-0.9, -1e160, 0], S, "2: log_hr is -1e\\+160; it must lie between"),
    ],
)
def test_magnitudes_that_cannot_be_computed_with_are_refused(fit, y, s, message):
    with pytest.raises(ValueError, match=message):
        fit(y, s)


EDGES = [
    ([1e8, -1e8, 0.0], [1e-8, 1e-8, 1e-8]),
    ([1e8, -1e8, 0.0], [1e8, 1e-8, 1.0]),
    ([1e-8, 0.0, 0.0], [1e8, 1e8, 1e8]),
    ([0.1, 0.2, 0.3], [1e-8, 1e8, 1.0]),
]


@pytest.mark.parametrize(("y", "s"), EDGES)
@pytest.mark.parametrize("tau2", ["CE", "DL", "HE", "HS", "SJ", "ML", "REML", "PM"])
def test_magnitudes_at_the_edge_can_be_computed_with(y, s, tau2):
    effect = pooling.pool(y, s, tau2=tau2)
    row = effect.to_dict()
    names = ["mu", "se", "ci_low", "ci_high", "tau2", "i2", "h2", "d2", "q"]
    assert np.isfinite([row[name] for name in names]).all()
    assert 0 <= effect.i2 <= 1 and 0 <= effect.d2 <= 1
    assert tau2 == "CE" or effect.tau2_se >= 0
    draws = pooling.pool_draws([y], [s], tau2)
    assert draws.mu[0] == pytest.approx(effect.mu, rel=1e-6, abs=1e-6)
    if tau2 != "CE":
        limits = pooling.profile_mu(y, s)
        assert limits.ci_low < limits.mu < limits.ci_high
        assert pooling.profile_tau2(y, s).high > 0
