"""What is said about a reconstructed figure: plain values, words, and no hazard ratio at D."""

import json
import math

import numpy as np

from .pairs import median
from .printed import NOT_REACHED

Z95 = 1.959963984540054


def compared(figure, experimental, control):
    """The two arms of a hazard ratio, by their names in the figure."""
    names = list(figure.arms)
    if len(names) < 2:
        raise ValueError("a hazard ratio compares two arms; the figure has one")
    if len(names) > 2 and None in (experimental, control):
        raise ValueError(
            f"the figure has {len(names)} arms ({', '.join(names)}); say which two to compare: "
            f"log_hr({names[1]!r}, {names[0]!r}) compares {names[1]!r} with {names[0]!r}"
        )
    if len(names) == 2:
        other = dict(zip(names, reversed(names), strict=True))
        control = control or other.get(experimental, figure.control)
        experimental = experimental or other.get(control)
    for role, name in (("experimental", experimental), ("control", control)):
        if name not in names:
            raise ValueError(f"{role} is {name!r}; the arms are {', '.join(names)}")
    if experimental == control:
        raise ValueError(f"experimental and control are both {control!r}; give two arms")
    return experimental, control


def refuse_undetermined(figure, names):
    """Raise an error if an arm is graded D and no printed hazard ratio was used."""
    if figure.conditioned is not None and figure.conditioned.log_hr.size > 1:
        rows = figure.conditioned.statistics
        used = set(rows.loc[rows["used"], "statistic"])
        if "hr" in used or {"hr lower", "hr upper"} <= used:
            return
    for name in names:
        letter, reason = figure.grade_of(name)
        if letter != "D":
            continue
        given = figure.inputs[name]
        help_by = ["its number-at-risk table"] * (given.risk_time is None)
        help_by += ["its number of events"] * (given.events is None)
        help_by += ["its censoring marks"] * (given.censor_time is None)
        if figure.arms[name].report.grade is None:
            help_by = ["the contradiction removed that the warnings name"]
        raise ValueError(
            f"no hazard ratio is given: arm {name!r} is graded D ({reason}); it would help to "
            f"have {', '.join([*help_by, 'the printed hazard ratio'])}"
        )


def arm_report(figure, name):
    """Report of one arm as plain values."""
    arm, given = figure.arms[name], figure.inputs[name]
    report = _plain(json.loads(arm.report.to_json()))
    report["notes"] = list(given.notes)
    report["median"] = _median(median(*arm))
    report["median_95"] = [_median(value) for value in median_range(arm)]
    report["events_95"] = [int(value) for value in _middle95([e.sum() for _, e in arm.draws])]
    return report


def median_range(arm):
    """Range of the median in 95 % of the draws; empty without draws."""
    return _middle95([median(*draw) for draw in arm.draws])


def _middle95(values):
    """Quantiles that are one of the values, as a median may be infinite; empty if none."""
    if not values:
        return []
    return np.quantile(values, [0.025, 0.975], method="inverted_cdf").tolist()


def _median(value):
    return value if math.isfinite(value) else NOT_REACHED


def comparison_report(figure):
    """How the printed numbers were reached, as plain values; None if there are none."""
    chosen = figure.conditioned
    if chosen is None:
        return None
    rows = chosen.statistics.to_dict("records")
    for row in rows:
        if "median" in row["statistic"]:
            for key in ("low", "high", "reached_low", "reached_high", "best"):
                row[key] = _median(float(row[key]))
    return {
        "control": figure.control,
        "effective_pairs": chosen.effective,
        "pairs": int(chosen.log_hr.size),
        "statistics": _plain(rows),
    }


def hazard_ratio(figure):
    """The hazard ratio of two arms, or why there is none."""
    return hazard_ratios(figure)[0] if len(figure.arms) == 2 else None


def hazard_ratios(figure):
    """Hazard ratio of each arm versus the control, or why there is none."""
    if figure.control is None:
        return []
    others = [name for name in figure.arms if name != figure.control]
    return [_hazard_ratio(figure, name) for name in others]


def _hazard_ratio(figure, experimental):
    found = {"control": figure.control, "experimental": experimental}
    try:
        log_hr, se = figure.log_hr(experimental, figure.control)
    except ValueError as error:
        return {**found, "refused": str(error)}
    limits = [math.exp(log_hr - Z95 * se), math.exp(log_hr + Z95 * se)]
    found |= {"level": 0.95, "log_hr": log_hr, "se": se}
    return {**found, "hr": math.exp(log_hr), "ci": limits}


def _plain(value):
    """Values that JSON has: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summary(figure):
    """A few lines for each arm and for the hazard ratio, for a reader at a terminal.

    Parameters
    ----------
    figure : ReconstructedFigure

    Returns
    -------
    str

    Examples
    --------
    >>> from oligomdt.reconstructkm import ArmInput, reconstruct_figure
    >>> arm = ArmInput("MDT", [2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.4, 0.4], n=10)
    >>> print(summary(reconstruct_figure([arm], draws=0, xmax=10)).splitlines()[0])
    MDT: 10 reconstructed patients, 6 events, median 5
    """
    lines = [line for name in figure.arms for line in _arm_lines(figure, name)]
    lines += [_compared_line(figure, found) for found in figure.report["hazard_ratios"]]
    if len(figure.arms) > 2 and figure.control is None:
        lines.append("no hazard ratios: say which arm is the control")
    lines += [f"assumed: {text}" for text in figure.assumptions]
    return "\n".join(lines + [f"warning: {text}" for text in figure.warnings])


def _compared_line(figure, found):
    if "refused" in found:
        return found["refused"]
    low, high = found["ci"]
    drawn = figure.arms[found["control"]].draws
    known = "reconstruction included" if drawn else "as if the patients were known"
    return (
        f"hazard ratio, {found['experimental']} versus {found['control']}: {found['hr']:.3f} "
        f"(95 % CI {low:.3f} to {high:.3f}, {known})"
    )


def _arm_lines(figure, name):
    arm, given = figure.arms[name], figure.inputs[name]
    report, said = arm.report, figure.report["arms"][name]
    spread = ""
    if len(set(said["median_95"])) > 1:
        spread = f" ({' to '.join(map(_short, said['median_95']))} in 95 % of the draws)"
    seen = report.observation
    letter, reason = figure.grade_of(name)
    off = int(np.abs(report.risk_slack).max(initial=0))
    if report.risk_events is not None:
        off = max(off, int(np.abs(report.risk_events_slack).max()))
    table = ""
    if given.risk_time is not None:
        table = f"; table {'met in every row' if off == 0 else f'missed by up to {off}'}"
    return [
        f"{name}: {report.n} reconstructed patients, {report.events} events, "
        f"median {_short(said['median'])}{spread}",
        f"  {report.points} points taken as {seen.kind} ({seen.reason}); a pixel is "
        f"{seen.step_time:.2g} in time and {seen.step_surv:.2g} in survival",
        f"  points {report.rms_pixels:.2f} pixels from the curve (root mean square){table}",
        f"  grade {letter}: {reason}" if letter else f"  no grade: {reason}",
        *(f"  note: {note}" for note in given.notes),
    ]


def _short(value):
    return value if isinstance(value, str) else f"{value:.4g}"
