"""The committed results of the benchmarks agree with each other and with public data."""

import csv
import importlib.util
import statistics
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from lifelines.datasets import load_gbsg2

from oligomdt import survival
from oligomdt.figures.size import size_data, size_table
from oligomdt.figures.validation import simulated_coverage
from oligomdt.reconstructkm import InfeasibleError

FOLDER = ROOT / "benchmarks"
# The picture of benchmarks/limit: months of its axis, columns and rows of pixels.
AXIS, WIDTH, HEIGHT = 90, 600, 400


def committed(benchmark, name):
    return pd.read_csv(FOLDER / benchmark / f"{name}.csv")


def script(benchmark, name="run"):
    file = FOLDER / benchmark / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{benchmark}_{name}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------ the limit of a figure


def image(time, event):
    """Pixels that a curve fills, drawn patient by patient."""
    filled = np.zeros((WIDTH + 1, HEIGHT + 1), bool)
    order = np.lexsort((-event, time))
    columns = np.round(time[order] / AXIS * WIDTH).astype(int)
    surv, at_risk, row, column = 1.0, len(time), HEIGHT, 0
    for place, died in zip(columns, event[order], strict=True):
        filled[column : place + 1, row] = True
        surv *= 1 - died / at_risk
        at_risk -= 1
        # Tied events, one after the other, end at the same level as together.
        low = round(surv * HEIGHT)
        filled[place, low : row + 1] = True
        row, column = low, place
    return filled


def at_risk(time, columns):
    return [int((time >= column).sum()) for column in columns]


SETS = [("curves", "first"), ("curves", "second")]
SETS += [("curves and table", "first"), ("curves and table", "second")]
each_arm = pytest.mark.parametrize("arm", ["control", "experimental"])


@pytest.fixture(scope="module")
def patients():
    """Function that gives times and events of one set and arm."""
    groups = committed("limit", "patients").groupby(["known", "patients", "arm"])

    def get(known, name, arm):
        own = groups.get_group((known, name, arm))
        return own["time"].to_numpy(), own["event"].to_numpy()

    return get


@each_arm
def test_true_patients_of_the_limit_are_those_of_the_public_data(patients, arm):
    study = load_gbsg2()
    own = study[study["horTh"] == {"control": "no", "experimental": "yes"}[arm]]
    time, event = patients("all", "true", arm)
    np.testing.assert_allclose(time, own["time"] / 30.4375, atol=1.01e-4)
    assert event.tolist() == own["cens"].tolist()


@each_arm
@pytest.mark.parametrize(("known", "name"), SETS)
def test_sets_of_the_limit_give_the_picture_of_the_true_patients(patients, known, name, arm):
    time, event = patients(known, name, arm)
    real = patients("all", "true", arm)
    assert len(time) == len(real[0])
    assert np.array_equal(image(time, event), image(*real))


def test_picture_of_the_limit_shows_one_event_more_or_later(patients):
    time, event = patients("curves", "first", "control")
    shown = image(time, event)
    early = np.flatnonzero((event == 1) & (time > 20))[0]
    later, fewer = time.copy(), event.copy()
    later[early] += 2 * AXIS / WIDTH
    fewer[early] = 0
    assert not np.array_equal(image(later, event), shown)
    assert not np.array_equal(image(time, fewer), shown)


@each_arm
def test_sets_with_a_table_have_the_table_of_the_true_patients(patients, arm):
    real = patients("all", "true", arm)[0]
    columns = range(0, int(real.max()) + 1, 12)
    for name in ("first", "second"):
        own = patients("curves and table", name, arm)[0]
        assert at_risk(own, columns) == at_risk(real, columns)


@pytest.mark.parametrize("known", ["curves", "curves and table"])
def test_sets_of_the_limit_differ(known):
    frame = committed("limit", "patients")
    first, second = (
        survival.cox(own) for _, own in frame[frame["known"] == known].groupby("patients")
    )
    assert first.n == second.n == 686
    assert first.events != second.events
    assert first.log_hr < second.log_hr - 0.005


# ------------------------------------------------------------------ error by size


def test_cases_are_every_combination_once():
    cases = committed("reconstruct", "cases")
    assert len(cases) == 30 * 3 * 4
    assert not cases.duplicated(["case", "fidelity", "variant"]).any()
    assert (cases.groupby("case")["smaller_arm"].nunique() == 1).all()


def test_thirds_hold_ten_cases_each_in_order_of_size():
    frame = size_data()
    own = frame[(frame["fidelity"] == "fine") & (frame["variant"] == "n")]
    cases = own[own["kind"] == "case"].sort_values("smaller_arm")
    thirds = own[own["kind"] != "case"].set_index("kind")
    for place, kind in enumerate(("smallest", "middle", "largest")):
        part = cases.iloc[10 * place : 10 * place + 10]
        assert thirds.loc[kind, "smaller_arm"] == part["smaller_arm"].min()
        assert thirds.loc[kind, "largest"] == part["smaller_arm"].max()
        assert thirds.loc[kind, "loghr_err"] == pytest.approx(part["loghr_err"].median())


def test_table_by_size_prints_the_medians_of_the_largest_third():
    cases = committed("reconstruct", "cases")
    own = cases[(cases["fidelity"] == "coarse") & (cases["smaller_arm"] >= 200)]
    median = own.groupby("variant")[["events_err", "nrisk_err"]].median()
    table = size_table(size_data())
    assert len(table) == 9
    last = table.iloc[-1]
    assert last["Patients, smaller arm"] == "200 to 3524"
    for variant, words in (("risk", "risk table"), ("n", "n only")):
        assert float(last[f"Events, {words}"]) == median.loc[variant, "events_err"]
        percent = float(last[f"At risk (%), {words}"])
        assert percent == pytest.approx(100 * median.loc[variant, "nrisk_err"], abs=0.051)


def test_a_few_cases_do_not_overwrite_the_committed_ones(monkeypatch, capsys):
    run = script("reconstruct")
    monkeypatch.setattr(sys, "argv", ["run.py", "--benchmark", "x", "--cases", "gehan_rx"])
    with pytest.raises(SystemExit):
        run.arguments()
    assert "name another --out" in capsys.readouterr().err


def test_chosen_cases_keep_their_order_and_unknown_ones_are_named():
    run = script("reconstruct")
    bench = SimpleNamespace(cases=["lung", "rats", "udca"])
    assert run.chosen(bench, ["udca", "lung"]) == ["lung", "udca"]
    assert run.chosen(bench, None) == bench.cases
    with pytest.raises(SystemExit, match="--cases: gehan not among lung, rats, udca"):
        run.chosen(bench, ["gehan", "rats"])


# ------------------------------------------------------------------ simulated trials


@pytest.fixture
def simulated(monkeypatch):
    """The script that simulates trials, with the `run` that it takes its measures from."""
    monkeypatch.setitem(sys.modules, "run", script("statistics"))
    return script("statistics", "simulated")


def simulated_rows():
    with open(FOLDER / "statistics" / "simulated.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


MET_ONLY = ("coverage", "rmst_true", "rmst_low", "rmst_high", "events_low", "events_high")
MET_ONLY += ("log_hr_low", "log_hr_high", "chains")


def test_every_simulated_trial_has_its_row_and_says_what_became_of_it():
    rows = simulated_rows()
    assert [int(row["trial"]) for row in rows] == list(range(len(rows)))
    assert len(rows) >= 30
    assert len({row["seed"] for row in rows}) == len({row["draws"] for row in rows}) == 1
    for row in rows:
        met = row["note"] == "met"
        assert met or "chains met every statement" in row["note"]
        assert {bool(row[name]) for name in MET_ONLY} == {met}
        assert int(row["attempts"]) > 0
        assert float(row["cpu_seconds"]) > 0


def test_true_values_of_the_simulated_trials_follow_from_the_seed(simulated):
    for row in simulated_rows():
        design, data = simulated.simulate(int(row["trial"]))
        for name, value in design.items():
            assert float(row[name]) == value
        fit = survival.cox(data)
        assert (int(row["n"]), int(row["events"])) == (fit.n, fit.events)
        assert float(row["log_hr"]) == pytest.approx(fit.log_hr, abs=1e-6)


def test_simulated_progressions_are_found_at_scans_where_there_are_any(simulated):
    gaps = set()
    for trial in range(12):
        design, data = simulated.simulate(trial)
        gap = design["scan_months"]
        gaps.add(gap)
        assert data["time"].between(0, 36).all()
        happened = data.loc[data["event"] == 1, "time"]
        off = np.abs(happened - gap * np.round(happened / gap)) if gap else np.inf
        assert np.all(off <= 0.25) == (gap > 0)
    assert gaps == {0, 2, 3}


def test_progressions_are_found_at_the_next_scan_or_never(simulated):
    rng = np.random.default_rng(1)
    found = simulated.found(np.array([0.5, 1.5, 4.3, 99.0]), 2, rng)
    assert np.round(found[:3] / 2).tolist() == [1, 1, 3]
    assert np.isinf(found[3])
    assert simulated.found(np.array([0.5]), 0, rng).tolist() == [0.5]


def test_simulated_arms_reach_the_median_of_their_design(simulated):
    """Kaplan-Meier estimates are unbiased while nobody leaves before; 0.02 is four errors."""
    reached = {"control": [], "experimental": []}
    for trial in range(0, 800, 2):  # those without scans
        design, data = simulated.simulate(trial)
        ratio = design["hr_design"] ** (1 / design["shape"])
        for arm, median in (("control", 1.0), ("experimental", 1 / ratio)):
            at = median * design["median_control"]
            surv = survival.survival_at(data, [at]).set_index("arm")["surv"]
            reached[arm] += [surv[arm]] if at <= 12 else []
    for shares in reached.values():
        assert len(shares) > 150
        assert np.mean(shares) == pytest.approx(0.5, abs=0.02)


def test_a_simulated_trial_without_enough_chains_keeps_a_row(simulated, monkeypatch):
    def fail(*args, **kwargs):
        message = "x: only 3 of 50 chains met every statement, 10 are needed. Check these"
        raise InfeasibleError(message, pd.DataFrame())

    monkeypatch.setattr(simulated, "from_statistics", fail)
    row = simulated.one_trial(4, 50)
    assert row["note"] == "x: only 3 of 50 chains met every statement, 10 are needed"
    assert row["n"] == row["n_control"] + row["n_experimental"]
    assert "coverage" not in row


def test_told_coverage_of_simulated_trials_follows_from_the_rows():
    rows = simulated_rows()
    drawn = [row for row in rows if row["note"] == "met"]
    told = simulated_coverage()
    assert (told["trials"], told["failed"]) == (len(rows), len(rows) - len(drawn))
    kinds = {"surv": ("0", "2", "3"), "scans": ("2", "3"), "at_once": ("0",)}
    for name, gaps in kinds.items():
        shares = [float(row["coverage"]) for row in drawn if row["scan_months"] in gaps]
        assert told[name] == pytest.approx(statistics.mean(shares))
        error = 1.96 * statistics.stdev(shares) / len(shares) ** 0.5
        assert told[f"{name}_error"] == pytest.approx(error)
    for name, true in (("rmst", "rmst_true"), ("events", "events"), ("log_hr", "log_hr")):
        missed = sum(
            float(row[true]) < float(row[f"{name}_low"]) - 1e-6
            or float(row[true]) > float(row[f"{name}_high"]) + 1e-6
            for row in drawn
        )
        assert told[name] == len(drawn) - missed


def test_readme_tells_the_coverage_of_the_simulated_trials():
    words = " ".join((FOLDER / "statistics" / "README.md").read_text(encoding="utf-8").split())
    told = simulated_coverage()
    drawn = told["trials"] - told["failed"]
    for name, where in (("surv", "all"), ("at_once", "no scans"), ("scans", "scans")):
        share, error = told[name], told[f"{name}_error"]
        assert f"| {where} | {share:.3f} ± {error:.3f} |" in words
    for name, what in (("rmst", "RMST"), ("events", "events"), ("log_hr", "log HR")):
        assert f"{what} {told[name]} of {drawn}" in words


def test_a_failed_trial_is_counted_and_not_taken_for_a_hit():
    frame = pd.DataFrame(
        {
            "scan_months": [0, 2, 0, 2, 0],
            "coverage": [1.0, 0.9, 0.8, 0.7, np.nan],
            "rmst_true": [1, 5, 1, 1, np.nan], "rmst_low": [0, 0, 0, 0, np.nan],
            "rmst_high": [2, 2, 2, 2, np.nan],
            "events": [9, 9, 9, 9, 9], "events_low": [9, 9, 9, 10, np.nan],
            "events_high": [9, 9, 8, 11, np.nan],
            "log_hr": [-1.0, -1, -1, -1, -1], "log_hr_low": [-1.1, -1.1, -1.1, -1.1, np.nan],
            "log_hr_high": [-0.9, -0.9, -0.9, -0.9, np.nan],
        }
    )  # fmt: skip
    told = simulated_coverage(frame)
    assert (told["trials"], told["failed"]) == (5, 1)
    assert (told["rmst"], told["events"], told["log_hr"]) == (3, 2, 4)
    assert told["surv"] == pytest.approx(0.85)
    assert (told["scans"], told["at_once"]) == (pytest.approx(0.8), pytest.approx(0.9))


# ------------------------------------------------------------- files of one run


def test_the_summaries_are_those_of_the_cases():
    """The three files come from one run: medians and percentiles agree to their digits."""
    cell = ["fidelity", "variant"]
    cases = committed("reconstruct", "cases").groupby(cell)["loghr_err"]
    results = committed("reconstruct", "results")
    results = results[results["engine"] == "oligomdt_exact"].set_index(cell)
    expected = committed("reconstruct", "expected").set_index(cell)
    for name, share in (("med", 0.5), ("p90", 0.9)):
        quantile = cases.quantile(share)
        stated = results[f"loghr_err_{name}"].loc[quantile.index]
        np.testing.assert_allclose(quantile, stated, rtol=1e-4, atol=1e-6)
        found = expected[f"{'median' if name == 'med' else name}_found"].loc[quantile.index]
        np.testing.assert_allclose(quantile, found, rtol=1e-3, atol=1e-6)
    assert (results["cases"] == cases.size().loc[results.index]).all()


def errors_in_print(row):
    return f"{row['loghr_err_med']:.4f} / {row['loghr_err_p90']:.3f}"


def test_readme_tells_the_errors_of_the_reconstruction():
    lines = (FOLDER / "reconstruct" / "README.md").read_text(encoding="utf-8").splitlines()
    results = committed("reconstruct", "results").set_index(["engine", "variant", "fidelity"])
    for engine, known in (("oligomdt_exact", ""), ("oligomdt_exact_marks", "marks, ")):
        for variant in ("risk+ev", "risk", "n+ev", "n"):
            cells = [
                errors_in_print(results.loc[(engine, variant, fidelity)])
                for fidelity in ("vector", "fine", "coarse")
            ]
            assert f"| {known}{variant} | {' | '.join(cells)} |" in lines
