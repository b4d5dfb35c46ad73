"""The committed results of the benchmarks agree with each other and with public data."""

import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from lifelines.datasets import load_gbsg2

from oligomdt import survival
from oligomdt.figures.size import size_data, size_table

FOLDER = ROOT / "benchmarks"
# The picture of benchmarks/limit: months of its axis, columns and rows of pixels.
AXIS, WIDTH, HEIGHT = 90, 600, 400


def committed(benchmark, name):
    return pd.read_csv(FOLDER / benchmark / f"{name}.csv")


def script(benchmark):
    file = FOLDER / benchmark / "run.py"
    spec = importlib.util.spec_from_file_location(f"{benchmark}_run", file)
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
