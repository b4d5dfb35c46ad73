"""Every figure shows its frame, its alt text states it, and the frame is the committed one.

`make figures` rewrites tests/figures/*.csv and the picture of the README from the present data.
"""

import importlib
import re
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from oligomdt import analysis, reconstructkm, survival
from oligomdt.figures import (
    agreement,
    benchmark,
    forest,
    km,
    km_panel,
    prior,
    sensitivity,
    validation,
    walkthrough,
)
from oligomdt.figures.picture import picture, save, svg

FOLDER = ROOT / "tests" / "figures"
README_PICTURE = ROOT / "book" / "_static" / "forest.svg"
# Closed forms and quadrature repeat to about 1e-10 on any machine, and the draws of the
# reconstruction are read from data/, not drawn again; the CSV files hold nine digits.
RTOL = 1e-6
PANEL = (
    "CURB-NSCLC",
    "Gomez-2016",
    "Iyengar-2018",
    "CURB-breast",
    "EXTEND-breast",
    "SABR-COMET-2019",
)


def published_forest():
    estimates = analysis.published_estimates()
    synthesis = analysis.histology_synthesis(estimates)
    return forest.forest_data(estimates, synthesis, analysis.interaction(estimates))


def reconstructed_forest():
    estimates = analysis.reconstructed_estimates()
    return forest.forest_data(estimates, analysis.histology_synthesis(estimates))


@cache
def scenarios():
    return analysis.sensitivity()


def known_curves():
    """Curves of a public data set, and of the patients reconstructed from their corners."""
    from lifelines.datasets import load_waltons

    data = load_waltons()
    truth = pd.DataFrame({"time": data["T"].astype(float), "event": data["E"]})
    truth["arm"] = np.where(data["group"] == "control", "experimental", "control")
    points = survival.km(truth)[["arm", "time", "surv"]]
    parts = []
    for arm, own in points.groupby("arm"):
        n = int((truth["arm"] == arm).sum())
        rebuilt = reconstructkm.reconstruct(own["time"], own["surv"], n=n)
        parts.append(pd.DataFrame({"time": rebuilt.time, "event": rebuilt.event, "arm": arm}))
    return walkthrough.walkthrough_data(truth, pd.concat(parts), points, unit="days")


FRAMES = {
    "forest": ("forest", published_forest),
    "forest_reconstructed": ("forest", reconstructed_forest),
    "km": ("km", lambda: km.km_data(analysis.reconstruct("CURB-NSCLC"))),
    "km_panel": (
        "km_panel",
        lambda: km_panel.km_panel_data([analysis.reconstruct(name) for name in PANEL]),
    ),
    "agreement": ("agreement", lambda: agreement.agreement_data(analysis.agreement())),
    "sensitivity_NSCLC": (
        "sensitivity",
        lambda: sensitivity.sensitivity_data(scenarios(), "NSCLC"),
    ),
    "sensitivity_breast": (
        "sensitivity",
        lambda: sensitivity.sensitivity_data(scenarios(), "breast"),
    ),
    "sensitivity_mixed": (
        "sensitivity",
        lambda: sensitivity.sensitivity_data(scenarios(), "mixed"),
    ),
    "prior": (
        "prior",
        lambda: prior.prior_data(analysis.prior_sensitivity(analysis.published_estimates())),
    ),
    "benchmark": ("benchmark", benchmark.benchmark_data),
    "validation": ("validation", validation.validation_data),
    "walkthrough": ("walkthrough", known_curves),
}
each_figure = pytest.mark.parametrize("name", FRAMES)


@cache
def frame_of(name):
    return FRAMES[name][1]()


@cache
def drawn(name):
    module = importlib.import_module(f"oligomdt.figures.{FRAMES[name][0]}")
    return getattr(module, f"draw_{FRAMES[name][0]}")(frame_of(name))


def alt_of(name, frame=None):
    module = importlib.import_module(f"oligomdt.figures.{FRAMES[name][0]}")
    return getattr(module, f"alt_{FRAMES[name][0]}")(frame_of(name) if frame is None else frame)


def committed_rows(name):
    """The rows that are committed: of curves those at whole months, to be read by people."""
    frame = frame_of(name)
    if "draws" in frame:
        frame = frame[(frame["kind"] != "curve") | np.isclose(frame["time"] % 1, 0)]
    return frame.reset_index(drop=True)


def artists(name):
    """The artists that carry a name, by it; a name may stand for several."""
    found = {}
    for artist in drawn(name).findobj(lambda one: one.get_gid() is not None):
        found.setdefault(artist.get_gid(), []).append(artist)
    return found


def one(name, gid):
    (artist,) = artists(name)[gid]
    return artist


# ------------------------------------------------------------------ the frame


@each_figure
def test_frame_is_the_committed_one(name, update_figures):
    file = FOLDER / f"{name}.csv"
    frame = committed_rows(name)
    if update_figures:
        frame.to_csv(file, index=False, float_format="%.9g", lineterminator="\n")
    assert file.is_file(), f"{file.name} is missing: run `make figures` and look at it"
    committed = pd.read_csv(file, keep_default_na=False, dtype=str)
    assert list(committed.columns) == list(frame.columns)
    assert len(committed) == len(frame)
    for column in frame:
        compare(frame[column], committed[column], f"{name}, column {column}")


def compare(present, committed, where):
    if pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present):
        numbers = pd.to_numeric(committed, errors="coerce").to_numpy(float)
        wanted = present.to_numpy(float, na_value=np.nan)
        np.testing.assert_allclose(wanted, numbers, rtol=RTOL, atol=1e-9, err_msg=where)
    else:
        texts = present.astype(object).where(present.notna(), "").astype(str)
        assert texts.tolist() == committed.tolist(), where


def test_every_committed_frame_belongs_to_a_figure():
    assert {file.stem for file in FOLDER.glob("*.csv")} == set(FRAMES)


def test_every_figure_has_its_three_functions_and_a_committed_frame():
    shown = {module for module, _ in FRAMES.values()}
    for file in (ROOT / "oligomdt" / "figures").glob("*.py"):
        module = importlib.import_module(f"oligomdt.figures.{file.stem}")
        if hasattr(module, f"draw_{file.stem}"):
            assert file.stem in shown
            assert hasattr(module, f"{file.stem}_data")
            assert hasattr(module, f"alt_{file.stem}")


# ------------------------------------------------------------------ the artists


def check_interval(name, gid, row):
    """The line of an interval ends at its limits, or at the edge of the axes."""
    line = one(name, f"ci {gid}")
    low, high = line.axes.get_xlim()
    shown = [max(row["low"], low), min(row["high"], high)]
    np.testing.assert_allclose(line.get_xdata(), shown)
    np.testing.assert_allclose(one(name, f"hr {gid}").get_offsets()[0][0], row["hr"])
    arrows = [a for a in line.axes.lines if a.get_marker() in "<>" and len(a.get_xdata()) == 1]
    level = [a for a in arrows if a.get_ydata()[0] == line.get_ydata()[0]]
    assert len(level) == int(row["low"] < low) + int(row["high"] > high)


@pytest.mark.parametrize("name", ["forest", "forest_reconstructed"])
def test_forest_draws_its_frame(name):
    frame = frame_of(name)
    trials = frame[frame["kind"] == "trial"]
    assert len(trials) >= 6
    assert sum(gid.startswith("ci ") for gid in artists(name)) == len(trials)
    for row in trials.to_dict("records"):
        check_interval(name, row["result"], row)
        (size,) = one(name, f"hr {row['result']}").get_sizes()
        np.testing.assert_allclose(size, 150 * row["weight"])
    pooled = frame[frame["kind"] == "pooled"]
    for row in pooled.to_dict("records"):
        corners = one(name, f"hr {row['group']}").get_xy()[:4, 0]
        np.testing.assert_allclose(corners, [row["low"], row["hr"], row["high"], row["hr"]])
        bar = one(name, f"new {row['group']}").get_xdata()
        np.testing.assert_allclose(bar, [row["predictive_low"], row["predictive_high"]])


def test_forest_has_no_diamond_for_a_single_trial():
    frame = frame_of("forest")
    single = frame.groupby("group").filter(lambda g: (g["kind"] == "trial").sum() == 1)
    assert set(single["group"]) - {""} == {"mixed"}
    assert "hr mixed" not in artists("forest")
    assert "mixed" not in set(frame.loc[frame["kind"] == "pooled", "group"])


def test_forest_prints_each_hazard_ratio_and_marks_what_was_not_read():
    texts = {t.get_text() for t in drawn("forest").findobj(lambda a: hasattr(a, "get_text"))}
    frame = frame_of("forest")
    for row in frame[frame["kind"] != "contrast"].to_dict("records"):
        numbers = f"{row['hr']:.2f} ("
        (shown,) = [text for text in texts if text.startswith(numbers)]
        assert shown.endswith("†") == (not row["checked"]), row["label"]
    assert "printed 90 %: 0.18–0.66" in texts
    assert any("Basis: published" in text for text in texts)


@pytest.mark.parametrize(
    "name", ["sensitivity_NSCLC", "sensitivity_breast", "sensitivity_mixed"]
)
def test_sensitivity_draws_its_frame(name):
    frame = frame_of(name)
    assert frame["scenario"].is_unique
    for row in frame.to_dict("records"):
        check_interval(name, row["scenario"], row)
    main = frame[frame["kind"] == "primary analysis"].iloc[0]
    box = one(name, "primary")
    np.testing.assert_allclose(
        [box.get_x(), box.get_x() + box.get_width()], [main["low"], main["high"]]
    )


def test_agreement_draws_its_frame():
    for row in frame_of("agreement").to_dict("records"):
        check_interval("agreement", f"{row['side']} {row['label']}", row)


def test_prior_draws_its_frame():
    for group, own in frame_of("prior").groupby("group"):
        for column in ("hr", "low", "high"):
            line = one("prior", f"{column} {group}")
            np.testing.assert_allclose(line.get_xdata(), own["tau_scale"])
            np.testing.assert_allclose(line.get_ydata(), own[column])


def check_curves(axes_artists, own):
    for arm, rows in own[own["kind"] == "curve"].groupby("arm"):
        solid = rows[~rows["sparse"]]
        line = axes_artists[f"curve statistics {arm}"]
        np.testing.assert_allclose(line.get_xdata(), solid["time"])
        np.testing.assert_allclose(line.get_ydata(), solid["surv"])
        band = axes_artists[f"band statistics {arm}"].get_paths()[0].vertices[:, 1]
        shown = rows["low"].notna()
        drawn_values = np.unique(np.round(band, 9))
        wanted = np.round(np.concatenate([rows["low"][shown], rows["high"][shown]]), 9)
        assert set(wanted) <= set(drawn_values)
        assert set(drawn_values) <= set(wanted)
    for row in own[own["kind"] == "stated median"].to_dict("records"):
        mark = axes_artists[f"median {row['arm']}"]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (row["time"], 0.5)


def by_gid(axes):
    return {a.get_gid(): a for a in axes.findobj(lambda one: one.get_gid() is not None)}


def test_km_draws_its_frame():
    (axes,) = drawn("km").axes
    check_curves(by_gid(axes), frame_of("km"))


def test_km_panel_draws_its_frame():
    frame = frame_of("km_panel")
    figure = drawn("km_panel")
    assert len(figure.axes) == frame["result"].nunique() == len(PANEL)
    for axes, (_, own) in zip(figure.axes, frame.groupby("result", sort=False), strict=True):
        assert axes.get_title(loc="left") == own["label"].iloc[0]
        check_curves(by_gid(axes), own)


def test_km_prints_the_numbers_at_risk():
    frame, (axes,) = frame_of("km"), drawn("km").axes
    shown = [t.get_text() for t in axes.texts if t.get_text().isdigit()]
    wanted = []
    for _, rows in frame[frame["kind"] == "curve"].groupby("arm", sort=False):
        for tick in axes.get_xticks():
            (at,) = rows.loc[np.isclose(rows["time"], tick), "n_risk"]
            wanted.append(f"{np.floor(at):.0f}")
    assert shown == wanted


def test_km_says_on_what_it_rests_and_that_the_band_is_no_confidence_interval():
    texts = " ".join(text.get_text() for text in drawn("km").texts)
    assert "Reconstructed from published statistics, 200 draws" in texts
    assert "not a confidence interval" in texts
    assert "observed" not in (texts + alt_of("km")).lower()


def test_a_digitised_cohort_shows_both_bases():
    drawn_from_statistics = analysis.reconstruct("CURB-NSCLC")
    one_draw = drawn_from_statistics.data[drawn_from_statistics.data["draw"] == 0]
    from_figure = replace(drawn_from_statistics, basis="figure", data=one_draw)
    frame = km.km_data(from_figure, drawn_from_statistics)
    assert frame.loc[frame["kind"] == "curve", "basis"].unique().tolist() == [
        "figure",
        "statistics",
    ]
    figure = km.draw_km(frame)
    found = by_gid(figure.axes[0])
    assert "band figure control" not in found and "band statistics control" in found
    widths = [
        found[f"curve {basis} control"].get_linewidth() for basis in ("figure", "statistics")
    ]
    assert widths[0] > widths[1]
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "Reconstructed from the published figure" in texts
    assert "reconstructed from the published figure" in km.alt_km(frame).lower()


def test_benchmark_draws_its_frame():
    for row in frame_of("benchmark").to_dict("records"):
        line = one("benchmark", f"{row['fidelity']} {row['variant']} {row['engine']}")
        np.testing.assert_allclose(line.get_xdata(), [row["median"], row["p90"]])


def test_validation_draws_its_frame():
    for row in frame_of("validation").dropna(subset="coverage").to_dict("records"):
        shown = one("validation", f"coverage {row['data']}").get_xdata()
        np.testing.assert_allclose(shown, [row["coverage"]])
        interval = one("validation", f"rmst {row['data']}").get_xdata()
        np.testing.assert_allclose(interval, [row["rmst_low"], row["rmst_high"]])
        np.testing.assert_allclose(
            one("validation", f"true {row['data']}").get_xdata(), [row["rmst_true"]]
        )


def test_walkthrough_draws_its_frame():
    for (source, arm), own in frame_of("walkthrough").groupby(["source", "arm"]):
        line = one("walkthrough", f"{source} {arm}")
        np.testing.assert_allclose(line.get_xdata(), own["time"])
        np.testing.assert_allclose(line.get_ydata(), own["surv"])


@each_figure
def test_no_text_is_small_or_lies_outside_the_figure(name):
    figure = drawn(name)
    figure.draw_without_rendering()
    box = figure.bbox
    for text in figure.findobj(lambda a: hasattr(a, "get_fontsize")):
        if not text.get_text().strip() or not text.get_visible():
            continue
        assert text.get_fontsize() >= 11, text.get_text()
        extent = text.get_window_extent()
        inside = (extent.x0 >= box.x0 - 1) and (extent.x1 <= box.x1 + 1)
        assert inside and extent.y0 >= box.y0 - 1 and extent.y1 <= box.y1 + 1, text.get_text()


@each_figure
def test_no_two_texts_overlap(name):
    figure = drawn(name)
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(lambda a: hasattr(a, "get_fontsize"))]
    shown = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text().strip()]
    for i, (text, box) in enumerate(shown):
        for other, second in shown[i + 1 :]:
            across = min(box.x1, second.x1) - max(box.x0, second.x0)
            along = min(box.y1, second.y1) - max(box.y0, second.y0)
            # The box of a text is higher than its letters: lines may touch by a few points.
            assert across <= 1 or along <= 4, f"{text!r} and {other!r}"


# ------------------------------------------------------------------ the alt text

NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?![\w.]*\d)")


def numbers_in(frame):
    """Every number that a frame holds, those inside its texts included."""
    numbers = frame.select_dtypes("number").astype(float).to_numpy().ravel()
    values = numbers[np.isfinite(numbers)].tolist()
    texts = " ".join(frame.select_dtypes("object").astype(str).to_numpy().ravel())
    return values + [float(text) for text in NUMBER.findall(texts)]


# The walk-through's alt text reads the curves between their corners: it has its own test.
@pytest.mark.parametrize("name", [name for name in FRAMES if name != "walkthrough"])
def test_numbers_of_the_alt_text_are_in_the_frame(name):
    frame = frame_of(name)
    known = np.array(numbers_in(frame))
    known = np.concatenate([known, np.abs(known)])
    found = NUMBER.findall(alt_of(name))
    assert len(found) >= 9
    for text in found:
        half = 0.5000001 * float(Decimal(1).scaleb(Decimal(text).as_tuple().exponent))
        assert np.abs(known - float(text)).min() <= half, f"{text} is not in the frame"


def test_alt_text_of_the_walkthrough_reads_the_curves():
    frame = frame_of("walkthrough")
    words = re.search(r"control: (\S+) days (\S+) and (\S+),", alt_of("walkthrough"))
    time, *shown = (float(text) for text in words.groups())
    for source, value in zip(("true", "reconstructed"), shown, strict=True):
        own = frame[(frame["arm"] == "control") & (frame["source"] == source)]
        last = own[own["time"] <= time].iloc[-1]
        assert last["surv"] == pytest.approx(value, abs=0.0005)


@pytest.mark.parametrize("name", ["forest", "agreement", "sensitivity_breast", "prior"])
def test_alt_text_follows_the_frame(name):
    frame = frame_of(name).copy()
    assert "0.12 (" not in alt_of(name) and "0.12," not in alt_of(name)
    frame.loc[frame.index[0], "hr"] = 0.1234
    changed = alt_of(name, frame)
    assert "0.12 (" in changed or "0.12," in changed


def test_alt_text_of_the_forest_states_every_row():
    alt = alt_of("forest")
    for row in frame_of("forest").to_dict("records"):
        assert row["label"] in alt
    assert alt.count("†") == 3  # Iyengar, the pooled NSCLC, and what the mark means


@each_figure
def test_svg_carries_the_alt_text_and_repeats_to_the_byte(name):
    alt = alt_of(name)
    text = svg(drawn(name), alt)
    description = re.search(r"<dc:description>(.*?)</dc:description>", text, re.DOTALL)[1]
    assert len(description) > 100
    assert "<dc:date>" not in text
    assert text == svg(drawn(name), alt)


def test_a_figure_without_words_is_refused():
    with pytest.raises(ValueError, match="alt"):
        picture(drawn("prior"), "a plot")


def test_picture_of_the_readme_is_current(update_figures):
    figure = drawn("forest")
    if update_figures:
        save(figure, alt_of("forest"), README_PICTURE)
    assert "book/_static/forest.svg" in (ROOT / "README.md").read_text()
    current = svg(figure, alt_of("forest"))
    message = "book/_static/forest.svg is out of date: run `make figures`"
    assert README_PICTURE.read_text(encoding="utf-8") == current, message


# ------------------------------------------------------------------ bad input


def test_figures_refuse_an_empty_frame():
    with pytest.raises(ValueError, match="draw_forest: the frame has no row"):
        forest.draw_forest(frame_of("forest").iloc[:0])


def test_km_refuses_reconstructions_of_different_results():
    two = [analysis.reconstruct(name) for name in ("CURB-NSCLC", "CURB-breast")]
    with pytest.raises(ValueError, match="CURB-NSCLC, CURB-breast: give one result"):
        km.km_data(*two)
    with pytest.raises(ValueError, match="needs a reconstruction"):
        km.km_data()


def test_km_panel_refuses_a_result_given_twice():
    with pytest.raises(ValueError, match="CURB-NSCLC is given twice"):
        km_panel.km_panel_data([analysis.reconstruct("CURB-NSCLC")] * 2)


def test_sensitivity_refuses_an_unknown_group():
    with pytest.raises(ValueError, match="group 'prostate' has no scenario"):
        sensitivity.sensitivity_data(scenarios(), "prostate")
