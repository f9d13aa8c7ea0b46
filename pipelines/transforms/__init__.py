"""Beam transforms: the steps of the jobs, each a composite PTransform."""
