"""Score the reconstruction from coordinates on 30 public data sets with known patients.

    python benchmarks/reconstruct/run.py --benchmark PATH

PATH is the benchmark's directory (its cases, its truth, its `evaluate.py` and the results of
four R packages). Writes `results.csv` (summary by fidelity, variant and engine) and
`paired.csv` (the same cases side by side) beside this file, and stops with an error when any
case fails.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt.reconstructkm import reconstruct

HERE = Path(__file__).parent
ENGINES = {"oligomdt_exact": "exact", "oligomdt_guyot": "guyot"}
MARKS = "oligomdt_exact_marks"
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
COUNTS = ["cases", "failed", "unsupported", "degenerate", "median_mismatch", "wrong_n"]


def load_evaluation(directory):
    spec = importlib.util.spec_from_file_location("evaluate", directory / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Call:
    """One engine as the benchmark calls it; `marks` are those of the arm about to be called."""

    def __init__(self, method, marks=None):
        self.method, self.marks = method, marks

    def __call__(self, time, surv, **known):
        """Return times and events of one arm."""
        marks = self.marks.pop(0) if self.marks is not None else None
        return tuple(reconstruct(time, surv, censor_time=marks, method=self.method, **known))


def score_engine(evaluate, bench, name, call):
    patients, runs = evaluate.drive(
        bench,
        call,
        bench.cases,
        evaluate.FIDELITIES,
        list(evaluate.VARIANTS),
        repeats=1,
        timeout=60,
    )
    failed = runs[runs["status"] != "ok"]
    if len(failed):
        raise SystemExit(f"{len(failed)} reconstructions failed:\n{failed.to_string()}")
    return bench.score(name, patients, runs)


def marks_in_order(evaluate, bench):
    """Censoring marks in the order in which the benchmark calls an engine."""
    table = pd.read_csv(bench.dir / "marks.csv.gz", dtype={"case_id": str})
    known = {
        key: own["time"].to_numpy()
        for key, own in table.groupby(["case_id", "arm", "fidelity"])
    }
    return [
        known.get((case, arm, fidelity), np.zeros(0))
        for case in bench.cases
        for arm in (0, 1)
        for fidelity in evaluate.FIDELITIES
        for _ in evaluate.VARIANTS
    ]


def summarise(evaluate, metrics):
    columns = [f"{metric}_{part}" for metric in METRICS for part in ("med", "p90")]
    table = evaluate.summarise(metrics).rename(columns={"peer": "engine"})
    # A package that takes no such input (or fails on every case) has no row.
    table = table[table["failed"] + table["unsupported"] < table["cases"]]
    return table[["fidelity", "variant", "engine", *COUNTS, *columns]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--benchmark", type=Path, required=True, help="benchmark directory")
    directory = parser.parse_args().benchmark
    evaluate = load_evaluation(directory)
    bench = evaluate.Bench(directory)
    calls = {name: Call(method) for name, method in ENGINES.items()}
    calls[MARKS] = Call("exact", marks_in_order(evaluate, bench))
    scored = {name: score_engine(evaluate, bench, name, call) for name, call in calls.items()}
    peers = pd.read_csv(directory / "peers.csv", dtype={"case_id": str})
    peers = peers[~peers["peer"].isin(NOT_SHOWN)]
    summary = summarise(evaluate, pd.concat([*scored.values(), peers], ignore_index=True))
    summary.to_csv(HERE / "results.csv", index=False, float_format="%.6g")
    paired = pd.concat(
        [
            evaluate.paired(
                scored["oligomdt_exact"], peers[peers["peer"] != "CIFresolve_marks"]
            ),
            evaluate.paired(scored[MARKS], peers[peers["peer"] == "CIFresolve_marks"]),
        ]
    ).rename(columns={"peer": "engine"})
    paired = paired.drop(columns=[c for c in paired if c.startswith("cpu_ms")])
    paired.to_csv(HERE / "paired.csv", index=False, float_format="%.6g")
    shown = ["fidelity", "variant", "engine", "cases", "failed", "loghr_err_med"]
    shown += ["loghr_err_p90", "s_rmse_med", "events_err_med", "nrisk_err_med"]
    print(summary[shown].round(4).to_string(index=False))


if __name__ == "__main__":
    main()
