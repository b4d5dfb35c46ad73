"""What follows from the appraisal: bias, credibility, certainty, findings, checklist."""

import importlib
import itertools

import numpy as np
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from oligomdt import analysis, evidence
from oligomdt.analysis import credibility, reporting
from oligomdt.evidence import load_appraisal
from oligomdt.evidence.appraisal import ANSWERS, CONCERNS, QUESTIONS, asked
from oligomdt.figures.findings import findings_blocks, findings_table

rules = importlib.import_module("oligomdt.analysis.risk_of_bias")

LOW, SOME, HIGH = "low", "some concerns", "high"


def answered(text):
    """Answers from "1.1 Y, 1.2 NI"."""
    return dict(part.split() for part in text.split(", "))


# ------------------------------------------------------------------ RoB 2

# Rows of the tables that map answers to judgements in the tool's guidance (22 August 2019).
TABLES = [
    ("randomisation", "1.1 Y, 1.2 Y, 1.3 N", LOW),
    ("randomisation", "1.1 NI, 1.2 PY, 1.3 NI", LOW),
    ("randomisation", "1.1 Y, 1.2 Y, 1.3 Y", SOME),
    ("randomisation", "1.1 N, 1.2 Y, 1.3 N", SOME),
    ("randomisation", "1.1 Y, 1.2 NI, 1.3 N", SOME),
    ("randomisation", "1.1 NI, 1.2 NI, 1.3 NI", SOME),
    ("randomisation", "1.1 Y, 1.2 NI, 1.3 PY", HIGH),
    ("randomisation", "1.1 Y, 1.2 N, 1.3 N", HIGH),
    ("deviations", "2.1 N, 2.2 N, 2.6 Y", LOW),
    ("deviations", "2.1 Y, 2.2 Y, 2.3 N, 2.6 Y", LOW),
    ("deviations", "2.1 Y, 2.2 Y, 2.3 NI, 2.6 Y", SOME),
    ("deviations", "2.1 Y, 2.2 Y, 2.3 Y, 2.4 N, 2.6 Y", SOME),
    ("deviations", "2.1 Y, 2.2 Y, 2.3 Y, 2.4 Y, 2.5 Y, 2.6 Y", SOME),
    ("deviations", "2.1 Y, 2.2 Y, 2.3 Y, 2.4 NI, 2.5 NI, 2.6 Y", HIGH),
    ("deviations", "2.1 N, 2.2 N, 2.6 N, 2.7 N", SOME),
    ("deviations", "2.1 N, 2.2 N, 2.6 NI, 2.7 NI", HIGH),
    ("deviations", "2.1 N, 2.2 N, 2.6 PN, 2.7 PY", HIGH),
    ("missing data", "3.1 Y", LOW),
    ("missing data", "3.1 N, 3.2 PY", LOW),
    ("missing data", "3.1 N, 3.2 N, 3.3 N", LOW),
    ("missing data", "3.1 N, 3.2 N, 3.3 Y, 3.4 PN", SOME),
    ("missing data", "3.1 NI, 3.2 N, 3.3 NI, 3.4 NI", HIGH),
    ("measurement", "4.1 Y, 4.2 N", HIGH),
    ("measurement", "4.1 N, 4.2 PY", HIGH),
    ("measurement", "4.1 N, 4.2 N, 4.3 N", LOW),
    ("measurement", "4.1 NI, 4.2 NI, 4.3 N", SOME),
    ("measurement", "4.1 N, 4.2 N, 4.3 Y, 4.4 N", LOW),
    ("measurement", "4.1 N, 4.2 NI, 4.3 Y, 4.4 N", SOME),
    ("measurement", "4.1 N, 4.2 N, 4.3 NI, 4.4 Y, 4.5 PN", SOME),
    ("measurement", "4.1 N, 4.2 N, 4.3 Y, 4.4 Y, 4.5 NI", HIGH),
    ("selection", "5.1 Y, 5.2 N, 5.3 N", LOW),
    ("selection", "5.1 NI, 5.2 N, 5.3 N", SOME),
    ("selection", "5.1 Y, 5.2 NI, 5.3 N", SOME),
    ("selection", "5.1 Y, 5.2 Y, 5.3 N", HIGH),
    ("selection", "5.1 N, 5.2 N, 5.3 PY", HIGH),
]


@pytest.mark.parametrize(("domain", "answers", "judgement"), TABLES)
def test_a_domain_is_judged_as_the_tables_of_the_tool_say(domain, answers, judgement):
    assert rules.domain_judgement(domain, answered(answers)) == judgement


def all_answers(domain):
    """Every set of answers that can be given in a domain."""
    for choice in itertools.product(ANSWERS, repeat=len(QUESTIONS[domain])):
        answers = dict(zip(QUESTIONS[domain], choice, strict=True))
        kept = {q: a for q, a in answers.items() if q in asked(domain, answers)}
        # Dropping a question may route out those behind it.
        while len(now := [q for q in kept if q in asked(domain, kept)]) < len(kept):
            kept = {q: kept[q] for q in now}
        if kept.get("3.2") != "NI" and all(q in kept for q in asked(domain, kept)):
            yield tuple(kept.items())


# Questions where a yes is the good answer.
GOOD_YES = {"1.1", "1.2", "2.5", "2.6", "3.1", "3.2", "5.1"}


@pytest.mark.parametrize(
    "domain", ["randomisation", "missing data", "measurement", "selection"]
)
def test_a_better_answer_never_makes_a_judgement_worse(domain):
    checked = 0
    possible = set(all_answers(domain))
    for items in possible:
        answers = dict(items)
        before = rules.ORDER.index(rules.domain_judgement(domain, answers))
        for question in answers:
            best = "Y" if question in GOOD_YES else "N"
            better = answers | {question: best}
            if tuple(better.items()) in possible:
                after = rules.ORDER.index(rules.domain_judgement(domain, better))
                assert after <= before, (answers, question)
                checked += 1
    assert checked > 20


def test_probably_counts_as_surely():
    same = {"PY": "Y", "PN": "N"}
    for domain in ("randomisation", "missing data", "measurement", "selection"):
        for items in set(all_answers(domain)):
            sure = {q: same.get(a, a) for q, a in items}
            judged = rules.domain_judgement(domain, dict(items))
            assert rules.domain_judgement(domain, sure) == judged


def test_knowing_nothing_is_never_low():
    proposed = {d: rules.domain_judgement(d, rules.unknown(d)) for d in QUESTIONS}
    assert proposed == {
        "randomisation": SOME,
        "deviations": HIGH,
        "missing data": HIGH,
        "measurement": HIGH,
        "selection": SOME,
    }


def test_an_unanswered_question_is_named():
    with pytest.raises(ValueError, match=r"question 1\.3 of 'randomisation' has no answer"):
        rules.domain_judgement("randomisation", {"1.1": "Y", "1.2": "Y"})


@pytest.mark.parametrize(
    ("judgements", "several", "overall"),
    [
        ([LOW] * 5, HIGH, LOW),
        ([LOW] * 4 + [SOME], HIGH, SOME),
        ([LOW] * 3 + [SOME] * 2, SOME, SOME),
        ([LOW] * 3 + [SOME] * 2, HIGH, HIGH),
        ([LOW] * 4 + ["no information"], HIGH, SOME),
        ([LOW] * 3 + ["no information", SOME], HIGH, HIGH),
        ([LOW] * 4 + [HIGH], SOME, HIGH),
    ],
)
def test_overall_is_the_worst_domain_or_what_several_amount_to(judgements, several, overall):
    for order in (judgements, judgements[::-1]):
        assert rules.overall_judgement(order, several) == overall


def test_every_pooled_result_is_judged_in_five_domains_and_overall():
    frame = analysis.risk_of_bias()
    assert len(frame) == 6 * 6
    overall = frame[frame["domain"] == "overall"].set_index("result")
    assert (overall["judgement"] != LOW).all()
    # A trial of which less was read must not look better for it.
    unread = frame[frame["judgement"] == "no information"].groupby("result").size()
    hidden = overall.loc[unread.index]
    assert (hidden["at_least"] | (hidden["judgement"] == HIGH)).all()
    assert (hidden["strict"] == HIGH).all()
    assert not overall.loc[["CURB-NSCLC", "CURB-breast"], "at_least"].any()


def test_strict_reading_is_never_milder():
    frame = analysis.risk_of_bias()
    frame = frame[frame["judgement"] != "no information"]
    assert (
        frame["strict"].map(rules.ORDER.index) >= frame["judgement"].map(rules.ORDER.index)
    ).all()


def test_a_result_that_nobody_assessed_is_shown_as_such():
    full = load_appraisal()
    rest = {name: one for name, one in full.rob2.items() if name != "Gomez-2016"}
    frame = analysis.risk_of_bias(appraisal=full.model_copy(update={"rob2": rest}))
    own = frame[frame["result"] == "Gomez-2016"]
    assert len(own) == 6
    assert set(own["judgement"]) == {"not assessed"}


# ------------------------------------------------------------------ ICEMAN


def test_p_within_curb_is_that_of_the_printed_hazard_ratios():
    """Second route: from the printed limits, by hand."""
    y = np.log([0.41, 0.78])
    se = np.log([0.75 / 0.22, 1.43 / 0.43]) / (2 * stats.norm.ppf(0.975))
    p = 2 * stats.norm.sf(abs(y[0] - y[1]) / np.hypot(*se))
    row = analysis.iceman().set_index("contrast").loc["within CURB"]
    assert row["p"] == pytest.approx(p, rel=1e-10)
    assert row["ratio"] == pytest.approx(0.41 / 0.78)
    # Above 0.1 the instrument is not meant to be used; the answers allow very low only.
    assert not row["suggested"]
    assert row["ceiling"] == row["rating"] == "very low"


def test_chance_in_all_trials_is_judged_as_the_primary_analysis_does():
    """Its credible interval includes 1; a test that takes tau as 0 would say otherwise."""
    row = analysis.iceman().set_index("contrast").loc["all trials"]
    contrasts = analysis.interaction(analysis.published_estimates())
    own = contrasts[contrasts["contrast"] == "all trials"].set_index("method")
    assert row["p"] == own.loc["REML ad hoc HKSJ", "p"] == pytest.approx(0.104, abs=5e-4)
    primary = own[own["role"] == "primary"].iloc[0]
    for one in (row, primary):
        assert one["low"] < 1 < one["high"]
    assert own.loc["REML Wald", "high"] < 1
    assert not row["suggested"]
    assert (row["ceiling"], row["rating"]) == ("low", "low")


def test_numbers_of_the_contrast_are_marked_where_a_value_was_not_read():
    rows = analysis.iceman().set_index("contrast")
    assert rows["checked"].to_dict() == {"within CURB": True, "all trials": False}
    chance = analysis.iceman_items().query("item == 'chance'").set_index("contrast")["answer"]
    assert chance["all trials"].endswith("†") and "†" not in chance["within CURB"]
    text = (ROOT / "book" / "appraisal.md").read_text(encoding="utf-8")
    # The page takes the dagger with each number, from the row.
    assert "`pooled_ratio`†" not in text
    assert text.count("ratio(row[column]) + mark") == 1


def test_a_reason_that_rests_on_unread_limits_is_marked():
    assert not evidence.context()["NRG-LU002"].hr.checked
    rated = analysis.certainty().set_index(["group", "domain"])["reason"]
    assert "explains†" in rated["NSCLC", "inconsistency"]
    assert "†" in rated["NSCLC", "imprecision"]
    # Breast cancer and SABR-COMET 2022 rest on values that were read.
    checked = analysis.histology_synthesis(analysis.published_estimates())
    checked = checked[checked["role"] == "primary"].set_index("group")["checked"]
    for (group, domain), reason in rated.items():
        if domain == "imprecision":
            assert ("†" in reason) != checked[group]


def with_p(p, contrast="all trials"):
    contrasts = analysis.interaction(analysis.published_estimates())
    contrasts.loc[contrasts["contrast"] == contrast, "p"] = p
    return contrasts


@pytest.mark.parametrize(
    ("p", "effect", "ceiling"),
    [
        (0.051, "definitely lowers", "low"),
        (0.05, "probably lowers or unclear", "moderate"),
        (0.011, "probably lowers or unclear", "moderate"),
        (0.01, "probably raises", "moderate"),
        (0.006, "probably raises", "moderate"),
        (0.005, "definitely raises", "moderate"),
    ],
)
def test_the_answer_on_chance_follows_p(p, effect, ceiling):
    contrasts = with_p(p)
    items = analysis.iceman_items(contrasts).set_index(["contrast", "item"])
    assert items.loc[("all trials", "chance"), "effect"] == effect
    assert (
        analysis.iceman(contrasts).set_index("contrast").loc["all trials", "ceiling"] == ceiling
    )


@pytest.mark.parametrize(
    ("effects", "ceiling"),
    [
        (["definitely raises"] * 5, "high"),
        (["definitely raises"] * 4 + ["probably lowers or unclear"], "high"),
        (["definitely raises"] * 3 + ["probably lowers or unclear"] * 2, "moderate"),
        (["definitely raises"] * 4 + ["definitely lowers"], "moderate"),
        (["definitely raises"] * 3 + ["definitely lowers"] * 2, "low"),
        (["not applicable", "definitely lowers", "probably lowers or unclear"], "very low"),
        (["not applicable", "probably lowers or unclear"], "very low"),
    ],
)
def test_answers_set_a_ceiling(effects, ceiling):
    assert credibility._ceiling(effects) == ceiling


def test_a_rating_above_its_ceiling_is_refused():
    full = load_appraisal()
    one = full.iceman["within CURB"].model_copy(update={"rating": "moderate"})
    changed = full.model_copy(update={"iceman": {"within CURB": one}})
    with pytest.raises(ValueError, match="'within CURB' is rated moderate, above .* .very low"):
        analysis.iceman(appraisal=changed)


def test_a_contrast_without_its_row_or_p_is_refused():
    contrasts = analysis.interaction(analysis.published_estimates())
    with pytest.raises(ValueError, match=r"contrasts: 0 rows of 'all trials' by 'REML ad"):
        analysis.iceman_items(contrasts[contrasts["contrast"] == "within CURB"])
    with pytest.raises(ValueError, match="the method has no p"):
        analysis.iceman_items(with_p(np.nan))


# ------------------------------------------------------------------ GRADE


def graded(concerns):
    """Certainty of the NSCLC evidence if its concerns were these."""
    full = load_appraisal()
    body = full.grade["NSCLC"]
    domains = {
        name: one.model_copy(update={"concern": concern})
        for (name, one), concern in zip(body.domains.items(), concerns, strict=True)
    }
    changed = body.model_copy(update={"domains": domains})
    frame = analysis.certainty(full.model_copy(update={"grade": {"NSCLC": changed}}))
    return frame["certainty"].iloc[0]


@pytest.mark.parametrize(
    ("concerns", "certainty"),
    [
        (["not serious"] * 5, "high"),
        (["not assessed", "not applicable", *["not serious"] * 3], "high"),
        (["serious", *["not serious"] * 4], "moderate"),
        (["very serious", *["not serious"] * 4], "low"),
        (["serious", "serious", *["not serious"] * 3], "low"),
        ([*["not serious"] * 3, "very serious", "strongly suspected"], "very low"),
        (["very serious"] * 5, "very low"),
    ],
)
def test_certainty_starts_high_and_falls_with_each_concern(concerns, certainty):
    for order in set(itertools.permutations(concerns)):
        assert graded(order) == certainty


def test_levels_are_those_of_the_concerns():
    frame = analysis.certainty()
    assert (frame["levels"] == frame["concern"].map(CONCERNS)).all()
    assert set(frame["group"]) == {"NSCLC", "breast", "mixed"}
    assert (frame.groupby("group")["certainty"].nunique() == 1).all()


def test_imprecision_is_very_serious_only_where_the_interval_holds_large_benefit_and_harm():
    """The rough limits of GRADE guidelines 6: a ratio of 0.75 and of 1.25."""
    frame = analysis.certainty().set_index(["group", "domain"])
    synthesis = analysis.histology_synthesis(analysis.published_estimates())
    for row in synthesis[synthesis["role"] == "primary"].to_dict("records"):
        both = row["low"] < 0.75 and row["high"] > 1.25
        concern = frame.loc[(row["group"], "imprecision"), "concern"]
        assert (concern == "very serious") == both


# ------------------------------------------------------------------ per 100 patients


@pytest.fixture(scope="module")
def findings():
    return analysis.summary_of_findings()


def test_findings_use_the_pooled_result_of_the_main_analysis(findings):
    synthesis = analysis.histology_synthesis(analysis.published_estimates())
    primary = synthesis[synthesis["role"] == "primary"].set_index("group")
    assert list(findings["group"].unique()) == list(primary.index)
    main = findings[findings["scenario"] == "main analysis"]
    for group, own in main.groupby("group"):
        for name, column in (("hr", "hr"), ("hr_low", "low"), ("hr_high", "high")):
            assert set(own[name]) == {primary.loc[group, column]}
        assert set(own["patients"]) == {primary.loc[group, "patients"]}


def test_findings_apply_the_hazard_ratio_to_the_control_risk(findings):
    known = findings[findings["difference"].notna()]
    assert len(known) >= 10
    expected = 100 * (known["per_100_control"] / 100) ** known["hr"]
    np.testing.assert_allclose(known["per_100_experimental"], expected, rtol=1e-9)
    difference = known["per_100_experimental"] - known["per_100_control"]
    np.testing.assert_allclose(known["difference"], difference, atol=1e-9)
    assert known["difference"].between(known["low"], known["high"]).all()
    # An interval of the hazard ratio on both sides of 1 gives a difference on both sides of 0.
    unclear = (known["hr_low"] < 1) & (known["hr_high"] > 1)
    assert (unclear == ((known["low"] < 0) & (known["high"] > 0))).all()


def test_findings_take_the_recorded_control_arms_at_6_12_and_24_months(findings):
    recorded = load_appraisal().grade
    for (group, _), own in findings.groupby(["group", "scenario"]):
        assert tuple(own["result"].unique()) == recorded[group].control_arms.results
        for _, rows in own.groupby("result"):
            assert rows["time"].tolist() == [6, 12, 24]


def test_findings_hold_each_block_again_with_the_trial_that_is_not_pooled(findings):
    scenario = findings[findings["scenario"] == "with NRG-LU002"]
    numbers = analysis.headline()
    assert set(scenario["group"]) == {"NSCLC"} and len(scenario) == 9
    assert f"{scenario['hr'].iloc[0]:.2f}" == numbers["NSCLC_with_NRG-LU002_hr"].rstrip("†")
    assert set(scenario["certainty"]) == {"not rated"} and not scenario["checked"].any()
    main = findings[(findings["group"] == "NSCLC") & (findings["scenario"] == "main analysis")]
    for name in ("per_100_control", "per_100_own"):
        np.testing.assert_array_equal(scenario[name], main[name])
    more, fewer = main["per_100_experimental"], scenario["per_100_experimental"].to_numpy()
    known = more.notna()
    assert known.any() and (more[known] > fewer[known]).all()


def test_findings_show_the_arm_of_the_trial_beside_the_pooled_ratio(findings):
    """Second route: Kaplan-Meier by lifelines in every data set."""
    from lifelines import KaplanMeierFitter

    main = findings[findings["scenario"] == "main analysis"].set_index(["result", "time"])
    for result, time in (("Gomez-2019", 24), ("EXTEND-breast", 24), ("CURB-NSCLC", 6)):
        data = analysis.reconstruct(result).data
        data = data[data["arm"] == "experimental"]
        each = [
            KaplanMeierFitter().fit(own["time"].round(6), own["event"]).predict(time)
            for _, own in data.groupby("draw")
        ]
        row = main.loc[(result, time)]
        assert row["per_100_own"] == pytest.approx(100 * np.mean(each), abs=1e-6)
        assert row["own_low"] < row["per_100_own"] < row["own_high"]
    # What the chapter says: the two disagree by much, in both directions.
    gap = (main["per_100_experimental"] - main["per_100_own"]).dropna()
    assert gap["Gomez-2019", 24] > 15 and gap["EXTEND-breast", 24] > 15
    assert gap["CURB-NSCLC", 6] < -10


def test_blocks_of_the_findings_are_the_table(findings):
    blocks = findings_blocks(findings)
    heads = [text.split(":")[0] for text in blocks]
    assert heads == ["NSCLC", "NSCLC with NRG-LU002", "Breast cancer", "Mixed histologies"]
    assert "0.52†" in list(blocks)[1] and list(blocks)[1].endswith("certainty not rated")
    whole = findings_table(findings)
    kept = whole.drop(columns=["Cancer", "HR (95 %)", "Certainty"])
    assert sum(len(one) for one in blocks.values()) == len(whole)
    for block in blocks.values():
        assert block.equals(kept.loc[block.index])


def test_findings_say_where_a_risk_is_not_known(findings):
    missing = findings[findings["difference"].isna()]
    assert len(missing) and missing["note"].str.len().min() > 10
    # CURB was followed to 12 months, so nothing can be said of 24.
    curb = findings[findings["result"].str.startswith("CURB") & (findings["time"] == 24)]
    assert curb["difference"].isna().all()


def test_findings_rest_on_reconstructions_and_mark_what_was_not_read(findings):
    assert set(findings["basis"]) <= {"statistics", "figure"}
    marked = findings.groupby("result")["control_checked"].first()
    trials = evidence.load()
    for result in marked.index:
        hr = analysis.find(result, trials).hr
        assert marked[result] == (not hr or hr.checked)
    assert not findings.loc[findings["group"] == "NSCLC", "checked"].any()


def test_findings_table_marks_every_number_that_rests_on_an_unread_value(findings):
    table = findings_table(findings)
    for row, shown in zip(findings.to_dict("records"), table.to_dict("records"), strict=True):
        if shown["Difference"] == "not known":
            continue
        assert ("†" in shown["Of 100, control"]) == (not row["control_checked"])
        for column in ("Of 100, MDT", "Difference"):
            unread = not (row["checked"] and row["control_checked"])
            assert ("†" in shown[column]) == unread
    # CURB's control arm was read, the pooled hazard ratio was not.
    first = table.iloc[0]
    assert first["Of 100, control"].startswith("22 (") and "57† (" in first["Of 100, MDT"]
    assert "† (" in first["Difference"]


def test_size_of_the_evidence_is_that_of_its_standard_errors():
    """Second route: inverse variances by hand, Schoenfeld's formula by hand."""
    frame = analysis.evidence_size().set_index("group")
    estimates = analysis.published_estimates()
    for group, own in estimates[estimates["pooled"]].groupby("group"):
        assert frame.loc[group, "equivalent_events"] == pytest.approx(
            (4 / own["se"] ** 2).sum()
        )
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    needed = 4 * z**2 / np.log(0.75) ** 2
    np.testing.assert_allclose(frame["needed"], needed)
    np.testing.assert_allclose(frame["share"], frame["equivalent_events"] / needed)
    # No pooled result states its events.
    assert frame["events"].isna().all()


# ------------------------------------------------------------------ PRISMA 2020


def test_prisma_names_pages_that_exist():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = {toc["root"]} | {c["file"] for part in toc["parts"] for c in part["chapters"]}
    frame = analysis.prisma()
    named = {page for where in frame["where"] if where for page in where.split(", ")}
    assert named
    assert {f"book/{page}" for page in named} <= pages


def test_prisma_claims_no_search():
    status = analysis.prisma().set_index("item")["status"]
    assert (status[["1", "7", "8", "14", "21", "24a", "24b"]] == "not done").all()
    assert (status[["6", "16a"]] == "partly met").all()


def test_flow_counts_what_the_files_hold():
    """Second route: counted in the files, without the package."""
    files = sorted((ROOT / "data" / "trials").glob("*.yaml"))
    trials = [yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader) for file in files]
    sources = yaml.load((ROOT / "data" / "sources.yaml").read_text("utf-8"), yaml.BaseLoader)
    cohorts = [cohort for trial in trials for cohort in trial["cohorts"].values()]
    results = sum(len(cohort["results"]) for cohort in cohorts)
    pooled = sum(cohort["group"] not in ("null", "") for cohort in cohorts)
    flow = analysis.prisma_flow().set_index("what")["count"]
    assert flow["trials compared"] == str(len(trials))
    assert flow["reports of these trials"] == str(sum(len(t["reports"]) for t in trials))
    assert flow["texts registered as sources"] == str(len(sources))
    unread = sum(source["tier"] == "unread" for source in sources.values())
    assert flow["of these, texts or parts of texts that were not read"] == str(unread)
    used = flow[[what for what in flow.index if what.startswith("results pooled")]].item()
    left = flow[[what for what in flow.index if what.startswith("results of these")]].item()
    assert (int(used), int(left)) == (pooled, results - pooled)


def test_flow_counts_the_other_trials_once():
    flow = analysis.prisma_flow().set_index("what")["count"]
    # Without the whole of STOMP and ORIOLE pooled, and EXTEND and its baskets as one trial
    # that is among the chosen ones.
    named = {"NRG-LU002", "SINDAS", "NorthStar", "NRG-BR002", "CLOCC", "STOP", "CORE"}
    named |= {"ESO-Shanghai-13", "STOMP", "ORIOLE", "ARTO", "RADIOSA", "FORCE"}
    assert reporting._other_trials(evidence.load()) == named
    assert flow["other randomised trials with a record"] == str(len(named))
    assert flow["entries in the register of ongoing trials"] == str(len(evidence.ongoing()))


def test_flow_invents_no_record():
    flow = analysis.prisma_flow().set_index("what")["count"]
    assert flow["records found in databases and registers"] == "no search was made"
    assert flow["records screened and excluded"] == "no records were screened"
