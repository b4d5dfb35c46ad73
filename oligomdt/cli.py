"""The command line: `oligomdt check`, `redraw`, `digitize`, `reconstruct`, `pool`, `build`."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from oligomdt.commands import digitize, pool, reconstruct


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    argv : list of str, optional
        The words after the program's name. Default: those it was called with.

    Returns
    -------
    int
        0 when all is well, 1 when the data or the book are not, 2 for a wrong command line.

    Examples
    --------
    >>> from oligomdt import cli
    >>> cli.main(["check", "--quiet"])
    0
    """
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oligomdt",
        description="Metastasis-directed therapy and progression-free survival.",
        epilog="example: oligomdt check",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_check(commands)
    _add_redraw(commands)
    digitize.add(commands)
    reconstruct.add(commands)
    pool.add(commands)
    _add_build(commands)
    return parser


def _add_check(commands) -> None:
    command = commands.add_parser(
        "check",
        help="check the data folder and print what it holds",
        description="Check every file of the data folder; print what it holds, or the first "
        "error with its file, line, entry and field. Coordinates of figures are compared with "
        "the stated numbers; what the reconstruction says against them is a warning.",
        epilog="example: oligomdt check --data data",
    )
    command.add_argument("--data", metavar="DIR", help="data folder (default: the project's)")
    command.add_argument("--quiet", action="store_true", help="print errors only")
    command.set_defaults(run=_check)


def _add_redraw(commands) -> None:
    command = commands.add_parser(
        "redraw",
        help="draw patient data anew where the stated numbers changed",
        description="Draw patient data that reproduce the published statistics, for every "
        "report whose numbers changed since its draws were stored in data/reconstructed.",
        epilog="example: oligomdt redraw --data data",
    )
    command.add_argument("--data", metavar="DIR", help="data folder (default: the project's)")
    command.set_defaults(run=_redraw)


def _add_build(commands) -> None:
    command = commands.add_parser(
        "build",
        help="render the book",
        description="Render the book; any warning is an error.",
        epilog="example: oligomdt build .",
    )
    command.add_argument("path", nargs="?", default=".", help="folder of the book (default: .)")
    command.set_defaults(run=_build)


def _check(arguments: argparse.Namespace) -> int:
    from oligomdt import evidence

    try:
        text = evidence.summary(arguments.data)
    except evidence.EvidenceError as error:
        print(error, file=sys.stderr)
        return 1
    if not arguments.quiet:
        from oligomdt import analysis

        for warning in analysis.curve_warnings(arguments.data):
            print(f"warning: {warning}", file=sys.stderr)
        print(text)
    return 0


def _redraw(arguments: argparse.Namespace) -> int:
    from oligomdt import analysis, evidence
    from oligomdt.reconstructkm import InfeasibleError

    try:
        done = analysis.redraw(arguments.data)
    except (evidence.EvidenceError, InfeasibleError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"patient data of {len(done)} results are up to date: {', '.join(done)}")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.path)
    if not (folder / "_config.yml").is_file():
        print(f"{folder}: no _config.yml here; give the folder of the book", file=sys.stderr)
        return 1
    # The book is built by the program beside this Python, so that it runs the same packages.
    beside = Path(sys.executable).with_name("jupyter-book")
    program = str(beside) if beside.exists() else shutil.which("jupyter-book")
    if program is None:
        print("jupyter-book is not installed; see the README", file=sys.stderr)
        return 1
    if _redraw(argparse.Namespace(data=None)):
        return 1
    command = [program, "build", str(folder), "--all", "-W", "-n", "--keep-going"]
    status = subprocess.run(command, env=_build_environment(folder), check=False).returncode
    if status == 0:
        print((folder / "_build" / "html" / "index.html").resolve())
    return 1 if status else 0


def _build_environment(folder: Path) -> dict[str, str]:
    """Date the pages by the last commit, so that the same sources give the same bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return dict(os.environ)
    git = shutil.which("git")
    date = ""
    if git:
        log = [git, "-C", str(folder), "log", "-1", "--format=%ct"]
        date = subprocess.run(log, capture_output=True, text=True, check=False).stdout.strip()
    return {**os.environ, "SOURCE_DATE_EPOCH": date or "1760000000"}
