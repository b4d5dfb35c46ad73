"""The options of the digitiser, checked."""

import math
import re
from dataclasses import asdict, dataclass

from oligomdt.digitize import limits
from oligomdt.digitize.axis import UNITS
from oligomdt.digitize.drawing import Colour
from oligomdt.digitize.error import DigitizeError


@dataclass(frozen=True)
class Settings:
    """What the user gives instead of having it read; None is read from the figure.

    `x_range` and `y_range` are the values at the first and the last tick mark of an axis, or
    at the edges of `box` if that is given or no tick marks were found. `y_range` is in the
    unit of the labels: 0 to 100 for percent.
    """

    page: int | None = None
    panel: str | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    percent: bool | None = None
    unit: str | None = None
    arms: int | None = None
    names: tuple[str, ...] | None = None
    colours: tuple[Colour, ...] | None = None
    box: tuple[float, float, float, float] | None = None

    def given(self) -> dict:
        """The options that were given, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def checked(**options) -> Settings:
    """Settings from the arguments of `digitize`; the error names the one that is wrong."""
    settings = Settings(
        page=_whole("page", options.get("page"), limits.PAGES),
        panel=None if options.get("panel") is None else str(options["panel"]).strip(),
        x_range=_range("x_range", options.get("x_range")),
        y_range=_range("y_range", options.get("y_range")),
        percent=_flag("percent", options.get("percent")),
        unit=_unit(options.get("unit")),
        arms=_whole("arms", options.get("arms"), limits.ARMS),
        names=_names(options.get("names")),
        colours=_colours(options.get("colours")),
        box=_box(options.get("box")),
    )
    counts = {
        name: value if name == "arms" else len(value)
        for name in ("arms", "names", "colours")
        if (value := getattr(settings, name)) is not None
    }
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise DigitizeError(f"the options disagree on the number of arms ({told})")
    return settings


def colour_of(text) -> Colour:
    """Red, green and blue from '#1f77b4', or from three numbers of 0 to 255.

    Examples
    --------
    >>> from oligomdt.digitize.settings import colour_of
    >>> colour_of("#1f77b4"), colour_of((0, 0, 0))
    ((31, 119, 180), (0, 0, 0))
    """
    if isinstance(text, str):
        match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip())
        if match:
            return tuple(int(match[1][i : i + 2], 16) for i in (0, 2, 4))
    elif isinstance(text, list | tuple):
        values = tuple(text)
        if len(values) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in values):
            return values
    raise DigitizeError(f"colour {text!r}: write it as '#1f77b4'")


def _numbers(name, value, count):
    try:
        values = tuple(float(v) for v in value)
    except (TypeError, ValueError):
        values = ()
    if len(values) != count or not all(math.isfinite(v) for v in values):
        raise DigitizeError(f"{name} is {value!r}; it must be {count} numbers")
    return values


def _range(name, value):
    if value is None:
        return None
    low, high = _numbers(name, value, 2)
    if low >= high:
        raise DigitizeError(f"{name} is {low:g} to {high:g}; give the lower value first")
    return low, high


def _box(value):
    if value is None:
        return None
    x0, y0, x1, y1 = _numbers("box", value, 4)
    if x0 >= x1 or y0 >= y1:
        raise DigitizeError(f"box is {value!r}; give left, top, right, bottom in page units")
    return x0, y0, x1, y1


def _whole(name, value, largest):
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise DigitizeError(
            f"{name} is {value!r}; it must be a whole number from 1 to {largest}"
        )
    return value


def _flag(name, value):
    if value is not None and not isinstance(value, bool):
        raise DigitizeError(f"{name} is {value!r}; it must be True or False")
    return value


def _unit(value):
    if value is not None and not (isinstance(value, str) and value in UNITS):
        raise DigitizeError(f"unit is {value!r}; it must be one of {', '.join(UNITS)}")
    return value


def _listed(name, value):
    """What is given for each arm; a text alone is that of one arm."""
    if not isinstance(value, str | list | tuple):
        raise DigitizeError(f"{name} is {value!r}; give a list with one entry for each arm")
    return [value] if isinstance(value, str) else value


def _names(value):
    if value is None:
        return None
    names = tuple(str(name).strip() for name in _listed("names", value))
    if not names or not all(names) or len(set(names)) < len(names):
        raise DigitizeError(f"names are {value!r}; give one different name for each arm")
    return names


def _colours(value):
    if value is None:
        return None
    colours = tuple(colour_of(colour) for colour in _listed("colours", value))
    if not colours:
        raise DigitizeError("colours are empty; give one for each arm")
    return colours
