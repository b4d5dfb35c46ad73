"""Bad input: each kind gives one error that names file, entry and field."""

import shutil
from pathlib import Path

import pytest

from oligomdt import evidence

TREE = Path(__file__).parent / "data" / "evidence"
TRIAL = "trials/test-trial.yaml"
CONTROL = "cohorts/whole/results/2020/arms/control"
LANDMARK = f"{CONTROL}/landmarks/1"
WHOLE = "cohorts/whole/results/2020"


@pytest.fixture
def tree(tmp_path):
    return Path(shutil.copytree(TREE, tmp_path / "data"))


def change(tree, file, old, new):
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the tests' own data has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def error_of(tree, read=evidence.load):
    with pytest.raises(evidence.EvidenceError) as caught:
        read(tree)
    return caught.value


BAD_TRIALS = {
    "misspelt field": ("median: 5.0", "medain: 5.0", CONTROL, "did you mean `median`?"),
    "misspelt field of a value": (
        "n: 20",
        "n: {velue: 20}",
        f"{CONTROL}/n",
        "did you mean `value`?",
    ),
    "missing field": ("            events: 16\n", "", f"{CONTROL}/events", "is missing"),
    "text for a number": ("median: 5.0", "median: five", f"{CONTROL}/median", "'five' is not"),
    "null for a number": ("median: 5.0", "median: null", f"{CONTROL}/median", "not reported"),
    "a range for a number": ("median: 5.0", "median: [5, 6]", f"{CONTROL}/median", "is not"),
    "negative": ("median: 5.0", "median: -5.0", f"{CONTROL}/median", "zero or above"),
    "not finite": ("median: 5.0", "median: .inf", f"{CONTROL}/median", "finite"),
    "not a number": ("horizon: 24", "horizon: .nan", f"{WHOLE}/horizon", "not a number"),
    "zero median": ("median: 5.0", "median: 0.0", CONTROL, "above 0"),
    "zero hazard ratio": ("estimate: 0.50", "estimate: 0", f"{WHOLE}/hr", "above 0"),
    "CI without its estimate": ("estimate: 0.50", "estimate: 1.50", f"{WHOLE}/hr", "outside"),
    "CI without its median": ("median: 5.0", "median: 8.5", CONTROL, "outside its interval"),
    "limits in the wrong order": (
        "lower: 0.23, upper: 1.10",
        "lower: 1.10, upper: 0.23",
        f"{WHOLE}/hr/interval",
        "wrong order: lower 1.10, upper 0.23",
    ),
    "level of 95": (
        "upper: 1.10, level: 0.95",
        "upper: 1.10, level: 95",
        f"{WHOLE}/hr/interval/level",
        "write 0.95",
    ),
    "level not finite": (
        "upper: 1.10, level: 0.95",
        "upper: 1.10, level: nan",
        f"{WHOLE}/hr/interval/level",
        "not a proportion",
    ),
    "more events than patients": ("events: 16", "events: 21", CONTROL, "events 21 exceed n 20"),
    "events and withdrawals": (
        "withdrawals: 2",
        "withdrawals: 5",
        CONTROL,
        "events 16 + withdrawals 5 exceed n 20",
    ),
    "more progressions than events": ("progressions: 15", "progressions: 17", CONTROL, "every"),
    "half a patient": ("events: 16", "events: 16.5", CONTROL, "not a whole number"),
    "no patient": ("n: 20", "n: 0", CONTROL, "at least one patient"),
    "survival in percent": (
        "surv: 0.400",
        "surv: 40.0",
        f"{CONTROL}/landmarks/1",
        "not percent",
    ),
    "survival limit in percent": (
        "upper: 0.59",
        "upper: 59",
        f"{CONTROL}/landmarks/1",
        "above 1",
    ),
    "rising survival": ("surv: 0.2}", "surv: 0.5}", CONTROL, "rises from 0.400 at 6 to 0.5"),
    "landmarks out of order": ("{time: 12, surv", "{time: 3, surv", CONTROL, "by rising time"),
    "p above 1": ("p: 0.08\n", "p: 8\n", WHOLE, "p 8 is above 1"),
    "median beyond the horizon": ("horizon: 24", "horizon: 10", WHOLE, "beyond the horizon 10"),
    "visits out of order": ("[8, 20]", "[20, 8]", WHOLE, "rising week"),
    "follow-up out of order": ("min: 1.5", "min: 7", "reports/2020/followup", "above"),
    "unregistered source": (
        "sources: {test_2022: text}\n        arms",
        "sources: {test_2021: text}\n        arms",
        "cohorts/whole/results/2022",
        "not registered in sources.yaml; did you mean `test_2022`?",
    ),
    "source without a place": ("{test_unread: table}", "{test_unread: }", "interval", "where"),
    "source as a bare name": ("{test_unread: table}", "test_unread", "interval", "{source id:"),
    "no source at all": ("sources: {test_2020: abstract}\n", "", "design", "no source"),
    "checked in an unread source": ("checked: false, ", "", "interval", "`checked: false`"),
    "checked is a word": ("checked: false", "checked: maybe", "hr/interval", "true or false"),
    "one arm": (
        "experimental: {name: radiotherapy, n: 11",
        "control2: {n: 11",
        "arms",
        "control",
    ),
    "unknown transform": (
        "km_ci_transform: log\n",
        "km_ci_transform: loglog\n",
        f"{WHOLE}/km_ci_transform",
        "did you mean `log-log`?",
    ),
    "unknown group": ("group: breast", "group: brest", "cohorts/breast/group", "`breast`"),
    "unknown report": (
        '  "2022":\n    label',
        '  "2021":\n    label',
        "cohorts/whole/results/2022",
        "no report `2022` under `reports`; did you mean `2021`?",
    ),
    "report nobody uses": (
        "reports:\n",
        'reports:\n  "2019": {label: none, year: 2019, followup: not reported}\n',
        "reports/2019",
        "no cohort has a result",
    ),
    "unknown primary": (
        'primary: "2020"',
        'primary: "2021"',
        "cohorts/whole/primary",
        "primary report `2021` has no result in this cohort; did you mean `202",
    ),
    "missing primary": ('    primary: "2020"\n', "", "cohorts/whole/primary", "is missing"),
    "unknown part": (
        "parts: [NSCLC, breast]",
        "parts: [NSCLC, brest]",
        "cohorts/whole",
        "brest",
    ),
    "parts that do not add up": (
        "n: 12,",
        "n: 13,",
        f"{CONTROL}/n",
        "n 20 is not the sum 21 of its parts NSCLC, breast",
    ),
    "patients counted twice": (
        "group: null",
        "group: mixed",
        "cohorts/whole/group",
        "also in `NSCLC`, pooled as `NSCLC`; write `group: null`",
    ),
    "two results of one id": (
        "id: TEST-breast",
        "id: TEST-NSCLC",
        "cohorts/breast/results/2020/id",
        "already used by cohorts/NSCLC/results/2020",
    ),
    "a field written twice": ("p: 0.08\n", "p: 0.08\n        p: 0.09\n", f"{WHOLE}/p", "twice"),
    "an id said twice": ("label: everybody", "id: whole", "cohorts/whole/id", "leave it out"),
    "not YAML": ("n: 20", "n: 20: 3", "", "not YAML"),
    "a list for a block": ("design:\n", "design: []\nwas:\n", "", "unknown field `was`"),
    "accrual ends before": ("accrual_end: 2016-02", "accrual_end: 2014", "accrual_end", "2014"),
    "another file name": (
        "id: TEST-TRIAL",
        "id: TRIAL",
        "id",
        "match its file name, test-trial",
    ),
}


@pytest.mark.parametrize("kind", BAD_TRIALS)
def test_a_bad_trial_gives_one_clear_error(tree, kind):
    old, new, entry, words = BAD_TRIALS[kind]
    change(tree, TRIAL, old, new)
    error = error_of(tree)
    assert error.file == "data/trials/test-trial.yaml"
    assert entry in error.entry
    assert words in error.problem
    assert str(error).startswith(f"{error.file}:{error.line}: ")
    assert "\n" not in str(error)


def test_the_error_names_the_line(tree):
    lines = (tree / TRIAL).read_text(encoding="utf-8").splitlines()
    change(tree, TRIAL, "median: 5.0", "median: five")
    error = error_of(tree)
    assert lines[error.line - 1].strip() == "median: 5.0"
    assert error.entry == f"{CONTROL}/median"


@pytest.mark.parametrize("text", ["", "# only a remark\n"])
@pytest.mark.parametrize("file", [TRIAL, "sources.yaml", "context.yaml"])
def test_an_empty_file_is_refused(tree, file, text):
    (tree / file).write_text(text, encoding="utf-8")
    error = error_of(tree, evidence.context if file == "context.yaml" else evidence.load)
    assert error.file == f"data/{file}"
    assert "empty" in error.problem


def test_a_file_that_is_a_list_is_refused(tree):
    (tree / TRIAL).write_text("- id: TEST-TRIAL\n", encoding="utf-8")
    assert "field: value" in error_of(tree).problem


def test_a_result_id_used_by_two_trials_is_refused(tree):
    text = (tree / TRIAL).read_text(encoding="utf-8")
    second = text.replace("id: TEST-TRIAL", "id: TEST-SECOND")
    (tree / "trials" / "test-second.yaml").write_text(second, encoding="utf-8")
    error = error_of(tree)
    assert error.entry == "cohorts/whole/results/2020/id"
    assert "already used in TEST-SECOND" in error.problem


def test_a_file_of_another_kind_among_the_trials_is_refused(tree):
    (tree / "trials" / "notes.txt").write_text("remember", encoding="utf-8")
    assert "only `.yaml` files" in error_of(tree).problem


def test_a_folder_without_trials_is_refused(tmp_path):
    assert "OLIGOMDT_DATA" in error_of(tmp_path).problem
    (tmp_path / "trials").mkdir()
    (tmp_path / "sources.yaml").write_text("a: {tier: primary, seen: all, ref: a}\n")
    assert "no trial here" in error_of(tmp_path).problem


@pytest.mark.parametrize(
    ("old", "new", "entry", "words"),
    [
        ("tier: primary", "tier: main", "test_2020/tier", "`primary`"),
        ("seen: all", "sene: all", "test_2020/sene", "did you mean `seen`?"),
        ("  ref: TEST-TRIAL, first report\n", "", "test_2020/ref", "is missing"),
        ("test_2022:", "test_2020:", "test_2020", "written twice, first on line 2"),
    ],
)
def test_a_bad_source_is_refused(tree, old, new, entry, words):
    change(tree, "sources.yaml", old, new)
    error = error_of(tree)
    assert (error.file, error.entry) == ("data/sources.yaml", entry)
    assert words in error.problem


def test_bad_context_is_refused(tree):
    change(tree, "context.yaml", "estimate: 0.90", "estimte: 0.90")
    error = error_of(tree, evidence.context)
    assert (error.file, error.entry) == ("data/context.yaml", "TEST-CONTEXT/hr")
    assert "did you mean `estimate`?" in error.problem
