"""Checks on arguments: each failure says which argument, its value and what would be right."""

import math
from collections.abc import Iterable, Sequence

__all__ = [
    "check_choice",
    "check_finite",
    "check_level",
    "check_positive",
    "check_proportion",
    "check_several",
    "check_tau2",
    "exponential",
]


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float, or say that it is not a finite number above 0."""
    number = _as_float(name, value)
    if not math.isfinite(number) or number <= 0:
        raise ValueError(f"{name} is {value!r}; it must be a finite number above 0")
    return number


def check_finite(name: str, value: float) -> float:
    """Return `value` as a float, or say that it is not a finite number."""
    number = _as_float(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}; it must be a finite number")
    return number


def check_tau2(tau2: float) -> float:
    """Return `tau2` as a float, or say that it is not a finite number of at least 0."""
    number = check_finite("tau2", tau2)
    if number < 0:
        raise ValueError(f"tau2 is {tau2!r}; it must be at least 0")
    return number


def check_several(name: str, values: Iterable[float]) -> list[float]:
    """Return at least one number above 0, or say which is none."""
    numbers = [check_positive(name, value) for value in values]
    if not numbers:
        raise ValueError(f"{name} is empty; give at least one number above 0")
    return numbers


def check_proportion(name: str, value: float) -> float:
    """Return `value` as a float, or say that it is not strictly between 0 and 1."""
    number = _as_float(name, value)
    if not 0 < number < 1:
        hint = f"; {number:g} per cent is {number / 100:g}" if 1 < number < 100 else ""
        raise ValueError(f"{name} is {value!r}; it must lie between 0 and 1{hint}")
    return number


def check_level(level: float) -> float:
    """Return a confidence level as a float, or say what is wrong with it."""
    number = _as_float("level", level)
    if not 0 < number < 1:
        hint = f": for {number:g} % write {number / 100:g}" if 1 < number < 100 else ""
        raise ValueError(f"level is {level!r}; it must lie between 0 and 1{hint}")
    return number


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value`, or list the values that exist."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
    return value


def exponential(value: float) -> float:
    """Return e to this power; infinity where that is beyond the range of numbers."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _as_float(name: str, value: float) -> float:
    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; it must be a number")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is {value!r}; it must be a number") from error
