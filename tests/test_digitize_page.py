"""The page that checks a reading: used in a browser as somebody would, from the disk."""

import base64
import json
import re

import leukaemia
import pytest
from test_browser import serious

from oligomdt import cli, evidence
from oligomdt.digitize import check_page, digitize, saved

NASTY = """<b>"6&MP'</script><script>document.title = 'ran'</script>"""


@pytest.fixture(scope="module")
def figure(tmp_path_factory):
    path = tmp_path_factory.mktemp("figure") / "remission.svg"
    leukaemia.draw().savefig(path)
    return path


@pytest.fixture(scope="module")
def read(figure):
    return digitize(figure)


@pytest.fixture(scope="module")
def text(figure, read):
    return check_page.html(read, saved.digest(figure.read_bytes()))


@pytest.fixture
def opened(browser, tmp_path, text):
    """A function that opens a page from the disk; whatever goes wrong on it is a failure."""
    contexts, wrong = [], []

    def call(content=text, **settings):
        file = tmp_path / "page.html"
        file.write_text(content, encoding="utf-8")
        context = browser.new_context(reduced_motion="reduce", **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:")) or wrong.append(request.url)
            ),
        )
        page.goto(file.as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert wrong == []


def save(page, tmp_path):
    """Press Save; return the file and what it holds."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save", exact=True).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    return file, json.loads(file.read_text(encoding="utf-8"))


# ------------------------------------------------------------------ the file


def test_the_page_needs_nothing_else(text):
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert "http:" not in text.replace("http://www.w3.org", "")
    assert "https:" not in text
    assert "default-src 'none'" in text


def test_the_figure_in_it_is_drawn_anew(text):
    (image,) = re.findall(r'href="data:image/svg\+xml;base64,([^"]+)"', text)
    svg = base64.b64decode(image).decode()
    for words in ("Remission-free survival", "Number at risk", "rgb(31,119,180)"):
        assert words in svg
    assert "<script" not in svg and "href" not in svg


def test_an_image_is_cut_to_the_panel(read):
    import numpy as np
    from PIL import Image

    from oligomdt.digitize.drawing import Drawing

    height, width = 600, 700
    picture = np.zeros((height, width, 3), np.uint8)
    drawing = Drawing("raster", width, height, image=picture, source="f.png")
    text = check_page.html(replaced(read, drawing=drawing), "0" * 64)
    (image,) = re.findall(r'href="data:image/png;base64,([^"]+)"', text)
    import io

    size = Image.open(io.BytesIO(base64.b64decode(image))).size
    view = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', text).groups()
    assert size == tuple(int(float(side)) for side in view)


def replaced(read, **changes):
    from dataclasses import replace

    return replace(read, **changes)


def renamed(read, name):
    """The reading with another name of its first arm, wherever it stands."""
    from dataclasses import replace

    arms = (replace(read.arms[0], name=name, notes=(name,)), *read.arms[1:])
    counts = dict(zip((arm.name for arm in arms), read.risk_table.counts.values(), strict=True))
    table = replace(read.risk_table, counts=counts)
    return replaced(read, arms=arms, risk_table=table, warnings=(name,))


# ------------------------------------------------------------------ in a browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(opened, scheme):
    page = opened(color_scheme=scheme, viewport={"width": 1200, "height": 900})
    assert serious(page) == []


def test_the_page_fits_a_phone(opened):
    page = opened(viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_unchanged_it_saves_what_was_read(opened, tmp_path, figure, read):
    file, content = save(opened(), tmp_path)
    assert file.name == "remission.checked.json"
    assert saved.load(file) == saved.saved(read, saved.digest(figure.read_bytes()))


def test_a_changed_name_is_in_the_saved_file(opened, tmp_path):
    page = opened()
    page.get_by_label("Name of arm 1").fill("Mercaptopurine")
    assert page.locator('#figure [data-name-of="0"]').text_content() == "Mercaptopurine"
    assert page.locator('#risk [data-name-of="0"]').text_content() == "Mercaptopurine"
    _, content = save(page, tmp_path)
    assert [arm["name"] for arm in content["arms"]] == ["Mercaptopurine", "Placebo"]
    assert content["as_read"]["names"] == ["6-MP", "Placebo"]


def test_it_works_by_keyboard_and_is_accepted(opened, tmp_path, figure, capsys):
    page = opened()
    for label, keys in (
        ("Role of arm 1", "e"),
        ("Role of arm 2", "c"),
        ("Checked by (name or initials)", "K. Board"),
    ):
        page.get_by_label(label).focus()
        page.keyboard.type(keys)
    page.get_by_role("button", name="Save", exact=True).focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert page.get_by_role("status").text_content() == "Saved as remission.checked.json."
    file = tmp_path / "saved.json"
    download.value.save_as(file)
    data = leukaemia.data_folder(tmp_path / "data")
    words = ["--trial", "Remission", "--cohort", "whole", "--label", "Figure 1"]
    words += ["--data", str(data), "--accepted", str(file)]
    assert cli.main(["digitize", str(figure), *words]) == 0
    capsys.readouterr()
    curve = evidence.curves("Remission", "whole", "1990", data)
    assert curve.origin.digitised_by == "K. Board"


def test_every_field_can_be_reached_by_tab(opened):
    page = opened()
    fields = page.locator("input, select, textarea, button").count()
    seen = set()
    for _ in range(fields + 10):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || "
                "document.activeElement.closest('label')?.textContent || "
                "document.activeElement.textContent"
            ).strip()[:40]
        )
    assert {"Save", "Name of arm 2", "At risk, arm 1, time 3", "censoring marks"} <= seen


def test_a_corrected_axis_moves_cross_and_median(opened, tmp_path):
    page = opened()
    assert page.locator('[data-median="1"]').text_content() == "8"
    page.get_by_label("Time axis, second cross: Value as labelled").fill("70")
    assert page.locator('[data-median="1"]').text_content() == "16"
    assert page.locator("#cross-x-1 text").text_content() == "70"
    before = page.locator("#cross-y-0").get_attribute("transform")
    page.get_by_label("Survival axis, first cross: Position down").fill("200")
    assert page.locator("#cross-y-0").get_attribute("transform") != before
    page.get_by_label("Unit").select_option("months")
    page.get_by_label("labelled in percent").check()
    _, content = save(page, tmp_path)
    assert content["x_axis"]["points"][1][1] == 70
    assert content["x_axis"]["unit"] == "months"
    assert content["y_axis"]["points"][0][0] == 200
    assert content["y_axis"]["percent"] is True


def test_numbers_at_risk_can_be_changed_emptied_and_added(opened, tmp_path):
    page = opened()
    page.get_by_label("At risk, arm 1, time 2", exact=True).fill("20")
    page.get_by_label("At risk, arm 2, time 8", exact=True).fill("")
    page.get_by_role("button", name="Add a time").click()
    page.get_by_label("At risk, arm 1, time 9", exact=True).fill("0")
    file, content = save(page, tmp_path)
    assert content["arms"][0]["counts"] == [21, 20, 15, 11, 8, 5, 4, 1, 0]
    assert content["arms"][1]["counts"] == [21, 14, 8, 4, 2, 0, 0, None, None]
    assert content["risk_time"] == pytest.approx([*range(0, 41, 5)])
    assert saved.load(file).changes() == ["numbers at risk"]


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Time axis, first cross: Value as labelled", ""),
        ("At risk, arm 1, time 2", "2.5"),
        ("At risk, arm 1, time 2", "-1"),
        ("Name of arm 1", " "),
    ],
)
def test_an_impossible_value_is_not_saved(opened, label, value):
    page = opened()
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    assert field.get_attribute("aria-invalid") == "true"
    page.get_by_role("button", name="Save", exact=True).click()
    assert "Not saved" in page.get_by_role("status").text_content()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_it_says_what_is_still_missing(opened, tmp_path):
    page = opened()
    page.get_by_label("Role of arm 1").select_option("control")
    save(page, tmp_path)
    said = page.get_by_role("status").text_content()
    assert "still needs: the experimental arm, who checked it" in said


def test_layers_and_size_of_the_figure(opened):
    page = opened()
    page.get_by_label("figure", exact=True).uncheck()
    assert not page.locator('[data-layer="page"]').is_visible()
    assert page.locator('[data-layer="curves"]').is_visible()
    page.get_by_role("button", name="Larger").click()
    assert page.locator("#figure").get_attribute("width") == "1440"


def test_a_name_that_is_a_script_stays_a_name(opened, read, tmp_path):
    page = opened(check_page.html(renamed(read, NASTY), "0" * 64))
    assert page.title().startswith("Check remission.svg")
    assert page.locator("script").count() == 2
    assert page.get_by_label("Name of arm 1").input_value() == NASTY
    assert page.locator(".warnings li").first.text_content() == NASTY
    _, content = save(page, tmp_path)
    assert content["arms"][0]["name"] == NASTY


def test_a_name_that_is_typed_as_a_script_stays_a_name(opened):
    page = opened()
    page.get_by_label("Name of arm 1").fill(NASTY)
    page.get_by_role("button", name="Add a time").click()
    assert page.locator('#risk [data-name-of="0"]').text_content() == NASTY
    assert page.title().startswith("Check remission.svg")
