"""Ensembles of patient data that reproduce what a paper states (no figure needed)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from . import sampler
from .comparison import Comparison
from .constraints import HR, HR_UPPER, Constraint, Plan, plan
from .mixing import effective_size, split_rhat

# Moves per patient: first cooling, one reheating cycle; number of cycles; moves per patient
# between two data sets kept from one chain.
LENGTHS = (100, 100, 20, 100)
DRAWS_PER_CHAIN = 5
BATCH = 16


class InfeasibleError(ValueError):
    """No data set was found that meets every forced statement.

    The attribute ``statistics`` is a frame with, for each statement, the share of chains that
    missed it and the values they reached.
    """

    def __init__(self, message: str, statistics: pd.DataFrame):
        super().__init__(message)
        self.statistics = statistics


@dataclass(frozen=True)
class Ensemble:
    """Data sets that reproduce the stated statistics of one comparison.

    Attributes
    ----------
    data : DataFrame
        One row per draw and patient: ``draw``, ``time`` (months), ``event`` (1 or 0), ``arm``
        and, where the comparison has parts, ``part``.
    statistics : DataFrame
        One row per statement: ``statistic``, ``stated`` (as printed), ``low`` and ``high``
        (the values that print so), ``reached_low``, ``reached_median``, ``reached_high`` over
        the draws, ``met`` (share of draws), ``forced`` and ``reason`` (why not).
    values : ndarray, (draws, statements)
        Every statement in every draw.
    chains, attempts : int
        Chains that met everything, and chains started.
    loglog : ndarray of bool, (draws,)
        Draws whose confidence limits use the log-log transform; the others use the log.
    seed : int
    """

    comparison: Comparison
    data: pd.DataFrame
    statistics: pd.DataFrame
    values: np.ndarray
    chains: int
    attempts: int
    loglog: np.ndarray
    seed: int

    @property
    def draws(self) -> int:
        """Number of data sets."""
        return int(self.data["draw"].max()) + 1

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for _, frame in self.data.groupby("draw", sort=True):
            yield frame.reset_index(drop=True)

    def mixing(self) -> pd.DataFrame:
        """How well the chains agree, and what their draws are worth.

        Returns
        -------
        DataFrame
            ``quantity`` (events of each arm, survival at the quartiles of the event times, log
            hazard ratio), ``rhat`` (see `mixing.split_rhat`) and ``ess``, the effective number
            of draws (see `mixing.effective_size`).

        Raises
        ------
        ValueError
            If there are not two whole chains.
        """
        chains = self.draws // DRAWS_PER_CHAIN
        rows = []
        for quantity, value in self._quantities().items():
            table = np.asarray(value, float)[: chains * DRAWS_PER_CHAIN].reshape(chains, -1)
            rows.append(
                {"quantity": quantity, "rhat": split_rhat(table), "ess": effective_size(table)}
            )
        return pd.DataFrame(rows)

    def _quantities(self) -> dict[str, np.ndarray]:
        """Quantities whose mixing is looked at, one value per draw."""
        from oligomdt.survival import cox

        found = {}
        times = self.data.loc[self.data["event"] == 1, "time"].quantile([0.25, 0.5, 0.75])
        surv = self.survival(times.to_numpy())
        for arm, own in self.events().groupby("arm"):
            found[f"{arm} events"] = own["events"].to_numpy()
        for (arm, time), own in surv.groupby(["arm", "time"]):
            found[f"{arm} S({time:.3g})"] = own["surv"].to_numpy()
        frames = (frame[["time", "event", "arm"]] for frame in self)
        found["log hr"] = np.array([cox(frame).log_hr for frame in frames])
        return found

    def part(self, name: str) -> Ensemble:
        """The draws of one part of the comparison.

        Raises
        ------
        KeyError
            If there is no part of that name.
        """
        parts = {part.name: part for part in self.comparison.parts}
        if name not in parts:
            raise KeyError(f"no part {name!r}; parts are {sorted(parts)}")
        data = self.data[self.data["part"] == name].drop(columns="part")
        mine = self.statistics["statistic"].str.startswith(f"{name} ")
        values = self.values[:, mine.to_numpy()]
        statistics = self.statistics[mine].assign(
            statistic=lambda frame: frame["statistic"].str.removeprefix(f"{name} ")
        )
        return replace(
            self,
            comparison=parts[name],
            data=data.reset_index(drop=True),
            statistics=statistics.reset_index(drop=True),
            values=values,
        )

    def survival(self, times: np.ndarray) -> pd.DataFrame:
        """Kaplan-Meier survival of every draw at given times.

        Parameters
        ----------
        times : array_like, (T,)
            Months.

        Returns
        -------
        DataFrame
            ``draw``, ``arm``, ``time``, ``surv``. Survival is carried on after the last
            event; look at the number at risk before reading the tail.
        """
        times = np.asarray(times, float)
        rows = []
        for draw, frame in self.data.groupby("draw", sort=True):
            for arm, own in frame.groupby("arm", sort=True):
                surv = _survival(own["time"].to_numpy(), own["event"].to_numpy(), times)
                rows.append(
                    pd.DataFrame({"draw": draw, "arm": arm, "time": times, "surv": surv})
                )
        return pd.concat(rows, ignore_index=True)

    def events(self) -> pd.DataFrame:
        """Number of events by draw and arm: ``draw``, ``arm``, ``events``, ``n``."""
        grouped = self.data.groupby(["draw", "arm"])["event"]
        return grouped.agg(events="sum", n="size").reset_index()


def _survival(time, event, times) -> np.ndarray:
    order = np.argsort(time)
    at_risk = len(time) - np.arange(len(time))
    surv = np.concatenate([[1.0], np.cumprod(1 - event[order] / at_risk)])
    return surv[np.searchsorted(time[order], times, side="right")]


def from_statistics(
    comparison: Comparison,
    draws: int = 200,
    seed: int = 0,
    *,
    attempts: int = 400,
    jobs: int = 1,
    progress: bool = False,
) -> Ensemble:
    """Draw patient data that reproduce every stated statistic of a comparison.

    No curve is needed. The prior is a hazard for each arm that is constant on eight intervals
    of the time axis, which grow with time. The hazards of the intervals are independent Gamma
    variables with a coefficient of variation of 1 around a level that is all but free. Where
    the comparison has ``visits`` (a schedule of scans), the intervals are the visits and the
    times between them, with a level for each kind, so that events can gather at scans.
    Follow-up, withdrawals and horizon are as stated.

    The prior is restricted to data sets whose medians, confidence limits, survival at given
    times, hazard ratio, p value and event counts all print as stated. Chains of a Metropolis
    sampler first look for that region, by simulated annealing (Kirkpatrick et al. 1983,
    doi:10.1126/science.220.4598.671), and then move inside it; five data sets are kept from
    each chain. The region often falls into islands between which a chain does not move. The
    draws are then spread over the islands as the search finds them, which is near the
    restricted prior and not the same; `Ensemble.mixing` says how far the chains agree.

    Parameters
    ----------
    comparison : Comparison
    draws : int
        Data sets to return.
    seed : int
        The same seed gives the same draws, whatever `jobs` is.
    attempts : int
        Chains to start at most.
    jobs : int
        Threads (the sampler is compiled and releases the interpreter's lock).
    progress : bool
        Show a progress bar.

    Returns
    -------
    Ensemble

    Raises
    ------
    InfeasibleError
        If not enough chains meet every forced statement. Its ``statistics`` say which ones
        were missed, and by how much.

    Examples
    --------
    >>> from oligomdt.reconstructkm import Comparison, StatedArm, from_statistics
    >>> arms = {"control": StatedArm(20, median="4.0"), "experimental": StatedArm(20)}
    >>> ensemble = from_statistics(Comparison(arms, hr="0.5", horizon=12), draws=10, seed=1)
    >>> ensemble.statistics[["statistic", "stated", "met"]]
            statistic stated  met
    0  control median    4.0  1.0
    1              hr    0.5  1.0
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}; ask for at least one data set")
    wanted = -(-draws // DRAWS_PER_CHAIN)
    if attempts < wanted:
        raise ValueError(f"attempts is {attempts}; {draws} draws need at least {wanted} chains")
    layout = plan(comparison)
    ready = sampler.setup(comparison, layout)
    found, started, missed = [], 0, []
    with _bar(wanted, comparison.name, progress) as bar:
        while len(found) < wanted and started < attempts:
            seeds = [
                np.random.SeedSequence([seed, i])
                for i in range(started, min(started + BATCH, attempts))
            ]
            runs = _run_batch(comparison, layout, ready, seeds, jobs)
            for one in runs:
                if len(found) == wanted:
                    break
                started += 1
                (found if one.met else missed).append(one)
                bar.update(int(one.met))
    if len(found) < wanted:
        raise _infeasible(comparison, layout, found, missed, wanted, started)
    return _assemble(comparison, found, draws, started, seed)


def _bar(total: int, name: str, progress: bool):
    from tqdm import tqdm

    return tqdm(total=total, desc=f"reconstruct {name}", unit="chain", disable=not progress)


def _run_batch(comparison, layout: Plan, ready, seeds, jobs: int) -> list[sampler.Run]:
    from joblib import Parallel, delayed

    return Parallel(n_jobs=jobs, prefer="threads")(
        delayed(sampler.run)(comparison, layout, ready, seed, LENGTHS, DRAWS_PER_CHAIN)
        for seed in seeds
    )


def _assemble(comparison, found, draws, started, seed) -> Ensemble:
    return assemble(
        comparison,
        # Whole microunits of time, so that storing data loses nothing.
        np.round(np.concatenate([run.time for run in found])[:draws], 6),
        np.concatenate([run.event for run in found])[:draws],
        np.concatenate([run.value for run in found])[:draws],
        loglog=np.repeat([run.loglog for run in found], DRAWS_PER_CHAIN)[:draws],
        chains=len(found),
        attempts=started,
        seed=seed,
    )


def assemble(
    comparison: Comparison,
    time: np.ndarray,
    event: np.ndarray,
    value: np.ndarray,
    **others,
) -> Ensemble:
    """Put an ensemble together from arrays, patients in the order of `plan`.

    Parameters
    ----------
    comparison : Comparison
    time, event : ndarray, (draws, patients)
    value : ndarray, (draws, statements)
    **others
        ``loglog``, ``chains``, ``attempts`` and ``seed`` of the `Ensemble`.
    """
    layout = plan(comparison)
    names = np.array(layout.groups)[layout.group_of]
    data = pd.DataFrame(
        {
            "draw": np.repeat(np.arange(len(time)), time.shape[1]),
            "time": time.ravel(),
            "event": event.astype(int).ravel(),
            "arm": np.tile(np.array([name.split()[-1] for name in names]), len(time)),
        }
    )
    if comparison.parts:
        part = np.array([name.rsplit(" ", 1)[0] for name in names])
        data["part"] = np.tile(part, len(time))
    table = _statistics(layout, value)
    return Ensemble(comparison, data, table, value, **others)


def bounds(constraint: Constraint) -> tuple[float, float]:
    """The interval of a constraint on the scale on which it is printed."""
    if HR <= constraint.kind <= HR_UPPER:
        return float(np.exp(constraint.low)), float(np.exp(constraint.high))
    if constraint.kind > HR_UPPER:
        from scipy.stats import norm

        return float(2 * norm.sf(constraint.high)), float(2 * norm.sf(constraint.low))
    return constraint.low, constraint.high


def _statistics(layout: Plan, value: np.ndarray) -> pd.DataFrame:
    rows = []
    for c, constraint in enumerate(layout.constraints):
        low, high = bounds(constraint)
        column = value[:, c]
        both_beyond = np.isinf(low) & np.isinf(column)
        met = both_beyond | ((column >= low - 1e-9) & (column <= high + 1e-9))
        order = np.sort(column)
        rows.append(
            {
                "statistic": constraint.name,
                "stated": constraint.text,
                "low": low,
                "high": high,
                "reached_low": order[0],
                "reached_median": order[(len(order) - 1) // 2],
                "reached_high": order[-1],
                "met": float(met.mean()),
                "forced": constraint.forced,
                "reason": constraint.reason,
            }
        )
    return pd.DataFrame(rows)


def _infeasible(comparison, layout: Plan, found, missed, wanted, started) -> InfeasibleError:
    value = np.concatenate([run.value[-1:] for run in missed])
    table = _statistics(layout, value)
    table["missed"] = (np.array([run.distance for run in missed]) > 0).mean(axis=0)
    worst = table[table["forced"]].nlargest(3, "missed")
    named = "; ".join(
        f"{row.statistic} {row.stated} (missed by {row.missed:.0%}, reached "
        f"{row.reached_low:.4g} to {row.reached_high:.4g})"
        for row in worst.itertuples()
    )
    return InfeasibleError(
        f"{comparison.name}: only {len(found)} of {started} chains met every statement, "
        f"{wanted} are needed. Most often missed: {named}. Check these numbers against the "
        "paper, or name those that cannot be forced in not_forced",
        table,
    )
