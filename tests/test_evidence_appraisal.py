"""The appraisal: no judgement without a reason and a source, and bad input is named."""

import re
import shutil

import pytest
import yaml
from conftest import ROOT

from oligomdt import analysis, evidence
from oligomdt.evidence import appraisal as schema
from oligomdt.evidence import load_appraisal

README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def tree(tmp_path):
    """A copy of the data that can be changed."""
    root = tmp_path / "data"
    for folder in ("appraisal", "trials"):
        shutil.copytree(ROOT / "data" / folder, root / folder)
    shutil.copy(ROOT / "data" / "sources.yaml", root)
    return root


def plain(name):
    """A file of the appraisal as it is written, read without the package."""
    text = (ROOT / "data" / "appraisal" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, yaml.BaseLoader)


# ------------------------------------------------------------------ what is there


def test_every_pooled_result_is_assessed_and_no_other():
    estimates = analysis.published_estimates()
    pooled = set(estimates.loc[estimates["pooled"], "result"])
    assert set(load_appraisal().rob2) == pooled


def test_every_group_is_rated():
    estimates = analysis.published_estimates()
    groups = set(estimates.loc[estimates["pooled"], "group"])
    assert set(load_appraisal().grade) == groups


def judgements(record):
    """Every judgement inside a record."""
    if isinstance(record, schema.Reasoned):
        yield record
    parts = record.values() if hasattr(record, "values") else ()
    if hasattr(type(record), "model_fields"):
        parts = [getattr(record, name) for name in type(record).model_fields]
    for part in parts:
        if hasattr(part, "values") or hasattr(type(part), "model_fields"):
            yield from judgements(part)


def test_every_judgement_has_a_reason_and_rests_on_something():
    appraisal = load_appraisal()
    registered = evidence.sources()
    found = [
        one
        for part in (appraisal.rob2, appraisal.iceman, appraisal.grade)
        for record in part.values()
        for one in judgements(record)
    ]
    # 6 results with 5 domains and an overall, 13 items and 2 ratings, 3 x 5 concerns and arms.
    assert len(found) == 6 * 6 + 13 + 2 + 3 * 6
    for one in found:
        assert len(one.reason) >= 10
        assert one.sources or one.analysis
        assert all(ref.id in registered for ref in one.sources)


def test_counts_in_the_reasons_are_those_of_the_trial():
    """A count in the reason of a judgement is a number of the trial's record."""
    number = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
    files = {"CURB": "curb", "EXTEND": "extend", "SABR-COMET": "sabr-comet"}
    files |= {"Gomez": "gomez", "Iyengar": "iyengar"}
    checked = 0
    for result, block in plain("rob2").items():
        trial = next(name for name in files if result.startswith(name))
        record = (ROOT / "data" / "trials" / f"{files[trial]}.yaml").read_text("utf-8")
        known = set(number.findall(record)) | {"1"}
        for domain in block["domains"].values():
            for text in number.findall(domain["reason"]):
                # The two withdrawals of each arm of SABR-COMET are added up.
                assert text in known or (trial, text) == ("SABR-COMET", "4"), (result, text)
                checked += 1
    assert checked >= 20


def test_concealment_counts_as_unknown_because_no_source_tells_of_it():
    """Nothing that was not read counts in favour of a trial."""
    for result in load_appraisal().rob2.values():
        answers = result.domains["randomisation"].answers
        assert answers.get("1.2", "NI") == "NI", "concealment was read in no source"


def test_data_dictionary_names_the_words_that_the_files_may_use():
    section = re.search(r"^## Appraisal\n(.*?)(?=^## )", README, flags=re.M | re.S)[1]
    words = set(re.findall(r"`([^`]+)`", section))
    assert set(schema.ANSWERS) | set(schema.CONCERNS) | set(schema.CREDIBILITY) <= words
    assert set(schema.QUESTIONS) | set(schema.GRADE_DOMAINS) <= words
    assert set(schema.ICEMAN_ITEMS) | {"met", "partly met", "not done"} <= words
    for model in (schema.RiskOfBias, schema.Contrast, schema.Body, schema.PrismaItem):
        assert set(model.model_fields) - {"id"} <= words, model


# ------------------------------------------------------------------ routing


@pytest.mark.parametrize(
    ("domain", "answers", "questions"),
    [
        ("randomisation", {}, "1.1 1.2 1.3"),
        ("deviations", {"2.1": "N", "2.2": "PN", "2.6": "Y"}, "2.1 2.2 2.6"),
        ("deviations", {"2.1": "N", "2.2": "NI", "2.6": "NI"}, "2.1 2.2 2.3 2.6 2.7"),
        ("deviations", {"2.1": "Y", "2.2": "Y", "2.3": "NI", "2.6": "Y"}, "2.1 2.2 2.3 2.6"),
        (
            "deviations",
            {"2.1": "Y", "2.2": "Y", "2.3": "Y", "2.4": "NI", "2.6": "Y"},
            "2.1 2.2 2.3 2.4 2.5 2.6",
        ),
        ("missing data", {"3.1": "PY"}, "3.1"),
        ("missing data", {"3.1": "N", "3.2": "Y"}, "3.1 3.2"),
        ("missing data", {"3.1": "N", "3.2": "N", "3.3": "NI"}, "3.1 3.2 3.3 3.4"),
        ("measurement", {"4.1": "Y", "4.2": "N"}, "4.1 4.2"),
        ("measurement", {"4.1": "N", "4.2": "NI"}, "4.1 4.2 4.3"),
        ("measurement", {"4.1": "N", "4.2": "N", "4.3": "N"}, "4.1 4.2 4.3"),
        (
            "measurement",
            {"4.1": "N", "4.2": "N", "4.3": "Y", "4.4": "Y"},
            "4.1 4.2 4.3 4.4 4.5",
        ),
        ("selection", {}, "5.1 5.2 5.3"),
    ],
)
def test_questions_are_asked_as_the_tool_asks_them(domain, answers, questions):
    assert " ".join(schema.asked(domain, answers)) == questions


def test_there_are_the_22_signalling_questions():
    assert sum(len(questions) for questions in schema.QUESTIONS.values()) == 22


def test_an_unknown_domain_is_refused():
    with pytest.raises(ValueError, match="'blinding'; known: `randomisation`"):
        schema.asked("blinding", {})


def test_there_are_the_27_items_of_prisma_with_their_parts():
    assert len(schema.PRISMA_ITEMS) == 42
    assert len({re.match(r"\d+", item)[0] for item in schema.PRISMA_ITEMS}) == 27
    parts = " ".join(item for item in schema.PRISMA_ITEMS if not item.isdigit())
    assert parts == (
        "10a 10b 13a 13b 13c 13d 13e 13f 16a 16b 20a 20b 20c 20d 23a 23b 23c 23d 24a 24b 24c"
    )
    assert tuple(plain("prisma")["items"]) == schema.PRISMA_ITEMS


# ------------------------------------------------------------------ bad input

OPEN_LABEL = "{2.1: Y, 2.2: Y, 2.3: PY, 2.4: PN, 2.6: Y}"
BAD = {
    "no reason": (
        "rob2",
        "      reason: Withdrawals and losses to follow-up are not in what was read.\n",
        "",
        "EXTEND-breast/domains/missing data/reason",
        "is missing",
    ),
    "an empty reason": (
        "rob2",
        "reason: Withdrawals and losses to follow-up are not in what was read.",
        'reason: " "',
        "EXTEND-breast/domains/missing data/reason",
        "say why",
    ),
    "no source": (
        "rob2",
        "  sources: {curb_lancet_2024: full text}\n",
        "",
        "CURB-NSCLC/domains/randomisation",
        "give `sources` or the `analysis`",
    ),
    "a source that is not registered": (
        "rob2",
        "curb_lancet_2024: full text",
        "curb_lancet_2042: full text",
        "CURB-NSCLC",
        "did you mean `curb_lancet_2024`?",
    ),
    "an unknown analysis": (
        "grade",
        "analysis: [histology_synthesis, sensitivity]",
        "analysis: [histology_synthesis, sensitivities]",
        "NSCLC/domains/inconsistency/analysis",
        "did you mean `sensitivity`?",
    ),
    "an answer that is none": (
        "rob2",
        "answers: {3.1: PY}",
        "answers: {3.1: maybe}",
        "CURB-breast/domains/missing data/answers/3.1",
        "'maybe' is not",
    ),
    "an empty block of answers": (
        "rob2",
        "answers: {3.1: PY}",
        "answers: {}",
        "CURB-breast/domains/missing data/answers",
        "write `no information`",
    ),
    "a question without its answer": (
        "rob2",
        OPEN_LABEL,
        "{2.1: Y, 2.2: Y, 2.3: PY, 2.4: PN}",
        "CURB-NSCLC",
        "domain `deviations`: question 2.6 has no answer",
    ),
    "an answer to a question that is not asked": (
        "rob2",
        "answers: {3.1: PY}",
        "answers: {3.1: PY, 3.2: N}",
        "CURB-breast",
        "domain `missing data`: question 3.2 is not asked here",
    ),
    "no information on evidence": (
        "rob2",
        "{3.1: PN, 3.2: N, 3.3: PY, 3.4: PN}",
        "{3.1: PN, 3.2: NI}",
        "CURB-NSCLC",
        "3.2 is yes or no",
    ),
    "a domain of another name": (
        "rob2",
        "    selection:\n",
        "    selections:\n",
        "CURB-NSCLC/domains",
        "did you mean `selection`?",
    ),
    "an unknown field": (
        "rob2",
        "    several: high",
        "    severel: high",
        "Gomez-2016/overall",
        "did you mean `several`?",
    ),
    "a result that is none": (
        "rob2",
        "Gomez-2016:\n",
        "Gomes-2016:\n",
        "Gomes-2016",
        "did you mean `Gomez-2016`?",
    ),
    "a written test of interaction": (
        "iceman",
        "      answer: computed\n      effect: computed\n",
        "      answer: unlikely\n      effect: probably raises\n",
        "within CURB",
        "item `chance`: answer and effect of `chance`, and of no other item",
    ),
    "an item of another name": (
        "iceman",
        "    similar:\n",
        "    alike:\n",
        "all trials",
        "unknown item `alike`",
    ),
    "a rating that is none": (
        "iceman",
        "rating: very low",
        "rating: poor",
        "within CURB/rating",
        "'poor' is not",
    ),
    "a concern that is none": (
        "grade",
        "concern: very serious",
        "concern: grave",
        "breast/domains/imprecision/concern",
        "'grave' is not",
    ),
    "a control arm that is none": (
        "grade",
        "[CURB-breast, EXTEND-breast]",
        "[CURB-breast, EXTEND-brest]",
        "breast/control_arms/results",
        "did you mean `EXTEND-breast`?",
    ),
    "not done on a page": (
        "prisma",
        "    status: not done\n",
        "    status: not done\n    where: [intro]\n",
        "items/1",
        "one of the two is wrong",
    ),
    "met nowhere": (
        "prisma",
        "    status: partly met\n    where: [intro]\n",
        "    status: partly met\n",
        "items/2",
        "names no page",
    ),
    "an item that is missing": (
        "prisma",
        '  "27":\n',
        '  "28":\n',
        "items",
        "unknown item `28`",
    ),
    "a count by hand": (
        "prisma",
        "    count: trials\n",
        "    count: 5\n",
        "flow/2/count",
        "'5' is not",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(tree, case):
    name, old, new, entry, words = BAD[case]
    file = tree / "appraisal" / f"{name}.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError) as caught:
        load_appraisal(tree)
    assert caught.value.file == f"data/appraisal/{name}.yaml"
    assert caught.value.entry == entry
    assert words in caught.value.problem


def test_the_check_of_the_data_reads_the_appraisal(tree):
    lines = evidence.summary(tree).splitlines()
    assert sum(line.startswith("risk of bias appraised: CURB-NSCLC") for line in lines) == 1
    (tree / "appraisal" / "iceman.yaml").write_text("all trials: 1\n", encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match=r"iceman\.yaml:1: all trials:"):
        evidence.summary(tree)


@pytest.mark.parametrize("name", ["rob2", "iceman", "grade", "prisma"])
def test_a_missing_file_is_named(tree, name):
    (tree / "appraisal" / f"{name}.yaml").unlink()
    with pytest.raises(evidence.EvidenceError, match=f"appraisal/{name}.yaml: cannot be read"):
        load_appraisal(tree)


def test_an_id_inside_an_entry_is_refused(tree):
    file = tree / "appraisal" / "grade.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  outcome:", "  id: NSCLC\n  outcome:", 1), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="known from its place"):
        load_appraisal(tree)


def test_prisma_without_items_or_flow_is_refused(tree):
    file = tree / "appraisal" / "prisma.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\nflow:\n", "\nflows:\n"), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="flow: a list of boxes"):
        load_appraisal(tree)
    file.write_text("flow: []\n", encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="items: a block of entries"):
        load_appraisal(tree)
