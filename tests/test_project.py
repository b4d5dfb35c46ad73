"""What the project says of itself in several places is the same everywhere."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT

import oligomdt


def pins(name):
    """Return the exact versions that a requirements file asks for."""
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line and not line.startswith("-"):
            package, version = line.split("==")
            found[re.sub(r"[-_.]+", "-", package).lower()] = version
    return found


def test_every_requirement_is_pinned_to_the_version_of_the_constraints():
    constraints = pins("constraints.txt")
    requirements = pins("requirements.txt")
    assert requirements
    assert requirements.items() <= constraints.items()


def test_requirements_cover_what_the_package_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    assert names <= pins("constraints.txt").keys()


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == oligomdt.__version__ == citation["version"]


def test_citation_has_the_fields_that_its_format_requires():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"] and citation["title"] and citation["authors"]
    assert citation["license"] == "MIT"


@pytest.mark.parametrize("target", ["book", "test", "lint", "figures", "clean"])
def test_make_has_the_targets_that_are_documented(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "name", sorted(file.name for file in (ROOT / ".github").rglob("*.yml"))
)
def test_workflows_are_least_privilege_and_pinned(name):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job.get("steps", []):
            assert re.search(r"@v\d", step.get("uses", "@v1")), step


def test_readme_example_runs():
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["time"]) == len(names["event"]) == 40
