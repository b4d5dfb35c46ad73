"""Score the reconstruction from coordinates on 30 public data sets with known patients.

    python benchmarks/reconstruct/run.py --benchmark PATH [--cases CASE ... --out FOLDER]

PATH is the benchmark's directory (its cases, its truth, its `evaluate.py` and the results of
four R packages). Writes `results.csv` (summary by fidelity, variant and engine), `paired.csv`
(the same cases side by side) and `cases.csv` (errors of the default method, case by case)
beside this file, and stops with an error when any case fails. For a quick look `--cases` names
the few cases to run; their files go into the folder that `--out` names.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt.reconstructkm import reconstruct

HERE = Path(__file__).parent
DEFAULT = "oligomdt_exact"
ENGINES = {DEFAULT: "exact", "oligomdt_guyot": "guyot"}
MARKS = "oligomdt_exact_marks"
# With an ensemble, as `expected.py` needs it, so that both look at the same patients.
DRAWS = 39
# Seconds after which a reconstruction is taken to hang: far more than the largest arm needs, so
# that a busy computer makes no failures. Speed is not scored here.
TIMEOUT = 600
# Left out: a variant of one package.
NOT_SHOWN = ["kmdata_interp"]
METRICS = [
    "loghr_err",
    "log_se_ratio",
    "median_err",
    "s_rmse",
    "s_max_tol",
    "rmst_err",
    "rmst_diff_err",
    "events_err",
    "nrisk_err",
    "logrank_err",
]
CASE = ["case", "smaller_arm", "fidelity", "variant", "loghr_err", "events_err", "nrisk_err"]
COUNTS = ["cases", "failed", "unsupported", "degenerate", "median_mismatch", "wrong_n"]


def load_evaluation(directory):
    spec = importlib.util.spec_from_file_location("evaluate", directory / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Call:
    """One engine as the benchmark calls it; each arm has a seed of its own.

    `known` holds further arguments of the calls in their order.
    """

    def __init__(self, method, known):
        self.method, self.known = method, list(known)

    def __call__(self, time, surv, **given):
        """Return times and events of one arm."""
        return tuple(reconstruct(time, surv, method=self.method, **given, **self.known.pop(0)))


def in_order(evaluate, bench):
    """Case, arm and fidelity in the order in which the benchmark calls an engine."""
    return [
        (case, arm, fidelity)
        for case in bench.cases
        for arm in (0, 1)
        for fidelity in evaluate.FIDELITIES
        for _ in evaluate.VARIANTS
    ]


def score_engine(evaluate, bench, name, call):
    patients, runs = evaluate.drive(
        bench,
        call,
        bench.cases,
        evaluate.FIDELITIES,
        list(evaluate.VARIANTS),
        repeats=1,
        timeout=TIMEOUT,
    )
    failed = runs[runs["status"] != "ok"]
    if len(failed):
        raise SystemExit(f"{len(failed)} reconstructions failed:\n{failed.to_string()}")
    return bench.score(name, patients, runs)


def marks_in_order(evaluate, bench):
    """Censoring marks in the order in which the benchmark calls an engine."""
    table = pd.read_csv(bench.dir / "marks.csv.gz", dtype={"case_id": str})
    marks = {
        key: own["time"].to_numpy()
        for key, own in table.groupby(["case_id", "arm", "fidelity"])
    }
    return [marks.get(key, np.zeros(0)) for key in in_order(evaluate, bench)]


def engine_calls(evaluate, bench):
    """The engines that are scored, by name."""
    seeds = [{"seed": arm} for _, arm, _ in in_order(evaluate, bench)]
    calls = {name: Call(method, seeds) for name, method in ENGINES.items()}
    calls[DEFAULT] = Call("exact", [{**seed, "draws": DRAWS} for seed in seeds])
    marks = marks_in_order(evaluate, bench)
    both = [{**seed, "censor_time": own} for seed, own in zip(seeds, marks, strict=True)]
    calls[MARKS] = Call("exact", both)
    return calls


def summarise(evaluate, metrics):
    columns = [f"{metric}_{part}" for metric in METRICS for part in ("med", "p90")]
    table = evaluate.summarise(metrics).rename(columns={"peer": "engine"})
    # A package that takes no such input (or fails on every case) has no row.
    table = table[table["failed"] + table["unsupported"] < table["cases"]]
    return table[["fidelity", "variant", "engine", *COUNTS, *columns]]


def by_case(bench, metrics):
    """Errors of each case, with the number of patients in its smaller arm."""
    size = bench.meta.groupby(level="case_id")["n"].min()
    table = metrics.assign(smaller_arm=metrics["case_id"].map(size))
    return table.rename(columns={"case_id": "case"})[CASE]


def side_by_side(evaluate, scored, peers):
    """Ours beside each package; with the marks beside the one that is given them too."""
    marked = peers["peer"] == "CIFresolve_marks"
    parts = [
        evaluate.paired(scored[DEFAULT], peers[~marked]),
        evaluate.paired(scored[MARKS], peers[marked]),
    ]
    table = pd.concat(parts).rename(columns={"peer": "engine"})
    return table.drop(columns=[column for column in table if column.startswith("cpu_ms")])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--benchmark", type=Path, required=True, help="benchmark directory")
    parser.add_argument("--cases", nargs="+", help="run these cases only; needs --out")
    parser.add_argument(
        "--out", type=Path, default=HERE, help="folder to write to (default: beside the script)"
    )
    given = parser.parse_args()
    if given.cases and given.out.resolve() == HERE.resolve():
        parser.error("--cases: the files of all cases would be overwritten; name another --out")
    return given


def chosen(bench, names):
    """The cases of these names in the order of the benchmark; all without names."""
    unknown = sorted(set(names or ()) - set(bench.cases))
    if unknown:
        raise SystemExit(f"--cases: {', '.join(unknown)} not among {', '.join(bench.cases)}")
    return [case for case in bench.cases if not names or case in names]


def main():
    given = arguments()
    evaluate = load_evaluation(given.benchmark)
    bench = evaluate.Bench(given.benchmark)
    bench.cases = chosen(bench, given.cases)
    calls = engine_calls(evaluate, bench)
    scored = {name: score_engine(evaluate, bench, name, call) for name, call in calls.items()}
    peers = pd.read_csv(given.benchmark / "peers.csv", dtype={"case_id": str})
    peers = peers[~peers["peer"].isin(NOT_SHOWN) & peers["case_id"].isin(bench.cases)]
    tables = {
        "results": summarise(evaluate, pd.concat([*scored.values(), peers], ignore_index=True)),
        "paired": side_by_side(evaluate, scored, peers),
        "cases": by_case(bench, scored[DEFAULT]),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(given.out / f"{name}.csv", index=False, float_format="%.6g")
    shown = ["fidelity", "variant", "engine", "cases", "failed", "loghr_err_med"]
    shown += ["loghr_err_p90", "s_rmse_med", "events_err_med", "nrisk_err_med"]
    print(tables["results"][shown].round(4).to_string(index=False))


if __name__ == "__main__":
    main()
