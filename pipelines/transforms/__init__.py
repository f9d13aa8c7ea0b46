"""Beam transforms: one composite PTransform a module."""
