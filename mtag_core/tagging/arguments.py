"""What callers give a tagger, checked: its options, texts, tokens.

An error names the value, its place and what was expected.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any, Literal, get_args

from mtag_core.errors import UsageError
from mtag_core.languages import find_language, normalise_language, written_standards
from mtag_core.options import option
from mtag_core.records import Sentence
from mtag_core.treebank_style import (
    check_treebank_style,
    split_names,
    style_digest,
    treebank_language,
)


def joined_sentence(
    forms: Sequence[str], index: int, *, language: str, is_trained: bool
) -> Sentence:
    """The sentence of a caller's tokens; errors name its number among the caller's.

    Raises:
        UsageError: There is something else in the place of the list or of a form.
    """
    if isinstance(forms, str) or not isinstance(forms, Iterable):
        raise UsageError(f"sentence {index}: {_shown(forms)}, expected a list of forms")
    forms = tuple(forms)
    _check_forms(forms, index)
    text = " ".join(forms)
    check_text(text, what=f"sentence {index}")
    # Each starts behind the one before and a space.
    starts = [0, *accumulate(len(form) + 1 for form in forms)]
    return Sentence(
        text=text,
        start=0,
        end=len(text),
        language=language,
        forms=forms,
        starts=tuple(starts[:-1]),
        ends=tuple([start - 1 for start in starts[1:]]),
        is_trained=is_trained,
    )


def _check_forms(forms: tuple[object, ...], index: int) -> None:
    # Nearly always there is nothing to say, so that the place is not named in advance.
    if all(forms) and set(map(type, forms)) <= {str}:
        return
    for position, form in enumerate(forms):
        place = f"sentence {index}, token {position}"
        if not isinstance(form, str):
            raise UsageError(f"{place}: {_shown(form)}, expected str")
        if not form:
            raise UsageError(f"{place}: empty form, expected at least one character")


def list_of_names(values: Sequence[str], *, what: str, expected: str) -> tuple[str, ...]:
    """A list that a caller gave, as a tuple; one string is none."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"{what}: {_shown(values)}, expected a list of {expected}")
    return tuple(values)


def text_and_context(index: int, pair: object) -> tuple[Any, Any]:
    """The two of a pair that a caller gave."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UsageError(f"text {index}: {_shown(pair)}, expected a pair of a text and its context")
    text, context = pair
    return text, context


def checked_text(index: int, text: str) -> str:
    """A text among several, if it is one."""
    check_text(text, what=f"text {index}")
    return text


def check_many(values: object, *, what: str, expected: str, instead: str) -> None:
    """Raises UsageError where one text stands in the place of several, or nothing does."""
    if isinstance(values, str):
        shown = _shown(values)
        raise UsageError(f"{what}: {shown}, expected {expected}; for one text use {instead}")
    if not isinstance(values, Iterable):
        raise UsageError(f"{what}: {_shown(values)}, expected {expected}")


def check_count(value: int, *, what: str) -> None:
    """Raises UsageError for what is no whole number above 0."""
    if not isinstance(value, int) or value < 1:
        raise UsageError(f"{what}: {value!r}, expected a whole number above 0")


def _shown(value: object) -> str:
    return repr(value[:40]) if isinstance(value, str) else type(value).__name__


def check_text(text: str, *, what: str, hint: str = "") -> None:
    """Raises UsageError for what is no text, or holds a lone surrogate."""
    if not isinstance(text, str):
        raise UsageError(f"{what}: {_shown(text)}, expected str{hint}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{what}: lone surrogate {text[error.start]!r} at offset {error.start}, "
            "expected valid Unicode"
        ) from None


Untrained = Literal["tag", "skip"]
UNTRAINED: tuple[Untrained, ...] = get_args(Untrained)
"""What becomes of sentences in languages that the model has not learnt."""


def split_languages(values: Iterable[str]) -> tuple[str, ...]:
    """The codes of languages that a flag names, split at commas, sorted.

    Raises:
        UsageError: There are none.
    """
    names = {name.strip() for value in values for name in value.split(",")} - {""}
    if not names:
        raise UsageError("--languages is empty; name languages, such as en,de,fr")
    return tuple(sorted(map(code_or_name, names)))


def code_or_name(called: str) -> str:
    """Mtag's code for a language; a name that only a bundle may know stays as it is."""
    return find_language(called) or called


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerOptions:
    """Options that tags depend on, beside the bundle.

    Attributes:
        treebank_style: Treebanks whose style their languages get, at most one a language, or
            `mixed` alone, for the treebank whose text a document is most like; other languages get
            the style that the bundle names.
        language: Of all texts; None to find it for each line.
        languages: Those that may be found; any, if empty.
        untrained: `tag` or `skip` sentences of languages that no treebank of the bundle is in.
        join_hyphens: Make one word of what a hyphen parts at the end of a line of hard-wrapped
            text.
    """

    treebank_style: tuple[str, ...] = option(
        "tag the treebank's language in its style, such as pl_lfg; several with commas; or mixed: "
        "each document in that of the treebank that it is most like",
        (),
        metavar="TREEBANK",
        split=split_names,
        formerly="conventions",
    )
    language: str | None = option(
        "of all texts, such as fr, fr-FR or French; found for each line if left out",
        None,
        metavar="CODE",
        parse=code_or_name,
    )
    languages: tuple[str, ...] = option(
        "choose among these for each line; several with commas",
        (),
        metavar="CODE",
        split=split_languages,
    )
    untrained: Untrained = option(
        "what to do with sentences in languages that no treebank of the model is in", "tag"
    )
    join_hyphens: bool = option(
        "join words that a hyphen parts at the end of a line of hard-wrapped text", False
    )

    def checked(self, treebanks: Collection[str]) -> "TaggerOptions":
        """The options with mtag's codes for languages, for a bundle that knows these treebanks.

        Raises:
            UsageError: A treebank or a language is unknown, or options contradict each other.
        """
        if self.language is not None:
            check_text(self.language, what="language")
        check_treebank_style(self.treebank_style, treebanks=treebanks)
        if self.language is not None and self.languages:
            raise UsageError("give either the language of all texts or languages to choose among")
        if self.untrained not in UNTRAINED:
            raise UsageError(
                f"untrained: {self.untrained!r}, expected one of {', '.join(UNTRAINED)}"
            )
        known = set(map(treebank_language, treebanks))
        codes = {normalise_language(each, more_codes=known) for each in self.languages}
        return replace(
            self,
            treebank_style=tuple(sorted(set(self.treebank_style))),
            language=self.language and normalise_language(self.language, more_codes=known),
            languages=tuple(sorted(codes)),
        )

    def digest(self, bundle_digest: str) -> str:
        """One digest for a bundle and these options; of the defaults, the bundle's own."""
        rest = self.to_dict()
        rest.pop("treebank_style", None)
        digest = style_digest(bundle_digest, self.treebank_style)
        if not rest:
            return digest
        return hashlib.sha256(f"{digest}\n{json.dumps(rest, sort_keys=True)}".encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Those that are not the defaults, as JSON values."""
        default = asdict(TaggerOptions())
        given = {name: value for name, value in asdict(self).items() if value != default[name]}
        values: dict[str, Any] = json.loads(json.dumps(given))
        return values


def trained_languages(treebanks: Iterable[str]) -> frozenset[str]:
    """Codes of the languages that treebanks are in, with their written standards."""
    languages = set(map(treebank_language, treebanks))
    return frozenset(
        languages | {code for language in languages for code in written_standards(language)}
    )
