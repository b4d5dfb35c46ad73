"""Survival estimates against R's survival package and against lifelines.

R printed its results with 15 digits and Newton's method stops below 1e-12, so 1e-8 leaves room
for the order of summation only.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import survival

DATA = Path(__file__).parent / "data" / "meta" / "survival"
SETS = ["aml", "lung", "veteran", "gbsg", "syn_ties"]
STRATIFIED = ["lung", "veteran", "gbsg", "syn_ties"]
R_ARM = {"control": "control", "experimental": "treated"}
CLOSE = {"rel": 1e-8, "abs": 1e-8}
FEW = settings(max_examples=40, deadline=None)


def frame(name):
    rows = pd.read_csv(DATA / f"{name}.csv")
    ipd = pd.DataFrame({"time": rows["time"].astype(float), "event": rows["status"]})
    ipd["arm"] = np.where(rows["arm"] == 1, "experimental", "control")
    if "stratum" in rows:
        ipd["stratum"] = rows["stratum"].astype(str)
    return ipd


def reference(name):
    return json.loads((DATA / f"{name}.json").read_text())


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


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_that_of_r(name, ties):
    fit, want = survival.cox(frame(name), ties=ties), reference(name)["cox"][ties]
    assert fit.log_hr == pytest.approx(want["log_hr"], **CLOSE)
    assert fit.se == pytest.approx(want["se"], **CLOSE)
    assert fit.p == pytest.approx(want["p"], **CLOSE)
    assert (fit.hr, fit.hr_low, fit.hr_high) == pytest.approx(
        (want["hr"], want["ci_lb"], want["ci_ub"]), **CLOSE
    )
    assert fit.n == reference(name)["n"]


@pytest.mark.parametrize("name", STRATIFIED)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_stratified_cox_is_that_of_r(name, ties):
    fit = survival.cox(frame(name), ties=ties, strata="stratum")
    want = reference(name)["cox_stratified"][ties]
    assert fit.log_hr == pytest.approx(want["log_hr"], **CLOSE)
    assert fit.se == pytest.approx(want["se"], **CLOSE)


def test_cox_interval_follows_its_level():
    fit95, fit80 = (survival.cox(frame("lung"), level=level) for level in (0.95, 0.80))
    # Ratio of the normal quantiles of 90 % and 97.5 %, from tables.
    ratio = (fit80.ci_high - fit80.ci_low) / (fit95.ci_high - fit95.ci_low)
    assert ratio == pytest.approx(1.2815516 / 1.9599640, rel=1e-6)


@pytest.mark.parametrize("name", SETS)
def test_logrank_is_that_of_r(name):
    test, want = survival.logrank(frame(name)), reference(name)["logrank"]
    assert list(test.observed.values()) == want["observed"]
    assert list(test.expected.values()) == pytest.approx(want["expected"], **CLOSE)
    assert test.o_minus_e == pytest.approx(want["o_minus_e_treated"], **CLOSE)
    assert test.variance == pytest.approx(want["variance"], **CLOSE)
    assert test.chi2 == pytest.approx(want["chisq"], **CLOSE)
    assert test.p == pytest.approx(want["p"], **CLOSE)
    assert test.log_hr == pytest.approx(want["one_step_log_hr"], **CLOSE)
    assert test.se == pytest.approx(want["one_step_se"], **CLOSE)


@pytest.mark.parametrize("name", STRATIFIED)
def test_stratified_logrank_is_that_of_r(name):
    test = survival.logrank(frame(name), strata="stratum")
    want = reference(name)["logrank_stratified"]
    assert test.o_minus_e == pytest.approx(want["o_minus_e_treated"], **CLOSE)
    assert test.variance == pytest.approx(want["variance"], **CLOSE)


TRANSFORMS = [("log-log", "ci_loglog"), ("log", "ci_log"), ("plain", "ci_plain")]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("transform", "key"), TRANSFORMS)
def test_median_and_its_interval_are_those_of_r(name, transform, key):
    medians = survival.median(frame(name), transform=transform).set_index("arm")
    for arm, r_arm in R_ARM.items():
        want = reference(name)["kaplan_meier"][r_arm][key]
        got = medians.loc[arm, ["median", "ci_low", "ci_high"]].astype(float)
        limits = [want[k][1] for k in ("quantile", "quantile_lb", "quantile_ub")]
        assert got.tolist() == pytest.approx(
            [np.nan if v is None else v for v in limits], nan_ok=True
        )


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("transform", "key"), TRANSFORMS)
def test_landmark_survival_is_that_of_r(name, transform, key):
    for arm, r_arm in R_ARM.items():
        want = reference(name)["kaplan_meier"][r_arm]
        rows = survival.survival_at(frame(name), want["landmarks"], transform=transform)
        rows = rows[rows["arm"] == arm]
        assert rows["n_risk"].tolist() == want["n_risk"]
        for column, values in (
            ("surv", want["surv"]),
            ("se", want["greenwood_se"]),
            ("ci_low", want[key]["surv_lb"]),
            ("ci_high", want[key]["surv_ub"]),
        ):
            numbers = [np.nan if v is None else v for v in values]
            assert rows[column].tolist() == pytest.approx(numbers, nan_ok=True, **CLOSE), column


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


@pytest.mark.parametrize("name", SETS)
def test_rmst_is_that_of_the_textbook(name):
    for want in reference(name)["rmst"]:
        got = survival.rmst(frame(name), want["tau"])
        for arm, r_arm in R_ARM.items():
            assert getattr(got, arm).rmst == pytest.approx(want[r_arm]["rmst"], **CLOSE)
            assert getattr(got, arm).se == pytest.approx(want[r_arm]["se"], **CLOSE)
        assert got.difference == pytest.approx(want["difference"], **CLOSE)
        assert got.difference_se == pytest.approx(want["difference_se"], **CLOSE)
        assert [got.difference_ci_low, got.difference_ci_high] == pytest.approx(
            want["difference_ci"], **CLOSE
        )
        assert got.difference_p == pytest.approx(want["difference_p"], **CLOSE)
        assert got.ratio == pytest.approx(want["ratio"], **CLOSE)
        assert [got.ratio_ci_low, got.ratio_ci_high] == pytest.approx(want["ratio_ci"], **CLOSE)
        assert got.ratio_p == pytest.approx(want["ratio_p"], **CLOSE)


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


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_ph_test_is_that_of_r(name, transform):
    test, want = survival.ph_test(frame(name), transform), reference(name)["cox_zph"][transform]
    assert test.chi2 == pytest.approx(want["chisq"], **CLOSE)
    assert test.p == pytest.approx(want["p"], **CLOSE)


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
