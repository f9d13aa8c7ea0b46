"""Treebanks and text as training reads them."""
