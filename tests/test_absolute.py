"""Absolute effects: worked by hand, by simulation, and refused where they say nothing."""

import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import analysis, evidence, pooling, survival

module = importlib.import_module("oligomdt.analysis.absolute")
curves = importlib.import_module("oligomdt.analysis.pooled_curve")
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


# ------------------------------------------------------------------ the same patients in both


def test_a_shared_control_arm_is_that_of_a_simulation():
    """ln(-ln S) and ln HR drawn together with covariance -1/25 (correlation -0.73)."""
    rng = np.random.default_rng(6)
    spread = 0.08 / (0.4 * 0.916290732)
    matrix = [[spread**2, -1 / 25], [-1 / 25, 0.25**2]]
    shift, log_hr = rng.multivariate_normal([0, np.log(0.6)], matrix, 1_000_000).T
    hazard = -np.log(0.4) * np.exp(shift)
    treated = np.exp(-hazard * np.exp(log_hr))
    row = one(0.4, 0.08, np.log(0.6), 0.25, covariance=-1 / 25)
    wanted = np.quantile(100 * (treated - np.exp(-hazard)), [0.025, 0.975])
    np.testing.assert_allclose([row["low"], row["high"]], wanted, atol=0.1)
    wanted = np.quantile(100 * treated, [0.025, 0.975])
    got = [row["experimental_low"], row["experimental_high"]]
    np.testing.assert_allclose(got, wanted, atol=0.1)


@pytest.fixture(scope="module")
def repeated():
    """What 400 trials of 33 and 66 patients say of S0(6), and of HR 0.5; known until 24."""
    rng, rows = np.random.default_rng(12), []
    for _ in range(400):
        rate = np.repeat([np.log(2) / 6, np.log(2) / 12], [33, 66])
        time = rng.exponential(1 / rate)
        ipd = pd.DataFrame({"time": np.minimum(time, 24), "event": (time <= 24).astype(int)})
        ipd["arm"] = np.repeat(["control", "experimental"], [33, 66])
        fit = survival.cox(ipd)
        at = survival.survival_at(ipd, [6]).set_index("arm").loc["control"]
        d = ipd.loc[ipd["arm"] == "control", "event"].sum()
        rows.append((at["surv"], at["se"], fit.log_hr, fit.se, 1 / d))
    return np.array(rows)


def test_the_covariance_is_minus_one_over_the_events_of_the_control_arm(repeated):
    surv, _, log_hr, _, inverse = repeated.T
    found = np.cov(np.log(-np.log(surv)), log_hr)[0, 1]
    # 400 trials tell a covariance of two quantities correlated by -0.5 to about 11 %.
    assert found == pytest.approx(-inverse.mean(), rel=0.25)


def test_the_covariance_gives_the_limits_their_level(repeated):
    """90 % of trials without it, where 95 % are promised (binomial error 1.1 points)."""
    truth = 100 * (0.5**0.5 - 0.5)

    def coverage(shared):
        rows = [one(*row[:4], covariance=-shared * row[4]) for row in repeated]
        return np.mean([row["low"] <= truth <= row["high"] for row in rows])

    assert coverage(1) > coverage(0) + 0.01
    assert coverage(1) > 0.925


def test_the_covariance_of_sabr_comet_is_that_of_leaving_out_each_patient():
    """Jackknife, mean of three data sets, at 6 and 12 months."""
    trials, control = evidence.load(), analysis.reconstruct("SABR-COMET-2019")
    ratio = module._hazard_ratios(trials)["mixed"]["main analysis"]

    def both(ipd):
        surv = survival.survival_at(ipd, [6, 12])
        surv = surv.loc[surv["arm"] == "control", "surv"]
        return [*np.log(-np.log(surv)), survival.cox(ipd).log_hr]

    found = []
    for draw in (0, 50, 150):
        ipd = control.data[control.data["draw"] == draw].reset_index(drop=True)
        left = np.array([both(ipd.drop(index=i)) for i in ipd.index])
        found.append((len(left) - 1) ** 2 / len(left) * np.cov(left.T)[:2, 2])
    given = ratio.covariance(control, trials)
    assert given.shape == (1,)
    np.testing.assert_allclose(np.mean(found, axis=0), given[0], rtol=0.15)


def test_the_weight_of_a_trial_is_in_its_covariance():
    """Two trials of equal error have half the weight each, whatever tau is."""
    trials = evidence.load()
    studies = analysis.published_estimates(trials)
    studies = studies[studies["pooled"] & (studies["group"] == "breast")].assign(se=0.3)
    ratio = module.pooled_ratio(studies, {"interval": "credible", "hr": 0.8})
    control = analysis.reconstruct("CURB-breast")
    own = control.data[control.data["arm"] == "control"]
    events = own.groupby("draw")["event"].sum()
    np.testing.assert_allclose(ratio.covariance(control, trials), -0.5 * (1 / events).mean())
    other = ratio.covariance(analysis.reconstruct("SABR-COMET-2019"), trials)
    np.testing.assert_array_equal(other, 0)


def test_the_average_curve_moves_with_each_trial_as_its_difference_quotient():
    members = analysis.curve_reconstructions()["breast"]
    pull = curves.control_pull(members, [6])
    sizes = curves.trial_weights(members)
    surv = [curves.arm_curves(own, "control", np.array([6.0])).surv.mean() for own in members]

    def moved(by):
        each = np.exp(np.log(surv) * np.exp(by))
        return np.log(-np.log(sizes @ each))

    for j in range(2):
        step = 1e-5 * np.eye(2)[j]
        slope = (moved(step) - moved(-step)) / 2e-5
        assert pull["all trials"][0, j] == pytest.approx(slope, rel=1e-6)
    assert pull[members[1].result.id].tolist() == [[0, 1]]


# ------------------------------------------------------------------ a posterior, not a normal


def test_the_posterior_is_used_and_not_a_normal_with_its_limits():
    """Draws from the mixture itself: of a tau, of mu given tau, of the control survival."""
    effect = pooling.bayes([-0.9, -0.1, -0.4], [0.3, 0.4, 0.5]).mu
    rng = np.random.default_rng(8)
    node = rng.choice(len(effect.weights), 1_000_000, p=effect.weights / effect.weights.sum())
    log_hr = rng.normal(effect.means[node], effect.sds[node])
    hazard = -np.log(0.4) * np.exp(rng.normal(0, 0.08 / (0.4 * 0.916290732), 1_000_000))
    drawn = 100 * (np.exp(-hazard * np.exp(log_hr)) - np.exp(-hazard))
    row = module.posterior_effects(control(0.4, 0.08), effect, [6]).iloc[0]
    wanted = np.quantile(drawn, [0.025, 0.975])
    np.testing.assert_allclose([row["low"], row["high"]], wanted, atol=0.12)
    width = (effect.ci_high - effect.ci_low) / (2 * Z95)
    normal = one(0.4, 0.08, effect.median, width)
    assert abs(row["low"] - normal["low"]) > 0.5


def test_pages_use_the_posterior_and_the_shared_control_arm():
    """By drawing: CURB's NSCLC control at 6 months with NRG-LU002, and SABR-COMET."""
    frame = analysis.absolute_synthesis(times=[6]).set_index(["scenario", "baseline"])
    trials = evidence.load()
    rng = np.random.default_rng(9)
    for group, scenario, result in (
        ("NSCLC", "with NRG-LU002", "CURB-NSCLC"),
        ("mixed", "main analysis", "SABR-COMET-2019"),
    ):
        ratio = module._hazard_ratios(trials)[group][scenario]
        rebuilt, effect = analysis.reconstruct(result), ratio.effect
        at = analysis.control_survival([rebuilt], [6]).iloc[0]
        hazard = -np.log(at["surv"])
        spread = at["se"] / (at["surv"] * hazard)
        node = rng.choice(len(effect.weights), 400_000, p=effect.weights)
        shared = ratio.covariance(rebuilt, trials)[node] / spread
        assert (shared < 0).all()
        z = rng.normal(size=(2, 400_000))
        log_hr = effect.means[node] + shared * z[0]
        log_hr += np.sqrt(effect.sds[node] ** 2 - shared**2) * z[1]
        drawn = hazard * np.exp(spread * z[0])
        drawn = 100 * (np.exp(-drawn * np.exp(log_hr)) - np.exp(-drawn))
        own = frame[frame["group"] == group].loc[scenario]
        row = own[own["per_100_control"] == 100 * at["surv"]].iloc[0]
        wanted = np.quantile(drawn, [0.025, 0.975])
        np.testing.assert_allclose([row["low"], row["high"]], wanted, atol=0.25)


def test_a_covariance_beyond_the_standard_errors_is_refused():
    with pytest.raises(ValueError, match="covariance is -0.1; .* between -0.0546 and 0.0546"):
        one(0.4, 0.08, -0.5, 0.25, covariance=-0.1)
    with pytest.raises(ValueError, match="covariance is nan; it must be a finite number"):
        one(0.4, 0.08, -0.5, 0.25, covariance=np.nan)
    known = one(0.5, 0.0, -0.5, 0.2, covariance=-0.1)
    assert known["low"] == pytest.approx(one(0.5, 0.0, -0.5, 0.2)["low"])


@pytest.mark.parametrize("times", [[-1], [6, float("nan")], [float("inf")]])
def test_a_time_before_the_start_has_no_survival(times):
    with pytest.raises(ValueError, match="every time must be finite and 0 or later"):
        analysis.absolute_synthesis({}, times=times)
    with pytest.raises(ValueError, match="every time must be finite and 0 or later"):
        analysis.control_survival([analysis.reconstruct("CURB-breast")], times)


def test_no_time_is_no_question():
    with pytest.raises(ValueError, match="times is empty"):
        analysis.absolute_synthesis({}, times=[])


@pytest.mark.parametrize("surv", [0.999999, 1e-9])
def test_a_survival_that_is_next_to_unknown_is_refused(surv):
    control = pd.DataFrame({"time": [6], "surv": [surv], "se": [0.01]})
    with pytest.raises(ValueError, match="at 6 months: se is 0.01, too much for a survival"):
        analysis.absolute_effects(control, np.log(0.5), 0.2, times=[6])


def test_the_widest_interval_is_nearly_everything():
    surv, spread = 0.5, 9.99
    control = pd.DataFrame({"time": [6], "surv": [surv], "se": [spread * surv * np.log(2)]})
    row = analysis.absolute_effects(control, np.log(0.5), 0.2, times=[6]).iloc[0]
    assert row["control_low"] < 1e-6
    assert row["control_high"] > 100 - 1e-6
