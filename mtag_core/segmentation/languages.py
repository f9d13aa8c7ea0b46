"""Which segmenter serves a language that has none of its own."""

from mtag_core.languages import language_of

GENERIC = "generic"


def segmenter_name(language: str, *, available: frozenset[str]) -> str:
    """Names the segmenter for a language: its own, its nearest relative's or the generic one."""
    for name in (language, language_of(language).relative):
        if name is not None and name in available:
            return name
    return GENERIC
