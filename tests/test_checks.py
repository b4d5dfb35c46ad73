"""The checks of the book: which records are flagged, which trial moves the result, levels."""

import numpy as np
import pytest
from conftest import ROOT

from oligomdt import analysis, evidence, pooling
from oligomdt.figures import baujat, check_tables


@pytest.fixture(scope="module")
def estimates():
    return analysis.published_estimates()


@pytest.fixture(scope="module")
def consistency():
    return analysis.consistency()


@pytest.fixture(scope="module")
def influence(estimates):
    return analysis.influence_of_trials(estimates)


# Printed numbers ------------------------------------------------


def test_every_printed_hazard_ratio_is_checked(consistency):
    stated = [trial.hr for trial in evidence.context().values() if trial.hr]
    for trial in evidence.load().values():
        for result in trial.results():
            stated += [one for one in (result.hr, result.hr_adjusted) if one]
            stated += [finding.hr for finding in result.other_results if finding.hr]
    shown = consistency.drop_duplicates(["label", "end_point"])
    assert sorted(shown["hr"]) == sorted(str(hr.estimate) for hr in stated)


def test_the_flagged_records_are_these(consistency):
    flagged = consistency[consistency["flagged"]]
    verdicts = flagged.groupby(["label", "end_point"])["verdict"].first().to_dict()
    assert verdicts == {
        ("CURB, whole trial (2024)", "overall survival"): "do not fit one analysis",
        ("Gomez (2016)", "PFS"): "explained by the method",
        ("Iyengar (2018)", "PFS"): "explained by the method",
        ("SABR-COMET (2019)", "PFS"): "do not fit one analysis",
    }


def test_no_pooled_hazard_ratio_is_contradicted(consistency, estimates):
    pooled = analysis.pooled_rows(estimates)["label"]
    own = consistency[consistency["label"].isin(pooled) & (consistency["end_point"] == "PFS")]
    assert set(own["label"]) == set(pooled)
    assert "do not fit one analysis" not in set(own["verdict"])


def test_no_page_claims_that_printed_numbers_are_wrong():
    """A stratified test or another end point may be behind numbers that do not fit."""
    for folder, ending in (("book", "*.md"), ("oligomdt", "*.py"), ("data", "*.yaml")):
        for file in (ROOT / folder).rglob(ending):
            text = " ".join(file.read_text(encoding="utf-8").split()).lower()
            assert "all be right" not in text, file
            assert "both be right" not in text, file


def test_agreement_of_the_main_trials_is_not_over_claimed(estimates):
    own = analysis.pooled_rows(estimates).query("group == 'NSCLC'")
    y, w = own["log_hr"].to_numpy(), own["se"].to_numpy() ** -2
    q = w @ (y - w @ y / w.sum()) ** 2
    common = pooling.pool(own["log_hr"], own["se"], tau2="CE")
    assert (common.q, common.q_df) == (pytest.approx(q), 2)
    # On 2 degrees of freedom chi-squared is exponential. One in eight is not unusual.
    assert 1 - common.q_p == pytest.approx(1 - np.exp(-q / 2))
    assert 0.1 < 1 - common.q_p < 0.2
    text = (ROOT / "book" / "checks.md").read_text(encoding="utf-8")
    assert "closely than chance" not in text
    assert "{glue:text}`core_q_p`" in text


def test_a_wrong_level_in_a_record_would_be_found():
    """EXTEND as a whole with its limits read as 50 % limits: p < 0.001 no longer fits."""
    trial = evidence.load()["EXTEND"]
    result = trial.cohort("whole").result()
    interval = result.hr.interval.model_copy(update={"level": 0.5})
    changed = result.model_copy(
        update={"hr": result.hr.model_copy(update={"interval": interval})}
    )
    cohort = trial.cohort("whole").model_copy(update={"results": {"2026": changed}})
    altered = trial.model_copy(update={"cohorts": {"whole": cohort}})
    frame = analysis.consistency({"EXTEND": altered}, {})
    own = frame[frame["end_point"] == "PFS"]
    assert own["verdict"].unique().tolist() == ["do not fit one analysis"]
    fits = own.loc[own["gap"] > 0, "reconciled_by"].iloc[0]
    assert "limits at the 95 % level" in fits


def test_unread_values_carry_their_dagger_in_the_tables(consistency, influence):
    shown = check_tables.verdicts(consistency).set_index("Report")["HR (interval)"]
    assert shown["Iyengar (2018)"].startswith("0.304†")
    assert "†" in shown["NRG-LU002 (2024)"]
    assert "†" not in shown["Gomez (2016)"]
    rows = check_tables.disagreements(consistency)
    assert {"Iyengar (2018)†", "SABR-COMET (2019)†", "Gomez (2016)"} <= set(rows["Report"])
    out = set(check_tables.diagnostics(influence)["Trial left out"])
    assert {"Iyengar (2018)†", "NRG-LU002 (2024)†", "Gomez (2016)"} <= out


# Influence ------------------------------------------------


def test_what_is_left_is_pooled_as_in_the_main_analysis(influence, estimates):
    pooled = analysis.pooled_rows(estimates)
    for row in influence[influence["set"] == influence["group"]].itertuples():
        left = pooled[(pooled["group"] == row.group) & (pooled["label"] != row.label)]
        assert len(left) == row.k - 1
        if len(left) == 1:
            printed = left.iloc[0]
            limits = (printed["hr"], printed["hr95_low"], printed["hr95_high"])
        else:
            effect = pooling.bayes(left["log_hr"], left["se"], tau_scale=0.5)
            limits = (effect.hr, effect.hr_low, effect.hr_high)
        assert (row.hr_without, row.low_without, row.high_without) == pytest.approx(limits)
        assert row.checked_without == left["checked"].all()


def test_the_added_trial_moves_the_result_most(influence):
    added = influence[influence["set"] == "NSCLC with NRG-LU002"].set_index("label")
    assert added["cook"].idxmax() == added["y"].idxmax() == "NRG-LU002 (2024)"
    without = added.loc["NRG-LU002 (2024)"]
    core = influence[influence["set"] == "NSCLC"].iloc[0]
    for name in ("hr", "low", "high"):
        assert without[f"{name}_without"] == pytest.approx(core[name])
    assert not without["trial_checked"] and not without["checked_without"]


def test_what_the_chapter_says_of_the_trials_holds(influence):
    core = influence[influence["set"] == "NSCLC"].set_index("label")
    assert (core["high_without"] < 1).all()
    assert core["weight"].idxmax() == "CURB, NSCLC (2024)"
    assert (core["tau_without"] == 0).all()
    assert core["x"].sum() < len(core) - 1  # Cochran's Q below its expectation
    added = influence[influence["set"] == "NSCLC with NRG-LU002"].set_index("label")
    assert (added["high"] < 1).all()
    assert (added.drop("NRG-LU002 (2024)")["high_without"] > 1).all()
    assert added.loc["NRG-LU002 (2024)", "tau_without"] == 0
    assert added.loc["NRG-LU002 (2024)", "cov_ratio"] < 1
    breast = influence[influence["group"] == "breast"]
    assert ((breast["low_without"] < 1) & (breast["high_without"] > 1)).all()


def test_two_trials_have_no_diagnostics(influence):
    breast = influence[influence["group"] == "breast"]
    assert len(breast) == 2
    assert breast[["weight", "cook", "rstudent", "x", "y"]].isna().all(axis=None)
    assert breast[["hr", "hr_without"]].notna().all(axis=None)
    with pytest.raises(ValueError, match="no set has three trials; a Baujat plot needs three"):
        baujat.baujat_data(breast)


def test_histologies_of_one_trial_are_refused(estimates):
    alone = estimates[estimates["result"].isin(["CURB-NSCLC", "SABR-COMET-2022"])]
    with pytest.raises(ValueError, match="no histology has two trials; nothing can be left"):
        analysis.influence_of_trials(alone[alone["group"] == "mixed"])


# Levels ------------------------------------------------


def test_levels_are_those_of_the_models(estimates):
    pooled = analysis.pooled_rows(estimates)
    frame = analysis.cohorts_within_trials(estimates)
    two = pooling.pool(pooled["log_hr"], pooled["se"])
    assert frame.loc[0, "hr"] == pytest.approx(two.hr)
    three = pooling.three_level(pooled["log_hr"], pooled["se"], pooled["trial"].tolist())
    robust = three.robust()
    assert frame.loc[1, ["low", "high"]].tolist() == pytest.approx(
        [three.hr_low, three.hr_high]
    )
    assert frame.loc[2, "high"] == pytest.approx(np.exp(robust.ci_high))
    assert frame["k"].tolist() == [6, 6, 6, 5, 5]
    assert frame["trials"].tolist() == [5] * 5
    assert "one cluster only" in frame.loc[1, "note"]
    assert "too few" in frame.loc[2, "note"]
    assert not frame["checked"].any()


def test_one_cohort_per_trial_has_one_level_only(estimates):
    single = estimates[estimates["result"] != "CURB-breast"]
    with pytest.raises(ValueError, match="no trial has two pooled cohorts"):
        analysis.cohorts_within_trials(single)
