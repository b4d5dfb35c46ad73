"""Tables print each number by its kind, mark what was not read, and save what they show."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from oligomdt import analysis, evidence
from oligomdt.evidence import NotReached, NotReported
from oligomdt.figures import tables


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book's folder with a chapter's working directory in it."""
    for name in ("_config.yml", "_toc.yml"):
        (tmp_path / name).write_text("")
    chapter = tmp_path / "book" / "trials"
    chapter.mkdir(parents=True)
    monkeypatch.chdir(chapter)
    return tmp_path


def parsed(styler):
    return BeautifulSoup(styler._repr_html_(), "html.parser")


def cells(styler):
    return [
        [cell.get_text(strip=True) for cell in row.find_all(["th", "td"])]
        for row in parsed(styler).select("tbody tr")
    ]


def test_numbers_are_printed_by_the_kind_of_their_column():
    frame = pd.DataFrame(
        {
            "label": ["A"],
            "hr": [0.815],
            "log_hr": [-0.20456],
            "k": [3],
            "p": [0.00004],
            "p_benefit": [0.9987],
            "met": [1.0],
            "value": [43.2189],
        }
    )
    shown = cells(tables.table(frame, "Numbers.", "numbers"))
    assert shown == [["A", "0.82", "-0.205", "3", "<0.001", "more than 99 %", "100 %", "43.2"]]


def test_absent_values_keep_their_meaning():
    frame = pd.DataFrame({"label": ["A", "B", "C"], "value": [NotReported, NotReached, np.nan]})
    styler = tables.table(frame, "Absent.", "absent")
    assert [row[1] for row in cells(styler)] == ["not reported", "not reached", "–"]
    words = parsed(styler).select("td.not-reported")
    assert [cell.get_text() for cell in words] == ["not reported", "not reached"]


def test_a_row_that_was_not_read_is_marked_at_its_estimate():
    for estimate in ("hr", "ratio"):
        frame = pd.DataFrame(
            {estimate: [0.5, 0.7], "low": [0.4, 0.6], "checked": [True, False]}
        )
        shown = cells(tables.table(frame, "Numbers.", "numbers"))
        assert shown == [["0.50", "0.40"], ["0.70†", "0.60"]]


def test_the_ratio_of_the_two_cancers_is_marked_where_it_holds_an_unread_trial():
    contrasts = analysis.interaction(analysis.published_estimates())
    checked = contrasts.groupby("contrast")["checked"].first().to_dict()
    assert checked == {"all trials": False, "between trials": False, "within CURB": True}


def test_stated_values_are_shown_as_printed():
    arm = evidence.load()["CURB"].cohort("NSCLC").result().arms["experimental"]
    frame = pd.DataFrame({"what": ["median"], "stated": [arm.median], "ci": [arm.median_ci]})
    assert cells(tables.table(frame, "Stated.", "stated")) == [
        ["median", "10.0", "7.2 to not reached"]
    ]


def test_unread_hazard_ratio_carries_a_dagger_that_the_caption_explains():
    estimates = analysis.published_estimates()
    columns = dict.fromkeys(["label", "hr"], "")
    styler = tables.table(estimates, "Hazard ratios.", "ratios", columns)
    marked = {row[0] for row in cells(styler) if row[1].endswith("†")}
    assert marked == {"Iyengar (2018)", "SABR-COMET (2019)"}
    assert "† not read in its source" in parsed(styler).caption.get_text()
    checked = tables.table(estimates[estimates["checked"]], "Hazard ratios.", "read", columns)
    assert "†" not in checked._repr_html_()


def test_header_cells_say_what_they_head():
    frame = pd.DataFrame({"label": ["A", "B"], "hr": [0.5, 0.7]})
    page = parsed(tables.table(frame, "Scope.", "scope"))
    assert [th["scope"] for th in page.select("thead th")] == ["col", "col"]
    assert [th.get_text() for th in page.select("thead th")] == ["Trial", "HR"]
    assert [th.get_text() for th in page.select("tbody th[scope=row]")] == ["A", "B"]
    assert page.table["id"] == "T_scope"
    assert len(page.select("td.number")) == 2


def test_columns_are_chosen_and_renamed():
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    page = parsed(tables.table(frame, "Chosen.", "chosen", {"c": "Third", "a": ""}))
    assert [th.get_text() for th in page.select("thead th")] == ["Third", "A"]


def test_text_is_escaped_and_the_same_each_time():
    frame = pd.DataFrame({"what": ["p < 0.05 & <b>"]})
    text = tables.table(frame, "A <caption>.", "escaped")._repr_html_()
    assert "<b>" not in text and "<caption>." not in text
    assert text == tables.table(frame, "A <caption>.", "escaped")._repr_html_()


@pytest.mark.parametrize(
    ("frame", "columns", "words"),
    [
        (pd.DataFrame({"a": []}), None, "table 'bad' has no row"),
        (pd.DataFrame({"a": [1]}), {"b": ""}, "table 'bad': no column 'b'"),
    ],
)
def test_bad_tables_are_refused(frame, columns, words):
    with pytest.raises(ValueError, match=words):
        tables.table(frame, "Bad.", "bad", columns)


def test_saved_file_holds_the_frame_unrounded(book):
    frame = pd.DataFrame({"label": ["A"], "hr": [0.123456789], "n": [NotReported]})
    file = tables.save(frame, "some_result")
    assert file == book / "_build" / "results" / "some_result.csv"
    back = pd.read_csv(file)
    assert back["hr"].iloc[0] == pytest.approx(0.123456789, rel=1e-9)
    assert back["n"].iloc[0] == "not reported"


@pytest.mark.parametrize(
    ("frame", "name", "words"),
    [
        (pd.DataFrame({"a": []}), "empty", "no row to save"),
        (pd.DataFrame({"a": [1]}), "../escape", "letters, digits"),
    ],
)
def test_bad_files_are_refused(book, frame, name, words):
    with pytest.raises(ValueError, match=words):
        tables.save(frame, name)
