"""From the evidence to the numbers of the book: what is pooled, compared and varied."""

from oligomdt.analysis.absolute import absolute_effects, absolute_synthesis
from oligomdt.analysis.comparisons import comparison
from oligomdt.analysis.curves import survival_band
from oligomdt.analysis.derivations import derived
from oligomdt.analysis.estimates import pooled_rows, published_estimates
from oligomdt.analysis.headline import headline
from oligomdt.analysis.ipd_synthesis import (
    comparison_times,
    curve_reconstructions,
    ipd_estimates,
    ipd_synthesis,
    one_stage_synthesis,
    synthesis_from_draws,
    two_stage,
)
from oligomdt.analysis.pooled_curve import (
    common_horizon,
    control_survival,
    known_until,
    pooled_curve,
)
from oligomdt.analysis.proportionality import hr_over_time, proportionality, weighted_tests
from oligomdt.analysis.reconstructed import agreement, reconstructed_estimates
from oligomdt.analysis.reconstruction import (
    Reconstruction,
    can_be_drawn,
    find,
    reconstruct,
    reconstructions,
    redraw,
)
from oligomdt.analysis.sensitivity import prior_sensitivity, sensitivity
from oligomdt.analysis.synthesis import histology_synthesis, interaction

__all__ = [
    "Reconstruction",
    "absolute_effects",
    "absolute_synthesis",
    "agreement",
    "can_be_drawn",
    "common_horizon",
    "comparison",
    "comparison_times",
    "control_survival",
    "curve_reconstructions",
    "derived",
    "find",
    "headline",
    "histology_synthesis",
    "hr_over_time",
    "interaction",
    "ipd_estimates",
    "ipd_synthesis",
    "known_until",
    "one_stage_synthesis",
    "pooled_curve",
    "pooled_rows",
    "prior_sensitivity",
    "proportionality",
    "published_estimates",
    "reconstruct",
    "reconstructed_estimates",
    "reconstructions",
    "redraw",
    "sensitivity",
    "survival_band",
    "synthesis_from_draws",
    "two_stage",
    "weighted_tests",
]
