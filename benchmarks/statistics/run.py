"""Known patient data, reconstructed from the statistics that a paper would print of them.

    python benchmarks/statistics/run.py [--draws 200]

For each two-arm data set of lifelines the statistics of a typical report are computed and
rounded as they are printed; patient data are drawn from these statistics alone; the draws are
compared with the truth. Writes results.csv (one row per data set) and curves.csv (true and
reconstructed survival), which the book shows. Takes a few minutes; needs only this project.
"""

from __future__ import annotations

import argparse
import time as clock
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import datasets

from oligomdt import survival
from oligomdt.reconstructkm import Comparison, Ensemble, FollowUp, StatedArm, from_statistics

HERE = Path(__file__).parent
ARMS = ("control", "experimental")
FEWEST_AT_RISK = 0.1  # survival is compared while a tenth of the arm is at risk


def known() -> dict[str, pd.DataFrame]:
    """Two-arm data sets with known patient data; times in the unit of the source."""
    found = {}

    def add(name, frame, time, event, experimental):
        data = pd.DataFrame(
            {
                "time": frame[time].astype(float),
                "event": frame[event].astype(int),
                "arm": np.where(experimental(frame), "experimental", "control"),
            }
        )
        found[name] = data[data["time"] > 0].reset_index(drop=True)

    add("leukemia", datasets.load_leukemia(), "t", "status", lambda f: f["Rx"] == 0)
    lymphoma = datasets.load_lymphoma()
    add("lymphoma", lymphoma, "Time", "Censor", lambda f: f["Stage_group"] == 1)
    gbsg2 = datasets.load_gbsg2()
    rossi = datasets.load_rossi()
    for seed, size in ((1, 60), (2, 60), (3, 60)):
        sample = gbsg2.sample(size, random_state=seed)
        add(
            f"gbsg2, {size} patients, sample {seed}",
            sample,
            "time",
            "cens",
            lambda f: f["horTh"] == "yes",
        )
    for seed, size in ((1, 100),):
        sample = rossi.sample(size, random_state=seed)
        add(
            f"rossi, {size} patients, sample {seed}",
            sample,
            "week",
            "arrest",
            lambda f: f["fin"] == 1,
        )
    return found


def printed_time(value: float) -> str:
    """A time as a paper prints it: three digits, `not reached` where there is none."""
    if not np.isfinite(value):
        return "not reached"
    decimals = max(0, 2 - int(np.floor(np.log10(value))))
    return f"{value:.{min(decimals, 2)}f}"


def stated(name: str, data: pd.DataFrame, show=printed_time) -> Comparison:
    """The statistics that a report of the data would print, its times by `show`."""
    medians = survival.median(data, transform="log-log").set_index("arm")
    fit = survival.cox(data)
    p = survival.logrank(data).p
    arms = {}
    for arm in ARMS:
        row = medians.loc[arm]
        arms[arm] = StatedArm(
            int((data["arm"] == arm).sum()),
            median=show(row["median"]),
            median_ci=(show(row["ci_low"]), show(row["ci_high"])),
        )
    last = float(data["time"].max())
    shortest = float(data.loc[data["event"] == 0, "time"].min())
    return Comparison(
        arms,
        name=name,
        hr=f"{fit.hr:.2f}",
        hr_ci=(f"{fit.hr_low:.2f}", f"{fit.hr_high:.2f}"),
        p=f"{p:.2g}" if p >= 0.0001 else "<0.0001",
        test="unknown",
        transform="log-log",
        followup=FollowUp(last if np.isnan(shortest) else shortest, last),
    )


def spread_ties(data: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Break ties by less than the resolution of the data."""
    rng = np.random.default_rng(seed)
    step = np.diff(np.unique(data["time"])).min()
    jitter = rng.uniform(-0.25, 0.25, len(data)) * step
    return data.assign(time=data["time"] + np.where(data["event"] == 1, jitter, 0.3 * step))


def compare(name: str, data: pd.DataFrame, draws: int, jobs: int) -> tuple[dict, pd.DataFrame]:
    """Reconstruct one data set and measure the result."""
    comparison = stated(name, data)
    start = clock.process_time()
    ensemble = from_statistics(comparison, draws=draws, seed=1, attempts=400, jobs=jobs)
    seconds = clock.process_time() - start
    row, curves = measure(name, data, ensemble)
    return row | {"cpu_seconds": round(seconds, 1)}, curves


def bands(name: str, data: pd.DataFrame, ensemble: Ensemble) -> pd.DataFrame:
    """True survival and the band of the draws, at 50 times of each arm."""
    rows = []
    for arm in ARMS:
        own = data[data["arm"] == arm]
        end = own["time"].quantile(1 - FEWEST_AT_RISK)
        times = np.linspace(0, end, 51)[1:]
        truth = survival.survival_at(data, times).query("arm == @arm")["surv"].to_numpy()
        drawn = ensemble.survival(times).query("arm == @arm")
        table = drawn.pivot(index="time", columns="draw", values="surv").to_numpy()
        low, middle, high = np.percentile(table, [2.5, 50, 97.5], axis=1)
        rows.append(
            pd.DataFrame(
                {"data": name, "arm": arm, "time": times, "true": truth, "low": low,
                 "median": middle, "high": high, "sd": table.std(axis=1)}
            )
        )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def measure(name: str, data: pd.DataFrame, ensemble: Ensemble) -> tuple[dict, pd.DataFrame]:
    """How near an ensemble comes to the truth: one row, and the curves."""
    mixing = ensemble.mixing()
    curves = bands(name, data, ensemble)
    tau = min(data.loc[data["arm"] == a, "time"].quantile(0.9) for a in ARMS)
    fine = (np.arange(500) + 0.5) / 500 * tau
    true_rmst = rmst_difference(survival.survival_at(data, fine), tau)
    drawn = ensemble.survival(fine)
    rmst = np.array([rmst_difference(one, tau) for _, one in drawn.groupby("draw")])
    events = data["event"].sum()
    counted = ensemble.events().groupby("draw")["events"].sum()
    fits = np.array([survival.cox(frame).log_hr for frame in _frames(ensemble)])
    inside = (curves["true"] >= curves["low"] - 1e-9) & (
        curves["true"] <= curves["high"] + 1e-9
    )
    return {
        "data": name,
        "n": len(data),
        "events": int(events),
        "hr_true": survival.cox(data).hr,
        "log_hr_error": float(np.abs(np.median(fits) - survival.cox(data).log_hr)),
        "coverage": float(inside.mean()),
        "band_width": float((curves["high"] - curves["low"]).mean()),
        "curve_rmse": float(np.sqrt(((curves["median"] - curves["true"]) ** 2).mean())),
        "rmst_tau": float(tau),
        "rmst_true": float(true_rmst),
        "rmst_median": float(np.median(rmst)),
        "rmst_low": float(np.percentile(rmst, 2.5)),
        "rmst_high": float(np.percentile(rmst, 97.5)),
        "events_low": float(np.percentile(counted, 2.5)),
        "events_high": float(np.percentile(counted, 97.5)),
        "chains": ensemble.chains,
        "attempts": ensemble.attempts,
        "ess_lowest": float(mixing["ess"].min()),
        "ess_median": float(mixing["ess"].median()),
        "rhat_highest": float(mixing["rhat"].max()),
    }, curves


def rmst_difference(surv: pd.DataFrame, tau: float) -> float:
    """Difference of the areas under two curves given on an even grid."""
    area = surv.groupby("arm")["surv"].mean() * tau
    return float(area["experimental"] - area["control"])


def _frames(ensemble):
    return [frame[["time", "event", "arm"]] for frame in ensemble]


def main() -> None:
    """Measure every data set and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    results, curves = [], []
    for name, data in known().items():
        if options.only not in name:
            continue
        try:
            row, curve = compare(name, spread_ties(data), options.draws, options.jobs)
        except ValueError as error:
            print(f"{name}: {error}", flush=True)
            results.append(
                {
                    "data": name,
                    "n": len(data),
                    "events": int(data["event"].sum()),
                    "coverage": np.nan,
                }
            )
            continue
        print(
            {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True
        )
        results.append(row)
        curves.append(curve)
    frame = pd.DataFrame(results)
    print(
        f"mean coverage {frame['coverage'].mean():.3f}, width {frame['band_width'].mean():.3f}"
    )
    frame.round(6).to_csv(options.out / "results.csv", index=False)
    pd.concat(curves).round(6).to_csv(options.out / "curves.csv", index=False)


if __name__ == "__main__":
    main()
