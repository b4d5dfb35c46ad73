"""From the evidence to the numbers of the book: what is pooled, compared and varied."""

from oligomdt.analysis.absolute import (
    absolute_effects,
    absolute_synthesis,
)
from oligomdt.analysis.accumulation import (
    accumulation,
)
from oligomdt.analysis.certainty import (
    certainty,
    evidence_size,
    summary_of_findings,
)
from oligomdt.analysis.comparisons import (
    comparison,
)
from oligomdt.analysis.consistency import (
    consistency,
    extended_consistency,
)
from oligomdt.analysis.contrasts import (
    two_stage,
)
from oligomdt.analysis.credibility import (
    iceman,
    iceman_items,
)
from oligomdt.analysis.curve_warnings import (
    curve_warnings,
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
from oligomdt.analysis.extended import (
    extended_by_histology,
    extended_by_setting,
    extended_estimates,
    extended_numbers,
    overlap_check,
)
from oligomdt.analysis.external import (
    external_validation,
)
from oligomdt.analysis.headline import (
    headline,
)
from oligomdt.analysis.ipd_synthesis import (
    ipd_estimates,
    ipd_prior_scales,
    ipd_synthesis,
    one_stage_synthesis,
    rmst_draw_error,
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
from oligomdt.analysis.pooled_curve import (
    common_horizon,
    control_survival,
    known_until,
    pooled_curve,
)
from oligomdt.analysis.priors import (
    prior_families,
)
from oligomdt.analysis.profiles import (
    profiles,
)
from oligomdt.analysis.proportionality import (
    hr_over_time,
    proportionality,
    weighted_tests,
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
from oligomdt.analysis.reporting import (
    prisma,
    prisma_flow,
)
from oligomdt.analysis.risk_of_bias import (
    risk_of_bias,
)
from oligomdt.analysis.sensitivity import (
    prior_sensitivity,
    sensitivity,
)
from oligomdt.analysis.synthesis import (
    histology_synthesis,
    interaction,
)
from oligomdt.analysis.trial_draws import (
    comparison_times,
    curve_reconstructions,
    synthesis_from_draws,
)

__all__ = [
    "Reconstruction",
    "absolute_effects",
    "absolute_synthesis",
    "accumulation",
    "agreement",
    "can_be_drawn",
    "certainty",
    "cohorts_within_trials",
    "coming_trials",
    "common_horizon",
    "comparison",
    "comparison_times",
    "consistency",
    "control_survival",
    "curve_reconstructions",
    "curve_warnings",
    "derived",
    "evidence_size",
    "extended_by_histology",
    "extended_by_setting",
    "extended_consistency",
    "extended_estimates",
    "extended_numbers",
    "external_validation",
    "find",
    "future_power",
    "headline",
    "histology_synthesis",
    "hr_over_time",
    "iceman",
    "iceman_items",
    "influence_of_trials",
    "information",
    "interaction",
    "ipd_estimates",
    "ipd_prior_scales",
    "ipd_synthesis",
    "known_until",
    "one_stage_synthesis",
    "overlap_check",
    "planning_numbers",
    "pooled_curve",
    "pooled_rows",
    "prior_families",
    "prior_sensitivity",
    "prisma",
    "prisma_flow",
    "profiles",
    "proportionality",
    "published_estimates",
    "reconstruct",
    "reconstructed_estimates",
    "reconstructions",
    "redraw",
    "risk_of_bias",
    "rmst_draw_error",
    "sensitivity",
    "summary_of_findings",
    "survival_band",
    "synthesis_from_draws",
    "tipping",
    "tipping_by_prior",
    "tipping_lines",
    "two_stage",
    "weighted_tests",
]
