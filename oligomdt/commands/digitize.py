"""`oligomdt digitize`: a figure in; coordinates, censoring marks and numbers at risk out."""

import argparse
import contextlib
import os
import sys
import uuid
from pathlib import Path

from oligomdt.commands import accept

EXAMPLE = r"""A figure is an SVG, PDF, PNG, JPEG or TIFF file. Lines and texts of an SVG or PDF
are read as they are; images are looked at. What was read with low confidence is
printed as a warning, and every part of it can be given:

  oligomdt digitize figure.pdf --page 3 --panel B --out curves --overlay check.png
  oligomdt digitize figure.svg --x-range 0 36 --names MDT Control --out curves

DIR gets NAME.csv (arm, time, survival), NAME.censor.csv (arm, time) and NAME.risk.csv
(arm, time, n_risk), NAME being the figure's, with _B behind it if --panel B was given; look
at the overlay before they are used. Then the patients can be reconstructed, without a
table that has no rows:

  oligomdt reconstruct curves/figure.csv --risk-table curves/figure.risk.csv \
    --marks curves/figure.censor.csv --control Control --out patients.csv

example: oligomdt digitize figure.svg --out curves"""


def add(commands) -> None:
    """Add the command to the parsers of `commands`."""
    command = commands.add_parser(
        "digitize",
        help="coordinates of a published Kaplan-Meier figure",
        description="Read the curves, censoring marks, arm names and numbers at risk of one "
        "panel of a figure.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("figure", metavar="FIGURE", help="file of the figure")
    _add_place(command.add_argument_group("where to look"))
    _add_read(command.add_argument_group("what to take as given instead of reading it"))
    write = command.add_argument_group("what to write")
    write.add_argument("--out", metavar="DIR", help="folder for the three tables")
    write.add_argument("--overlay", metavar="FILE", help="picture (PNG) of what was read")
    accept.add(command)
    command.set_defaults(run=run)


def _add_place(group) -> None:
    group.add_argument("--panels", action="store_true", help="list the panels and stop")
    group.add_argument("--page", type=int, help="page of a PDF, from 1")
    group.add_argument("--panel", metavar="A", help="letter or number of the panel")
    group.add_argument("--box", nargs=4, type=float,
                       metavar=("LEFT", "TOP", "RIGHT", "BOTTOM"),
                       help="box of the axes, in points or pixels from the top left"
                       )  # fmt: skip


def _add_read(group) -> None:
    for axis in ("x", "y"):
        group.add_argument(f"--{axis}-range", nargs=2, type=float, metavar=("FIRST", "LAST"),
                           help=f"values at the first and last tick mark of the {axis} axis, "
                           "as labelled; at the edges of --box if that is given"
                           )  # fmt: skip
    group.add_argument("--percent", action=argparse.BooleanOptionalAction, default=None,
                       help="survival is labelled in percent")  # fmt: skip
    group.add_argument("--unit", choices=("days", "weeks", "months", "years"),
                       help="unit of the time axis")  # fmt: skip
    group.add_argument("--arms", type=int, metavar="N", help="number of curves")
    group.add_argument("--names", nargs="+", metavar="NAME",
                       help="names of the arms, in the order of --colours, else from the "
                       "curve that ends highest")  # fmt: skip
    group.add_argument("--colours", nargs="+", metavar="COLOUR",
                       help="colours of the arms, such as '#1f77b4'")  # fmt: skip


OPTIONS = (
    "page", "panel", "x_range", "y_range", "percent", "unit", "arms", "names", "colours", "box"
)  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Read a figure and return the exit status."""
    from oligomdt import digitize

    try:
        _check_outputs(arguments)
        accept.check(arguments)
        if arguments.accepted:
            print("\n".join(accept.into_book(arguments)))
            return 0
        if arguments.panels:
            found = digitize.panels(arguments.figure, page=arguments.page)
            print("\n".join(f"{panel.name}  {panel.title}".rstrip() for panel in found))
            return 0
        options = {name: getattr(arguments, name) for name in OPTIONS}
        read = digitize.digitize(arguments.figure, **options)
        written = _write(arguments, read)
        told = accept.into_book(arguments, read) if arguments.accept else []
    except ValueError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    print("\n".join([summary(read), *(f"wrote {path}" for path in written), *told]))
    return 0


def _refused(text) -> int:
    print(f"oligomdt digitize: {text}", file=sys.stderr)
    return 2


def summary(read) -> str:
    """What was read, in a few lines.

    Parameters
    ----------
    read : Digitised
        As `digitize` gives it.

    Returns
    -------
    str
        Axes, size of a pixel, arms, numbers at risk and warnings.
    """
    lines = [f"panel {read.panel.name} of {read.source}"]
    for name, axis in (("time", read.x_axis), ("survival", read.y_axis)):
        values = [value for _, value in axis.ticks]
        how = "as given" if axis.confidence == 0 else f"from {len(values)} labels"
        unit = axis.unit or ""
        if name == "survival":
            unit = "(labelled in percent)" if axis.percent else ""
        told = f"{name}: {min(values):g} to {max(values):g} {unit}".rstrip()
        lines.append(f"{told}, {how}, off by {axis.residual:.2g} at most")
    if read.drawing is not None and read.drawing.image is not None:
        pixel = " ".join(f"{size:.3g}" for size in read.resolution)
        lines.append(f"one pixel in time and survival: --resolution {pixel} of reconstruct")
    lines += [
        f"arm {arm.name}: {len(arm.time)} points to {arm.time[-1]:.4g}, survival "
        f"{arm.surv[-1]:.4g}; {len(arm.censor_time)} censoring marks"
        for arm in read.arms
    ]
    table = read.risk_table
    if table is None:
        lines.append("no numbers at risk")
    else:
        lines.append(f"numbers at risk at {', '.join(f'{time:g}' for time in table.time)}")
    lines += [f"warning: {warning}" for warning in read.warnings]
    return "\n".join(lines)


def _check_outputs(arguments) -> None:
    """Refuse, before any work is done, outputs that cannot be written or hit the figure."""
    if arguments.panels and (arguments.out or arguments.overlay):
        raise ValueError("--panels only lists; leave out --out and --overlay")
    if arguments.out is not None:
        folder = Path(arguments.out).resolve()
        if not folder.is_dir() and (folder.exists() or not folder.parent.is_dir()):
            raise ValueError(f"--out {arguments.out}: give a folder, or a new one's name")
    for option in ("overlay", "page_html"):
        given, named = getattr(arguments, option), f"--{option.replace('_', '-')}"
        if given is None:
            continue
        path = Path(given)
        if not path.resolve().parent.is_dir() or path.is_dir():
            raise ValueError(f"{named} {path}: give a file in a folder that exists")
        if path.resolve() == Path(arguments.figure).resolve():
            raise ValueError(f"{named} {path} is the figure; give another file")
    if arguments.overlay and arguments.page_html:
        overlay, page = Path(arguments.overlay), Path(arguments.page_html)
        if overlay.resolve() == page.resolve():
            raise ValueError(f"--overlay and --page-html are both {page}; give two files")


def _write(arguments, read) -> list:
    """Write all outputs or none: each is complete beside its place before any is moved."""
    contents = {}
    if arguments.overlay:
        from oligomdt.digitize.overlay import png

        contents[Path(arguments.overlay)] = png(read)
    if arguments.page_html:
        contents[Path(arguments.page_html)] = accept.page(arguments, read)
    if arguments.out:
        folder, stem = Path(arguments.out), Path(arguments.figure).stem
        stem += f"_{read.panel.name}" if arguments.panel else ""
        frames = {"csv": read.points(), "censor.csv": read.censor(), "risk.csv": read.risk()}
        for ending, frame in frames.items():
            text = frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")
            contents[folder / f"{stem}.{ending}"] = text.encode()
        folder.mkdir(exist_ok=True)
    drafts = {path: path.with_name(f".{uuid.uuid4().hex}.tmp") for path in contents}
    try:
        for path, content in contents.items():
            drafts[path].write_bytes(content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    return list(contents)
