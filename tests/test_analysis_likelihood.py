"""Accumulation of the trials, and the profile-likelihood intervals of the analysis."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy import stats

from oligomdt import analysis, pooling
from oligomdt.figures.profile_tables import profile_table


@pytest.fixture(scope="module")
def estimates():
    return analysis.published_estimates()


@pytest.fixture(scope="module")
def grown(estimates):
    return analysis.accumulation(estimates)


def test_trials_are_added_by_the_year_of_their_report(grown):
    assert grown[["added", "year", "k"]].values.tolist() == [
        ["Gomez (2016)", 2016, 1],
        ["Iyengar (2018)", 2018, 2],
        ["CURB, NSCLC (2024)", 2024, 3],
        ["CURB, breast (2024)", 2024, 1],
        ["EXTEND, breast (2025)", 2025, 2],
    ]
    for _, own in grown.groupby("group"):
        assert own["year"].is_monotonic_increasing


def test_the_last_row_is_the_main_analysis(grown, estimates):
    main = analysis.histology_synthesis(estimates)
    main = main[main["role"] == "primary"].set_index("group")
    columns = ["hr", "low", "high", "p_benefit"]
    for group, own in grown.groupby("group"):
        last = own.iloc[-1]
        wanted = main.loc[group, columns].to_numpy(float)
        assert last[columns].to_numpy(float) == pytest.approx(wanted, rel=1e-9)
        assert last["checked"] == main.loc[group, "checked"]


def test_the_first_row_is_the_trial_as_printed(grown, estimates):
    published = estimates.set_index("label")
    for row in grown[grown["k"] == 1].to_dict("records"):
        one = published.loc[row["added"]]
        assert row["interval"] == "confidence"
        limits = (one["hr"], one["hr95_low"], one["hr95_high"])
        assert (row["hr"], row["low"], row["high"]) == pytest.approx(limits, rel=1e-12)


def test_a_dagger_stays_once_an_unread_trial_is_in(grown):
    assert grown["checked"].tolist() == [True, False, False, True, True]


def test_a_patient_counted_twice_is_refused(estimates):
    both = estimates.assign(pooled=estimates["trial"] == "SABR-COMET")
    with pytest.raises(ValueError, match="share patients of SABR-COMET|has no group"):
        analysis.accumulation(both)


def test_profiles_are_those_of_the_pooled_trials(estimates):
    frame = analysis.profiles(estimates)
    assert frame["group"].tolist() == ["NSCLC"] * 3 + ["breast"] * 3
    for group, own in frame.groupby("group"):
        data = analysis.pooled_rows(estimates)
        data = data[data["group"] == group]
        effect = pooling.profile_mu(data["log_hr"], data["se"])
        first, reml, q = own.to_dict("records")
        limits = (effect.hr, effect.hr_low, effect.hr_high)
        assert (first["hr"], first["low"], first["high"]) == pytest.approx(limits)
        assert np.isnan([reml["hr"], q["hr"]]).all()
        interval = pooling.q_profile(data["log_hr"], data["se"])
        assert (q["tau_low"] ** 2, q["tau_high"] ** 2) == pytest.approx(tuple(interval))
        assert first["tau_high"] < q["tau_high"]
        # Five per cent of true hazard ratios lie beyond the factor, above or below.
        beyond = 2 * stats.norm.sf(np.log(q["factor_high"]) / q["tau_high"])
        assert beyond == pytest.approx(0.05, abs=1e-12)


def test_an_empty_interval_of_tau_is_said_to_be_empty(estimates):
    # Three estimates that agree better than chance allows.
    alike = estimates[estimates["group"] == "NSCLC"].assign(log_hr=-1.0, pooled=True)
    frame = analysis.profiles(alike)
    last = frame.iloc[-1]
    assert np.isnan([last["tau_low"], last["tau_high"]]).all()
    assert last["note"] == "the trials agree better than their standard errors allow"
    assert profile_table(frame).iloc[-1]["tau (95 %)"] == "0.00 (none compatible)†"


def test_the_table_of_profiles_prints_each_number_once(estimates):
    shown = profile_table(analysis.profiles(estimates))
    assert shown["HR (95 %)"].tolist()[1:3] == ["–", "–"]
    daggers = shown["tau (95 %)"].str.endswith("†").groupby(shown["Histology"]).all()
    assert daggers.to_dict() == {"NSCLC": True, "breast": False}


# The benchmark


def test_the_speed_benchmark_has_both_columns_and_meets_its_aims():
    table = pd.read_csv(ROOT / "benchmarks" / "pooling" / "results.csv")
    assert table["k"].tolist() == [3, 5, 10, 30]
    ratio = table["metafor_seconds_per_1000"] / table["pool_draws_seconds_per_1000"]
    np.testing.assert_allclose(table["times_faster"], ratio, rtol=0.02)
    assert (table["times_faster"] >= 50).all()
    assert (table["draws"] == 10_000).all()
    assert (table["whole_analysis_seconds"] < 5).all()
    # What metafor's default stopping rule leaves (see tests/reference).
    differences = table.filter(like="largest_difference")
    assert (differences.to_numpy() < 2e-4).all()


def test_profiles_need_a_group_of_two_trials(estimates):
    with pytest.raises(ValueError, match="no group has two pooled trials"):
        analysis.profiles(estimates[estimates["label"] == "CURB, NSCLC (2024)"])
