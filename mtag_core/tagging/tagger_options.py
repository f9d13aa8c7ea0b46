"""What a user says about languages and styles: options of a tagger, and of a run."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from mtag_core.errors import UsageError
from mtag_core.languages import find_language, normalise_language, written_standards
from mtag_core.options import option
from mtag_core.tagging.arguments import check_text
from mtag_core.treebank_style import (
    check_treebank_style,
    split_names,
    style_digest,
    treebank_language,
)

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
