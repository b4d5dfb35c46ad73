"""The studies that enter a pooled analysis: one log hazard ratio and standard error each."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling.validation import check_positive

__all__ = ["Grouping", "Studies", "check_group", "check_numbers", "check_studies", "computable"]

# Within these every sum of weights keeps its digits. No effect on any scale of use comes near.
SMALLEST, LARGEST = 1e-8, 1e8


@dataclass(frozen=True, eq=False)
class Studies:
    """Checked input of a pooled analysis.

    Attributes
    ----------
    log_hr, se : numpy.ndarray, shape (k,)
        Log hazard ratios, and their standard errors (all above 0).
    labels : tuple of str
        Names of the studies; "1", "2", ... where none were given.
    """

    log_hr: np.ndarray
    se: np.ndarray
    labels: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies."""
        return self.log_hr.size

    @property
    def variance(self) -> np.ndarray:
        """Sampling variances, the squared standard errors."""
        return self.se**2


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which study belongs to which group.

    Attributes
    ----------
    names : tuple
        The distinct groups, in the order in which they first appear.
    design : numpy.ndarray, shape (k, number of groups)
        1 where the study belongs to the group, else 0.
    """

    names: tuple[Hashable, ...]
    design: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Number of studies in each group."""
        return self.design.sum(axis=0).astype(int)

    def index(self, reference: Hashable | None) -> int:
        """Position of the reference group; the first where none is named."""
        if reference is None:
            return 0
        if reference not in self.names:
            known = ", ".join(str(name) for name in self.names)
            raise ValueError(f"reference is {reference!r}; it must be one of {known}")
        return self.names.index(reference)

    def members(self, name: Hashable) -> np.ndarray:
        """Boolean mask of the studies of one group."""
        return self.design[:, self.names.index(name)] == 1


def check_studies(
    log_hr: ArrayLike, se: ArrayLike, labels: Sequence[str] | None = None
) -> Studies:
    """Check log hazard ratios and standard errors.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios (finite) and standard errors (finite, above 0). A single number
        counts as one study.
    labels : sequence of str, shape (k,), optional
        Names of the studies, used in messages and tables.

    Returns
    -------
    Studies

    Raises
    ------
    ValueError
        Where there is no study, the lengths differ, a label is missing or given twice, a value
        is not finite or a standard error not above 0, or a value lies outside the range that
        can be computed with (1e-8 to 1e8). The message names the study.

    Examples
    --------
    >>> check_studies([-0.5, -0.2], [0.2, 0.3], ["A", "B"]).k
    2
    """
    log_hr, se = _as_vector("log_hr", log_hr), _as_vector("se", se)
    if log_hr.size == 0:
        raise ValueError("log_hr is empty; give at least one study")
    if log_hr.size != se.size:
        raise ValueError(
            f"log_hr has {log_hr.size} values and se has {se.size}; give one of each per study"
        )
    names = tuple(str(i + 1) for i in range(log_hr.size))
    if labels is not None:
        labels = tuple(labels)
        names = tuple(str(label) for label in labels)
        if len(names) != log_hr.size:
            raise ValueError(
                f"labels has {len(names)} values and log_hr has {log_hr.size}; "
                "give one label per study"
            )
        _check_present(labels)
        _check_names(names)
    check_numbers(log_hr, se, names)
    return Studies(log_hr, se, names)


def computable(log_hr: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Say of each estimate and standard error whether they can be computed with."""
    # A value that is not a number fails every comparison.
    return (np.abs(log_hr) <= LARGEST) & (se >= SMALLEST) & (se <= LARGEST)


def check_numbers(log_hr: np.ndarray, se: np.ndarray, names: Sequence[str]) -> None:
    """Check that estimates and standard errors can be computed with; the message names one."""
    bad = ~computable(log_hr, se)
    if not bad.any():
        return
    first = int(np.flatnonzero(bad)[0])
    name, effect, error = names[first], log_hr[first], se[first]
    if not np.isfinite(effect):
        raise ValueError(f"study {name}: log_hr is {effect}; it must be a finite number")
    if not np.isfinite(error) or error <= 0:
        raise ValueError(f"study {name}: se is {error}; it must be a finite number above 0")
    if abs(effect) > LARGEST:
        raise ValueError(
            f"study {name}: log_hr is {effect:g}; "
            f"it must lie between -{LARGEST:g} and {LARGEST:g}"
        )
    raise ValueError(
        f"study {name}: se is {error:g}; it must lie between {SMALLEST:g} and {LARGEST:g}"
    )


def check_se(se: float) -> float:
    """Return one standard error as a float, or say that it cannot be computed with."""
    number = check_positive("se", se)
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(f"se is {se!r}; it must lie between {SMALLEST:g} and {LARGEST:g}")
    return number


def _check_present(labels: Sequence[Hashable]) -> None:
    for i, label in enumerate(labels):
        # The names of what is missing: NaN, pandas' NA and NaT are no text themselves.
        if not isinstance(label, str) and str(label) in ("None", "nan", "<NA>", "NaT"):
            raise ValueError(f"labels: that of study {i + 1} is {label!r}; give it a name")


def _check_names(names: Sequence[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f"labels: {name!r} is given twice; no patient may count twice, so give each "
                "study once and each its own label"
            )
        seen.add(name)


def check_group(
    group: Sequence[Hashable], studies: Studies, argument: str = "group"
) -> Grouping:
    """Check the group of each study.

    Parameters
    ----------
    group : sequence, shape (k,)
        One group name per study; None or NaN is not a group.
    studies : Studies
        The checked studies.
    argument : str
        What messages call the groups.

    Returns
    -------
    Grouping

    Raises
    ------
    ValueError
        Where a group is missing, the length differs or there is only one group.

    Examples
    --------
    >>> studies = check_studies([-0.5, -0.2, 0.0], [0.2, 0.3, 0.3])
    >>> check_group(["NSCLC", "NSCLC", "breast"], studies).names
    ('NSCLC', 'breast')
    """
    import pandas as pd

    members = list(group)
    if len(members) != studies.k:
        raise ValueError(
            f"{argument} has {len(members)} values and log_hr has {studies.k}; "
            f"give one {argument} per study"
        )
    for label, member in zip(studies.labels, members, strict=True):
        if pd.isna(member):
            raise ValueError(f"study {label}: {argument} is {member!r}; name its {argument}")
    names = tuple(dict.fromkeys(members))
    if len(names) < 2:
        raise ValueError(
            f"{argument} has one value only ({names[0]!r}); a comparison needs two"
        )
    design = np.array([[float(member == name) for name in names] for member in members])
    return Grouping(names, design)


def _as_vector(name: str, values: ArrayLike) -> np.ndarray:
    if np.iscomplexobj(values):
        raise TypeError(f"{name} must hold real numbers only; it holds {values!r}")
    try:
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers only; it holds {values!r}") from error
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; it must be a flat list")
    return array
