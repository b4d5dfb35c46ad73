"""`oligomdt reconstruct`: files of a figure in; patients, draws and report out."""

import argparse
import contextlib
import io
import os
import re
import sys
import uuid
from dataclasses import replace
from pathlib import Path

EXAMPLE = r"""POINTS are files of WebPlotDigitizer (CSV or project), Engauge or DigitizeIt, or
columns time, surv and, with several curves, arm; survival in percent or as a
proportion. The numbers at risk are one row for each arm below the times,

  arm,0,6,12
  MDT,58,44,31
  events,0,13,24

the row `events` or `censored` below an arm being its cumulative counts, if
printed; or columns time, n_risk and arm. A whole figure of two arms:

  oligomdt reconstruct points.csv --risk-table table.csv --xmax 36 \
    --hr 0.56 --hr-ci 0.37 0.83 --out patients.csv --report report

The points of one curve, and the patients they stand for:

  printf 'time,surv\n2,0.9\n5,0.8\n9,0.7\n' > A.csv

example: oligomdt reconstruct A.csv --n 10 --out patients.csv"""


def add(commands) -> None:
    """Add the command to the parsers of `commands`."""
    command = commands.add_parser(
        "reconstruct",
        help="patients of a published Kaplan-Meier figure from its digitised points",
        description="Reconstruct the patients of all arms of a figure, with the printed "
        "numbers if there are any. BY ARM is 'A=60,B=58', or '60,58' in the order of the "
        "curves. Write numbers with the digits that were printed: 0.62 is 0.615 to 0.625.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("points", nargs="+", metavar="POINTS", help="files of points")
    _add_known(command.add_argument_group("what is known of each arm"))
    _add_printed(command.add_argument_group("numbers printed about two arms"))
    _add_settings(command.add_argument_group("how to reconstruct"))
    write = command.add_argument_group("what to write")
    write.add_argument("--out", metavar="FILE", help="patients (CSV): time, event, arm")
    write.add_argument("--ensemble", metavar="FILE", help="draws (CSV): also draw")
    write.add_argument("--report", metavar="DIR", help="folder for report.png and report.json")
    command.set_defaults(run=run)


def _add_known(group) -> None:
    group.add_argument("--risk-table", action="append", metavar="FILE",
                       help="numbers at risk, with cumulative events or censored if "
                       "printed; again for another file")  # fmt: skip
    group.add_argument("--counted", default="at or after", choices=("at or after", "after"),
                       help="what the table counts (default: at or after)")  # fmt: skip
    group.add_argument(
        "--n", metavar="BY ARM", help="patients (default: the table's at time 0)"
    )
    group.add_argument("--events", metavar="BY ARM", help="total events")
    group.add_argument("--marks", metavar="FILE", help="censoring marks: time[, arm]")
    group.add_argument("--outcome", default="survival", choices=("survival", "incidence"),
                       help="what the curves show (default: survival)")  # fmt: skip


def _add_printed(group) -> None:
    group.add_argument("--control", metavar="ARM", help="control arm (default: the one called "
                       "so, else the first)")  # fmt: skip
    group.add_argument("--hr", help="hazard ratio versus the control arm")
    group.add_argument("--hr-ci", nargs=2, metavar=("LOWER", "UPPER"), help="its limits")
    group.add_argument("--level", type=float, help="their level (default: 0.95)")
    group.add_argument("--model",
                       choices=("cox", "stratified", "adjusted", "unknown"),
                       help="its model (default: unknown)")  # fmt: skip
    group.add_argument("--p", help="p value, such as 0.02 or '<0.001'")
    group.add_argument("--test", choices=("logrank", "wald", "unknown"),
                       help="its test (default: unknown)")  # fmt: skip
    group.add_argument("--medians", metavar="BY ARM", help="medians, or 'not reached'")


def _add_settings(group) -> None:
    group.add_argument("--xmax", type=float, metavar="TIME", help="end of the time axis")
    group.add_argument("--observation", choices=("trace", "clicks", "times"),
                       help="how the points were read: every drop, by hand, or survival at a "
                       "few times (default: found from the points)")  # fmt: skip
    group.add_argument("--censoring", default="shared", choices=("shared", "separate"),
                       help="whether the arms share one process of censoring, as those of a "
                       "randomised trial do (default: shared)")  # fmt: skip
    group.add_argument("--resolution", nargs=2, type=float, metavar=("TIME", "SURV"),
                       help="a pixel in time and in survival (default: found from the points)"
                       )  # fmt: skip
    group.add_argument("--method", default="exact", choices=("exact", "guyot"),
                       help="algorithm (default: exact)")  # fmt: skip
    group.add_argument("--draws", type=int, default=200, help="data sets (default: 200)")
    group.add_argument("--seed", type=int, default=0, help="seed of the draws (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Reconstruct a figure and return the exit status."""
    from oligomdt import reconstructkm
    from oligomdt.reconstructkm.figure_report import summary

    try:
        _check_outputs(arguments)
        arms = _arms(arguments)
        figure = reconstructkm.reconstruct_figure(
            arms,
            comparison=_comparison(arguments, arms),
            control=arguments.control,
            draws=arguments.draws,
            seed=arguments.seed,
            method=arguments.method,
            xmax=arguments.xmax,
            observation=arguments.observation,
            censoring=arguments.censoring,
            resolution=arguments.resolution,
            model=arguments.model or "unknown",
        )
        text = summary(figure)
        written = _write(arguments, figure)
    except ValueError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    print("\n".join([text, *(f"wrote {path}" for path in written)]))
    return 0


def _refused(text) -> int:
    print(f"oligomdt reconstruct: {text}", file=sys.stderr)
    return 2


def _check_outputs(arguments) -> None:
    """Refuse, before any work is done, outputs that cannot be written or hit another file."""
    given = [*arguments.points, *(arguments.risk_table or []), arguments.marks]
    taken = {Path(path).resolve(): "an input" for path in given if path}
    for option in ("out", "ensemble"):
        path = getattr(arguments, option)
        if path is None:
            continue
        if not Path(path).resolve().parent.is_dir() or Path(path).is_dir():
            raise ValueError(f"--{option} {path}: give a file in a folder that exists")
        if Path(path).resolve() in taken:
            raise ValueError(
                f"--{option} {path} is {taken[Path(path).resolve()]}; give another"
            )
        taken[Path(path).resolve()] = f"also --{option}"
    if arguments.report is not None:
        folder = Path(arguments.report).resolve()
        if not folder.is_dir() and (folder.exists() or not folder.parent.is_dir()):
            raise ValueError(f"--report {arguments.report}: give a folder, or a new one's name")
    if arguments.ensemble and (arguments.draws < 1 or arguments.method == "guyot"):
        raise ValueError("--ensemble needs draws; give --draws 1 or more and --method exact")


def _arms(arguments) -> list:
    """The arms as the files have them, with the numbers of patients and events given."""
    from oligomdt.reconstructkm import read_figure

    arms = read_figure(
        arguments.points,
        arguments.risk_table,
        marks=arguments.marks,
        outcome=arguments.outcome,
        counted=arguments.counted,
    )
    names = [arm.name for arm in arms]
    patients = _by_arm("--n", arguments.n, names, _count)
    events = _by_arm("--events", arguments.events, names, _count)
    return [_completed(arm, patients.get(arm.name), events.get(arm.name)) for arm in arms]


def _completed(arm, n, events):
    if n is None and arm.n is None:
        raise ValueError(
            f"n of arm {arm.name!r} is not known; give --n '{arm.name}=...', or a "
            "--risk-table with a row at time 0"
        )
    if None not in (n, arm.n) and n != arm.n:
        raise ValueError(
            f"--n of arm {arm.name!r} is {n}, but the number-at-risk table starts with "
            f"{arm.n}; give the same number in both"
        )
    if None not in (events, arm.events) and events != arm.events:
        raise ValueError(
            f"--events of arm {arm.name!r} is {events}, but the table ends with {arm.events}; "
            "give the same number in both"
        )
    notes = arm.notes
    if n is None:
        notes = (*notes, f"n = {arm.n} is taken from the number-at-risk table")
    return replace(
        arm,
        n=arm.n if n is None else n,
        events=arm.events if events is None else events,
        notes=notes,
    )


def _by_arm(option, text, names, read) -> dict:
    """Values by arm from 'A=60,B=58', or from '60,58' in the order of the curves."""
    from oligomdt.reconstructkm.delimited import same_name

    if text is None:
        return {}
    if "=" not in text:
        values = [value.strip() for value in text.split(",")]
        if len(values) != len(names):
            raise ValueError(
                f"{option} {text!r} has {len(values)} value(s) for {len(names)} curve(s) "
                f"({', '.join(names)}); give one each"
            )
        pairs = list(zip(names, values, strict=True))
    else:
        # An arm's name may hold a comma, a value may not.
        pairs = re.findall(r"\s*([^=]+?)\s*=\s*([^,=]*?)\s*(?:,|$)", text)
        if text.count("=") != len(pairs):
            raise ValueError(f"{option} {text!r} cannot be read; write it as 'A=60,B=58'")
    known, found = {same_name(name): name for name in names}, {}
    for name, value in pairs:
        if same_name(name) not in known:
            raise ValueError(
                f"{option} names the arm {name!r}; the curves are {', '.join(names)}"
            )
        arm = known[same_name(name)]
        if arm in found:
            raise ValueError(f"{option} names the arm {arm!r} twice; give one value")
        found[arm] = read(f"{option} of {arm!r}", value)
    return found


def _count(where, value) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError(f"{where} is {value!r}; it must be a whole number, such as 60")
    return int(value)


def _printed(where, value):
    from oligomdt.reconstructkm import printed

    return printed(value, where)


# Options that describe another one.
ALONE = {"level": "hr_ci", "model": "hr", "test": "p"}


def _comparison(arguments, arms):
    """What is printed about two arms; None if nothing is."""
    from oligomdt.reconstructkm import Comparison, StatedArm
    from oligomdt.reconstructkm.figure import roles_of

    given = {name: getattr(arguments, name) for name in ("hr", "hr_ci", "p", "medians")}
    used = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    for option, needed in ALONE.items():
        if getattr(arguments, option) is not None and arguments.__dict__[needed] is None:
            raise ValueError(f"--{option} says nothing without --{needed.replace('_', '-')}")
    if not used:
        return None
    if len(arms) != 2:
        raise ValueError(
            f"{used[0]} needs two arms; the files have {len(arms)} curve(s)"
            + ("; give the points of the two that are compared" if len(arms) > 2 else "")
        )
    roles, _ = roles_of(arms, arguments.control)
    medians = _by_arm("--medians", arguments.medians, [arm.name for arm in arms], _printed)
    by_name = {arm.name: arm for arm in arms}
    stated = {
        role: StatedArm(by_name[name].n, by_name[name].events, median=medians.get(name))
        for role, name in roles.items()
    }
    return Comparison(
        stated,
        name="printed numbers",
        hr=arguments.hr,
        hr_ci=arguments.hr_ci,
        hr_level=0.95 if arguments.level is None else arguments.level,
        p=arguments.p,
        test=arguments.test or "unknown",
    )


def _write(arguments, figure) -> list:
    """Write all outputs or none: each is complete beside its place before any is moved."""
    makers = {}
    if arguments.out:
        makers[Path(arguments.out)] = lambda path: _write_csv(path, figure.frame())
    if arguments.ensemble:
        makers[Path(arguments.ensemble)] = lambda path: _write_csv(path, figure.ensemble())
    if arguments.report:
        folder = Path(arguments.report)
        text = figure.report.to_json() + "\n"
        picture = _picture(figure)
        folder.mkdir(exist_ok=True)
        makers[folder / "report.json"] = lambda path: path.write_text(text, encoding="utf-8")
        makers[folder / "report.png"] = lambda path: path.write_bytes(picture)
    drafts = {path: path.with_name(f".{uuid.uuid4().hex}.tmp") for path in makers}
    try:
        for path, make in makers.items():
            make(drafts[path])
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    return list(makers)


def _write_csv(path, frame) -> None:
    from oligomdt.reconstructkm import write_patients

    try:
        write_patients(path, frame)
    except ValueError as error:  # it names the draft, which the reader does not know
        raise ValueError(str(error).replace(str(path), "the patients")) from error


def _picture(figure) -> bytes:
    from oligomdt.reconstructkm import draw_report

    buffer = io.BytesIO()
    draw_report(figure).savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
