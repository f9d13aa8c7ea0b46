"""Segmenters and the models of boundaries inside unspaced text."""
