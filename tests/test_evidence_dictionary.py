"""The data dictionary describes every field as the code reads it, and its example loads."""

import re
from pathlib import Path

import pytest

from oligomdt import evidence
from oligomdt.evidence import curve, record, register, values
from oligomdt.evidence.extended import ExtendedTrial, Limits, Scenario
from oligomdt.evidence.external import Outcome, PublishedPool
from oligomdt.evidence.ongoing import OngoingTrial

README = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
MODELS = [
    record.Trial,
    record.Design,
    record.Report,
    record.Cohort,
    record.Result,
    record.ArmResult,
    record.Landmark,
    values.HazardRatio,
    values.Interval,
    values.Stated,
    record.FollowUp,
    record.Finding,
    record.ContextTrial,
    ExtendedTrial,
    Scenario,
    Limits,
    OngoingTrial,
    PublishedPool,
    Outcome,
    register.Source,
    curve.Origin,
]


def described(name):
    section = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", README, flags=re.M | re.S)
    assert section, f"no section on {name}"
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| ([^|]+) \|$", section[1], flags=re.M)
    assert len(rows) == len({field for field, _, _ in rows})
    return {field: left_out for field, _, left_out in rows}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described_and_no_other(model):
    assert set(described(model.__name__)) == set(model.model_fields)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_needed_fields_are_called_needed(model):
    for field, left_out in described(model.__name__).items():
        required = model.model_fields[field].is_required()
        if left_out in ("by place", "by itself"):
            continue
        assert (left_out == "needed") == required, field


def test_every_record_has_its_section():
    sections = set(re.findall(r"^### (\w+)$", README, flags=re.M))
    assert sections == {model.__name__ for model in MODELS}
    written = {
        model
        for module in (record, register, curve, values)
        for model in vars(module).values()
        if isinstance(model, type) and hasattr(model, "model_fields")
    }
    written -= {values.Record, values.SourceRef, values.BaseModel}
    assert written <= set(MODELS)


def test_it_begins_as_a_chapter():
    assert README.startswith("# Data dictionary\n")
    assert len(re.findall(r"^# ", re.sub(r"```.*?```", "", README, flags=re.S), re.M)) == 1


def test_the_example_loads_as_it_stands(tmp_path):
    root = tmp_path / "data"
    for folder in ("trials", "curves"):
        (root / folder).mkdir(parents=True)
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, flags=re.S):
        (root / name).write_text(text, encoding="utf-8")
    table = re.search(r"```text\n(arm,kind,time,value\n.*?)```", README, flags=re.S)
    (root / "curves" / "Example_whole_2020.csv").write_text(table[1], encoding="utf-8")
    result = evidence.load(root)["Example"].cohort("whole").result()
    assert result.hr.estimate.text == "0.52"
    assert result.followup.median.text == "18.5"
    arms = evidence.curves("Example", "whole", "2020", root).arms
    assert [len(arm.time) for arm in arms.values()] == [3, 2]
