"""A whole figure: all its arms reconstructed, together with what is printed about them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from .arm import MOST_PATIENTS, ReconstructedArm, reconstruct, survival_around
from .censoring import BETWEEN_ARMS_SD
from .columns import events_slack
from .comparison import ARMS, Comparison
from .coordinates import clean, whole
from .delimited import same_name
from .figure_report import (
    arm_report,
    compared,
    comparison_report,
    hazard_ratio,
    hazard_ratios,
    refuse_undetermined,
)
from .files import ArmInput
from .joint import Conditioned, condition, contradictions
from .pairs import log_hazard_ratios

# Largest grid of pairs, counted in patients, which takes a few seconds: 200 x 200 pairs of
# 2,500 patients. A larger one is thinned.
PAIR_WORK = 100_000_000
# With fewer effective pairs than this the spread of the draws says little.
FEW_PAIRS = 30
CENSORING = ("shared", "separate")
# Log hazard ratio at which the estimate stops where an arm has no events; a standard error as
# large says that nothing is known.
ENDLESS = 7.99


class FigureReport(dict):
    """How a figure was reconstructed, as a dictionary of plain values."""

    def to_json(self):
        """Return the report as JSON text with sorted keys."""
        return json.dumps(self, indent=2, sort_keys=True, allow_nan=False)


@dataclass(frozen=True, eq=False)
class ReconstructedFigure:
    """The reconstructed patients of all arms of a figure.

    Attributes
    ----------
    arms : dict of str to ReconstructedArm
        Patients, draws and report of each arm. Draw i of one arm belongs to draw i of another.
    inputs : dict of str to ArmInput
        What they were reconstructed from.
    control : str or None
        The arm with which hazard ratios compare the others; of three or more, if it is given.
    conditioned : Conditioned or None
        Pairs of draws weighed by the printed numbers, if there are any.
    warnings : tuple of str
        Those of the arms, each with the name of its arm, and printed numbers that the curves
        contradict.
    assumptions : tuple of str
        What the figure as a whole rests on; those of an arm are in its report.
    settings : dict
        Arguments: method, draws, seed, xmax, censoring.
    """

    arms: Mapping[str, ReconstructedArm]
    inputs: Mapping[str, ArmInput]
    control: str | None
    conditioned: Conditioned | None
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    settings: Mapping

    @property
    def grade(self):
        """Worst grade of the arms, A to D; None with method "guyot", which has none."""
        letters = [self.grade_of(name)[0] for name in self.arms]
        return max((letter for letter in letters if letter), default=None)

    def grade_of(self, name):
        """Grade of one arm and its reason; an arm whose points fit no patients has D."""
        report = self.arms[name].report
        if report.grade is not None:
            return report.grade.letter, report.grade.reason
        if report.n > MOST_PATIENTS:
            return None, f"the method 'exact' is for arms of up to {MOST_PATIENTS:,} patients"
        if self.settings["method"] == "exact":
            table = " and meets the table" if len(report.risk_time) > 1 else ""
            return "D", f"no curve of this many patients passes through the points{table}"
        return None, "the method 'guyot' does not say how well the patients are determined"

    def frame(self):
        """Patients of all arms as a frame with the columns time, event and arm."""
        frames = [arm.frame(name) for name, arm in self.arms.items()]
        return pd.concat(frames, ignore_index=True)

    def ensemble(self):
        """The draws of all arms as a frame with the columns draw, time, event and arm."""
        frames = [arm.ensemble(name) for name, arm in self.arms.items()]
        return pd.concat(frames, ignore_index=True)

    def log_hr(self, experimental=None, control=None):
        """Log hazard ratio, and standard error that includes the reconstruction's.

        Cox model (Efron's ties) in every draw, put together by Rubin's rules (1987,
        doi:10.1002/9780470316696): the variance is the mean of the draws' variances plus
        (1 + 1/M) times the variance between the M draws. Without draws it is that of the
        one data set, as if the patients were known.

        Parameters
        ----------
        experimental, control : str, optional
            Arms to compare; needed if there are more than two.

        Returns
        -------
        log_hr, se : float

        Raises
        ------
        ValueError
            If the two arms do not determine a hazard ratio: one is graded D and none was
            printed that the draws could be conditioned on, or has no events.
        """
        experimental, control = compared(self, experimental, control)
        refuse_undetermined(self, (experimental, control))
        names = control, experimental
        sets = [self.arms[name].draws or (tuple(self.arms[name]),) for name in names]
        log_hr, se = log_hazard_ratios(*sets)
        if (np.abs(log_hr) >= ENDLESS).any() or not (se < ENDLESS).all():
            none = [name for name, own in zip(names, sets, strict=True)
                    if any(event.sum() == 0 for _, event in own)]  # fmt: skip
            raise ValueError(
                "no hazard ratio is given: "
                + (
                    f"arm {none[0]!r} has no events"
                    if none
                    else "the arms' events do not overlap"
                )
                + " in at least one draw, so that it is not finite; compare survival at a time"
            )
        between = log_hr.var(ddof=1) if len(log_hr) > 1 else 0.0
        variance = (se**2).mean() + (1 + 1 / len(log_hr)) * between
        return float(log_hr.mean()), math.sqrt(variance)

    @cached_property
    def report(self):
        """How the figure was reconstructed, with the report of each arm; see `to_json`."""
        return FigureReport(
            arms={name: arm_report(self, name) for name in self.arms},
            assumptions=list(self.assumptions),
            comparison=comparison_report(self),
            grade=self.grade,
            hazard_ratio=hazard_ratio(self),
            hazard_ratios=hazard_ratios(self),
            warnings=list(self.warnings),
            **self.settings,
        )


def reconstruct_figure(
    arms,
    *,
    comparison=None,
    control=None,
    draws=200,
    seed=0,
    method="exact",
    xmax=None,
    observation=None,
    resolution=None,
    censoring="shared",
    model="unknown",
    tolerance=None,
):
    """Reconstruct the patients of all arms of a figure, and with them what is printed.

    Each arm is reconstructed by itself, with a seed of its own. Then, where the arms share one
    process of censoring, each is reconstructed again with what the others said of it. The
    numbers printed about two arms then choose among the pairs of their draws (`condition`):
    the draws become pairs that reproduce them, the patients those of the best pair, and
    numbers that no pair comes near are named in the warnings.

    Parameters
    ----------
    arms : list of ArmInput
        What the figure says about each arm, as `read_figure` gives it.
    comparison : Comparison, optional
        Printed statistics of two arms, times in the unit of the curves.
    control : str, optional
        Arm that is the control. By default the one called so, else the first of two; which
        one it is stands in `assumptions`.
    draws : int
        Data sets of the ensemble; 0 for none.
    seed : int
        The same seed gives the same patients.
    method : {"exact", "guyot"}
        See `reconstruct`; "guyot" has no draws, so printed numbers are only compared.
    xmax : float, optional
        End of the figure's time axis.
    observation, resolution : optional
        See `reconstruct`; for all arms.
    censoring : {"shared", "separate"}
        Whether the arms are of one randomised trial, with nearly the same hazard of censoring
        (`oligomdt.reconstructkm.censoring`), or nothing ties them together. Method "exact"
        without censoring marks only.
    model, tolerance : optional
        Model of the printed hazard ratio, see `condition`.

    Returns
    -------
    ReconstructedFigure

    Raises
    ------
    ValueError
        Naming the arm and what is wrong with its input.

    Examples
    --------
    >>> arms = [ArmInput("MDT", [3, 3, 8, 8, 11], [1, 0.9, 0.9, 0.8, 0.8], n=10),
    ...         ArmInput("control", [2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.6, 0.6], n=10)]
    >>> figure = reconstruct_figure(arms, draws=20, xmax=12)
    >>> figure.frame().groupby("arm")["event"].sum().to_dict(), figure.control
    ({'MDT': 2, 'control': 4}, 'control')
    """
    arms = _checked(arms)
    draws, seed = whole(draws, "draws", 0), whole(seed, "seed", 0, 2**32 - 1)
    roles, assumptions = roles_of(arms, control)
    if comparison is not None:
        arms = _agreed(arms, comparison, roles)
    seeds = np.random.SeedSequence(seed).generate_state(len(arms)).tolist()
    options = {"xmax": xmax, "method": method, "draws": draws}
    options |= {"observation": observation, "resolution": resolution}
    if censoring not in CENSORING:
        raise ValueError(
            f"censoring is {censoring!r}; it must be one of {', '.join(CENSORING)}"
        )
    others, said = {}, []
    if censoring == "shared" and method == "exact":
        others, said = _others(arms, seeds, options)
    assumptions = assumptions + said
    built = {
        arm.name: _one(arm, {**options, "seed": own, "others": others.get(arm.name, ())})
        for arm, own in zip(arms, seeds, strict=True)
    }
    warnings = [
        f"{name}: {text}" for name, arm in built.items() for text in arm.report.warnings
    ]
    if draws and method == "exact":
        built, more = _same_draws(built, draws)
        warnings += more
    chosen = None
    if comparison is not None:
        pair = [roles[role] for role in ARMS]
        chosen = _conditioned(built, pair, comparison, draws, seed, model, tolerance)
        more, said = _said(chosen, pair, model, tolerance)
        warnings, assumptions = warnings + more, assumptions + said
        if draws and method == "exact":
            for side, name in enumerate(pair):
                arm = next(arm for arm in arms if arm.name == name)
                built[name], more = _repicked(built[name], arm, xmax, chosen, side)
                warnings += more
    return ReconstructedFigure(
        arms=built,
        inputs={arm.name: arm for arm in arms},
        control=roles.get("control"),
        conditioned=chosen,
        warnings=tuple(warnings),
        assumptions=tuple(assumptions),
        settings={
            "method": method,
            "draws": draws,
            "seed": seed,
            "xmax": xmax,
            "censoring": censoring,
        },
    )


def _checked(arms):
    """The arms as a list, each with its number of patients and a name of its own."""
    arms = [arms] if isinstance(arms, ArmInput) else list(arms)
    if not arms:
        raise ValueError("arms is empty; give at least one ArmInput")
    seen = {}
    for at, arm in enumerate(arms):
        if not isinstance(arm, ArmInput):
            raise ValueError(
                f"arms[{at}] is a {type(arm).__name__}; give an ArmInput, as read_figure does"
            )
        if arm.n is None:
            raise ValueError(
                f"arm {arm.name!r}: n is not known; give the number of patients, or a "
                "number-at-risk table with a row at time 0"
            )
        if same_name(arm.name) in seen:
            raise ValueError(
                f"arms[{at}] has the name of arms[{seen[same_name(arm.name)]}], {arm.name!r}; "
                "rename one"
            )
        seen[same_name(arm.name)] = at
    return arms


def roles_of(arms, control):
    """Which arm is control and which experimental, if there are two, and what is assumed."""
    names = [arm.name for arm in arms]
    if control is not None:
        found = [name for name in names if same_name(name) == same_name(control)]
        if not found:
            raise ValueError(f"control is {control!r}; the arms are {', '.join(names)}")
        control = found[0]
    if len(names) != 2:
        called = [name for name in names if same_name(name) == "control"]
        control = control or (called[0] if called else None)
        return {"control": control} if control else {}, []
    said = []
    if control is None:
        known = [name for name in names if same_name(name) == "control"]
        known += [name for name in reversed(names) if same_name(names[0]) == "experimental"]
        control = (known or names)[0]
        if not known:
            said.append(
                f"hazard ratios compare {names[1]!r} with {control!r}, which is taken to be "
                "the control because it comes first"
            )
    (experimental,) = (name for name in names if name != control)
    return {"control": control, "experimental": experimental}, said


def _agreed(arms, comparison, roles):
    """The arms with the events of the comparison, which must have the same patients."""
    if not isinstance(comparison, Comparison):
        raise ValueError(f"comparison is a {type(comparison).__name__}; give a Comparison")
    if len(arms) != 2:
        raise ValueError(
            f"comparison needs two arms, the figure has {len(arms)} "
            f"({', '.join(arm.name for arm in arms)}); give the two that are compared"
        )
    says = {roles[role]: (role, comparison.arms[role]) for role in ARMS}
    agreed = []
    for arm in arms:
        role, stated = says[arm.name]
        where = f"arm {arm.name!r}, {role} in the comparison"
        if stated.n != arm.n:
            raise ValueError(f"{where}: n is {stated.n} there and {arm.n} in the figure")
        if None not in (stated.events, arm.events) and stated.events != arm.events:
            raise ValueError(
                f"{where}: events is {stated.events} there and {arm.events} in the figure"
            )
        agreed.append(replace(arm, events=stated.events) if arm.events is None else arm)
    return agreed


def _one(arm, options):
    try:
        return reconstruct(
            arm.time,
            arm.surv,
            n=arm.n,
            events=arm.events,
            risk_time=arm.risk_time,
            risk_n=arm.risk_n,
            risk_events=arm.risk_events,
            risk_censored=arm.risk_censored,
            censor_time=arm.censor_time,
            **options,
        )
    except ValueError as error:
        raise ValueError(f"arm {arm.name!r}: {error}") from error


def _others(arms, seeds, options):
    """For each arm without marks the censoring in the others, and what is assumed."""
    hazards = {}
    for arm, own in zip(arms, seeds, strict=True):
        if arm.censor_time is None and len(arms) > 1:
            first = _one(arm, {**options, "seed": own, "draws": 0})
            if first.censoring is not None:
                hazards[arm.name] = first.censoring
    if len(hazards) < 2:
        return {}, []
    others = {
        name: [hazard for other, hazard in hazards.items() if other != name] for name in hazards
    }
    return others, [
        f"{', '.join(hazards)} share one process of censoring: their log hazards of censoring "
        f"differ from the common one with standard deviation {BETWEEN_ARMS_SD:g}"
    ]


def _same_draws(built, draws):
    """Copies of the one data set where an arm has no draws, so that all arms have as many."""
    warnings = []
    for name, arm in built.items():
        if not arm.draws:
            built[name] = replace(arm, draws=((arm.time, arm.event),) * draws)
            warnings.append(f"{name}: its draws are copies and show no uncertainty")
    return built, warnings


def _thinned(arm, most):
    return arm.draws[:most] or ((arm.time, arm.event),)


def _conditioned(built, pair, comparison, draws, seed, model, tolerance):
    """Pairs of draws, or the one data set of both arms where there are no draws."""
    most = max(1, math.isqrt(PAIR_WORK // sum(built[name].report.n for name in pair)))
    sets = [_thinned(built[name], most) for name in pair]
    options = {"draws": max(draws, 1), "seed": seed, "model": model, "tolerance": tolerance}
    return condition(*sets, comparison, **options)


def _said(chosen, pair, model, tolerance):
    """Warnings and assumptions of the printed numbers."""
    warnings = [found.message for found in contradictions(chosen)]
    for role, name in zip(ARMS, pair, strict=True):
        warnings = [text.replace(f"printed {role} ", f"printed {name} ") for text in warnings]
    free = chosen.log_hr.size > 1
    if free and chosen.effective < FEW_PAIRS:
        warnings.append(
            f"the printed numbers leave {chosen.effective:.0f} effective pairs of draws of "
            f"{chosen.log_hr.size}; the draws repeat and their spread is too small (more draws "
            "may help)"
        )
    if not free:
        return warnings, ["the printed numbers were compared with the patients, not used"]
    room = "" if tolerance is None else f", tolerance {tolerance:g}"
    return warnings, [
        f"the draws are pairs of {' and '.join(pair)} that reproduce the printed numbers; "
        f"model of the printed hazard ratio: {model}{room}"
    ]


def _repicked(arm, given, xmax, chosen, side):
    """One arm with the draws of the chosen pairs, the patients of the best, and warnings."""
    time, event = arm.draws[chosen.best[side]]
    report = arm.report
    slack = len(time) - np.searchsorted(time, report.risk_time, side="left") - report.risk_n
    warnings = [
        f"{given.name}: the pair that fits the printed numbers best has {row_n + off} at risk "
        f"at {at:g}, the table says {row_n}"
        for at, row_n, off in zip(report.risk_time, report.risk_n, slack, strict=True)
        if off
    ]
    _, distance = residuals(given, time, event, report.observation.step_time, xmax)
    rms = float(np.sqrt(np.mean(distance**2)))
    report = replace(
        report,
        events=int(event.sum()),
        risk_slack=slack,
        risk_events_slack=events_slack(time, event, report.risk_time, report.risk_events),
        rms_difference=rms,
        max_difference=float(np.abs(distance).max()),
        rms_pixels=rms / report.observation.step_surv,
    )
    draws = tuple(arm.draws[i] for i in chosen.pairs[:, side])
    return replace(arm, time=time, event=event, report=report, draws=draws), warnings


def residuals(given, time, event, step_time, xmax=None):
    """Times of the cleaned points, and how far each is above the reconstructed curve.

    Points on the curve's vertical lines are 0; times may be off by half a pixel.
    """
    curve = clean(given.time, given.surv, xmax)
    _, before = survival_around(time, event, curve.time - step_time / 2)
    after, _ = survival_around(time, event, curve.time + step_time / 2)
    above = np.maximum(0.0, curve.surv - before)
    return curve.time, above - np.maximum(0.0, after - curve.surv)
