"""Numbers in the text of the rendered book are the stated or computed ones."""

import csv
import json
import re
import statistics

import pytest
import yaml
from conftest import ROOT

from oligomdt import analysis, pooling

DAGGER = "†"
POOLED = {
    "NSCLC": [
        ("curb", "NSCLC", "2024"),
        ("gomez", "NSCLC", "2016"),
        ("iyengar", "NSCLC", "2018"),
    ],
    "breast": [("curb", "breast", "2024"), ("extend", "breast", "2025")],
}


@pytest.fixture(scope="module")
def glued(site):
    """Key to the set of texts that the pages glue under it."""
    found = {}
    for file in sorted((site.parent / "jupyter_execute").rglob("*.glue.json")):
        for key, output in json.loads(file.read_text(encoding="utf-8")).items():
            text = output["data"].get("text/plain", "").strip().strip("'\"")
            found.setdefault(key, set()).add(text)
    assert found, "no page glues anything"
    return found


def stated(trial, *path):
    """A number as the data file holds it, read without the package."""
    block = yaml.load((ROOT / "data" / trial).read_text(encoding="utf-8"), yaml.BaseLoader)
    for key in path:
        block = block[key]
    return block["value"] if isinstance(block, dict) else block


def only(glued, key):
    (text,) = {text.removesuffix(DAGGER) for text in glued[key]}
    return text


def hazard_ratio(trial, cohort, report):
    path = ("cohorts", cohort, "results", report, "hr")
    interval = (*path, "interval")
    numbers = [stated(trial, *path, "estimate")]
    numbers += [stated(trial, *interval, limit) for limit in ("lower", "upper", "level")]
    return pooling.from_ci(*(float(number) for number in numbers))


def test_single_trial_is_glued_as_stated(glued):
    path = ("cohorts", "whole", "results", "2022", "hr")
    assert only(glued, "mixed_hr") == stated("trials/sabr-comet.yaml", *path, "estimate")
    for key, limit in (("mixed_low", "lower"), ("mixed_high", "upper")):
        assert only(glued, key) == stated("trials/sabr-comet.yaml", *path, "interval", limit)


def test_trial_that_is_not_pooled_is_glued_as_stated(glued):
    assert only(glued, "NRG-LU002_n") == stated("context.yaml", "NRG-LU002", "n")
    hr = stated("context.yaml", "NRG-LU002", "hr", "estimate")
    assert only(glued, "NRG-LU002_hr") == hr
    interval = ("NRG-LU002", "hr", "interval")
    lower, upper = (stated("context.yaml", *interval, name) for name in ("lower", "upper"))
    assert glued["NRG-LU002_interval"] == {f"{lower} to {upper}{DAGGER}"}


def test_pooled_results_are_those_of_the_stated_numbers(glued):
    for group, members in POOLED.items():
        each = [hazard_ratio(f"trials/{file}.yaml", *where) for file, *where in members]
        effect = pooling.bayes([e.log_hr for e in each], [e.se for e in each])
        wanted = {"hr": effect.hr, "low": effect.hr_low, "high": effect.hr_high}
        for name, value in wanted.items():
            # Two decimals are printed.
            assert float(only(glued, f"{group}_{name}")) == pytest.approx(value, abs=0.005001)


def test_a_number_has_one_value_on_all_pages(glued):
    headline = analysis.headline()
    # A page may count other trials and patients than the summary does.
    shared = set(headline) & set(glued) - {"trials", "patients"}
    assert len(shared) >= 20
    for key in shared:
        assert {t.removesuffix(DAGGER) for t in glued[key]} == {
            headline[key].removesuffix(DAGGER)
        }


def test_unread_values_keep_their_dagger_on_the_summary(site):
    file = site.parent / "jupyter_execute" / "book" / "intro.glue.json"
    texts = json.loads(file.read_text(encoding="utf-8"))
    assert DAGGER in texts["NSCLC_hr"]["data"]["text/plain"]
    assert DAGGER in texts["NRG-LU002_interval"]["data"]["text/plain"]
    assert DAGGER not in texts["breast_hr"]["data"]["text/plain"]


def test_coverage_in_simulated_trials_is_that_of_the_file(glued):
    file = ROOT / "benchmarks" / "statistics" / "simulated.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    shares = [100 * float(row["coverage"]) for row in rows if row["coverage"]]
    error = 1.96 * statistics.stdev(shares) / len(shares) ** 0.5
    assert only(glued, "sim_trials") == str(len(rows))
    assert only(glued, "sim_failed") == str(len(rows) - len(shares))
    assert only(glued, "sim_surv") == f"{statistics.mean(shares):.0f}"
    assert only(glued, "sim_surv_error") == f"{error:.0f}"


def test_summary_is_prose_with_glued_numbers_only():
    """No hazard ratio is typed by hand on the summary page."""
    text = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert re.findall(r"\b\d+\.\d+\b", prose) == []
