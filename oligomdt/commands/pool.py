"""`oligomdt pool`: a table of hazard ratios in, the pooled hazard ratio out."""

import argparse
import csv
import math
import os
import sys
import uuid
from pathlib import Path

EXAMPLE = r"""ESTIMATES is a table (CSV) with one row for each study:

  study,hr,lower,upper,level,group
  First,0.41,0.22,0.75,0.95,NSCLC
  Second,0.30,0.14,0.67,0.90,NSCLC
  Third,0.78,0.43,1.43,0.95,breast

`level` is that of the limits; without the column all are read as 0.95. `group` is needed for
--by-group only. A standard error of the log hazard ratio may take the place of the limits and
their level: study,hr,se.

example: oligomdt pool estimates.csv --by-group"""
# Distance in standard errors of ln HR from the middle of its limits; rounding explains less.
ASYMMETRY = 0.3
# What the pool of all studies is called among the groups.
ALL = "all"
COLUMNS = {"study", "hr", "lower", "upper", "level", "se", "group"}


def add(commands) -> None:
    """Add the command to the parsers of `commands`."""
    command = commands.add_parser(
        "pool",
        help="pooled hazard ratio of the studies in a table",
        description="Pool hazard ratios with random effects, by an estimate of tau2 and by the "
        "Bayesian model with a half-normal prior on tau.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("estimates", metavar="ESTIMATES", help="table of the studies (CSV)")
    command.add_argument("--tau2", default="REML", metavar="METHOD",
                         help="CE, DL, HE, HS, SJ, ML, REML, EB or PM (default: REML)"
                         )  # fmt: skip
    command.add_argument("--ci", default="wider", choices=("wald", "hksj", "adhoc", "wider"),
                         help="interval (default: the wider of wald and hksj)")  # fmt: skip
    command.add_argument("--tau-scale", type=float, default=0.5, metavar="SCALE",
                         help="scale of the half-normal prior (default: 0.5)")  # fmt: skip
    command.add_argument("--level", type=float, default=0.95, help="of all intervals printed")
    command.add_argument(
        "--by-group", action="store_true", help="also pool each group, and compare them"
    )
    command.add_argument("--out", metavar="FILE", help="write the results (CSV)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Pool the table and return the exit status."""
    try:
        if arguments.out:
            _check_out(arguments)
        table = _read(Path(arguments.estimates))
        rows = _results(table, arguments)
        text = _report(table, rows, arguments)
        if arguments.out:
            _write(Path(arguments.out), rows)
    except ValueError as error:
        print(f"oligomdt pool: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"oligomdt pool: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(text)
    if arguments.out:
        print(f"wrote {arguments.out}")
    return 0


def _check_out(arguments) -> None:
    path = Path(arguments.out)
    if not path.resolve().parent.is_dir() or path.is_dir():
        raise ValueError(f"--out {path}: give a file in a folder that exists")
    if path.resolve() == Path(arguments.estimates).resolve():
        raise ValueError(f"--out {path} is the table of estimates; give another")


def _read(path) -> list:
    """Rows of the table as dictionaries, with `estimate` from what is printed."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            lines = csv.DictReader(file, strict=True)
            names = [(name or "").strip() for name in lines.fieldnames or []]
            lines.fieldnames = names
            _check_columns(path, names)
            rows = [_row(f"{path}, line {lines.line_num}", line) for line in lines]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is not a table of text separated by commas: {error}"
            ) from None
    if not rows:
        raise ValueError(f"{path} has no studies; give one row for each")
    return rows


def _check_columns(path, names) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) < len(names):
        raise ValueError(
            f"{path} has the columns {', '.join(names)}; "
            f"those known are {', '.join(sorted(COLUMNS))}, each once"
        )
    limits = {"lower", "upper"} <= set(names)
    both = "se" in names and {"lower", "upper", "level"} & set(names)
    if not {"study", "hr"} <= set(names) or limits == ("se" in names) or both:
        raise ValueError(
            f"{path} needs the columns study, hr, and either lower and upper (with or without "
            f"level) or se; it has {', '.join(names)}"
        )


def _row(where, line) -> dict:
    from oligomdt import pooling

    if None in line or None in line.values():
        raise ValueError(f"{where}: as many cells as columns are needed")
    study = line["study"].strip()
    if not study:
        raise ValueError(f"{where}: study is empty; give its name")
    where = f"{where} ({study})"
    hr, printed = _number(where, "hr", line), {}
    try:
        if "se" in line:
            se = _number(where, "se", line)
            if not (hr > 0 and se > 0):
                raise ValueError("hr and se must be above 0")
            estimate = pooling.Estimate(math.log(hr), se, "hazard ratio and standard error")
        else:
            level = _number(where, "level", line) if "level" in line else 0.95
            lower, upper = (_number(where, name, line) for name in ("lower", "upper"))
            estimate = pooling.from_ci(hr, lower, upper, level)
            printed = {level: (lower, upper)}
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(where) else f"{where}: {text}") from None
    group = line.get("group", "").strip()
    return {"study": study, "group": group, "estimate": estimate, "printed": printed}


def _number(where, name, line) -> float:
    try:
        return float(line[name])
    except ValueError:
        raise ValueError(f"{where}: {name} is {line[name]!r}; it must be a number") from None


def _results(table, arguments) -> list:
    """One row for all studies together and, if asked for, one for each group."""
    rows = [_pooled(ALL, table, arguments)]
    if arguments.by_group:
        groups = list(dict.fromkeys(row["group"] for row in table))
        if "" in groups or len(groups) < 2:
            raise ValueError("--by-group needs a column group, filled, with two groups or more")
        if ALL in groups:
            raise ValueError(
                f"a group is called {ALL!r}, as the pool of all studies; rename it"
            )
        for group in groups:
            own = [row for row in table if row["group"] == group]
            rows.append(_pooled(group, own, arguments))
    return rows


def _arrays(table) -> dict:
    return {
        "log_hr": [row["estimate"].log_hr for row in table],
        "se": [row["estimate"].se for row in table],
        "labels": [row["study"] for row in table],
    }


def _pooled(group, table, arguments) -> dict:
    from oligomdt import pooling

    given = {**_arrays(table), "level": arguments.level}
    effect = pooling.pool(**given, tau2=arguments.tau2, ci=arguments.ci)
    posterior = pooling.bayes(**given, tau_scale=arguments.tau_scale)
    low, high = effect.prediction or (math.nan, math.nan)
    return {
        "group": group,
        "studies": effect.k,
        "hr": effect.hr,
        "hr_low": effect.hr_low,
        "hr_high": effect.hr_high,
        "p": effect.p,
        "tau2": effect.tau2,
        "i2": effect.i2,
        "prediction_low": _ratio(low),
        "prediction_high": _ratio(high),
        "bayes_hr": posterior.hr,
        "bayes_hr_low": posterior.hr_low,
        "bayes_hr_high": posterior.hr_high,
        "p_hr_below_1": posterior.mu.p_hr_below(1),
        "method": effect.method,
        "interval": effect.ci_method,
        "level": effect.level,
    }


def _shown(hr) -> str:
    return f"{hr:.2f}" if hr < 1000 else f"{hr:.3g}"


def _ratio(log_hr) -> float:
    """Hazard ratio; infinity where it is too large for a number."""
    return math.exp(log_hr) if log_hr < 700 else math.inf


def _report(table, rows, arguments) -> str:
    lines = [f"study: hazard ratio ({100 * arguments.level:g} % interval)"]
    for row in table:
        low, high = row["printed"].get(arguments.level) or row["estimate"].ci(arguments.level)
        lines.append(
            f"  {row['study']}: {_shown(row['estimate'].hr)} ({_shown(low)} to {_shown(high)})"
        )
        off = row["estimate"].asymmetry
        if off is not None and abs(off) > ASYMMETRY:
            lines.append(
                f"    the limits lie unevenly about the hazard ratio ({abs(off):.1f} standard "
                "errors off their middle): check them and their level"
            )
    for row in rows:
        lines += _told(row, arguments)
    if arguments.by_group:
        lines += _compared(table, rows, arguments)
    return "\n".join(lines)


def _told(row, arguments) -> list:
    percent = f"{100 * row['level']:g} %"
    name = "all studies" if row["group"] == ALL else row["group"]
    lines = [
        f"{name} ({row['studies']}):",
        f"  {row['method']}, {row['interval']}: {_shown(row['hr'])} "
        f"({_shown(row['hr_low'])} to {_shown(row['hr_high'])}, {percent})",
    ]
    if row["studies"] > 1:
        lines.append(f"  tau2 {row['tau2']:.3f}, I2 {100 * row['i2']:.0f} %")
    if not math.isnan(row["prediction_low"]):
        lines.append(
            f"  in a new study (prediction interval, t with k - 1 degrees of freedom): "
            f"{_shown(row['prediction_low'])} to {_shown(row['prediction_high'])}"
        )
    lines.append(
        f"  Bayes (tau half-normal {arguments.tau_scale:g}): {_shown(row['bayes_hr'])} "
        f"({_shown(row['bayes_hr_low'])} to {_shown(row['bayes_hr_high'])}); probability of a "
        f"hazard ratio below 1: {row['p_hr_below_1']:.3f}"
    )
    if row["studies"] == 1:
        lines.append("  (of one study; the prior on tau is all that is known of the others)")
    return lines


def _compared(table, rows, arguments) -> list:
    from oligomdt import pooling

    given = _arrays(table)
    group = [row["group"] for row in table]
    # One study in each group says nothing of the variation between studies.
    alone = len(table) == len(set(group))
    tau2 = "CE" if alone else arguments.tau2
    result = pooling.interaction(
        given["log_hr"], given["se"], group, level=arguments.level, tau2=tau2
    )
    note = (
        ["one study in each group: their difference is compared without tau2"] if alone else []
    )
    percent = f"{100 * arguments.level:g} %"
    return note + [
        f"{one.group} versus {one.reference}: ratio of hazard ratios {_shown(one.ratio)} "
        f"({_shown(one.ratio_low)} to {_shown(one.ratio_high)}, {percent}), p {one.p:.3g}"
        for one in result.contrasts
    ]


def _write(path, rows) -> None:
    draft = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(
                {
                    name: f"{value:.10g}" if isinstance(value, float) else value
                    for name, value in row.items()
                }
                for row in rows
            )
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
