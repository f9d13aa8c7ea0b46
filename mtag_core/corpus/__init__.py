"""Corpora in: plans work items over files and reads their documents."""
