"""Small simulated trials, reconstructed from the statistics that a report would print of them.

    python benchmarks/statistics/simulated.py [--trials 60] [--draws 200]

Simulates randomised trials with known patients, computes the statistics of a report (as run.py
does, months with one decimal), draws patient data from these statistics alone, and counts how
often the 95 % range of the draws holds the truth. Nothing was chosen on these trials. A trial
for which too few chains met every statement has a row that says so in `note`. Writes
simulated.csv, a row as soon as a trial is done; a trial that has its row is not run again.
"""

import argparse
import time as clock
from pathlib import Path

import numpy as np
import pandas as pd
from run import ARMS, HERE, measure, stated
from tqdm import tqdm

from oligomdt import survival
from oligomdt.reconstructkm import Ensemble, InfeasibleError, from_statistics

SEED = 20261122
SHAPES = (0.7, 1.0, 1.4)
SCANS = (0, 2, 0, 3)  # months between scans; 0: progressions are known when they happen
SCAN_WINDOW = 0.25  # months that a scan may be early or late
ACCRUAL, CLOSURE = 24, 36  # months
WITHDRAW = 0.04  # share of the patients
ATTEMPTS_PER_CHAIN, DRAWS_PER_CHAIN = 5, 5
NOT_MEASURED = ("data", "n", "events")  # columns of `measure` that each row has from the start


def simulate(trial: int) -> tuple[dict, pd.DataFrame]:
    """The design of one trial, and its patients; the number of a trial decides all of it."""
    rng = np.random.default_rng([SEED, trial])
    design = {
        "trial": trial,
        "seed": SEED,
        "shape": SHAPES[trial % len(SHAPES)],
        "scan_months": SCANS[trial % len(SCANS)],
        "n_control": int(rng.integers(20, 41)),
        "n_experimental": int(rng.integers(20, 41)),
        "median_control": round(rng.uniform(4, 12), 2),
        "hr_design": round(rng.uniform(0.3, 0.9), 2),
    }
    arms = []
    for arm, ratio in zip(ARMS, (1, design["hr_design"]), strict=True):
        n, shape = design[f"n_{arm}"], design["shape"]
        scale = design["median_control"] / (np.log(2) * ratio) ** (1 / shape)
        event = found(scale * rng.weibull(shape, n), design["scan_months"], rng)
        end = CLOSURE - rng.uniform(0, ACCRUAL, n)
        withdrawn = rng.random(n) < WITHDRAW
        end[withdrawn] *= rng.random(withdrawn.sum())
        arms.append(
            pd.DataFrame(
                {
                    "time": np.minimum(event, end),
                    "event": (event <= end).astype(int),
                    "arm": arm,
                }
            )
        )
        design[f"withdrawn_{arm}"] = int((withdrawn & (event > end)).sum())
    return design, pd.concat(arms, ignore_index=True)


def found(progression: np.ndarray, gap: float, rng: np.random.Generator) -> np.ndarray:
    """When progressions are found: at the next scan, or at once where `gap` is 0."""
    if gap == 0:
        return progression
    due = gap * np.arange(1, CLOSURE / gap + 1)
    scans = due + rng.uniform(-SCAN_WINDOW, SCAN_WINDOW, (len(progression), len(due)))
    later = scans >= progression[:, None]
    return np.where(later.any(axis=1), scans[np.arange(len(scans)), later.argmax(1)], np.inf)


def printed_months(value: float) -> str:
    """Months as a report prints them."""
    return f"{value:.1f}" if np.isfinite(value) else "not reached"


def log_hr_range(ensemble: Ensemble) -> dict:
    """Middle 95 % of the log hazard ratios of the draws."""
    fits = [survival.cox(frame[["time", "event", "arm"]]).log_hr for frame in ensemble]
    low, high = np.percentile(fits, [2.5, 97.5])
    return {"log_hr_low": float(low), "log_hr_high": float(high)}


def one_trial(trial: int, draws: int) -> dict:
    """Reconstruct one simulated trial: its design, its truth, and what the draws say."""
    row, data = simulate(trial)
    row["n"], row["events"] = len(data), int(data["event"].sum())
    row["log_hr"] = survival.cox(data).log_hr
    name = f"simulated trial {trial}"
    attempts = ATTEMPTS_PER_CHAIN * draws // DRAWS_PER_CHAIN
    start = clock.process_time()
    try:
        ensemble = from_statistics(
            stated(name, data, printed_months), draws=draws, seed=trial, attempts=attempts
        )
    except InfeasibleError as error:
        measured = {"attempts": attempts, "note": str(error).split(". Check")[0]}
    else:
        measured = measure(name, data, ensemble)[0] | log_hr_range(ensemble) | {"note": "met"}
    seconds = round(clock.process_time() - start, 1)
    measured = {key: value for key, value in measured.items() if key not in NOT_MEASURED}
    return row | {"draws": draws} | measured | {"cpu_seconds": seconds}


def main() -> None:
    """Run the trials that have no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--out", type=Path, default=HERE / "simulated.csv")
    options = parser.parse_args()
    rows = pd.read_csv(options.out).to_dict("records") if options.out.exists() else []
    done = {row["trial"] for row in rows}
    for trial in tqdm([t for t in range(options.trials) if t not in done], unit="trial"):
        rows.append(one_trial(trial, options.draws))
        pd.DataFrame(rows).round(6).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
