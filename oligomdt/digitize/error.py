"""The one error of the digitiser."""


class DigitizeError(ValueError):
    """A figure, or a part of it, cannot be read.

    The message names what was not found or not allowed, and the option that supplies it.
    """
