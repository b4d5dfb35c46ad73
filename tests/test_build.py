"""The book follows its data: no page keeps a number that is no longer in `data/`."""

import shutil

import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT, build_book, load_freshness

# A page that shows stated values and reconstructs nothing, and a value that it shows.
PAGE = "book/question"
FILE = "trials/gomez.yaml"
STATED, CHANGED = "0.35", "0.36"


@pytest.fixture
def project(tmp_path):
    """A copy of the project that renders one chapter."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for folder in ("book", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"format": "jb-book", "root": PAGE}))
    for name in ("constraints.txt", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "oligomdt").mkdir()
    return tmp_path


def article(site):
    page = BeautifulSoup((site / f"{PAGE}.html").read_text(encoding="utf-8"), "html.parser")
    return page.find("article").get_text(" ")


def test_changing_a_number_in_the_data_changes_the_page(site, project):
    before = article(site)
    file = project / "data" / FILE
    text = file.read_text(encoding="utf-8")
    assert f"estimate: {STATED}\n" in text
    file.write_text(text.replace(f"estimate: {STATED}\n", f"estimate: {CHANGED}\n"))

    # The other chapters are left out, so links to them have no target: no error here.
    after = article(build_book(project, options=(), OLIGOMDT_DATA=str(project / "data")))

    assert STATED in before
    assert CHANGED not in before
    assert CHANGED in after


def test_a_rendered_book_is_fresh_only_while_its_inputs_are_unchanged(tmp_path, monkeypatch):
    monkeypatch.delenv("OLIGOMDT_DATA", raising=False)
    freshness = load_freshness()
    for name in ("book/page.md", "oligomdt/module.py", "data/trials/one.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("one\n")
    assert not freshness.is_fresh(tmp_path)

    (tmp_path / "_build").mkdir()
    (tmp_path / "_build" / freshness.STAMP).write_text(freshness.fingerprint(tmp_path))
    assert freshness.is_fresh(tmp_path)

    cache = tmp_path / "oligomdt" / "__pycache__"
    cache.mkdir()
    (cache / "module.pyc").write_text("compiled")
    assert freshness.is_fresh(tmp_path)

    for name in ("book/page.md", "oligomdt/module.py", "data/trials/one.yaml"):
        (tmp_path / name).write_text("two\n")
        assert not freshness.is_fresh(tmp_path), name
        (tmp_path / name).write_text("one\n")
        assert freshness.is_fresh(tmp_path)

    (tmp_path / "data" / "trials" / "one.yaml").rename(
        tmp_path / "data" / "trials" / "two.yaml"
    )
    assert not freshness.is_fresh(tmp_path)


def test_another_data_folder_makes_the_book_stale(tmp_path, monkeypatch):
    freshness = load_freshness()
    for name in ("data", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trial.yaml").write_text(name)
    monkeypatch.delenv("OLIGOMDT_DATA", raising=False)
    own = freshness.fingerprint(tmp_path)
    monkeypatch.setenv("OLIGOMDT_DATA", str(tmp_path / "other"))
    assert freshness.fingerprint(tmp_path) != own
