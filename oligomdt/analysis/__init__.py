"""From the evidence to the numbers of the book: what is pooled, compared and varied."""

from oligomdt.analysis.accumulation import (
    accumulation,
)
from oligomdt.analysis.comparisons import (
    comparison,
)
from oligomdt.analysis.consistency import (
    consistency,
)
from oligomdt.analysis.curves import (
    survival_band,
)
from oligomdt.analysis.dependence import (
    cohorts_within_trials,
    influence_of_trials,
)
from oligomdt.analysis.derivations import (
    derived,
)
from oligomdt.analysis.estimates import (
    pooled_rows,
    published_estimates,
)
from oligomdt.analysis.headline import (
    headline,
)
from oligomdt.analysis.planning import (
    coming_trials,
    future_power,
    information,
    planning_numbers,
    tipping,
    tipping_by_prior,
    tipping_lines,
)
from oligomdt.analysis.priors import (
    prior_families,
)
from oligomdt.analysis.profiles import (
    profiles,
)
from oligomdt.analysis.reconstructed import (
    agreement,
    reconstructed_estimates,
)
from oligomdt.analysis.reconstruction import (
    Reconstruction,
    can_be_drawn,
    find,
    reconstruct,
    reconstructions,
    redraw,
)
from oligomdt.analysis.sensitivity import (
    prior_sensitivity,
    sensitivity,
)
from oligomdt.analysis.synthesis import (
    histology_synthesis,
    interaction,
)

__all__ = [
    "Reconstruction",
    "accumulation",
    "agreement",
    "can_be_drawn",
    "cohorts_within_trials",
    "coming_trials",
    "comparison",
    "consistency",
    "derived",
    "find",
    "future_power",
    "headline",
    "histology_synthesis",
    "influence_of_trials",
    "information",
    "interaction",
    "planning_numbers",
    "pooled_rows",
    "prior_families",
    "prior_sensitivity",
    "profiles",
    "published_estimates",
    "reconstruct",
    "reconstructed_estimates",
    "reconstructions",
    "redraw",
    "sensitivity",
    "survival_band",
    "tipping",
    "tipping_by_prior",
    "tipping_lines",
]
