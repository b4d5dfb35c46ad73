"""Absolute effects: worked by hand, by simulation, and refused where they say nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import analysis

Z95 = 1.959963984540054


def control(surv, se=0.0, time=6):
    return pd.DataFrame({"time": [time], "surv": [surv], "se": [se]})


def one(surv, se, log_hr, log_hr_se, **options):
    frame = analysis.absolute_effects(control(surv, se), log_hr, log_hr_se, [6], **options)
    return frame.iloc[0]


def test_worked_by_hand_where_the_control_survival_is_known():
    """With 50 of 100 free of progression, HR 0.5 leaves 0.5 ** 0.5 = 70.7 of 100."""
    row = one(0.5, 0.0, np.log(0.5), 0.2)
    assert row["per_100_control"] == 50
    assert row["per_100_experimental"] == pytest.approx(70.7106781)
    assert row["difference"] == pytest.approx(20.7106781)
    # The limits of HR are 0.5 * exp(1.96 * 0.2) = 0.7400 and 0.3379; 0.5 ** 0.7400 = 0.5988.
    assert row["low"] == pytest.approx(59.8754488 - 50, abs=1e-6)
    assert row["high"] == pytest.approx(79.1217097 - 50, abs=1e-6)
    assert (row["control_low"], row["control_high"]) == (50, 50)
    assert row["experimental_low"] == pytest.approx(59.8754488)


def test_limits_of_the_difference_are_those_of_a_simulation():
    """Both uncertain: ln(-ln 0.4) +- 0.08 / (0.4 * 0.916291), HR 0.6 with error 0.25."""
    rng = np.random.default_rng(5)
    hazard = -np.log(0.4) * np.exp(rng.normal(0, 0.08 / (0.4 * 0.916290732), 1_000_000))
    treated = hazard * 0.6 * np.exp(rng.normal(0, 0.25, 1_000_000))
    drawn = 100 * (np.exp(-treated) - np.exp(-hazard))
    row = one(0.4, 0.08, np.log(0.6), 0.25)
    wanted = np.quantile(drawn, [0.025, 0.975])
    np.testing.assert_allclose([row["low"], row["high"]], wanted, atol=0.1)


@given(
    surv=st.floats(0.03, 0.97),
    se=st.floats(0, 0.15),
    log_hr=st.floats(-2, 2),
    log_hr_se=st.floats(0.05, 1),
)
@settings(deadline=None, max_examples=60)
def test_limits_surround_the_difference_and_stay_possible(surv, se, log_hr, log_hr_se):
    row = one(surv, se, log_hr, log_hr_se)
    assert -100 <= row["low"] < row["high"] <= 100
    assert row["low"] < row["difference"] + 1e-6
    assert row["high"] > row["difference"] - 1e-6
    total = row["per_100_control"] + row["difference"]
    assert row["per_100_experimental"] == pytest.approx(total)
    narrow = one(surv, se, log_hr, log_hr_se, level=0.5)
    assert row["low"] < narrow["low"] < narrow["high"] < row["high"]


def test_the_sign_follows_the_hazard_ratio():
    assert one(0.5, 0.1, -0.5, 0.1)["difference"] > 0
    assert one(0.5, 0.1, 0.5, 0.1)["difference"] < 0
    assert one(0.5, 0.1, 0.0, 0.1)["difference"] == 0


@pytest.mark.parametrize(
    ("surv", "note"), [(np.nan, "not known"), (0.0, "survival is 0"), (1.0, "survival is 1")]
)
def test_no_difference_is_invented(surv, note):
    row = one(surv, np.nan, -0.5, 0.2)
    assert np.isnan(row["difference"]) and np.isnan(row["per_100_experimental"])
    assert note in row["note"]


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (control(0.5), {"se": 0.0}, "se is 0.0; it must be a finite number above 0"),
        (control(0.5), {"log_hr": np.nan}, "log_hr is nan"),
        (control(0.5), {"times": [12]}, "no row at 12 months"),
        (control(0.5), {"times": []}, "times is empty"),
        (control(1.5), {}, "surv is 1.5"),
        (control(0.5, -0.1), {}, "se is -0.1"),
        (control(0.5, np.nan), {}, "se is nan"),
        (control(0.5).drop(columns="se"), {}, "no column 'se'"),
        (pd.concat([control(0.5)] * 2), {}, "2 rows at 6 months"),
        (control(0.5), {"level": 95}, "for 95 % write 0.95"),
    ],
)
def test_bad_input_is_named(frame, options, message):
    arguments = {"log_hr": -0.5, "se": 0.2, "times": [6]} | options
    with pytest.raises(ValueError, match=message):
        analysis.absolute_effects(frame, **arguments)
