"""Treebank style: which treebank's annotation the tags of a language follow.

Treebanks of one language contradict each other, and a model that does not know which one is meant
has to guess. A style goes by its treebank's name, such as `pl_lfg`; a bundle lists those that its
model can follow (`mtag_core.labels`). Some have a segmenter, too (`mtag_core.segmentation`). A
bundle also names the style that a language's tags have where the user names none. With `mixed` each
document has the style of the treebank whose text it is most like (`mtag_core.treebank_classifier`).
"""

import hashlib
from collections.abc import Collection, Iterable

from mtag_core.errors import UsageError
from mtag_core.languages import written_standards

MIXED = "mixed"
"""In the place of treebanks: each document has its own; none where the bundle cannot tell."""


def treebank_language(treebank: str) -> str:
    """The language of a treebank: what stands in its name before the first `_`."""
    return treebank.partition("_")[0]


def languages_of(treebank: str) -> tuple[str, ...]:
    """The codes of the sentences that a treebank's style applies to."""
    language = treebank_language(treebank)
    return (language, *written_standards(language))


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """The treebanks that a flag names, split at commas, sorted, each once.

    Raises:
        UsageError: There are none.
    """
    names = {name.strip() for value in values for name in value.split(",")} - {""}
    if not names:
        raise UsageError("--treebank_style is empty; name a treebank, such as pl_lfg")
    return tuple(sorted(names))


def check_treebank_style(names: Iterable[str], *, treebanks: Collection[str]) -> None:
    """Checks that a bundle can follow treebanks' styles.

    Raises:
        UsageError: The bundle does not know one, two are of one language, or `MIXED` is not alone.
    """
    names = tuple(names)
    if MIXED in names:
        if set(names) != {MIXED}:
            raise UsageError(
                f"treebank style {MIXED!r} is chosen by document; name no other beside it"
            )
        return
    language_to_name: dict[str, str] = {}
    for name in names:
        if name not in treebanks:
            raise UsageError(f"treebank style {name!r}: {_expected(treebanks)}")
        other = language_to_name.setdefault(treebank_language(name), name)
        if other != name:
            raise UsageError(
                f"treebank styles {other!r} and {name!r} are of one language, expected one a "
                "language"
            )


def unused_styles(names: Iterable[str], *, languages: Collection[str]) -> list[str]:
    """The treebanks' styles that nothing followed: no sentence was in their language."""
    treebanks = [name for name in names if name != MIXED]
    return [name for name in treebanks if not set(languages_of(name)) & set(languages)]


def style_digest(bundle_digest: str, treebanks: Iterable[str]) -> str:
    """One digest for a bundle and the styles it follows; without any, the bundle's own."""
    names = sorted(set(treebanks))
    if not names:
        return bundle_digest
    return hashlib.sha256("\n".join([bundle_digest, *names]).encode()).hexdigest()


def _expected(treebanks: Collection[str]) -> str:
    if not treebanks:
        return "the model knows no treebanks; name none, or another model"
    return f"no treebank of the model, expected one of {', '.join(sorted(treebanks))}, or {MIXED}"
