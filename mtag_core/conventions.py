"""Conventions: which treebank's annotation the tags of a language follow.

Treebanks of one language contradict each other, and a model that is not told which one is meant has
to guess. A convention goes by its treebank's name, such as `pl_lfg`; a bundle lists those that its
model can follow (`mtag_core.labels`). Some have a segmenter, too (`mtag_core.segmentation`).
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mtag_core.errors import UsageError
from mtag_core.languages import written_standards
from mtag_core.options import option


def treebank_language(treebank: str) -> str:
    """The language of a treebank: what stands in its name before the first `_`."""
    return treebank.partition("_")[0]


def languages_of(treebank: str) -> tuple[str, ...]:
    """The codes of the sentences that a treebank's convention applies to."""
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


def treebank_style_option() -> Any:  # noqa: ANN401 (a field of any dataclass)
    """The field `treebank_style` of a command's options, with what `split_names` gives."""
    return option(
        "tag the treebank's language in its style, such as pl_lfg; several with commas",
        (),
        metavar="TREEBANK",
        split=split_names,
        formerly="conventions",
        section="model",
    )


def check_conventions(conventions: Sequence[str], *, treebanks: Collection[str]) -> None:
    """Checks that a bundle can follow conventions.

    Args:
        conventions: Names of treebanks, in any order.
        treebanks: Those that the bundle knows.

    Raises:
        UsageError: The bundle does not know one, or two are of one language.
    """
    if isinstance(conventions, str):
        raise UsageError(f"conventions: {conventions!r}, expected a list of treebanks")
    language_to_name: dict[str, str] = {}
    for name in conventions:
        if name not in treebanks:
            raise UsageError(f"convention {name!r}: {_expected(treebanks)}")
        other = language_to_name.setdefault(treebank_language(name), name)
        if other != name:
            raise UsageError(
                f"conventions {other!r} and {name!r} are of one language, expected one a language"
            )


def unused_conventions(conventions: Iterable[str], *, languages: Collection[str]) -> list[str]:
    """The conventions that nothing followed: no sentence was in their language.

    Args:
        conventions: Names of treebanks.
        languages: Codes of the sentences that were tagged.
    """
    return [name for name in conventions if not set(languages_of(name)) & set(languages)]


def conventions_digest(bundle_digest: str, conventions: Iterable[str]) -> str:
    """One digest for a bundle and the conventions it follows; without any, the bundle's own."""
    names = sorted(set(conventions))
    if not names:
        return bundle_digest
    return hashlib.sha256("\n".join([bundle_digest, *names]).encode()).hexdigest()


def _expected(treebanks: Collection[str]) -> str:
    if not treebanks:
        return "the model knows no treebanks; name no convention, or another model"
    return f"no treebank of the model, expected one of {', '.join(sorted(treebanks))}"
