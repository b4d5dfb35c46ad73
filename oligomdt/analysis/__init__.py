"""From the evidence to the numbers of the book: what is pooled, compared and varied."""

from oligomdt.analysis.comparisons import comparison
from oligomdt.analysis.curve_warnings import curve_warnings
from oligomdt.analysis.curves import survival_band
from oligomdt.analysis.derivations import derived
from oligomdt.analysis.estimates import pooled_rows, published_estimates
from oligomdt.analysis.headline import headline
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
    "agreement",
    "can_be_drawn",
    "comparison",
    "curve_warnings",
    "derived",
    "find",
    "headline",
    "histology_synthesis",
    "interaction",
    "pooled_rows",
    "prior_sensitivity",
    "published_estimates",
    "reconstruct",
    "reconstructed_estimates",
    "reconstructions",
    "redraw",
    "sensitivity",
    "survival_band",
]
