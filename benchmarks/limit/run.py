"""Find two sets of patients that one and the same figure shows.

    python benchmarks/limit/run.py [--draws 400] [--seed 1]

The curves of the German Breast Cancer Study Group 2 (public, in lifelines), with and without
hormone therapy, are drawn on 600 x 400 pixels. From these pixels and the number of patients
ensembles are reconstructed, once without and once with the numbers at risk every 12 months.
Of the reconstructed trials whose curves fill the same pixels as the true ones, and whose
numbers at risk are those of the table where there is one, the two are kept whose log hazard
ratios differ most. Writes `patients.csv` (the true patients and the two
pairs) beside this file. Needs nothing but the package.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines.datasets import load_gbsg2

from oligomdt import survival
from oligomdt.figures.limit import AXIS, COLUMN, HEIGHT, PIXEL, pixel_rows
from oligomdt.reconstructkm import reconstruct

HERE = Path(__file__).parent
DAYS = 30.4375
# Times are cut to this many decimals when they are written, and compared as they are written.
# Rounded up, a patient who left just before a column of the table would be at risk in it.
DECIMALS = 4
ARMS = {"no": "control", "yes": "experimental"}


def cut(time):
    """Times as they are written."""
    return np.floor(time * 10**DECIMALS) / 10**DECIMALS


def true_arms():
    """Times in months and events of both arms."""
    study = load_gbsg2()
    return {
        ARMS[name]: (cut(own["time"].to_numpy() / DAYS), own["cens"].to_numpy())
        for name, own in study.groupby("horTh")
    }


def at_risk(time, columns):
    return np.array([(time >= column).sum() for column in columns])


def same_pictures(time, event, *, with_table, draws, seed):
    """Reconstructed patients of one arm; None in the place of a draw with another picture."""
    rows = pixel_rows(time, event)
    columns = np.arange(0, time.max(), COLUMN) if with_table else np.zeros(1)
    table = at_risk(time, columns)
    arm = reconstruct(
        np.arange(len(rows)) * PIXEL,
        rows / HEIGHT,
        n=len(time),
        xmax=AXIS,
        risk_time=columns if with_table else None,
        risk_n=table if with_table else None,
        draws=draws,
        seed=seed,
        observation="trace",
        # Within half a pixel of what was read: a curve further off fills other pixels.
        resolution=(PIXEL, 0.5 / HEIGHT),
    )
    kept = []
    for drawn, died in arm.draws:
        shown = cut(drawn)
        same = np.array_equal(pixel_rows(shown, died), rows)
        same = same and np.array_equal(at_risk(shown, columns), table)
        kept.append((shown, died) if same else None)
    return kept


def most_different(arms, with_table, draws, seed):
    """The two trials with the smallest and the largest log hazard ratio."""
    kept = [
        same_pictures(*arms[name], with_table=with_table, draws=draws, seed=seed)
        for name in ARMS.values()
    ]
    trials = [pair for pair in zip(*kept, strict=True) if None not in pair]
    if len(trials) < 2:
        raise SystemExit("fewer than two draws give the same picture; raise --draws")
    frames = [trial_frame(trial) for trial in trials]
    log_hr = [survival.cox(frame).log_hr for frame in frames]
    print(f"{len(frames)} of {draws} draws give the same picture, table {with_table}")
    return frames[int(np.argmin(log_hr))], frames[int(np.argmax(log_hr))]


def trial_frame(arms):
    """Patients of both arms as one frame."""
    return pd.concat(
        pd.DataFrame({"arm": name, "time": time, "event": event})
        for name, (time, event) in zip(ARMS.values(), arms, strict=True)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    arms = true_arms()
    real = trial_frame([arms[name] for name in ARMS.values()])
    parts = [real.assign(known="all", patients="true")]
    for known, with_table in (("curves", False), ("curves and table", True)):
        pair = most_different(arms, with_table, given.draws, given.seed)
        for name, frame in zip(("first", "second"), pair, strict=True):
            parts.append(frame.assign(known=known, patients=name))
    table = pd.concat(parts)[["known", "patients", "arm", "time", "event"]]
    table.to_csv(HERE / "patients.csv", index=False, float_format=f"%.{DECIMALS}f")
    groups = table.groupby(["known", "patients"], sort=False)
    for key, own in groups:
        print(*key, own["event"].sum(), "events, hazard ratio", round(survival.cox(own).hr, 4))


if __name__ == "__main__":
    main()
