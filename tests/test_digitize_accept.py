"""From a figure into the data folder: only when accepted, checked, both files or none."""

import csv
import datetime
import json

import leukaemia
import numpy as np
import pytest
import yaml

from oligomdt import analysis, cli, evidence, survival
from oligomdt.digitize import DigitizeError, digitize, saved

NAMES = ["--experimental", "6-MP", "--control", "Placebo"]
SAID = ["--label", "Figure 1", "--by", "A. Reader"]
WHERE = ["--trial", "Remission", "--cohort", "whole"]


@pytest.fixture(scope="module")
def figure(tmp_path_factory):
    path = tmp_path_factory.mktemp("figure") / "remission.pdf"
    leukaemia.draw().savefig(path)
    return path


@pytest.fixture(scope="module")
def reading(figure):
    return saved.saved(digitize(figure), saved.digest(figure.read_bytes()))


@pytest.fixture
def data(tmp_path):
    return leukaemia.data_folder(tmp_path / "data")


@pytest.fixture
def run(figure, data, capsys):
    """Run the command on the figure; return status, output and error."""

    def call(*words, file=figure):
        status = cli.main(["digitize", str(file), "--data", str(data), *map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def changed(reading, tmp_path, **changes):
    """A file as the page saves it, with changes by path, such as `arms.0.role`."""
    content = reading.model_dump(mode="json")
    for path, value in changes.items():
        *steps, last = (int(s) if s.isdigit() else s for s in path.split("__"))
        place = content
        for step in steps:
            place = place[step]
        place[last] = value
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


ROLES = {"arms__0__role": "experimental", "arms__1__role": "control", "by": "B. Reader"}


def curve_files(data):
    folder = data / "curves"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


# ------------------------------------------------------------------ what is written


def test_accepted_coordinates_are_those_of_the_figure(run, data):
    status, out, err = run(*WHERE, *NAMES, *SAID, "--accept")
    assert (status, err) == (0, "")
    assert "Remission-1990 now rests on this figure" in out
    assert curve_files(data) == ["Remission_whole_1990.csv", "Remission_whole_1990.yaml"]
    arms = evidence.curves("Remission", "whole", "1990", data).arms
    for role, own in leukaemia.patients().groupby("arm"):
        km = survival.km(own)
        at = np.searchsorted(arms[role].time, km["time"] * leukaemia.WEEK + 1e-3) - 1
        np.testing.assert_allclose(arms[role].surv[at], km["surv"], atol=1e-5)
        table = [(own["time"] >= week).sum() for week in leukaemia.TIMES]
        np.testing.assert_array_equal(arms[role].risk_n, table)
        weeks = np.array(leukaemia.TIMES) * leukaemia.WEEK
        np.testing.assert_allclose(arms[role].risk_time, weeks, atol=1e-6)
        marks = own.loc[own["event"] == 0, "time"].sort_values() * leukaemia.WEEK
        read = arms[role].censor_time
        np.testing.assert_allclose([] if read is None else read, marks, atol=1e-3)


def test_files_are_named_as_seen_from_here(run, data, monkeypatch):
    monkeypatch.chdir(data.parent)
    _, out, _ = run(*WHERE, *NAMES, *SAID, "--accept")
    assert f"wrote {data.name}/curves/Remission_whole_1990.csv" in out
    assert str(data) not in out


def test_the_origin_says_where_it_came_from(run, figure, data):
    run(*WHERE, *NAMES, *SAID, "--accept")
    text = (data / "curves" / "Remission_whole_1990.yaml").read_text(encoding="utf-8")
    origin = yaml.safe_load(text)
    assert origin["source"] == "article"  # the one the report cites
    assert (origin["figure"], origin["panel"]) == ("Figure 1", "none")
    assert origin["digitised_by"] == "A. Reader"
    assert origin["digitised_on"] == datetime.date.today()
    assert origin["xmax"] == pytest.approx(36 * leukaemia.WEEK, rel=1e-5)
    point = 36 * leukaemia.WEEK / (0.76 * 6 * 72)
    assert origin["resolution"].startswith(f"vector; one point is {point:.3g} months and ")
    for words in (
        saved.digest(figure.read_bytes()),
        "experimental is '6-MP' there",
        "weeks turned into months",
    ):
        assert words in origin["settings"]
    assert "note" not in origin


def test_both_corners_of_a_drop_are_written(run, data):
    run(*WHERE, *NAMES, *SAID, "--accept")
    with (data / "curves" / "Remission_whole_1990.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "point"]
    control = [(float(r["time"]), float(r["value"])) for r in rows if r["arm"] == "control"]
    week = round(leukaemia.WEEK, 4)
    first = [(round(time, 4), round(surv, 4)) for time, surv in control[:3]]
    assert first == [(0, 1), (week, 1), (week, round(19 / 21, 4))]


def test_the_cohort_then_rests_on_its_figure(run, data):
    run(*WHERE, *NAMES, *SAID, "--accept")
    result = evidence.load(data)["Remission"].cohort("whole").result()
    found = analysis.reconstruct(result, data)
    assert found.basis == "figure"
    truth = leukaemia.patients()
    truth["time"] *= leukaemia.WEEK
    ours, true = survival.cox(found.point), survival.cox(truth)
    assert ours.log_hr == pytest.approx(true.log_hr, abs=0.005)
    assert "Figure 1, panel none, of article" in found.assumptions[0]


def test_an_image_is_reconstructed_at_the_size_of_its_pixels(run, data, tmp_path, monkeypatch):
    image = tmp_path / "remission.png"
    leukaemia.draw().savefig(image, dpi=150)
    run(*WHERE, *NAMES, *SAID, "--accept", file=image)
    curve = evidence.curves("Remission", "whole", "1990", data)
    month, share = curve.origin.pixel
    week, level = digitize(image).resolution
    assert (month, share) == pytest.approx((week * leukaemia.WEEK, level), rel=0.01)
    seen = []
    real = analysis.reconstruction.reconstructkm.reconstruct_figure

    def reconstruct_figure(*given, **known):
        seen.append(known["resolution"])
        return real(*given, **known)

    monkeypatch.setattr(
        analysis.reconstruction.reconstructkm, "reconstruct_figure", reconstruct_figure
    )
    result = evidence.load(data)["Remission"].cohort("whole").result()
    found = analysis.reconstruct(result, data)
    assert seen == [(month, share)]
    truth = leukaemia.patients()
    assert survival.cox(found.point).log_hr == pytest.approx(
        survival.cox(truth).log_hr, abs=0.05
    )


def test_check_passes_and_shows_the_curve(run, data, capsys):
    run(*WHERE, *NAMES, *SAID, "--accept")
    assert cli.main(["check", "--data", str(data)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "Figure 1, none" in captured.out
    assert "1 digitised curves" in captured.out


def test_a_saved_page_is_accepted_with_its_corrections(run, reading, data, tmp_path):
    file = changed(reading, tmp_path, **ROLES, arms__1__counts__7=None, arms__0__name="MP")
    status, out, err = run(*WHERE, "--label", "Figure 1", "--accepted", file)
    assert (status, err) == (0, "")
    curve = evidence.curves("Remission", "whole", "1990", data)
    assert len(curve.arms["control"].risk_time) == 7
    assert curve.origin.digitised_by == "B. Reader"
    assert "corrected by hand: names of the arms" in curve.origin.settings
    assert "corrected by hand: numbers at risk" in curve.origin.settings
    assert "corrected by hand: time axis" not in curve.origin.settings


def test_a_corrected_axis_moves_curve_and_marks(reading, tmp_path):
    (first, _), (last, weeks) = reading.x_axis.points
    double = [[first, 0], [last, 2 * weeks]]
    roles = ROLES | {"x_axis__points": double}
    plain = saved.accepted(saved.load(changed(reading, tmp_path, **ROLES)))
    moved = saved.accepted(saved.load(changed(reading, tmp_path, **roles)))
    for role in saved.ROLES:
        one, two = plain.arms[role], moved.arms[role]
        np.testing.assert_allclose(two.time, 2 * one.time, atol=1e-3)
        np.testing.assert_allclose(two.censor_time, 2 * one.censor_time, atol=1e-3)
        np.testing.assert_array_equal(two.surv, one.surv)
        assert two.risk == one.risk  # its times are fields of their own
    assert moved.xmax == pytest.approx(2 * plain.xmax)


def test_percent_is_turned_into_proportions(reading):
    plain = reading.y_axis.value([100.0, 150.0])
    points = tuple((position, 100 * value) for position, value in reading.y_axis.points)
    percent = saved.Scale(points=points, percent=True)
    np.testing.assert_allclose(percent.value([100.0, 150.0]), plain)
    assert percent.step == pytest.approx(reading.y_axis.step)


def test_what_is_saved_and_loaded_is_the_same(reading, tmp_path):
    assert saved.load(changed(reading, tmp_path)) == reading
    assert reading.changes() == []


# ------------------------------------------------------------------ what is refused


REFUSED = {
    "no acceptance": ([*WHERE, *NAMES, *SAID], "nothing is written without acceptance"),
    "roles alone": (NAMES, "--experimental, --control: nothing is written without acceptance"),
    "no trial": ([*NAMES, *SAID, "--accept"], "--trial and --cohort"),
    "unknown trial": (
        ["--trial", "Curb", "--cohort", "whole", *NAMES, *SAID, "--accept"],
        "the trials are Remission",
    ),
    "unknown cohort": (
        ["--trial", "Remission", "--cohort", "breast", *NAMES, *SAID, "--accept"],
        "the cohorts of Remission are whole",
    ),
    "unknown report": (
        [*WHERE, "--report", "1970", *NAMES, *SAID, "--accept"],
        "has results in 1990",
    ),
    "no roles": ([*WHERE, *SAID, "--accept"], "no arm is the control arm; the arms are '6-MP'"),
    "one role": (
        [*WHERE, *SAID, "--control", "Placebo", "--accept"],
        "no arm is the experimental arm",
    ),
    "unknown arm": (
        [*WHERE, *SAID, "--control", "placebo", "--experimental", "6-MP", "--accept"],
        "--control 'placebo': the arms are called '6-MP', 'Placebo'",
    ),
    "one arm twice": (
        [*WHERE, *SAID, "--control", "6-MP", "--experimental", "6-MP", "--accept"],
        "the same arm",
    ),
    "no name of the figure": (
        [*WHERE, *NAMES, "--by", "A", "--accept"],
        "--label is missing",
    ),
    "nobody": ([*WHERE, *NAMES, "--label", "Figure 1", "--accept"], "--by is missing"),
    "unknown source": (
        [*WHERE, *NAMES, *SAID, "--source", "articl", "--accept"],
        "did you mean `article`?",
    ),
    "arms exchanged": (
        [*WHERE, *SAID, "--control", "6-MP", "--experimental", "Placebo", "--accept"],
        "control arm: the median is stated as 1.8, but the curve is above 0.5 at 5.29",
    ),
    "two things at once": (
        [*WHERE, *NAMES, *SAID, "--accept", "--out", "x"],
        "--accept does not go with --out",
    ),
    "wrong unit": (
        [*WHERE, *NAMES, *SAID, "--unit", "months", "--accept"],
        "the median is stated as 1.8, but the curve is above 0.5 at 8",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_is_written_when_it_is_refused(run, data, kind):
    words, message = REFUSED[kind]
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert curve_files(data) == []
    assert not (data / "curves").exists()


def test_files_that_are_there_are_not_overwritten(run, data):
    words = [*WHERE, *NAMES, *SAID, "--accept"]
    run(*words)
    before = (data / "curves" / "Remission_whole_1990.yaml").read_bytes()
    status, _, err = run(*words)
    assert status == 2
    assert "exists already; nothing is overwritten" in err
    assert (data / "curves" / "Remission_whole_1990.yaml").read_bytes() == before


def test_a_note_accepts_what_contradicts_and_check_shows_it(run, data, capsys):
    trial = data / "trials" / "remission.yaml"
    trial.write_text(trial.read_text().replace("median: 1.8", "median: 2.9"))
    words = [*WHERE, *NAMES, *SAID, "--accept"]
    assert "stated as 2.9, but the curve is below 0.5 at 1.84" in run(*words)[2]
    status, out, _ = run(*words, "--note", "the text has another median than its figure")
    assert status == 0
    assert "conflict: control arm: the median is stated as 2.9" in out
    assert cli.main(["check", "--data", str(data)]) == 0
    assert "conflict of the curve: control arm: the median" in capsys.readouterr().out


def test_check_refuses_a_contradiction_without_a_note(run, data, capsys):
    run(*WHERE, *NAMES, *SAID, "--accept")
    trial = data / "trials" / "remission.yaml"
    trial.write_text(trial.read_text().replace("surv: 0.63", "surv: 0.70"))
    assert cli.main(["check", "--data", str(data)]) == 1
    err = capsys.readouterr().err
    assert "survival at 4.0 is stated as 0.70, but the curve is at 0.627" in err
    assert "`note`" in err


def test_check_warns_of_events_that_the_curve_does_not_allow(run, data, capsys):
    run(*WHERE, *NAMES, *SAID, "--accept")
    trial = data / "trials" / "remission.yaml"
    trial.write_text(trial.read_text().replace("n: 21, events: 9", "n: 21, events: 12"))
    assert cli.main(["check", "--data", str(data)]) == 0
    err = capsys.readouterr().err
    assert "warning: Remission-1990, experimental arm: 12 events were stated" in err


def test_n_is_compared_with_the_numbers_at_risk(run, data):
    trial = data / "trials" / "remission.yaml"
    text = trial.read_text().replace("{name: placebo, n: 21", "{name: placebo, n: 22")
    trial.write_text(text)
    status, _, err = run(*WHERE, *NAMES, *SAID, "--accept")
    assert status == 2
    assert "control arm: n is stated as 22, but 21 are at risk at time 0" in err


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("risk_time__5", 250, "stand at 57.4949 months, but the time axis ends at 8.27926"),
        ("arms__0__name", "Placebo", "2 arm(s) are called 'Placebo'; name each"),
        ("arms__0__name", " ", "1 arm(s) are called ' '; name each"),
        ("arms__0__confidence", float("nan"), "arms/0/confidence"),
    ],
)
def test_slips_on_the_page_are_refused(path, value, message, run, reading, data, tmp_path):
    file = changed(reading, tmp_path, **ROLES, **{path: value})
    status, _, err = run(*WHERE, "--label", "Figure 1", "--accepted", file)
    assert status == 2 and message in err
    assert curve_files(data) == []


def test_the_saved_page_of_another_panel_is_refused(run, reading, data, tmp_path):
    file = changed(reading, tmp_path, **ROLES)
    words = [*WHERE, "--label", "F", "--accepted", file]
    for option, given in (("panel", "B"), ("page", "2")):
        status, _, err = run(*words, f"--{option}", given)
        assert status == 2
        assert f"--{option} {given}, but" in err and f"holds {option} 1: leave" in err
    assert run(*words, "--panel", "1", "--page", "1")[0] == 0


def test_the_saved_page_of_another_figure_is_refused(run, reading, data, tmp_path):
    other = tmp_path / "other.pdf"
    leukaemia.draw(names=("A", "B")).savefig(other)
    file = changed(reading, tmp_path, **ROLES)
    status, _, err = run(*WHERE, "--label", "F", "--accepted", file, file=other)
    assert status == 2
    assert "was saved for another file" in err
    assert curve_files(data) == []


def test_options_of_reading_do_not_go_with_a_saved_page(run, reading, tmp_path):
    file = changed(reading, tmp_path, **ROLES)
    status, _, err = run(*WHERE, "--label", "F", "--accepted", file, "--unit", "days")
    assert status == 2
    assert "--accepted does not go with --unit" in err


BAD = {
    "unknown role": ({"arms__0__role": "MDT"}, "arms/0/role"),
    "same role": ({"arms__1__role": "experimental"}, "no arm is the control arm"),
    "no unit": ({"x_axis__unit": None}, "unit of the time axis"),
    "flat axis": ({"x_axis__points": [[1, 0], [1, 5]]}, "two different positions"),
    "survival above 1": (
        {"y_axis__points": [[231.84, 0], [26.0, 2]]},
        "survival of 'Placebo' is 2, outside of what is possible",
    ),
    "time runs back": ({"x_axis__points": [[60, 35], [404, 0]]}, "runs back in time"),
    "a row too short": ({"arms__1__counts": [21]}, "1 numbers at risk for 8 times"),
    "half a patient": ({"arms__1__counts__0": 20.5}, "arms/1/counts/0"),
    "more at risk than patients": ({"arms__1__counts__1": 22}, "22 at risk exceed n 21"),
    "unknown field": ({"extra": 1}, "extra"),
    "another version": ({"version": 2}, "version"),
    "another format": ({"format": "x"}, "was not saved from the page"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_saved_file_gives_one_clear_error(run, reading, data, tmp_path, kind):
    changes, message = BAD[kind]
    file = changed(reading, tmp_path, **(ROLES | changes))
    status, out, err = run(*WHERE, "--label", "F", "--accepted", file)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert curve_files(data) == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', "\x00", "[" * 100_000])
def test_a_file_that_is_no_saved_page_is_refused(tmp_path, text):
    file = tmp_path / "saved.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DigitizeError, match="saved.json (is not JSON|was not saved)"):
        saved.load(file)


def test_a_write_that_fails_leaves_nothing(run, data, monkeypatch):
    import oligomdt.evidence.acceptance as acceptance

    moves = []

    def replace(source, target):
        moves.append(target)
        if len(moves) == 2:
            raise OSError(28, "No space left on device")
        source.rename(target)

    monkeypatch.setattr(acceptance.os, "replace", replace)
    status, _, err = run(*WHERE, *NAMES, *SAID, "--accept")
    assert status == 2
    assert "No space left" in err
    assert not (data / "curves").exists()


# ------------------------------------------------------------------ stated against read


def contradictions_of(data, points, resolution="vector", **changes):
    """What is found against an invented control curve; the other arm is as stated."""
    text = (data / "trials" / "remission.yaml").read_text()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (data / "trials" / "remission.yaml").write_text(text)
    folder = data / "curves"
    folder.mkdir()
    rows = [("control", *point) for point in points]
    rows += [("experimental", 0, 1), ("experimental", 5.3, 0.5)]
    lines = [f"{arm},point,{time},{surv}" for arm, time, surv in rows]
    name = folder / "Remission_whole_1990"
    name.with_suffix(".csv").write_text("\n".join(["arm,kind,time,value", *lines]))
    origin = {"source": "article", "figure": "1", "panel": "none", "digitised_by": "A"}
    origin |= {"digitised_on": datetime.date(2026, 1, 1), "resolution": resolution}
    origin |= {"settings": "none", "xmax": 10}
    name.with_suffix(".yaml").write_text(yaml.safe_dump(origin))
    result = evidence.load(data)["Remission"].cohort("whole").result()
    return evidence.contradictions(result, evidence.curves("Remission", "whole", "1990", data))


MEDIAN = {
    "on the drop": ([(0, 1), (1.8, 1), (1.8, 0.4)], "1.8", ""),
    "within the rounding": ([(0, 1), (1.849, 1), (1.849, 0.4)], "1.8", ""),
    "beyond the rounding": ([(0, 1), (1.87, 1), (1.87, 0.4)], "1.8", "above 0.5 at 1.87"),
    "between sparse points": ([(0, 1), (1, 0.7), (4, 0.3)], "1.8", ""),
    "after sparse points": ([(0, 1), (1, 0.4)], "1.8", "below 0.5 at 1"),
    "anywhere on a plateau at a half": ([(0, 1), (1, 0.5), (4, 0.5), (4, 0.2)], "1.8", ""),
    "not reached and is not": ([(0, 1), (9, 0.6)], "not reached", ""),
    "not reached but is": ([(0, 1), (3, 0.4)], "not reached", "stated as not reached"),
    "after the end of the curve": ([(0, 1), (1, 0.6)], "1.8", ""),
    "not reported": ([(0, 1), (1, 0.1)], "not reported", ""),
}


@pytest.mark.parametrize("kind", MEDIAN)
def test_a_median_is_compared_with_all_curves_that_the_points_allow(data, kind):
    points, median, words = MEDIAN[kind]
    found = contradictions_of(data, points, median=("median: 1.8", f"median: {median}"))
    assert len(found) == bool(words)
    assert all(text.startswith("control arm") and words in text for text in found)


@pytest.mark.parametrize(("pixels", "count"), [("vector", 1), ("100 x 50 pixels", 0)])
def test_the_slack_is_one_pixel(data, pixels, count):
    points = [(0, 1), (1.9, 1), (1.9, 0.4)]  # 0.05 after the rounding of 1.8, a pixel is 0.1
    assert len(contradictions_of(data, points, pixels)) == count


def test_a_mark_at_a_column_of_the_table_stays_there(run, reading, data, tmp_path):
    """The noise of a file's digits must not move a patient from one column to the next."""
    marks = np.array(reading.arms[0].censor_x)
    for shift in (-1e-3, 1e-3):
        moved = changed(reading, tmp_path, **ROLES, arms__0__censor_x=list(marks + shift))
        arm = saved.accepted(saved.load(moved)).arms["experimental"]
        columns = {time for time, _ in arm.risk}
        assert sum(time in columns for time in arm.censor_time) == 4  # weeks 10, 20, 25, 35


def test_the_resolution_of_an_image_is_its_pixels(reading):
    image = reading.model_copy(update={"kind": "raster"})
    found = saved.accepted(saved.with_roles(image, control="Placebo", experimental="6-MP"))
    assert found.resolution.startswith("328 x 212 pixels; one pixel is ")
