"""Which segmenter serves a language that has none of its own."""

from mtag_core.languages import LANGUAGES, UNKNOWN

__all__ = ["GENERIC", "UNKNOWN", "segmenter_name"]

GENERIC = "generic"


def segmenter_name(language: str, *, available: frozenset[str]) -> str:
    """Names the segmenter for a language: its own, its nearest relative's or the generic one."""
    known = LANGUAGES.get(language)
    for name in (language, known.relative if known else None):
        if name is not None and name in available:
            return name
    return GENERIC
