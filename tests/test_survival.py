"""Survival estimates by hand, against lifelines, and their properties.

That they agree with R's survival package is tested in test_meta_reference.py.
"""

import importlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oligomdt import survival

DATA = Path(__file__).parent / "data" / "meta" / "survival"
SETS = ["aml", "lung", "veteran", "gbsg", "syn_ties"]
CLOSE = {"rel": 1e-8, "abs": 1e-8}
FEW = settings(max_examples=40, deadline=None)


def frame(name):
    rows = pd.read_csv(DATA / f"{name}.csv")
    ipd = pd.DataFrame({"time": rows["time"].astype(float), "event": rows["status"]})
    ipd["arm"] = np.where(rows["arm"] == 1, "experimental", "control")
    if "stratum" in rows:
        ipd["stratum"] = rows["stratum"].astype(str)
    return ipd


def swapped(ipd):
    return ipd.assign(arm=np.where(ipd["arm"] == "control", "experimental", "control"))


@st.composite
def ipd_frames(draw):
    """Two arms with tied times and an event in each."""
    size = st.integers(4, 20)
    parts = []
    for arm in ("control", "experimental"):
        n = draw(size)
        times = draw(st.lists(st.integers(1, 15), min_size=n, max_size=n))
        events = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
        parts.append(pd.DataFrame({"time": times, "event": events, "arm": arm}))
    return pd.concat(parts, ignore_index=True)


def test_cox_interval_follows_its_level():
    fit95, fit80 = (survival.cox(frame("lung"), level=level) for level in (0.95, 0.80))
    # Ratio of the normal quantiles of 90 % and 97.5 %, from tables.
    ratio = (fit80.ci_high - fit80.ci_low) / (fit95.ci_high - fit95.ci_low)
    assert ratio == pytest.approx(1.2815516 / 1.9599640, rel=1e-6)


TRANSFORMS = [("log-log", "ci_loglog"), ("log", "ci_log"), ("plain", "ci_plain")]


def doubled(ipd):
    """Every patient twice, the copies in a stratum of their own."""
    return pd.concat([ipd.assign(copy=0), ipd.assign(copy=1)], ignore_index=True)


@FEW
@given(ipd_frames())
def test_two_strata_of_the_same_patients_double_every_statistic(ipd):
    for ties in ("efron", "breslow", "exact"):
        try:
            one = survival.cox(ipd, ties)
        except ValueError:
            continue
        two = survival.cox(doubled(ipd), ties, strata="copy")
        assert two.log_hr == pytest.approx(one.log_hr, abs=1e-9)
        assert two.se == pytest.approx(one.se / 2**0.5, rel=1e-9)
        for name in ("log_likelihood", "log_likelihood_null", "score_chi2", "wald_chi2"):
            assert getattr(two, name) == pytest.approx(2 * getattr(one, name), **CLOSE)
        assert one.lr_chi2 >= -1e-9
        assert two.lr_chi2 == pytest.approx(2 * one.lr_chi2, **CLOSE)


@FEW
@given(ipd_frames())
def test_score_test_of_exact_ties_is_the_logrank_test(ipd):
    try:
        fit = survival.cox(ipd, ties="exact")
    except ValueError:
        assume(False)
    assert fit.score_chi2 == pytest.approx(survival.logrank(ipd).chi2, **CLOSE)


@FEW
@given(ipd_frames(), st.randoms(use_true_random=False))
def test_without_ties_all_rules_are_one(ipd, random):
    times = list(range(1, len(ipd) + 1))
    random.shuffle(times)
    ipd = ipd.assign(time=times)
    try:
        fits = [survival.cox(ipd, ties) for ties in ("efron", "breslow", "exact")]
    except ValueError:
        assume(False)
    for fit in fits[1:]:
        assert (fit.log_hr, fit.se) == pytest.approx((fits[0].log_hr, fits[0].se), abs=1e-9)
        assert fit.log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-9)


def test_exact_ties_count_every_set_of_patients_who_could_have_had_the_events():
    ipd = frame("syn_ties")
    fit = survival.cox(ipd, ties="exact")
    one = (ipd["arm"] == "experimental").to_numpy()
    total = 0.0
    for t in ipd.loc[ipd["event"] == 1, "time"].unique():
        died = ((ipd["time"] == t) & (ipd["event"] == 1)).to_numpy()
        at_risk = one[(ipd["time"] >= t).to_numpy()]
        sets = [sum(chosen) for chosen in combinations(at_risk, died.sum())]
        total += fit.log_hr * one[died].sum() - np.log(
            np.exp(fit.log_hr * np.array(sets)).sum()
        )
    assert fit.log_likelihood == pytest.approx(total, **CLOSE)


def test_an_equation_that_does_not_settle_is_an_error(monkeypatch):
    for name in ("cox", "draws", "parametric", "time_varying"):
        # By name: the package's attribute `cox` is the function, not its module.
        module = importlib.import_module(f"oligomdt.survival.{name}")
        monkeypatch.setattr(module, "STEPS", 1)
    ipd = frame("lung")
    calls = (
        lambda: survival.cox(ipd),
        lambda: survival.cox(ipd, ties="exact"),
        lambda: survival.ph_test(ipd),
        lambda: survival.cox_draws(ipd.assign(draw=1)),
        lambda: survival.accelerated(ipd),
        lambda: survival.time_varying(ipd),
    )
    for call in calls:
        with pytest.raises(ValueError, match="did not converge in 1 steps"):
            call()


def test_median_is_the_middle_of_a_flat_stretch_at_one_half():
    # R's veteran data: the treated curve equals 0.5 from 52 to 53 days.
    medians = survival.median(frame("veteran")).set_index("arm")["median"]
    assert medians["experimental"] == 52.5
    # After the last drop the stretch ends with follow-up.
    ipd = pd.DataFrame({"time": [3.0, 9.0], "event": [1, 0], "arm": "control"})
    assert survival.median(ipd)["median"].iloc[0] == 6.0


def test_median_not_reached_is_nan():
    ipd = pd.DataFrame({"time": [3.0, 9.0, 9.0], "event": [1, 0, 0], "arm": "control"})
    assert np.isnan(survival.median(ipd)["median"].iloc[0])


def test_quantiles_by_hand():
    # S is 3/4 from 2 on, 1/2 from 4, 1/4 from 5.
    ipd = pd.DataFrame({"time": [2.0, 4, 5, 6], "event": [1, 1, 1, 0], "arm": "control"})
    found = [survival.quantile(ipd, p)["quantile"].iloc[0] for p in (0.2, 0.25, 0.3, 0.6, 0.8)]
    assert found == pytest.approx([2, 3, 4, 5, np.nan], nan_ok=True)


@FEW
@given(ipd_frames())
def test_quantiles_never_fall_and_the_middle_one_is_the_median(ipd):
    rows = [survival.quantile(ipd, p) for p in (0.1, 0.25, 0.5, 0.75, 0.9)]
    median = survival.median(ipd)
    for column in ("quantile", "ci_low", "ci_high"):
        values = np.array([row[column] for row in rows])
        assert (np.diff(np.nan_to_num(values, nan=99), axis=0) >= 0).all(), column
        own = "median" if column == "quantile" else column
        assert values[2].tolist() == pytest.approx(median[own].tolist(), nan_ok=True)


def test_follow_up_is_the_median_of_the_censorings():
    # Reverse curve: 2/3 after the censoring at 4 (three at risk), 1/3 after 6; the death at 2
    # only takes one patient out of those at risk.
    ipd = pd.DataFrame({"time": [2.0, 4, 6, 9], "event": [1, 0, 0, 0], "arm": "control"})
    assert survival.followup(ipd)["median"].iloc[0] == 6
    assert np.isnan(survival.followup(ipd.assign(event=1))["median"].iloc[0])
    # Nobody had an event: it is the median of the times themselves.
    times = pd.DataFrame({"time": [1.0, 3, 5, 8, 13], "event": 0, "arm": "control"})
    assert survival.followup(times)["median"].iloc[0] == 5


def test_cumulative_hazard_by_hand():
    ipd = pd.DataFrame({"time": [2, 3, 4, 4, 7.0], "event": [1, 0, 1, 1, 0]})
    rows = survival.cumulative_hazard(ipd.assign(arm="control"), [1, 2, 5, 8], level=0.9)
    assert rows["n_risk"].tolist() == [5, 5, 1, 0]
    assert rows["cumhaz"].tolist() == pytest.approx(
        [0, 1 / 5, 1 / 5 + 2 / 3, np.nan], nan_ok=True
    )
    se = (1 / 25 + 2 / 9) ** 0.5
    assert rows["se"].tolist() == pytest.approx([0, 1 / 5, se, np.nan], nan_ok=True)
    # 1.644854: the normal quantile of 95 %, from tables.
    width = 1.644854 * se / rows["cumhaz"][2]
    assert np.log(rows["ci_high"][2] / rows["cumhaz"][2]) == pytest.approx(width, rel=1e-6)
    assert np.log(rows["cumhaz"][2] / rows["ci_low"][2]) == pytest.approx(width, rel=1e-6)
    assert rows.loc[0, ["ci_low", "ci_high"]].tolist() == [0, 0]


@FEW
@given(ipd_frames())
def test_cumulative_hazard_stays_below_minus_log_survival(ipd):
    curves = survival.km(ipd)
    for arm, rows in curves.groupby("arm"):
        hazard = survival.cumulative_hazard(ipd[ipd["arm"] == arm], rows["time"].to_numpy())
        with np.errstate(divide="ignore"):
            most = -np.log(rows["surv"].to_numpy())
        assert (hazard["cumhaz"].to_numpy() <= most + 1e-12).all()
        assert (np.diff(hazard["cumhaz"]) >= 0).all()


@pytest.mark.parametrize("name", SETS)
def test_cumulative_hazard_is_that_of_lifelines(name):
    from lifelines import NelsonAalenFitter

    ipd = frame(name)
    for arm, rows in ipd.groupby("arm"):
        fitter = NelsonAalenFitter(nelson_aalen_smoothing=False)
        theirs = fitter.fit(rows["time"], rows["event"]).cumulative_hazard_.iloc[:, 0]
        ours = survival.cumulative_hazard(ipd[ipd["arm"] == arm], theirs.index.to_numpy())
        assert ours["cumhaz"].to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-10)


def test_km_frame_by_hand():
    # Six patients: S = 5/6 after 2, 5/6 * 3/4 after 4 (one censored at 3), 0 after 8.
    ipd = pd.DataFrame({"time": [2, 3, 4, 6, 7, 8.0], "event": [1, 0, 1, 0, 0, 1]})
    rows = survival.km(ipd.assign(arm="experimental"))
    assert rows["time"].tolist() == [0, 2, 3, 4, 6, 7, 8]
    assert rows["n_risk"].tolist() == [6, 6, 5, 4, 3, 2, 1]
    assert rows["n_event"].tolist() == [0, 1, 0, 1, 0, 0, 1]
    assert rows["n_censor"].tolist() == [0, 0, 1, 0, 1, 1, 0]
    assert rows["surv"].tolist() == pytest.approx([1, 5 / 6, 5 / 6, 5 / 8, 5 / 8, 5 / 8, 0])
    # Greenwood at 4: S * sqrt(1/(6*5) + 1/(4*3)).
    assert rows["se"].iloc[3] == pytest.approx(5 / 8 * np.sqrt(1 / 30 + 1 / 12))
    assert rows["ci_low"].iloc[0] == rows["ci_high"].iloc[0] == 1
    assert rows[["se", "ci_low", "ci_high"]].iloc[-1].isna().all()


@pytest.mark.parametrize("name", SETS)
def test_km_is_that_of_lifelines(name):
    from lifelines import KaplanMeierFitter

    ipd = frame(name)
    curves = survival.km(ipd)
    for arm, rows in ipd.groupby("arm"):
        fitted = KaplanMeierFitter().fit(rows["time"], rows["event"])
        ours = curves[curves["arm"] == arm]
        assert ours["surv"].to_numpy() == pytest.approx(
            fitted.survival_function_.iloc[:, 0].to_numpy(), abs=1e-10
        )
        inner = ((ours["surv"] > 0) & (ours["surv"] < 1)).to_numpy()
        for column, place in (("ci_low", 0), ("ci_high", 1)):
            theirs = fitted.confidence_interval_survival_function_.iloc[:, place].to_numpy()
            assert ours[column].to_numpy()[inner] == pytest.approx(theirs[inner], abs=1e-10)


def test_rmst_without_censoring_is_the_mean_of_the_bounded_times():
    times = [2.0, 5.0, 7.0, 11.0, 13.0]
    ipd = pd.concat(
        pd.DataFrame({"time": times, "event": 1, "arm": arm})
        for arm in ("control", "experimental")
    )
    bounded = np.minimum(times, 10)
    got = survival.rmst(ipd, 10)
    assert got.control.rmst == pytest.approx(bounded.mean())
    assert got.control.se == pytest.approx(bounded.std() / np.sqrt(5))


@pytest.mark.parametrize("name", ["aml", "lung", "gbsg", "syn_ties"])
@pytest.mark.parametrize("transform", ["identity", "log"])
def test_older_ph_test_is_that_of_lifelines(name, transform):
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    ipd = frame(name)[["time", "event", "arm"]]
    ipd["x"] = (ipd["arm"] == "experimental").astype(int)
    columns = ipd.drop(columns="arm")
    fitter = CoxPHFitter().fit(columns, "time", "event")
    theirs = proportional_hazard_test(fitter, columns, time_transform=transform)
    ours = survival.ph_correlation_test(ipd, transform)
    assert ours.chi2 == pytest.approx(
        float(np.ravel(theirs.test_statistic)[0]), rel=1e-3, abs=1e-4
    )


@FEW
@given(ipd_frames(), st.sampled_from(["km", "rank", "identity", "log"]))
def test_ph_tests_do_not_depend_on_the_names_of_the_arms(ipd, transform):
    for test in (survival.ph_test, survival.ph_correlation_test):
        try:
            chi2 = test(ipd, transform).chi2
        except ValueError:
            continue
        assert chi2 >= 0
        assert test(swapped(ipd), transform).chi2 == pytest.approx(chi2, rel=1e-6, abs=1e-8)
    # Copies in strata of their own double the evidence; g(t), of all patients, stays.
    try:
        one = survival.ph_test(ipd, transform).chi2
    except ValueError:
        return
    two = survival.ph_test(doubled(ipd), transform, strata="copy").chi2
    assert two == pytest.approx(2 * one, rel=1e-5, abs=1e-8)


@FEW
@given(ipd_frames())
def test_swapping_the_arms_turns_every_contrast_round(ipd):
    try:
        fit = survival.cox(ipd)
    except ValueError:
        with pytest.raises(ValueError, match="not finite"):
            survival.cox(swapped(ipd))
        return
    turned = survival.cox(swapped(ipd))
    assert turned.log_hr == pytest.approx(-fit.log_hr, abs=1e-9)
    assert turned.se == pytest.approx(fit.se, rel=1e-9)


@FEW
@given(ipd_frames())
def test_swapping_the_arms_turns_the_logrank_difference_round(ipd):
    try:
        test = survival.logrank(ipd)
    except ValueError:
        return
    turned = survival.logrank(swapped(ipd))
    assert turned.o_minus_e == pytest.approx(-test.o_minus_e, abs=1e-9)
    assert turned.chi2 == pytest.approx(test.chi2, rel=1e-9, abs=1e-12)


@FEW
@given(ipd_frames(), st.floats(0.1, 50))
def test_the_unit_of_time_does_not_matter_to_the_hazard_ratio(ipd, factor):
    try:
        fit, change = survival.cox(ipd), survival.ph_test(ipd, "log")
    except ValueError:
        return
    scaled = ipd.assign(time=ipd["time"] * factor)
    assert survival.cox(scaled).log_hr == pytest.approx(fit.log_hr, abs=1e-9)
    assert survival.ph_test(scaled, "log").chi2 == pytest.approx(
        change.chi2, rel=1e-5, abs=1e-8
    )


@FEW
@given(ipd_frames())
def test_km_never_rises_and_counts_everybody(ipd):
    for arm, rows in survival.km(ipd).groupby("arm"):
        assert (np.diff(rows["surv"]) <= 0).all()
        assert rows["n_event"].sum() + rows["n_censor"].sum() == (ipd["arm"] == arm).sum()
        inner = rows.dropna()
        assert (inner["ci_low"] <= inner["surv"] + 1e-12).all()
        assert (inner["surv"] <= inner["ci_high"] + 1e-12).all()


@FEW
@given(ipd_frames())
def test_logrank_expects_as_many_events_as_there_were(ipd):
    try:
        test = survival.logrank(ipd)
    except ValueError:
        return
    assert sum(test.expected.values()) == pytest.approx(sum(test.observed.values()))
