"""Sentences to tagged sentences."""
