"""Metastasis-directed therapy and progression-free survival: a reproducible meta-analysis."""

__version__ = "0.1.0"
