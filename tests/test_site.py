"""The rendered book as files: complete, linked, readable without the network."""

import csv
import json
import re
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT

# Tags that make a browser fetch something, and the attribute that says from where.
FETCHES = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "embed": "src",
    "link": "href",
}
NOT_A_VALUE = {"", "nan", "none", "inf", "-inf", "nat", "<na>"}


def table_of_contents():
    """Return the names of the pages that _toc.yml lists."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *chapters]


PAGES = table_of_contents()
each_page = pytest.mark.parametrize("name", PAGES)
each_document = pytest.mark.parametrize("name", [*PAGES, "genindex", "search"])


@pytest.fixture(scope="session")
def parsed(site):
    """A function that gives the parsed page of a name, each parsed once."""
    pages = {}

    def get(name):
        if name not in pages:
            text = (site / f"{name}.html").read_text(encoding="utf-8")
            pages[name] = BeautifulSoup(text, "html.parser")
        return pages[name]

    return get


def fetched(page):
    """Yield every address that a browser fetches to show the page."""
    for tag, attribute in FETCHES.items():
        for element in page.find_all(tag):
            if element.get(attribute) and "canonical" not in element.get("rel", []):
                yield element[attribute]


def local_target(site, name, address):
    """Return file and anchor that a local address on a page points to."""
    parts = urlsplit(address)
    here = site / f"{name}.html"
    file = (here.parent / unquote(parts.path)).resolve() if parts.path else here
    return file, unquote(parts.fragment)


def is_local(address):
    return not urlsplit(address).scheme and not address.startswith("//")


def test_toc_lists_the_pages():
    assert len(PAGES) >= 16
    assert len(set(PAGES)) == len(PAGES)


def test_site_holds_the_pages_of_the_toc_and_no_other(site):
    built = {
        file.relative_to(site).with_suffix("").as_posix()
        for file in (site / "book").rglob("*.html")
    }
    assert built == set(PAGES)


def test_site_opens_at_the_first_page(site):
    assert f"url={PAGES[0]}.html" in (site / "index.html").read_text()


@each_document
def test_page_fetches_nothing_from_another_host(parsed, name):
    assert [address for address in fetched(parsed(name)) if not is_local(address)] == []


def test_style_sheets_fetch_nothing_from_another_host(site):
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"(url\(\s*['\"]?|@import\s+['\"])(https?:)?//", text), sheet.name


@each_document
def test_page_finds_every_file_it_fetches(site, parsed, name):
    missing = [
        address
        for address in fetched(parsed(name))
        if is_local(address) and not local_target(site, name, address)[0].is_file()
    ]
    assert missing == []


@each_document
def test_local_links_and_anchors_resolve(site, parsed, name):
    broken = []
    for link in parsed(name).select("a[href]"):
        address = link["href"]
        if not is_local(address) or address == "#":
            continue
        file, anchor = local_target(site, name, address)
        if not file.is_file():
            broken.append(address)
        elif anchor and file.suffix == ".html":
            page = parsed(file.relative_to(site).with_suffix("").as_posix())
            if not page.find(id=anchor) and not page.find(attrs={"name": anchor}):
                broken.append(address)
    assert broken == []


@each_page
def test_figures_say_in_words_what_they_show(parsed, name):
    poor = []
    for image in parsed(name).select("article img, article svg[role=img]"):
        words = image.get("alt") or image.get("aria-label") or ""
        source = image.get("src", "")
        # Without an alt text Sphinx writes the name of the file.
        if len(words) <= 20 or words in source or words.endswith((".svg", ".png")):
            poor.append((source, words))
    assert poor == []


@each_page
def test_page_shows_no_failure(parsed, name):
    article = parsed(name).find("article")
    assert article.select(".output.stderr, .output.traceback, .problematic") == []
    for trace in ("Traceback (most recent call last)", "Warning:", "<Figure size", " at 0x"):
        assert trace not in article.get_text(), trace


@each_page
def test_page_has_a_language_and_one_title(parsed, name):
    page = parsed(name)
    assert page.html["lang"] == "en"
    assert len(page.select("article h1")) == 1
    assert page.title.get_text(strip=True)


@each_page
def test_tables_have_a_header_row(parsed, name):
    for table in parsed(name).select("article table"):
        headers = [cell.get_text(strip=True) for cell in table.select("thead th")]
        assert any(headers), str(table)[:300]


@each_page
def test_linked_data_files_hold_rows(site, parsed, name):
    for link in parsed(name).select("article a.download[href]"):
        file, _ = local_target(site, name, link["href"])
        assert file.is_file(), link["href"]
        if file.suffix == ".csv":
            with file.open(newline="", encoding="utf-8") as stream:
                header, *rows = list(csv.reader(stream))
            assert rows, f"{file.name} has no row"
            assert all(len(row) == len(header) for row in rows), file.name


@each_page
def test_glued_values_are_values(site, parsed, name):
    glued = site.parent / "jupyter_execute" / f"{name}.glue.json"
    if not glued.is_file():
        return
    for key, output in json.loads(glued.read_text()).items():
        plain = output["data"].get("text/plain", "").strip().strip("'\"")
        assert plain.lower() not in NOT_A_VALUE, key
        assert not re.search(r"\bnan\b", plain, flags=re.IGNORECASE), key


def test_math_needs_no_network(site):
    mathjax = site / "_static" / "mathjax"
    assert (mathjax / "tex-chtml.js").is_file()
    assert (mathjax / "LICENSE").is_file()
    assert len(list((mathjax / "output/chtml/fonts/woff-v2").glob("*.woff"))) == 23
