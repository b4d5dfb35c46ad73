"""Time the analysis of many draws from the patients on: Cox in each, pooling, Rubin's rules.

    python benchmarks/pooling/patients.py [--draws 10000] [--seed 1]

Needs nothing but the package. Writes `patients.csv` beside this file.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt import pooling, survival

HERE = Path(__file__).parent
# Patients of each arm of each trial: as in the NSCLC results of the book, rounded.
ARMS = (30, 25, 15)
ROLES = ("control", "experimental")


def simulated(n, draws, rng):
    """Draws of a trial of `n` patients an arm: exponential PFS, 12 to 36 months followed."""
    parts = []
    for arm, median in zip(ROLES, (4.0, 10.0), strict=True):
        died = rng.exponential(median / np.log(2), (draws, n))
        left = rng.uniform(12, 36, (draws, n))
        rows = {"draw": np.repeat(np.arange(draws), n), "time": np.minimum(died, left).ravel()}
        parts.append(
            pd.DataFrame(rows | {"event": (died <= left).ravel().astype(int), "arm": arm})
        )
    return pd.concat(parts, ignore_index=True)


def timed(call):
    """The result of a call and the CPU seconds it took."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def pooled(fits):
    """REML with the wider interval in each draw, combined over the draws."""
    log_hr, se = (np.column_stack([fit[name] for fit in fits]) for name in ("log_hr", "se"))
    return pooling.pool_draws(log_hr, se, tau2="REML", ci="wider").combine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    trials = [simulated(n, given.draws, rng) for n in ARMS]
    few = [trial[trial["draw"] < 50] for trial in trials]
    pooled([survival.cox_draws(trial) for trial in few])
    fits, cox_seconds = timed(lambda: [survival.cox_draws(trial) for trial in trials])
    _, pool_seconds = timed(lambda: pooled(fits))
    row = {
        "trials": len(ARMS),
        "patients": 2 * sum(ARMS),
        "draws": given.draws,
        "cox_seconds": cox_seconds,
        "pool_seconds": pool_seconds,
    }
    table = pd.DataFrame([row])
    table.to_csv(HERE / "patients.csv", index=False, float_format="%.3g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
