"""Sentences of treebanks in forms that people write and the treebanks do not have.

Hamza is often left out in Arabic; Swiss German has no sharp s. One such form stands for several of
a treebank's, which no table can tell apart (`mtag_core.folding.usual_letters` has what can).
Newspapers, of which treebanks are made, address nobody: their verbs seldom end in *me* or *te*.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mtag_core.training.data.treebanks import LabelledSentence, Sentences, Surface
from mtag_core.treebank_style import treebank_language

_LANGUAGE_TO_LETTERS: dict[str, dict[int, str]] = {
    "ar": dict.fromkeys(map(ord, "\u0622\u0623\u0625"), "\u0627"),
    "de": {0xDF: "ss"},
}
# Pronouns at the end of verbs, behind a hyphen in Catalan and Portuguese.
_LANGUAGE_TO_PRONOUNS = {
    "ca": "hi ho la les li lo los me ne nos se te vos",
    "es": "la las le les lo los me nos se te",
    "pt": "lhe me te vos",
}
_WORD = re.compile(r"[^\W\d_]+")
_SEEMS_TO_HAVE_PRONOUN = re.compile("([^áéíóú]+(?<!ndo))(me|nos|te|(?<!r)(se|l[aeo]s?))")


def in_other_letters(sentences: Iterable[LabelledSentence]) -> Iterator[LabelledSentence]:
    """Yields a copy of each sentence that reads otherwise in the other letters of its language."""
    for sentence in sentences:
        language = treebank_language(sentence.treebank)
        letters = _LANGUAGE_TO_LETTERS.get(language, {})
        forms = tuple(form.translate(letters) for form in sentence.forms)
        if forms != sentence.forms:
            # Arabic lemmas keep their hamza: it is what a reader looks up.
            changed = {} if language == "ar" else letters
            lemmas = tuple(lemma.translate(changed) for lemma in sentence.lemmas)
            yield replace(sentence, forms=forms, lemmas=lemmas)


def with_other_pronouns(sentences: Sentences, lines: Iterable[str], language: str) -> Sentences:
    """Sentences, and verbs that end in a pronoun again with each of the others: *hacerlo*, *-te*.

    Copies have the words beside the verb. Spanish words of running text that end as if they had a
    pronoun, but whose rest the text does not have, such as *comparte*, are learnt as one token.
    """
    pronouns, copies = _LANGUAGE_TO_PRONOUNS.get(language, "").split(), Sentences()
    for sentence in sentences:
        for place, (form, (*rest, last), has_space) in enumerate(sentence):
            # Verbs that have less of the form would be taken for what is written before a word.
            start, is_long = "".join(rest)[:4], len(form) > 4 + len(last)
            if last in pronouns and form.endswith(last) and is_long and form.startswith(start):
                before, after = sentence[max(0, place - 1) : place], sentence[place + 1 :][:1]
                for other in pronouns:
                    changed = form.removesuffix(last) + other
                    copies.append([*before, Surface(changed, (*rest, other), has_space), *after])
    texts = lines if language == "es" else ()
    words = {word for line in texts for word in _WORD.findall(line.lower())}
    seeming = filter(None, map(_SEEMS_TO_HAVE_PRONOUN.fullmatch, sorted(words)))
    copies += [[Surface(match[0], (match[0],))] for match in seeming if match[1] not in words]
    return sentences + copies
