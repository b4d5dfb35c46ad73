"""The entry: which reader a file needs, and which half of the digitiser reads its drawing."""

import contextlib
import importlib
import time
from pathlib import Path

from oligomdt.digitize import limits
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.figure import Digitised, Panel
from oligomdt.digitize.settings import Settings, checked


def digitize(
    path,
    *,
    page=None,
    panel=None,
    x_range=None,
    y_range=None,
    percent=None,
    unit=None,
    arms=None,
    names=None,
    colours=None,
    box=None,
) -> Digitised:
    """Read the Kaplan-Meier curves of one panel of a figure.

    Parameters
    ----------
    path : str or Path
        An SVG, PDF, PNG, JPEG or TIFF file.
    page : int, optional
        Page of a PDF, from 1. Needed if more than one page has a panel.
    panel : str or int, optional
        Letter or number of the panel, as `panels` lists them. Needed if there are several.
    x_range, y_range : (float, float), optional
        Values at the first and the last tick mark, in the unit of the labels (0 to 100 for
        percent); at the edges of `box` if that is given.
    percent : bool, optional
        Whether survival is labelled in percent.
    unit : str, optional
        'days', 'weeks', 'months' or 'years'.
    arms : int, optional
        Number of curves.
    names : list of str, optional
        Names of the arms, in the order of `colours`, else from the curve that ends highest.
    colours : list, optional
        Colours of the arms, such as '#1f77b4'.
    box : (float, float, float, float), optional
        Left, top, right and bottom of the axes, in points or pixels from the top left corner.

    Returns
    -------
    Digitised
        Axes, arms, censoring marks and numbers at risk.

    Raises
    ------
    DigitizeError
        When the file cannot be read or something is not found; it names the option that
        supplies it.

    Examples
    --------
    >>> from oligomdt.digitize import digitize
    >>> read = digitize("tests/data/digitize/two_arms.svg")
    >>> [arm.name for arm in read.arms], read.x_axis.unit, read.warnings
    (['Control', 'MDT'], 'months', ())
    >>> read.points().tail(2).round(3)
        arm   time  survival
    42  MDT  18.77     0.314
    43  MDT  24.30     0.000
    """
    settings = checked(
        page=page,
        panel=panel,
        x_range=x_range,
        y_range=y_range,
        percent=percent,
        unit=unit,
        arms=arms,
        names=names,
        colours=colours,
        box=box,
    )
    with _packages():
        drawing = read(path, settings)
        return _half(drawing).digitised(drawing, settings)


def panels(path, *, page=None) -> tuple[Panel, ...]:
    """Panels of a figure, row by row.

    Parameters
    ----------
    path : str or Path
        An SVG, PDF, PNG, JPEG or TIFF file.
    page : int, optional
        Page of a PDF, from 1. Default: the only page that has panels.

    Returns
    -------
    tuple of Panel
        At least one.

    Raises
    ------
    DigitizeError
        When the file cannot be read or has no panel.

    Examples
    --------
    >>> from oligomdt.digitize import panels
    >>> [panel.name for panel in panels("tests/data/digitize/two_arms.svg")]
    ['1']
    """
    with _packages():
        drawing = read(path, checked(page=page))
        return _half(drawing).panels(drawing)


@contextlib.contextmanager
def _packages():
    """Name the extra when a package that only the digitiser needs is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DigitizeError(
            f"this figure cannot be read without {error.name}; install what the digitiser "
            "needs with: pip install 'oligomdt[digitize]'"
        ) from error


def _half(drawing):
    """The module that reads a drawing: it has `digitised(drawing, settings)` and `panels`."""
    if drawing.kind == "vector":
        return importlib.import_module("oligomdt.digitize.vector")
    return importlib.import_module("oligomdt.digitize.raster")


KINDS = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "tiff": (b"II*\x00", b"MM\x00*"),
}


def read(path, settings: Settings) -> Drawing:
    """The page of a file as a drawing; the content tells its kind, not the file's name."""
    path = Path(path)
    content = _content(path)
    kind = _kind(content)
    if kind == "pdf":
        from oligomdt.digitize import pdf

        page = settings.page
        if page is None and (count := pdf.pages(content, path.name)) > 1:
            return _only_page_with_panels(content, path.name, count)
        return pdf.read(content, path.name, page or 1)
    if settings.page not in (None, 1):
        raise DigitizeError(f"{path.name} is one page; page {settings.page} was asked for")
    if kind == "svg":
        from oligomdt.digitize import svg

        return svg.read(content, path.name)
    if kind is None:
        raise DigitizeError(
            f"{path.name} is not a figure that can be read; give an SVG, PDF, PNG, JPEG or "
            "TIFF file"
        )
    image = importlib.import_module("oligomdt.digitize.image")
    return image.read(content, path.name)


def _only_page_with_panels(content, name, count) -> Drawing:
    """The one page that has a panel; an error lists the pages if there are more, or none."""
    from oligomdt.digitize import pdf

    found, scans, end = {}, {}, time.monotonic() + limits.SECONDS
    for page in range(1, count + 1):
        if time.monotonic() > end:
            raise DigitizeError(
                f"{name} was searched for {limits.SECONDS:g} seconds up to page {page}; say "
                "which page has the figure with --page"
            )
        try:
            drawing = pdf.read(content, name, page)
            if drawing.kind == "raster":
                scans[page] = drawing
            elif _half(drawing).panels(drawing):
                found[page] = drawing
        except DigitizeError:
            continue  # a page without a figure
    found = found or scans
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise DigitizeError(
            f"none of the {count} pages of {name} has a figure that was found; give --page"
        )
    pages = ", ".join(map(str, found))
    raise DigitizeError(f"{name} has figures on pages {pages}; say which with --page")


def _content(path) -> bytes:
    try:
        if not path.is_file():
            raise DigitizeError(f"{path} is not a file; give the path of a figure")
        if path.stat().st_size > limits.BYTES:
            raise DigitizeError(
                f"{path.name} has {path.stat().st_size} bytes; at most {limits.BYTES} are read"
            )
        return path.read_bytes()
    except OSError as error:
        raise DigitizeError(f"{path} cannot be opened: {error.strerror}") from error


def _kind(content) -> str | None:
    for kind, starts in KINDS.items():
        if content.startswith(starts):
            return kind
    if b"%PDF-" in content[:1024]:
        return "pdf"
    return "svg" if b"<svg" in content[:65536] or content[:2] == b"\x1f\x8b" else None
