"""Every figure shows its frame, its alt text states it, and the frame is the committed one.

`make figures` rewrites tests/figures/*.csv and the picture of the README from the present data.
"""

import importlib
import re
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from oligomdt import analysis, reconstructkm, survival
from oligomdt.figures import (
    agreement,
    baujat,
    benchmark,
    calibration,
    cumulative,
    extended_forest,
    findings,
    forest,
    hr_over_time,
    influence,
    km,
    km_panel,
    limit,
    planning,
    pooled_curve,
    prior,
    prior_family,
    prisma,
    risk_of_bias,
    rmst_forest,
    sensitivity,
    share,
    size,
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


@cache
def without_each():
    return analysis.influence_of_trials(analysis.published_estimates())


@cache
def contrasts():
    return analysis.ipd_estimates()


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


def extended(by):
    estimates = analysis.extended_estimates()
    return extended_forest.extended_forest_data(estimates, by(estimates))


FRAMES = {
    "extended_forest_cancer": (
        "extended_forest",
        lambda: extended(analysis.extended_by_histology),
    ),
    "extended_forest_setting": (
        "extended_forest",
        lambda: extended(analysis.extended_by_setting),
    ),
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
    "cumulative": (
        "cumulative",
        lambda: cumulative.cumulative_data(
            analysis.accumulation(analysis.published_estimates())
        ),
    ),
    "planning": (
        "planning",
        lambda: planning.planning_data(analysis.tipping_lines(analysis.published_estimates())),
    ),
    "prior": (
        "prior",
        lambda: prior.prior_data(analysis.prior_sensitivity(analysis.published_estimates())),
    ),
    "baujat": ("baujat", lambda: baujat.baujat_data(without_each())),
    "influence": ("influence", lambda: influence.influence_data(without_each())),
    "prior_family": (
        "prior_family",
        lambda: prior_family.prior_family_data(
            analysis.prior_families(analysis.published_estimates(), [0.5])
        ),
    ),
    "rmst_forest": (
        "rmst_forest",
        lambda: rmst_forest.rmst_forest_data(contrasts(), analysis.ipd_synthesis(contrasts())),
    ),
    "share": ("share", lambda: share.share_data(contrasts())),
    "pooled_curve": (
        "pooled_curve",
        lambda: pooled_curve.pooled_curve_data(analysis.curve_reconstructions()),
    ),
    "hr_over_time": (
        "hr_over_time",
        lambda: hr_over_time.hr_over_time_data(analysis.hr_over_time()),
    ),
    "benchmark": ("benchmark", benchmark.benchmark_data),
    "calibration": ("calibration", calibration.calibration_data),
    "limit": ("limit", limit.limit_data),
    "findings": ("findings", lambda: findings.findings_data(analysis.summary_of_findings())),
    "prisma": ("prisma", lambda: prisma.prisma_data(analysis.prisma_flow())),
    "risk_of_bias": (
        "risk_of_bias",
        lambda: risk_of_bias.risk_of_bias_data(analysis.risk_of_bias()),
    ),
    "size": ("size", size.size_data),
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
    if "sparse" in frame:
        frame = frame[(frame["kind"] != "curve") | np.isclose(frame["time"] % 1, 0)]
    return frame.reset_index(drop=True)


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


# ------------------------------------------------------------------ the alt text

NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?![\w.]*\d)")


def numbers_in(frame):
    """Every number that a frame holds, those inside its texts included."""
    numbers = frame.select_dtypes("number").astype(float).to_numpy().ravel()
    values = numbers[np.isfinite(numbers)].tolist()
    texts = " ".join(frame.select_dtypes("object").astype(str).to_numpy().ravel())
    return values + [float(text) for text in NUMBER.findall(texts)]


# The walk-through's alt text reads the curves between their corners, and those of judgements
# and of counts have no decimals: they have their own tests.
OWN_TEST = ("walkthrough", "risk_of_bias", "prisma")


@pytest.mark.parametrize("name", [name for name in FRAMES if name not in OWN_TEST])
def test_numbers_of_the_alt_text_are_in_the_frame(name):
    frame = frame_of(name)
    known = np.array(numbers_in(frame))
    known = np.concatenate([known, np.abs(known)])
    found = NUMBER.findall(alt_of(name))
    assert len(found) >= 9
    for text in found:
        half = 0.5000001 * float(Decimal(1).scaleb(Decimal(text).as_tuple().exponent))
        assert np.abs(known - float(text)).min() <= half, f"{text} is not in the frame"


def test_alt_text_of_the_risk_of_bias_states_every_judgement():
    frame, alt = frame_of("risk_of_bias"), alt_of("risk_of_bias")
    for label, own in frame.groupby("label"):
        (said,) = re.findall(rf"{re.escape(label)}: ([^;]*)[;.]", alt)
        words = [
            f"{'at least ' * least}{judged}"
            for judged, least in zip(own["judgement"], own["at_least"], strict=True)
        ]
        assert said.split(", ") == [
            f"{d} {w}" for d, w in zip(own["domain"], words, strict=True)
        ]


def test_alt_text_of_the_flow_states_every_box():
    alt = alt_of("prisma")
    for row in frame_of("prisma").to_dict("records"):
        assert f"{row['what']} {row['count']}" in alt
    assert "no search was made" in alt and "no records were screened" in alt


def test_alt_text_of_the_walkthrough_reads_the_curves():
    frame = frame_of("walkthrough")
    words = re.search(r"control: (\S+) days (\S+) and (\S+),", alt_of("walkthrough"))
    time, *shown = (float(text) for text in words.groups())
    for source, value in zip(("true", "reconstructed"), shown, strict=True):
        own = frame[(frame["arm"] == "control") & (frame["source"] == source)]
        last = own[own["time"] <= time].iloc[-1]
        assert last["surv"] == pytest.approx(value, abs=0.0005)


@pytest.mark.parametrize(
    "name", ["forest", "agreement", "cumulative", "sensitivity_breast", "prior"]
)
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
    # Iyengar, the pooled NSCLC, two ratios of all and of other trials, what the mark means.
    assert alt.count("†") == 5


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


def test_the_forest_marks_a_ratio_that_holds_an_unread_trial():
    alt = forest.alt_forest(published_forest())
    assert "all trials: 0.45 (0.18 to 1.05)\u2020." in alt
    assert "within CURB: 0.53 (0.22 to 1.24)." in alt


def test_sensitivity_marks_what_was_not_read():
    lung, breast = (sensitivity.sensitivity_data(scenarios(), g) for g in ("NSCLC", "breast"))
    alt = sensitivity.alt_sensitivity(lung)
    assert "Primary analysis 0.36 (0.20\u20130.66)\u2020" in alt
    assert "\u2020 rests on a value that was not read in its source." in alt
    assert alt.count("\u2020") == (~lung["checked"]).sum() + 1
    drawn = [text.get_text() for text in sensitivity.draw_sensitivity(lung).axes[0].texts]
    assert sum("\u2020" in text for text in drawn) == (~lung["checked"]).sum()
    assert "\u2020" not in sensitivity.alt_sensitivity(breast)


def test_sensitivity_refuses_an_unknown_group():
    with pytest.raises(ValueError, match="group 'prostate' has no scenario"):
        sensitivity.sensitivity_data(scenarios(), "prostate")


def test_prior_family_refuses_a_scale_that_was_not_computed():
    families = analysis.prior_families(analysis.published_estimates(), [0.5, 1])
    with pytest.raises(ValueError, match="scale is 0.3; it must be one of 0.5, 1"):
        prior_family.prior_family_data(families, 0.3)
