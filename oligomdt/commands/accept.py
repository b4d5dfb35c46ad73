"""The part of `oligomdt digitize` that leads into the data folder: check, then accept."""

import argparse
import datetime
from pathlib import Path

import oligomdt


def add(command) -> None:
    """Add the options to the command."""
    group = command.add_argument_group(
        "into the data folder",
        "Nothing is written there without --accept or --accepted. The figure is not copied.",
    )
    group.add_argument("--page-html", metavar="FILE",
                       help="page to check, correct and save what was read")  # fmt: skip
    group.add_argument("--trial", metavar="ID", help="trial that the figure belongs to")
    group.add_argument("--cohort", metavar="ID", help="cohort of that trial")
    group.add_argument("--report", metavar="ID", help="report (default: the cohort's primary)")
    group.add_argument("--experimental", metavar="NAME", help="experimental arm in the figure")
    group.add_argument("--control", metavar="NAME", help="control arm in the figure")
    group.add_argument("--source", metavar="ID",
                       help="article in sources.yaml (default: the one the report cites)"
                       )  # fmt: skip
    group.add_argument("--label", metavar="TEXT", help="the figure's name there: 'Figure 2'")
    group.add_argument("--by", metavar="NAME", help="who looked at it: name or initials")
    group.add_argument("--note", metavar="TEXT", default="",
                       help="why the coordinates contradict stated numbers")  # fmt: skip
    group.add_argument("--data", metavar="DIR", help="data folder (default: the project's)")
    how = group.add_mutually_exclusive_group()
    how.add_argument("--accept", action="store_true", help="write what was read")
    how.add_argument("--accepted", metavar="FILE", help="write what the page saved")


OF_ACCEPTANCE = (
    "trial", "cohort", "report", "experimental", "control", "source", "label", "by", "note"
)  # fmt: skip
"""Options that say something only together with --accept or --accepted."""


def asked(arguments: argparse.Namespace) -> bool:
    """Whether any coordinates are to be written into the data folder."""
    return bool(arguments.accept or arguments.accepted)


def check(arguments: argparse.Namespace) -> None:
    """Refuse, before any work is done, options that do not go together."""
    if not asked(arguments):
        useless = [name for name in OF_ACCEPTANCE if getattr(arguments, name)]
        if useless:
            options = ", ".join(f"--{name}" for name in useless)
            raise ValueError(
                f"{options}: nothing is written without acceptance; look at the overlay or the "
                "page, then add --accept, or --accepted FILE with what the page saved"
            )
        return
    if not (arguments.trial and arguments.cohort):
        raise ValueError("say with --trial and --cohort which result the figure shows")
    if not arguments.label:
        raise ValueError("--label is missing: the figure's name in the article, 'Figure 2'")
    others = ["panels", "out", "overlay", "page_html"]
    if arguments.accepted:
        others += ["x_range", "y_range", "percent", "unit", "arms", "names", "colours", "box"]
    given = [name for name in others if getattr(arguments, name) not in (None, False)]
    if given:
        how = "--accepted" if arguments.accepted else "--accept"
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"{how} does not go with {options}: look first, and accept in a second call"
        )


def page(arguments: argparse.Namespace, read) -> bytes:
    """The page to check a reading."""
    from oligomdt.digitize import check_page

    return check_page.html(read, _digest(arguments.figure)).encode()


def into_book(arguments: argparse.Namespace, read=None) -> list[str]:
    """Write the coordinates of an accepted figure; return the lines to print.

    Parameters
    ----------
    arguments : argparse.Namespace
        Those of the command.
    read : Digitised, optional
        What was read; not needed with --accepted.

    Returns
    -------
    list of str
        Files written and what they say.

    Raises
    ------
    ValueError
        If there is no such result, a role, name or unit is missing, the saved file is of
        another figure, or the coordinates contradict what is stated without a note.
    """
    from oligomdt import evidence
    from oligomdt.digitize import saved

    root = evidence.data_folder(arguments.data)
    result = _result(arguments, evidence.load(root))
    if arguments.accepted:
        reading = saved.load(arguments.accepted)
        if reading.sha256 != _digest(arguments.figure):
            raise ValueError(
                f"{arguments.accepted} was saved for another file than {arguments.figure} "
                f"(it was {reading.file})"
            )
        _same_place(arguments, reading)
    else:
        reading = saved.saved(read, _digest(arguments.figure))
    roles = {"control": arguments.control, "experimental": arguments.experimental}
    reading = saved.with_roles(reading, **roles)
    by = arguments.by or reading.by.strip()
    if not by:
        raise ValueError("--by is missing: the name or initials of who looked at the figure")
    accepted = saved.accepted(reading)
    origin = {
        "source": arguments.source or _source(result, root),
        "figure": arguments.label,
        "panel": reading.panel if _lettered(arguments, reading) else "none",
        "digitised_on": datetime.date.today(),
        "digitised_by": by,
        "resolution": accepted.resolution,
        "settings": _settings(reading, accepted),
        "xmax": accepted.xmax,
        "note": arguments.note or reading.note.strip(),
    }
    paths, curve = evidence.accept_curve(root, result, _rows(accepted), origin)
    told = [f"wrote {_shown(path)}" for path in paths]
    told += [f"conflict: {text}" for text in evidence.contradictions(result, curve)]
    left = [repr(arm.name) for arm in reading.arms if not arm.role]
    told += [f"left out: {', '.join(left)}"] if left else []
    return [*told, f"{result.id} now rests on this figure; run `oligomdt check`"]


def _shown(path) -> Path:
    """The path as seen from here where it lies below, else whole."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _digest(path) -> str:
    from oligomdt.digitize.saved import digest

    return digest(Path(path).read_bytes())


def _result(arguments, trials):
    """The result that the figure shows; the error lists those there are."""
    trial = trials.get(arguments.trial)
    if trial is None:
        raise ValueError(f"--trial {arguments.trial}: the trials are {', '.join(trials)}")
    cohort = trial.cohorts.get(arguments.cohort)
    if cohort is None:
        known = ", ".join(trial.cohorts)
        raise ValueError(f"--cohort {arguments.cohort}: the cohorts of {trial.id} are {known}")
    report = arguments.report or cohort.primary
    if report not in cohort.results:
        known = ", ".join(cohort.results)
        raise ValueError(f"--report {report}: {trial.id} {cohort.id} has results in {known}")
    return cohort.result(report)


def _source(result, root) -> str:
    """The only source that is the article the report cites."""
    from oligomdt import evidence

    cite = evidence.load(root)[result.trial].reports[result.report].cite
    registered = evidence.sources(root).values()
    found = [source.id for source in registered if cite and source.cite == cite]
    if len(found) != 1:
        choice = f"one of {', '.join(found)}" if found else "the article's id in sources.yaml"
        raise ValueError(f"--source is missing: give {choice}")
    return found[0]


def _same_place(arguments, reading) -> None:
    """Refuse another panel or page than the one that was saved."""
    for option, had in (("panel", reading.panel), ("page", reading.page)):
        given = getattr(arguments, option)
        if given is not None and str(given).casefold() != str(had).casefold():
            raise ValueError(
                f"--{option} {given}, but {arguments.accepted} holds {option} {had}: leave "
                f"--{option} out, or give the file that was saved for it"
            )


def _lettered(arguments, reading) -> bool:
    return bool(arguments.panel) or "panel" in reading.settings or reading.panel.isalpha()


def _settings(reading, accepted) -> str:
    parts = [
        f"oligomdt {oligomdt.__version__} digitize",
        f"{reading.kind} file, SHA-256 {reading.sha256}, page {reading.page}",
    ]
    names = {role: accepted.arms[role].name for role in ("control", "experimental")}
    parts += [f"{role} is {name!r} there" for role, name in names.items()]
    parts += [f"given: {name} {value}" for name, value in reading.settings.items()]
    parts += [f"corrected by hand: {what}" for what in reading.changes()]
    if reading.x_axis.unit != "months":
        parts.append(f"{reading.x_axis.unit} turned into months of 30.4375 days")
    if accepted.moved:
        parts.append(
            f"values less than one unit of the page beyond time 0 or survival 1, put on it: "
            f"{accepted.moved}"
        )
    parts += [f"warning: {text}" for text in reading.warnings]
    return "; ".join(parts)


def _rows(accepted):
    for role, arm in accepted.arms.items():
        for time, surv in zip(arm.time, arm.surv, strict=True):
            yield role, "point", time, surv
        for time, count in arm.risk:
            yield role, "risk", time, count
        for time in arm.censor_time:
            yield role, "censor", time, None
