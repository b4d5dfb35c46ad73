"""Time the pooling of many draws against R metafor, looped over the same fits.

    python benchmarks/pooling/run.py [--fits 1000] [--draws 10000] [--seed 1]

Needs R with metafor (Debian: r-cran-metafor); users of the package need neither. Writes
`results.csv` beside this file.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from oligomdt import pooling

HERE = Path(__file__).parent
SIZES = (3, 5, 10, 30)


def simulated(k, draws, rng):
    """Estimates of trials like those of the book: HR 0.67, half of them with a spread."""
    se = rng.uniform(0.2, 0.45, (draws, k))
    tau = np.where(np.arange(draws) % 2, 0.3, 0.0)[:, None]
    return rng.normal(np.log(0.67), np.hypot(se, tau)), se


def metafor(log_hr, se):
    """Fits of run.R and the CPU seconds they took."""
    fits = np.repeat(np.arange(len(log_hr)), log_hr.shape[1])
    studies = pd.DataFrame({"fit": fits, "log_hr": log_hr.ravel(), "se": se.ravel()})
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("studies.csv", "fits.csv")]
        studies.to_csv(files[0], index=False, float_format="%.17g")
        subprocess.run(["Rscript", str(HERE / "run.R"), *files], check=True)
        frame = pd.read_csv(files[1]).sort_values("fit", ignore_index=True)
    return frame, frame["seconds"].iloc[0]


def timed(call):
    """The result of a call and the CPU seconds it took."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def everything(log_hr, se):
    """The whole analysis of all draws: one fit, four intervals, each combined over draws."""
    draws = pooling.pool_draws(log_hr, se, tau2="REML", ci="hksj")
    for ci in ("wald", "hksj", "adhoc", "wider"):
        draws.with_interval(ci).combine()


def compare(k, fits, draws, rng):
    """One row of the results."""
    log_hr, se = simulated(k, draws, rng)
    options = {"tau2": "REML", "ci": "hksj"}
    pooling.pool_draws(log_hr[:10], se[:10], **options)
    theirs, r_seconds = metafor(log_hr[:fits], se[:fits])
    few = (log_hr[:fits], se[:fits])
    ours, seconds = timed(lambda: pooling.pool_draws(*few, **options))
    _, loop = timed(lambda: [pooling.pool(y, s, **options) for y, s in zip(*few, strict=True)])
    _, whole = timed(lambda: everything(log_hr, se))
    apart = {name: np.nanmax(np.abs(theirs[name] - getattr(ours, name))) for name in NAMES}
    return {
        "k": k,
        "fits": fits,
        "metafor_seconds_per_1000": 1000 * r_seconds / fits,
        "pool_draws_seconds_per_1000": 1000 * seconds / fits,
        "times_faster": r_seconds / seconds,
        "pool_seconds_per_1000": 1000 * loop / fits,
        "draws": draws,
        "whole_analysis_seconds": whole,
        "metafor_failed": int(theirs["mu"].isna().sum()),
        **{f"largest_difference_{name}": value for name, value in apart.items()},
    }


NAMES = ("mu", "ci_low", "ci_high", "tau2")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fits", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    rows = [compare(k, given.fits, given.draws, rng) for k in SIZES]
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "results.csv", index=False, float_format="%.3g")
    print(table.T.to_string(header=False))


if __name__ == "__main__":
    main()
