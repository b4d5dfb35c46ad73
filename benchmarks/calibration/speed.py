"""Measure how long one arm takes with the method "exact", its ensemble included.

    python benchmarks/calibration/speed.py [--draws 39]

Simulates arms of 50 to 3,000 patients as `run.py` does and reconstructs each with an ensemble,
once what is compiled is there. Writes `speed.csv` beside this file: processor time of an arm in
milliseconds, median and longest of the arms. Compare rows of one run only: another computer, or
a busy one, takes another time.
"""

import argparse
import time

import numpy as np
import pandas as pd
from run import AXIS, COLUMN, FIDELITIES, HERE, VARIANTS, picture, simulate
from tqdm import tqdm

from oligomdt.reconstructkm import reconstruct

# Patients of an arm, and trials of two arms each.
SIZES = {50: 6, 100: 6, 200: 6, 400: 6, 1000: 2, 3000: 1}


def arms(n, trials, fidelity, variant):
    """Points and arguments of the arms of some trials."""
    with_table, with_events = VARIANTS[variant]
    for seed in range(trials):
        rng = np.random.default_rng([seed, n])
        for own, event in simulate(rng, n):
            known = {"n": n, "xmax": AXIS, "seed": seed}
            if with_table:
                columns = np.arange(0, own.max(), COLUMN)
                known["risk_time"] = columns
                known["risk_n"] = [(own >= at).sum() for at in columns]
            if with_events:
                known["events"] = int(event.sum())
            yield *picture(own, event, fidelity, rng), known


def milliseconds(x, y, known, draws):
    """Processor time of one arm."""
    start = time.process_time()
    reconstruct(x, y, draws=draws, **known)
    return 1000 * (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=39)
    draws = parser.parse_args().draws
    cells = [(fid, var, n) for fid in FIDELITIES for var in VARIANTS for n in SIZES]
    rows = []
    for fidelity, variant, n in tqdm(cells, desc="arms"):
        todo = list(arms(n, SIZES[n], fidelity, variant))
        if n == min(SIZES):
            milliseconds(*todo[0], draws)
        taken = [milliseconds(*arm, draws) for arm in todo]
        rows.append((fidelity, variant, n, len(taken), np.median(taken), max(taken)))
    columns = ["fidelity", "variant", "patients", "arms", "median_ms", "longest_ms"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(HERE / "speed.csv", index=False, float_format="%.3g")
    print(table.round(0).to_string(index=False))


if __name__ == "__main__":
    main()
