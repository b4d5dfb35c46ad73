"""The extended layer: what is pooled, what is a scenario, and that nobody is counted twice."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import halfnorm, norm

from oligomdt import analysis, evidence, pooling
from oligomdt.analysis.extended import (
    extended_by_histology,
    extended_by_setting,
    extended_estimates,
    overlap_check,
    share_patients,
)
from oligomdt.analysis.external import expected_result, external_validation


@pytest.fixture(scope="module")
def records():
    return evidence.extended()


@pytest.fixture(scope="module")
def estimates(records):
    return extended_estimates(records)


@pytest.fixture(scope="module")
def pools(estimates, records):
    return {
        "histology": extended_by_histology(estimates, records),
        "setting": extended_by_setting(estimates, records),
    }


@pytest.fixture(scope="module")
def validation():
    return external_validation()


def rows(estimates, *names):
    chosen = estimates[estimates["record"].isin(names)]
    return chosen[(chosen["scenario"] == "") | chosen["joint"]]


def pooled(frame, name):
    chosen = frame[(frame["pool"] == name) & (frame["kind"] == "pooled")]
    (row,) = chosen.to_dict("records")
    return row


# ------------------------------------------------------------------ standard errors

# Standard errors worked out by hand from the printed limits, each at its own level.
BY_HAND = {
    "CLOCC": 0.2082,
    "NRG-BR002": 0.2410,
    "ARTO": 0.2547,
    "EXTEND": 0.1436,
    "EXTEND-prostate-intermittent": 0.3884,
    "STOMP": 0.3164,
    "RADIOSA": 0.2598,
    "EXTEND-prostate-continuous": 0.3853,
    "NRG-LU002": 0.1749,
    "ORIOLE": 0.5093,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_standard_error_comes_from_the_stated_level(estimates, name):
    (se,) = rows(estimates, name)["se"]
    assert se == pytest.approx(BY_HAND[name], abs=6e-5)


@pytest.mark.parametrize(
    ("scenario", "se"),
    [
        ("all patients, interval read as 80 %", 0.2161),
        ("all patients, interval as printed, 95 %", 0.1413),
        ("all patients, the other report", 0.2125),
        ("interval read as 80 %", 0.3408),
        ("standard error from p, taken as two-sided", 0.3889),
    ],
)
def test_standard_error_of_a_scenario(estimates, scenario, se):
    (row,) = estimates[estimates["scenario"] == scenario].to_dict("records")
    assert row["se"] == pytest.approx(se, abs=6e-5)
    assert row["status"] == "scenario"
    assert row["assumption"]


def test_limits_at_another_level_are_wider_at_95_percent(estimates):
    row = rows(estimates, "NRG-BR002").iloc[0]
    assert (row["ci_low"], row["ci_high"], row["level"]) == (0.71, 1.17, 0.70)
    # Limits at 95 % as worked out in advance.
    assert row["hr95_low"] == pytest.approx(0.574, abs=6e-4)
    assert row["hr95_high"] == pytest.approx(1.475, abs=6e-4)


def test_each_record_has_one_status_and_listed_ones_enter_nothing(estimates, pools):
    listed = estimates[estimates["status"] == "listed"]
    assert set(listed["record"]) == {
        "STOMP",
        "STOMP-ORIOLE",
        "RADIOSA",
        "STOP",
        "CORE",
        "ESO-Shanghai-13",
        "EXTEND-kidney",
        "EXTEND-other",
        "FORCE",
    }
    entered = "; ".join(text for frame in pools.values() for text in frame["trials"])
    for label in listed["label"]:
        assert label not in entered.split("; ")


def test_values_that_were_not_read_carry_a_dagger_in_every_pool(pools):
    unread = ("Iyengar (2018)", "NRG-LU002 (2024)", "SINDAS (2023)", "ORIOLE (2020)")
    for frame in pools.values():
        for row in frame.to_dict("records"):
            names = row["trials"].split("; ")
            assert not set(unread) & set(names)
            assert row["checked"] == ("†" not in row["trials"])


# ------------------------------------------------------------------ pools


@pytest.mark.parametrize(
    ("kind", "name", "members"),
    [
        ("histology", "NSCLC", ("CURB-NSCLC", "Gomez", "Iyengar")),
        ("histology", "breast", ("CURB-breast", "EXTEND-breast", "NRG-BR002")),
        ("histology", "prostate", ("EXTEND-prostate-intermittent", "ARTO")),
        ("histology", "colorectal", ("CLOCC",)),
        ("histology", "mixed", ("SABR-COMET",)),
        (
            *("setting", "oligometastatic"),
            ("Gomez", "Iyengar", "SABR-COMET", "EXTEND", "NRG-BR002", "CLOCC", "ARTO"),
        ),
        ("setting", "oligoprogressive", ("CURB",)),
    ],
)
def test_members_of_each_pool(estimates, pools, kind, name, members):
    own = rows(estimates, *members)
    row = pooled(pools[kind], name)
    daggers = np.where(own["checked"], "", "†")
    assert row["trials"].split("; ") == (own["label"] + daggers).tolist()
    assert row["k"] == len(members)
    assert row["patients"] == own["patients"].sum()


def test_no_other_pool_exists(pools):
    kinds = {
        name: set(frame.loc[frame["kind"] == "pooled", "pool"]) for name, frame in pools.items()
    }
    assert kinds["histology"] == {"NSCLC", "breast", "prostate", "colorectal", "mixed"}
    assert kinds["setting"] == {"oligometastatic", "oligoprogressive"}


def posterior(log_hr, se, scale=0.5):
    """Mean and sd of mu by integration over tau with scipy alone."""
    log_hr, se = np.asarray(log_hr), np.asarray(se)

    def given_tau(tau):
        w = 1 / (se**2 + tau**2)
        mean = (w * log_hr).sum() / w.sum()
        density = norm.pdf(log_hr, mean, 1 / np.sqrt(w)).prod() / np.sqrt(w.sum())
        return density * halfnorm.pdf(tau, scale=scale), mean, 1 / w.sum()

    total = quad(lambda t: given_tau(t)[0], 0, 8, limit=200)[0]
    first = quad(lambda t: np.prod(given_tau(t)[:2]), 0, 8, limit=200)[0] / total
    return (
        first,
        lambda x: (
            quad(
                lambda t: (
                    given_tau(t)[0] * norm.cdf((x - given_tau(t)[1]) / given_tau(t)[2] ** 0.5)
                ),
                *(0, 8),
                limit=200,
            )[0]
            / total
        ),
    )


@pytest.mark.parametrize("name", ["breast", "prostate"])
def test_pool_of_few_trials_by_a_second_route(pools, name):
    printed = {
        "breast": [
            (0.78, 0.43, 1.43, 0.95),
            (0.91, 0.34, 2.48, 0.95),
            (0.92, 0.71, 1.17, 0.70),
        ],
        "prostate": [(0.25, 0.12, 0.55, 0.95), (0.35, 0.21, 0.57, 0.95)],
    }[name]
    log_hr = [np.log(hr) for hr, *_ in printed]
    se = [
        np.log(high / low) / (2 * norm.ppf((1 + level) / 2)) for _, low, high, level in printed
    ]
    _, below = posterior(log_hr, se)
    row = pooled(pools["histology"], name)
    for limit, mass in ((row["low"], 0.025), (row["hr"], 0.5), (row["high"], 0.975)):
        assert below(np.log(limit)) == pytest.approx(mass, abs=1e-6)
    assert below(0) == pytest.approx(row["p_benefit"], abs=1e-6)


def test_pool_of_seven_trials_by_a_second_route(estimates, pools):
    """REML by maximising the restricted likelihood, the wider of Wald and Hartung-Knapp."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import t

    own = rows(
        estimates,
        *("Gomez", "Iyengar", "SABR-COMET", "EXTEND", "NRG-BR002", "CLOCC", "ARTO"),
    )
    y, v = own["log_hr"].to_numpy(), own["se"].to_numpy() ** 2

    def loss(tau2):
        w = 1 / (v + tau2)
        mu = (w * y).sum() / w.sum()
        return -np.log(w).sum() + np.log(w.sum()) + (w * (y - mu) ** 2).sum()

    tau2 = minimize_scalar(loss, bounds=(0, 2), method="bounded", options={"xatol": 1e-12}).x
    w = 1 / (v + tau2)
    mu = (w * y).sum() / w.sum()
    scale = (w * (y - mu) ** 2).sum() / 6
    wald = norm.ppf(0.975) * w.sum() ** -0.5
    knapp = t.ppf(0.975, 6) * (scale / w.sum()) ** 0.5
    half = max(wald, knapp)
    row = pooled(pools["setting"], "oligometastatic")
    found = np.log([row["hr"], row["low"], row["high"]])
    np.testing.assert_allclose(found, [mu, mu - half, mu + half], atol=1e-6)
    assert row["tau"] == pytest.approx(tau2**0.5, abs=1e-5)
    new = t.ppf(0.975, 6) * np.hypot(half / t.ppf(0.975, 6), tau2**0.5)
    assert row["predictive_low"] == pytest.approx(np.exp(mu - new), rel=1e-5)
    assert row["prediction"] == "t with k - 1 degrees of freedom"


def test_the_main_analysis_is_unchanged_by_the_layer(pools):
    """The pool of NSCLC holds the reviewed trials only: the same numbers as the main one."""
    core = analysis.histology_synthesis(analysis.published_estimates())
    primary = core[(core["group"] == "NSCLC") & (core["role"] == "primary")].iloc[0]
    row = pooled(pools["histology"], "NSCLC")
    for name in ("hr", "low", "high", "k", "patients", "p_benefit"):
        assert row[name] == primary[name]
    assert set(core["group"]) == {"NSCLC", "breast", "mixed"}


def test_nrg_lu002_has_the_consequence_of_the_summary(pools):
    frame = pools["histology"]
    named = frame["scenario"].str.contains("NRG-LU002", regex=False)
    row = frame[named & (frame["kind"] == "scenario")].iloc[0]
    headline = analysis.headline()
    found = [f"{row[name]:.2f}" for name in ("hr", "low", "high")]
    assert found == [headline[f"NSCLC_with_NRG-LU002_{n}"] for n in ("hr", "low", "high")]
    assert not row["checked"]


def test_a_scenario_adds_one_result_to_its_pool(estimates, pools):
    tried = estimates[(estimates["status"] == "scenario")]
    for kind, enters in (("histology", "by_histology"), ("setting", "by_setting")):
        frame = pools[kind]
        column = "group" if kind == "histology" else kind
        wanted = tried.loc[tried[enters], column].value_counts().to_dict()
        found = frame.loc[frame["kind"] == "scenario", "pool"].value_counts().to_dict()
        assert found == wanted
        for row in frame[frame["kind"] == "scenario"].to_dict("records"):
            base = frame[(frame["pool"] == row["pool"]) & (frame["kind"] == "pooled")]
            assert row["k"] == (base["k"].iloc[0] if len(base) else 0) + 1
            assert row["assumption"]


def test_scenarios_together_hold_each_trial_once(pools):
    frame = pools["histology"]
    joint = frame[frame["kind"] == "joint"].set_index("pool")
    assert joint["k"].to_dict() == {"NSCLC": 6, "prostate": 4}
    names = joint.loc["NSCLC", "trials"].split("; ")
    assert sum(name.startswith("NorthStar") for name in names) == 1


def test_the_words_of_the_chapter_hold(pools):
    """What the chapter says of directions, where no number stands beside it."""
    frame = pools["histology"]
    nsclc = frame[(frame["pool"] == "NSCLC") & frame["kind"].isin(["scenario", "joint"])]
    assert (nsclc["hr"] > pooled(frame, "NSCLC")["hr"]).all()
    core = analysis.histology_synthesis(analysis.published_estimates())
    breast = core[(core["group"] == "breast") & (core["role"] == "primary")].iloc[0]
    assert pooled(frame, "breast")["low"] > breast["low"]
    assert pooled(frame, "breast")["high"] > 1
    assert pooled(frame, "prostate")["hr"] < 0.44


def test_every_trial_of_a_larger_pool_is_left_out_once(pools):
    frame = pools["setting"]
    own = frame[(frame["pool"] == "oligometastatic")]
    out = own[own["kind"].isin(["left out", "read only"])]
    assert len(out) == 7
    assert set(out["k"]) == {6}
    assert out["scenario"].is_unique


@settings(deadline=None, max_examples=5, derandomize=True)
@given(data=st.data())
def test_the_order_of_the_rows_changes_nothing(estimates, records, pools, data):
    few = estimates[estimates["group"].isin(["breast", "colorectal"])]
    order = data.draw(st.permutations(list(few.index)))
    again = extended_by_histology(few.loc[order], records).set_index(["pool", "scenario"])
    before = pools["histology"].set_index(["pool", "scenario"]).loc[again.index]
    for name in ("hr", "low", "high"):
        np.testing.assert_allclose(again[name], before[name], rtol=1e-7)


# ------------------------------------------------------------------ patients counted once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EXTEND", "EXTEND-breast"),
        ("EXTEND", "EXTEND-kidney"),
        ("CURB", "CURB-NSCLC"),
        ("STOMP", "STOMP-ORIOLE"),
        ("ORIOLE", "STOMP-ORIOLE"),
        ("NorthStar", "NorthStar-up-to-3"),
        ("ARTO", "ARTO"),
    ],
)
def test_a_pool_with_shared_patients_is_refused_naming_both(estimates, records, one, other):
    both = estimates[estimates["record"].isin([one, other])].drop_duplicates("record")
    if one == other:
        both = estimates.loc[[both.index[0]] * 2]
    with pytest.raises(ValueError, match=f"rows: ({one} and {other}|{other} and {one}) share"):
        overlap_check(both, records)
    assert share_patients(one, other, records) and share_patients(other, one, records)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EXTEND-breast", "EXTEND-pancreas"),
        ("CURB-NSCLC", "CURB-breast"),
        ("STOMP", "ORIOLE"),
        ("EXTEND", "ARTO"),
    ],
)
def test_parts_and_other_trials_may_be_pooled(estimates, records, one, other):
    both = rows(estimates, one, other)
    if len(both) == 2:
        assert len(overlap_check(both, records)) == 2
    assert not share_patients(one, other, records)


def test_two_reports_of_one_trial_are_refused(estimates, records):
    later = records["ARTO"].model_copy(update={"id": "ARTO-later"})
    more = {**records, "ARTO-later": later}
    both = extended_estimates({name: more[name] for name in ("ARTO", "ARTO-later")})
    with pytest.raises(ValueError, match="ARTO and ARTO-later share patients; pool one"):
        overlap_check(both, more)


def test_a_pool_that_would_count_twice_is_refused(estimates, records):
    wrong = estimates.copy()
    wrong.loc[wrong["record"] == "EXTEND-breast", ["by_setting"]] = True
    with pytest.raises(ValueError, match="EXTEND and EXTEND-breast share patients"):
        extended_by_setting(wrong, records)


def test_an_unknown_row_is_refused(estimates, records):
    wrong = estimates.head(1).assign(record="none")
    with pytest.raises(ValueError, match="rows: no record 'none'; use the rows of"):
        overlap_check(wrong, records)


def test_rows_of_another_kind_are_refused(records):
    with pytest.raises(ValueError, match="rows has no column record"):
        overlap_check(pd.DataFrame({"hr": [0.5]}), records)


def test_no_record_is_refused():
    with pytest.raises(ValueError, match="records: there is none"):
        extended_estimates({})


# ------------------------------------------------------------------ later results


def test_a_later_trial_is_compared_with_what_it_might_have_printed(validation):
    rows = validation[validation["kind"] == "later trial"]
    assert rows["label"].tolist() == [
        "EXTEND (2026)",
        "EXTEND (2026)",
        "NRG-LU002 (2024)",
        "NRG-BR002 (2022)",
    ]
    assert rows["observed"].tolist() == [0.54, 0.54, 0.93, 0.92]
    assert rows["shared"].tolist() == [
        "none",
        "43 of 334 patients, those of EXTEND, breast (2025)",
        "none",
        "none",
    ]
    within = (rows["expected_low"] < rows["observed"]) & (
        rows["observed"] < rows["expected_high"]
    )
    assert rows["inside"].tolist() == within.tolist()


def test_expected_result_by_a_second_route(validation):
    """The probability of a printed hazard ratio as high as that of NRG-LU002."""
    row = validation[validation["label"] == "NRG-LU002 (2024)"].iloc[0]
    y = np.log([0.41, 0.35, 0.304])
    se = np.array(
        [
            np.log(0.75 / 0.22) / (2 * norm.ppf(0.975)),
            np.log(0.66 / 0.18) / (2 * norm.ppf(0.95)),
            np.log(0.815 / 0.113) / (2 * norm.ppf(0.975)),
        ]
    )
    own = np.log(1.31 / 0.66) / (2 * norm.ppf(0.975))

    def weight(tau):
        w = 1 / (se**2 + tau**2)
        mean = (w * y).sum() / w.sum()
        density = norm.pdf(y, mean, 1 / np.sqrt(w)).prod() / np.sqrt(w.sum())
        return density * halfnorm.pdf(tau, scale=0.5), mean, 1 / w.sum() + tau**2 + own**2

    def above(tau):
        density, mean, variance = weight(tau)
        return density * norm.sf((np.log(0.93) - mean) / variance**0.5)

    total = quad(lambda tau: weight(tau)[0], 0, 8)[0]
    assert row["p_as_far"] == pytest.approx(quad(above, 0, 8)[0] / total, abs=1e-7)


def test_predicted_and_expected_are_of_one_posterior(validation, estimates):
    """Five trials too: by the plan of the main analysis they would have a REML interval."""
    row = validation.iloc[1]
    assert row["k"] == 5
    names = ("CURB", "Gomez", "Iyengar", "SABR-COMET", "EXTEND-breast")
    studies = rows(estimates, *names)
    posterior = pooling.bayes(studies["log_hr"], studies["se"], tau_scale=0.5)
    wanted = [posterior.hr, posterior.hr_low, posterior.hr_high]
    assert row[["predicted", "predicted_low", "predicted_high"]].tolist() == wanted
    assert [round(value, 2) for value in wanted] == [0.47, 0.32, 0.70]
    # The median of what is expected is that of the average effect, nearly.
    middle = expected_result(studies, 0.2).p_hr_below(row["predicted"])
    assert middle == pytest.approx(0.5, abs=0.01)


def test_a_less_precise_trial_may_print_more(estimates):
    studies = rows(estimates, "CURB-NSCLC", "Gomez")
    widths = [expected_result(studies, se).sd for se in (0.01, 0.2, 0.6)]
    assert widths == sorted(widths)
    assert widths[0] > 0.2
    with pytest.raises(ValueError, match="se is 0; the standard error of the new trial"):
        expected_result(studies, 0)


def test_published_pools_stand_beside_ours(validation):
    wolverine = validation[validation["label"] == "WOLVERINE (2026)"]
    first, second = wolverine.head(2).to_dict("records")
    assert [first["observed"], first["observed_low"], first["observed_high"]] == [
        0.44,
        0.35,
        0.56,
    ]
    assert first["k"] == 2 and second["k"] == 4
    assert first["checked_predicted"] and not second["checked_predicted"]
    assert first["shared"].startswith("244 patients, those of EXTEND, prostate (intermittent)")
    assert wolverine["kind"].tolist()[2:] == ["not compared"] * 6


def test_what_is_not_compared_says_why(validation):
    rows = validation[validation["kind"] == "not compared"]
    assert len(rows) >= 10
    assert rows["reason"].str.len().min() > 10
    assert rows["predicted"].isna().all()
    assert {"Rim-2022 (2022)", "Averbuch-2024 (2024)"} <= set(rows["label"])


@pytest.mark.parametrize("lost", ["Gomez", "EXTEND"])
def test_a_prediction_without_one_of_its_trials_is_refused(records, lost):
    fewer = {name: record for name, record in records.items() if name != lost}
    with pytest.raises(ValueError, match=f"records: {lost} is to predict"):
        analysis.external_validation(fewer)
