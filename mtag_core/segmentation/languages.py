"""Which segmenter serves a language that has none of its own."""

GENERIC = "generic"
UNKNOWN = "und"

# Untagged languages whose spelling and spacing are close enough to a tagged one's.
_NEAREST_RELATIVE = {
    "ast": "es",
    "az": "tr",
    "ba": "kk",
    "bs": "hr",
    "ckb": "fa",
    "cv": "ru",
    "fy": "nl",
    "gd": "ga",
    "hsb": "cs",
    "is": "no",
    "ky": "kk",
    "lb": "de",
    "ltg": "lv",
    "mk": "bg",
    "ms": "id",
    "nb": "no",
    "ne": "hi",
    "nn": "no",
    "ps": "ur",
    "rm": "it",
    "sah": "kk",
    "tt": "kk",
    "ug": "ur",
    "yue": "zh",
}


def segmenter_name(language: str, *, available: frozenset[str]) -> str:
    """Names the segmenter for a language: its own, its nearest relative's or the generic one."""
    for name in (language, _NEAREST_RELATIVE.get(language, GENERIC)):
        if name in available:
            return name
    return GENERIC
