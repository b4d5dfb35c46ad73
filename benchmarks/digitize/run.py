"""Score the digitiser on figures whose curves are known, beside other tools.

    python benchmarks/digitize/run.py --benchmark PATH [--figures 'dev00*' --out look]

PATH is the benchmark's directory (figures, truth, `evaluate.py` and the results of other
tools). Every figure is given to `oligomdt.digitize.digitize` alone, without any option. Writes
`results.csv` (summary by kind of file, difficulty and tool), `figures.csv` (one row per figure:
what was found, error of the hazard ratio, time, what was refused) beside this file. For a quick
look `--figures` names the few figures to run and `--out` the folder for their files.
"""

import argparse
import importlib.util
import itertools
import json
import resource
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt import survival
from oligomdt.digitize import DigitizeError, digitize, saved
from oligomdt.reconstructkm import ArmInput, reconstruct_figure

HERE = Path(__file__).parent
OURS = "oligomdt"
VECTOR = ("svg", "pdf")
KEPT = [
    "kind", "difficulty", "method", "figures", "arms", "missing", "wrong", "refused",
    "arm_fail_pct", "iae_median", "iae_p90", "max_err_band_median", "median_relerr_median",
    "step_recall", "step_precision", "cens_f1", "risk_cells_ok_pct", "label_ok_pct",
    "axes_ok_pct", "two_arms", "loghr_figures", "loghr_err_median",
    "seconds_median", "seconds_max",
]  # fmt: skip


def load_evaluation(directory):
    spec = importlib.util.spec_from_file_location("evaluate", directory / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_figure(file, folder):
    """Read one figure into the files that are scored; a refusal or failure is a row as well."""
    row, read = {"figure": file.stem, "refused": ""}, None
    start = time.process_time()
    try:
        read = digitize(file)
    except DigitizeError as error:
        row["refused"] = str(error)
    except Exception as error:  # a tool that stops has failed; the reader is told how
        row["refused"] = f"{type(error).__name__}: {error}"
    row["seconds"] = time.process_time() - start
    if read is not None:
        frames = {"csv": read.points(), "censor.csv": read.censor(), "risk.csv": read.risk()}
        for ending, frame in frames.items():
            frame.to_csv(folder / f"{file.stem}.{ending}", index=False, float_format="%.10g")
        row["warnings"] = len(read.warnings)
    return row, read


def axes_right(read, truth):
    """Whether both axes lie within one pixel (a tenth of a point) of the true ones."""
    unit = 1.0 if truth["size_unit"] == "px" else 0.1
    for name, axis, limits in (("x", read.x_axis, "x_limits"), ("y", read.y_axis, "y_limits")):
        positions = truth["axis"]["panel_px"][name]
        if np.abs(axis.position(truth["axis"][limits]) - positions).max() > unit:
            return False
    return True


def paired(evaluate, curves, read, ends):
    """True arm to the arm that was read, so that the total error is smallest."""
    steps = [evaluate.Step(arm.time, arm.surv) for arm in read.arms]
    names = list(curves)
    best = min(
        itertools.permutations(range(len(steps)), len(names)),
        key=lambda order: sum(
            evaluate.iae(curves[name], steps[k], ends[name])
            for name, k in zip(names, order, strict=True)
        ),
    )
    return {name: read.arms[k] for name, k in zip(names, best, strict=True)}


def as_accepted(read, roles):
    """The coordinates that acceptance would write; a ratio needs no unit of time."""
    reading = saved.saved(read, "0" * 64)
    axis = reading.x_axis.model_copy(update={"unit": "months"})
    reading = reading.model_copy(update={"x_axis": axis})
    names = {role: name for name, role in roles.items()}
    return saved.accepted(saved.with_roles(reading, **names))


def hazard_ratio_error(evaluate, bench, file, read, truth):
    """Distance of the log hazard ratio from that of the true patients.

    What the figure does not say is the number of patients where no numbers at risk are read;
    it is then taken from the truth, as an article states it.
    """
    patients = pd.read_csv(bench / "truth" / f"{file.stem}.ipd.csv", dtype={"arm": str})
    patients = patients.rename(columns={"status": "event"})
    first, second = (arm["label"] for arm in truth["arms"])
    ends = {arm["label"]: arm["t_end"] for arm in truth["arms"]}
    loaded = evaluate.load_truth(str(bench), file.stem)
    roles = {first: "control", second: "experimental"}
    pairs = paired(evaluate, loaded["curves"], read, ends)
    accepted = as_accepted(read, {pairs[name].name: role for name, role in roles.items()})
    inputs = []
    for name, role in roles.items():
        arm = accepted.arms[role]
        at_start = [count for time, count in arm.risk if time == 0]
        n = at_start[0] if at_start else int((patients["arm"] == name).sum())
        inputs.append(
            ArmInput(
                role,
                arm.time,
                arm.surv,
                n=n,
                risk_time=[time for time, _ in arm.risk] or None,
                risk_n=[count for _, count in arm.risk] or None,
                censor_time=arm.censor_time if len(arm.censor_time) else None,
            )
        )
    rebuilt = reconstruct_figure(inputs, draws=0, xmax=accepted.xmax)
    patients["arm"] = patients["arm"].map(roles)
    return abs(survival.cox(rebuilt.frame()).log_hr - survival.cox(patients).log_hr)


def run(evaluate, bench, files, folder):
    """One row per figure."""
    rows = []
    for file in files:
        truth = json.loads((bench / "truth" / f"{file.stem}.json").read_text(encoding="utf-8"))
        row, read = read_figure(file, folder)
        row["difficulty"], row["format"] = truth["difficulty"], file.suffix[1:]
        row["arms"] = len(truth["arms"])
        row["axes_ok"] = int(read is not None and axes_right(read, truth))
        if len(truth["arms"]) == 2:
            row["loghr_err"] = np.nan
            if read is not None and len(read.arms) == 2:
                try:
                    row["loghr_err"] = hazard_ratio_error(evaluate, bench, file, read, truth)
                except ValueError as error:
                    row["loghr_refused"] = str(error).splitlines()[0]
        rows.append(row)
        print(f"{file.stem} {row['seconds']:.1f} s {row['refused']}", flush=True)
    return pd.DataFrame(rows)


def summary(evaluate, bench, figures, folder):
    """One row per kind of file, difficulty and tool."""
    scored = pd.DataFrame(
        [row for name in figures["figure"] for row in
         evaluate.score_figure(str(bench), str(folder), name)]
    )  # fmt: skip
    for column in ("max_err", "max_err_band", "step_recall", "step_precision", "label_ok"):
        scored[column] = scored.get(column, np.nan)
    frames = []
    for kind, chosen in (
        ("raster", ~figures["format"].isin(VECTOR)),
        ("vector", figures["format"].isin(VECTOR)),
    ):
        own = scored[scored["figure"].isin(figures.loc[chosen, "figure"])]
        if len(own):
            table = evaluate.summarise(own, OURS).assign(kind=kind)
            more = [further(own, figures[chosen], level) for level in table["difficulty"]]
            frames.append(pd.concat([table, pd.DataFrame(more, index=table.index)], axis=1))
    return pd.concat(frames, ignore_index=True)


def further(scored, figures, level):
    """What the benchmark's own summary does not have."""
    if level != "all":
        scored = scored[scored["difficulty"] == level]
        figures = figures[figures["difficulty"] == level]
    errors = figures.get("loghr_err", pd.Series(dtype=float)).dropna()
    return {
        "refused": int((figures["refused"] != "").sum()),
        # An arm that is missing has no right name.
        "label_ok_pct": 100 * scored["label_ok"].fillna(0).mean(),
        "axes_ok_pct": 100 * figures["axes_ok"].mean(),
        "two_arms": int((figures["arms"] == 2).sum()),
        "loghr_figures": len(errors),
        "loghr_err_median": errors.median() if len(errors) else np.nan,
        "seconds_median": figures["seconds"].median(),
        "seconds_max": figures["seconds"].max(),
    }


def peers(bench):
    """The other tools' rows, as the benchmark summarises them; they read images only."""
    frame = pd.read_csv(bench / "peers_summary.csv")
    frame = frame.rename(columns={"sec_per_fig": "seconds_median"})
    return frame.assign(kind="raster")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--benchmark", type=Path, required=True)
    parser.add_argument("--only", choices=["raster", "vector"])
    parser.add_argument("--figures", default="*")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    bench = arguments.benchmark
    evaluate = load_evaluation(bench)
    files = [
        file
        for file in sorted((bench / "figures").iterdir())
        if fnmatch(file.stem, arguments.figures)
        and arguments.only in (None, "vector" if file.suffix[1:] in VECTOR else "raster")
    ]
    if arguments.out == HERE and arguments.figures != "*":
        parser.error("--figures runs a part of them; name another folder with --out")
    arguments.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        figures = run(evaluate, bench, files, Path(place))
        table = summary(evaluate, bench, figures, Path(place))
    table = pd.concat([table, peers(bench)], ignore_index=True)
    ours = set(table.loc[table["method"] == OURS, "kind"])
    table = table[table["kind"].isin(ours)].reindex(columns=KEPT)
    looks = {"index": False, "float_format": "%.4g", "lineterminator": "\n"}
    table.to_csv(arguments.out / "results.csv", **looks)
    figures.to_csv(arguments.out / "figures.csv", **looks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(files)} figures, {(figures['refused'] != '').sum()} refused, {peak:.0f} MB")


if __name__ == "__main__":
    main()
