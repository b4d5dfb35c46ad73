"""What is drawn on the axes of each figure is what its frame holds."""

from dataclasses import replace

import numpy as np
import pytest
from test_figures import PANEL, alt_of, drawn, each_figure, frame_of

from oligomdt import analysis
from oligomdt.figures import extended_forest, km, size


def artists(name):
    """The artists that carry a name, by it; a name may stand for several."""
    found = {}
    for artist in drawn(name).findobj(lambda one: one.get_gid() is not None):
        found.setdefault(artist.get_gid(), []).append(artist)
    return found


def one(name, gid):
    (artist,) = artists(name)[gid]
    return artist


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


def test_cumulative_draws_its_frame():
    frame = frame_of("cumulative")
    assert len(frame) == 5
    for row in frame.to_dict("records"):
        gid = f"{row['group']} {row['k']}"
        check_interval("cumulative", gid, row)
        face = one("cumulative", f"hr {gid}").get_facecolor()[0]
        hollow = bool((face[:3] == 1).all())
        assert hollow == (row["k"] == 1)


def test_cumulative_marks_what_was_not_read():
    texts = {
        t.get_text() for t in drawn("cumulative").findobj(lambda a: hasattr(a, "get_text"))
    }
    for row in frame_of("cumulative").to_dict("records"):
        (shown,) = [text for text in texts if text.startswith(f"{row['hr']:.2f} (")]
        assert shown.endswith("†") == (not row["checked"]), row["added"]


def test_prior_draws_its_frame():
    for group, own in frame_of("prior").groupby("group"):
        for column in ("hr", "low", "high", "p_benefit", "p_relevant"):
            line = one("prior", f"{column} {group}")
            np.testing.assert_allclose(line.get_xdata(), own["tau_scale"])
            np.testing.assert_allclose(line.get_ydata(), own[column])


def test_prior_family_draws_its_frame():
    for row in frame_of("prior_family").to_dict("records"):
        check_interval("prior_family", f"{row['group']} {row['family']}", row)


def test_planning_draws_its_frame():
    frame = frame_of("planning")
    limits = ["mdt_low", "mdt_high", "control_low", "control_high"]
    for group, own in frame.groupby("group"):
        for column in (*limits, "common_mdt", "common_control"):
            line = one("planning", f"{column} {group}")
            np.testing.assert_allclose(line.get_xdata(), own["events"])
            np.testing.assert_allclose(line.get_ydata(), own[column])
        area = one("planning", f"mdt {group}").get_paths()
        assert bool(area) == own["mdt_low"].notna().any()
        if area:
            corners = area[0].vertices[:, 1]
            assert {own["mdt_low"].min(), own["mdt_high"].max()} <= set(corners)


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
        mark = "" if own["checked"].all() else "†"
        assert axes.get_title(loc="left") == own["label"].iloc[0] + mark
        check_curves(by_gid(axes), own)


def test_km_panel_marks_curves_that_rest_on_what_was_not_read():
    titles = [axes.get_title(loc="left") for axes in drawn("km_panel").axes]
    marked = {title.split()[0] for title in titles if title.endswith("†")}
    assert marked == {"Iyengar", "SABR-COMET"}
    alt = alt_of("km_panel")
    assert alt.count("†") == len(marked) + 1
    assert "was not read in its source" in alt


def test_extended_forest_draws_both_readings_of_a_cancer_with_scenarios_only():
    frame = frame_of("extended_forest_cancer")
    pancreas = frame[frame["pool"] == "pancreas"]
    assert pancreas["reading"].tolist() == ["p taken as two-sided", "p taken as one-sided"]
    assert (pancreas["high"] > 1).tolist() == [False, True]
    for row in pancreas.to_dict("records"):
        check_interval("extended_forest_cancer", f"EXTEND-pancreas {row['reading']}", row)
    # Beside a counted result each trial has one scenario only.
    counted = frame.groupby("pool").filter(lambda own: own["kind"].isin(["trial"]).any())
    trials = counted[counted["kind"] == "scenario trial"]
    assert len(trials) >= 5
    assert trials["record"].is_unique
    assert (trials["reading"] == "").all()


def test_settings_do_not_wear_the_colour_of_a_cancer():
    colours = extended_forest.COLOURS
    cancers = {colours[name] for name in ("NSCLC", "breast", "prostate", "colorectal")}
    settings = ("oligometastatic", "oligoprogressive", "oligorecurrent")
    assert not cancers & {colours[name] for name in settings}


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


def test_rmst_forest_draws_its_frame():
    name = "rmst_forest"
    for row in frame_of(name).to_dict("records"):
        gid = f"{row['group']} {row['label']}"
        check_interval(name, gid, row | {"hr": row["difference"]})
        if row["kind"] == "trial":
            inner = [row["within_low"], row["within_high"]]
            np.testing.assert_allclose(one(name, f"within {gid}").get_xdata(), inner)


def test_rmst_of_different_horizons_stand_on_different_axes():
    frame, figure = frame_of("rmst_forest"), drawn("rmst_forest")
    assert len(figure.axes) == frame["horizon"].nunique() == frame["group"].nunique()
    for axes, (_, own) in zip(figure.axes, frame.groupby("group", sort=False), strict=True):
        low, high = axes.get_xlim()
        # Nothing is cut, and nothing lies above the rows, where the heading is.
        assert low <= min(0, own["low"].min()) and own["high"].max() <= high
        assert axes.get_ylim() == (len(own), 0)


def test_no_label_of_the_baujat_plot_touches_a_mark():
    figure = drawn("baujat")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    marks = [
        axes.transData.transform(offset)
        for collection in axes.collections
        for offset in collection.get_offsets()
    ]
    assert len(marks) == len(axes.texts) == len(frame_of("baujat"))
    for text in axes.texts:
        box = text.get_window_extent()
        for x, y in marks:
            assert not (box.x0 - 4 < x < box.x1 + 4 and box.y0 - 4 < y < box.y1 + 4), text


def test_bands_that_the_axis_cuts_are_named():
    frame = frame_of("hr_over_time")
    low, high = drawn("hr_over_time").axes[0].get_ylim()
    beyond = frame[(frame["low"] < low) | (frame["high"] > high)]["label"].unique()
    words = " ".join(text.get_text() for text in drawn("hr_over_time").texts)
    said = words.split("Band cut: ")[1]
    assert [label for label in frame["label"].unique() if label in said] == beyond.tolist()
    assert said in alt_of("hr_over_time")


@pytest.mark.parametrize("name", ["influence", "planning"])
def test_what_the_dagger_means_is_said_in_the_figure(name):
    words = " ".join(text.get_text() for text in drawn(name).texts)
    assert "† " in words and "not read in its source" in words


def test_share_draws_its_frame():
    for (name, group), own in frame_of("share").groupby(["name", "group"]):
        marks = one("share", f"share {name} {group}").get_offsets()
        np.testing.assert_allclose(marks[:, 0], own["share_percent"])


def test_pooled_curve_draws_its_frame():
    found = artists("pooled_curve")
    for (group, arm), own in frame_of("pooled_curve").groupby(["group", "arm"]):
        (line,), (thin,) = (found[f"{name} {group} {arm}"] for name in ("curve", "few"))
        parts = [np.column_stack(one.get_data()) for one in (line, thin)]
        # The two parts share the point at which they meet.
        drawn_points = np.unique(np.concatenate(parts), axis=0)
        np.testing.assert_allclose(drawn_points, own[["time", "surv"]])
        few = own.loc[own["few_at_risk"], "time"]
        np.testing.assert_allclose(thin.get_xdata(), few)
        assert not len(few) or line.get_xdata()[-1] == few.iloc[0]
        assert thin.get_linewidth() < line.get_linewidth()
        band = found[f"band {group} {arm}"][0].get_paths()[0].vertices[:, 1]
        wanted = np.round(own[["low", "high"]].to_numpy().ravel(), 9)
        assert set(wanted) == set(np.round(band, 9))


def test_pooled_curve_prints_the_numbers_at_risk():
    frame, figure = frame_of("pooled_curve"), drawn("pooled_curve")
    for axes, (_, own) in zip(figure.axes, frame.groupby("group", sort=False), strict=True):
        shown = [t.get_text() for t in axes.texts if t.get_text().isdigit()]
        wanted = [
            f"{np.floor(rows.loc[np.isclose(rows['time'], tick), 'n_risk'].item()):.0f}"
            for _, rows in own.groupby("arm", sort=False)
            for tick in axes.get_xticks()
        ]
        assert shown == wanted
        assert own["n_risk"].iloc[0] == int(shown[0])


def test_pooled_curve_is_thin_where_one_trial_has_few_at_risk():
    frame = frame_of("pooled_curve")
    members = analysis.curve_reconstructions()["NSCLC"]
    own = frame[(frame["group"] == "NSCLC") & (frame["arm"] == "control")]
    for time, few in own.loc[own["time"] % 3 == 0, ["time", "few_at_risk"]].to_numpy():
        below = []
        for one in members:
            data = one.data[one.data["arm"] == "control"]
            counts = (data["time"].round(6) >= time).groupby(data["draw"]).sum()
            below.append(counts.median() < 0.1 * int(one.result.arms["control"].n))
        assert bool(few) == any(below), time
    assert own["few_at_risk"].iloc[-1] and not own["few_at_risk"].iloc[0]


def test_hr_over_time_draws_its_frame():
    for label, own in frame_of("hr_over_time").groupby("label"):
        line = one("hr_over_time", f"hr {label}")
        np.testing.assert_allclose(line.get_xdata(), own["time"])
        np.testing.assert_allclose(line.get_ydata(), own["hr"])
        low, high = line.axes.get_ylim()
        for gid, names in (
            ("band", ["low", "high"]),
            ("within", ["within_low", "within_high"]),
        ):
            edge = one("hr_over_time", f"{gid} {label}").get_paths()[0].vertices[:, 1]
            wanted = np.clip(own[names].to_numpy().ravel(), low, high)
            assert set(np.round(wanted, 9)) == set(np.round(edge, 9))


def test_daggers_stand_where_a_value_was_not_read():
    titles = {
        name: [axes.get_title(loc="left") for axes in drawn(name).axes]
        for name in ("pooled_curve", "hr_over_time")
    }
    marked = {t.split(",")[0] for own in titles.values() for t in own if t.endswith("†")}
    assert marked == {"NSCLC", "Mixed histologies", "Iyengar (2018)†", "SABR-COMET (2019)†"}


def test_benchmark_draws_its_frame():
    for row in frame_of("benchmark").to_dict("records"):
        line = one("benchmark", f"{row['fidelity']} {row['variant']} {row['engine']}")
        np.testing.assert_allclose(line.get_xdata(), [row["median"], row["p90"]])


def test_calibration_draws_its_frame():
    for row in frame_of("calibration").to_dict("records"):
        line = one("calibration", f"{row['fidelity']} {row['variant']} {row['quantity']}")
        np.testing.assert_allclose(line.get_xdata(), [row["coverage"]])


def test_limit_draws_its_frame():
    frame = frame_of("limit")
    lines = frame[
        frame["kind"].eq("at risk") | frame["known"].eq("curves") & (frame["kind"] == "curve")
    ]
    found = lines.groupby(["kind", "known", "patients", "arm"])
    assert len(found) == 4 + 8 + 2
    for (kind, known, name, arm), own in found:
        drawn_lines = artists("limit")[f"{kind} {known} {name} {arm}"]
        # The true patients are drawn in both panels.
        assert len(drawn_lines) == (2 if known == "all" else 1)
        for line in drawn_lines:
            np.testing.assert_allclose(line.get_xdata(), own["time"])
            np.testing.assert_allclose(line.get_ydata(), own["value"])


def test_limit_prints_events_and_hazard_ratio_of_each_set():
    frame = frame_of("limit")
    texts = {text.get_text() for axes in drawn("limit").axes for text in axes.texts}
    values = frame[frame["arm"] == "both"].set_index(["known", "patients", "kind"])["value"]
    for known in ("curves", "curves and table"):
        for name in ("first", "second"):
            own = values[known, name]
            assert f"{own['events']:.0f} events, HR {own['hr']:.2f}" in texts


def test_size_draws_its_frame():
    for (variant, fidelity), own in frame_of("size").groupby(["variant", "fidelity"]):
        single = own["kind"] == "case"
        cases = one("size", f"cases {variant} {fidelity}")
        np.testing.assert_allclose(cases.get_xdata(), own.loc[single, "smaller_arm"])
        shown = np.maximum(own.loc[single, "loghr_err"], size.FLOOR)
        np.testing.assert_allclose(cases.get_ydata(), shown)
        low, high = cases.axes.get_ylim()
        assert low < shown.min() and shown.max() < high
        line = one("size", f"median {variant} {fidelity}")
        levels = np.maximum(own.loc[~single, "loghr_err"], size.FLOOR)
        np.testing.assert_allclose(line.get_ydata()[::2], levels)
        np.testing.assert_allclose(line.get_ydata()[1::2], levels)


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


def test_risk_of_bias_draws_its_frame():
    frame = frame_of("risk_of_bias")
    shown = artists("risk_of_bias")
    gids = [f"{r['label']} {r['domain']} {r['judgement']}" for r in frame.to_dict("records")]
    assert sorted(shown) == sorted(gids)
    rows = list(dict.fromkeys(frame["label"]))
    signs = {"low": "+", "some concerns": "!", "high": "×", "no information": "?"}
    (axes,) = drawn("risk_of_bias").axes
    written = {t.get_position(): t.get_text() for t in axes.texts}
    for row, gid in zip(frame.to_dict("records"), gids, strict=True):
        (mark,) = shown[gid]
        place = (mark.get_xdata()[0], mark.get_ydata()[0])
        assert place[1] == rows.index(row["label"])
        assert written[place] == "≥" * row["at_least"] + signs[row["judgement"]]


def test_findings_draws_its_frame():
    for row in frame_of("findings").to_dict("records"):
        gid = f"{row['scenario']} {row['label']} {row['time']:g}"
        np.testing.assert_allclose(
            one("findings", f"ci {gid}").get_xdata(), [row["low"], row["high"]]
        )
        point = one("findings", f"difference {gid}").get_xdata()
        np.testing.assert_allclose(point, row["difference"])
        ring = one("findings", f"own {gid}").get_xdata()
        np.testing.assert_allclose(ring, row["per_100_own"] - row["per_100_control"])
    texts = {t.get_text() for t in drawn("findings").axes[0].texts}
    assert "Control arm (reconstructed)" in texts
    assert any(text.startswith("NSCLC: HR 0.36†") for text in texts)
    # Read in its source: the control arm of CURB; not: the hazard ratio applied to it.
    assert "22 \u2192 57†" in texts
    assert {"36† (15 to 52)", "  its MDT arm: 70 (52 to 86)"} <= texts
    # A heading never crosses the zero line.
    headings = [t for t in drawn("findings").axes[0].texts if ": HR " in t.get_text()]
    lines = [line.get_ydata() for line in artists("findings")["zero"]]
    assert len(headings) == len(lines) == 4
    for heading in headings:
        assert not any(low < heading.xy[1] < high for low, high in lines)


def test_flow_draws_a_dashed_box_where_a_step_was_not_done():
    for row in frame_of("prisma").to_dict("records"):
        dashed = one("prisma", row["what"]).get_linestyle() in ("--", "dashed")
        assert dashed == row["count"].startswith("no ")
