"""Bundles from trained models, and back."""
