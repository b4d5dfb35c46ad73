"""How small the error on the benchmark can be, and whether the ensembles hold the truth there.

    python benchmarks/reconstruct/expected.py --benchmark PATH [--cases CASE ... --out FOLDER]

Every arm is reconstructed with an ensemble. If the ensemble is right, the truth is as likely to
be one of its draws as another, and the estimate with the smallest error to expect is the median
of the draws. So each draw in turn is taken as the truth and compared with the median of the
others: that is the error to expect of the best method with this information. Writes beside this
file `expected.csv` (by fidelity and variant: median and 90th percentile over the cases of the
error found, of the one expected, and the middle 90 % of the latter over the draws; the share of
cases in which the range of the draws holds the true log HR, medians and survival) and
`expected_wins.csv` (by package too: the share of cases in which ours is nearer than the
package, found, and expected if each draw in turn is the truth).
"""

import numpy as np
import pandas as pd
from run import DRAWS, NOT_SHOWN, arguments, chosen, load_evaluation
from tqdm import tqdm

from oligomdt.reconstructkm import reconstruct

# The arms are drawn independently of each other.
SEEDS = (0, 1)
# Times at which survival is compared, as shares of the follow-up of an arm.
SHARES = np.linspace(0.1, 0.9, 9)


def rebuild(evaluate, bench, case, fidelity, variant):
    """Both arms of a case, reconstructed with their ensembles."""
    with_table, with_events = evaluate.VARIANTS[variant]
    arms = []
    for arm in (0, 1):
        about, table = bench.meta.loc[case, arm], bench.risk[case, arm]
        points = bench.points[case, arm, fidelity]
        known = {"n": int(about.n), "xmax": float(about.xmax)}
        if with_table:
            known |= {"risk_time": table.time, "risk_n": table.n_risk}
        if with_events:
            known["events"] = int(about.events)
        arms.append(
            reconstruct(points.time, points.surv, draws=DRAWS, seed=SEEDS[arm], **known)
        )
    return arms


def log_hr(evaluate, arms):
    time, event = (np.concatenate(both) for both in zip(*arms, strict=True))
    side = np.repeat([0, 1], [len(arm[0]) for arm in arms])
    return evaluate.cox(time, event.astype(int), side)[0]


def holds(values, truth, slack=0.0):
    """Whether the range of values (draws, ...) holds the truth; a median may not be reached."""
    values, truth = (np.where(np.isnan(v), np.inf, v) for v in (values, truth))
    return (values.min(axis=0) - slack <= truth) & (truth <= values.max(axis=0) + slack)


def held(evaluate, bench, case, fidelity, arms):
    """Share of medians and of survival that the ensembles of both arms hold."""
    # Times are read to a pixel.
    pixels = {"vector": 1e4, "fine": 600, "coarse": 300}[fidelity]
    medians, levels = [], []
    for side, arm in enumerate(arms):
        true = evaluate.km(*bench.truth[case, side])
        curves = [evaluate.km(*draw) for draw in arm.draws]
        slack = bench.meta.loc[case, side].xmax / pixels / 2
        drawn = np.array([evaluate.km_median(curve) for curve in curves])
        medians.append(holds(drawn, evaluate.km_median(true), slack))
        grid = SHARES * bench.truth[case, side][0].max()
        drawn = np.array([evaluate.surv_at(curve, grid) for curve in curves])
        levels.append(holds(drawn, evaluate.surv_at(true, grid), 1e-9))
    return np.mean(medians), np.mean(levels)


def one_case(evaluate, bench, case, fidelity, variant):
    """True, reconstructed and drawn log HR of a case, and what its ensembles hold."""
    arms = rebuild(evaluate, bench, case, fidelity, variant)
    drawn = [log_hr(evaluate, pair) for pair in zip(*(arm.draws for arm in arms), strict=True)]
    truth = log_hr(evaluate, [bench.truth[case, side] for side in (0, 1)])
    medians, levels = held(evaluate, bench, case, fidelity, arms)
    return {
        "case_id": case,
        "fidelity": fidelity,
        "variant": variant,
        "truth": truth,
        "result": log_hr(evaluate, [tuple(arm) for arm in arms]),
        "drawn": np.array(drawn),
        "log_hr": bool(holds(np.array(drawn), truth, 1e-9)),
        "median": medians,
        "surv": levels,
    }


def summary(rows):
    """Errors found, and expected of the best estimate, in one fidelity and variant."""
    result = np.array([row["result"] for row in rows])
    drawn = np.array([row["drawn"] for row in rows])
    found_error = np.abs(result - [row["truth"] for row in rows])
    others = [np.delete(drawn, i, axis=1) for i in range(DRAWS)]
    expected = np.abs(np.column_stack([np.median(o, axis=1) for o in others]) - drawn)
    # The range of so many draws is a 95 % interval.
    found = {"cases": len(rows), "draws": DRAWS}
    for name, share in (("median", 0.5), ("p90", 0.9)):
        of_draws = np.quantile(expected, share, axis=0)
        found |= {
            f"{name}_found": np.quantile(found_error, share),
            f"{name}_expected": of_draws.mean(),
            f"{name}_low": np.quantile(of_draws, 0.05),
            f"{name}_high": np.quantile(of_draws, 0.95),
        }
    for name in ("log_hr", "median", "surv"):
        found[f"{name}_held"] = np.mean([row[name] for row in rows])
    return found


def wins(rows, peers):
    """Share of cases in which ours is nearer than each package, found and expected."""
    own = pd.DataFrame(rows)[["case_id", "truth", "result", "drawn"]]
    for name, theirs in peers.groupby("peer"):
        both = own.merge(theirs[["case_id", "loghr"]].dropna(), on="case_id")
        if both.empty:
            continue
        truth = np.column_stack([both["truth"], np.stack(both["drawn"])])
        ours = np.abs(both["result"].to_numpy()[:, None] - truth)
        other = np.abs(both["loghr"].to_numpy()[:, None] - truth)
        share = ((ours < other) + 0.5 * (ours == other)).mean(axis=0)
        yield {
            "engine": name,
            "cases": len(both),
            "found": share[0],
            "expected": share[1:].mean(),
            "low": np.quantile(share[1:], 0.05),
            "high": np.quantile(share[1:], 0.95),
        }


def main():
    given = arguments()
    evaluate = load_evaluation(given.benchmark)
    bench = evaluate.Bench(given.benchmark)
    peers = pd.read_csv(given.benchmark / "peers.csv", dtype={"case_id": str})
    peers = peers[(peers["status"] == "ok") & ~peers["peer"].isin(NOT_SHOWN)]
    # These are given the censoring marks, which are not used here.
    peers = peers[~peers["peer"].str.endswith("_marks")]
    cells = [(f, v) for f in evaluate.FIDELITIES for v in evaluate.VARIANTS]
    errors, shares = [], []
    for fidelity, variant in tqdm(cells, disable=None):
        rows = [
            one_case(evaluate, bench, case, fidelity, variant)
            for case in chosen(bench, given.cases)
        ]
        cell = {"fidelity": fidelity, "variant": variant}
        errors.append(cell | summary(rows))
        own = peers[(peers["fidelity"] == fidelity) & (peers["variant"] == variant)]
        shares += [cell | row for row in wins(rows, own)]
    given.out.mkdir(parents=True, exist_ok=True)
    for name, found in (("expected", errors), ("expected_wins", shares)):
        table = pd.DataFrame(found)
        table.to_csv(given.out / f"{name}.csv", index=False, float_format="%.4g")
        print(table.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
