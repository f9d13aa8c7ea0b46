"""Finds what treebanks know of lemmas better than a student: exceptions, and all their lemmas.

Languages in which a preference for known lemmas mends no lemma of held-out sentences have none.

Exceptions are forms to which treebanks give one rule, with a part of speech, and a student another:
in a learnt sentence or, since it will read other sentences, among random words. Where such
exceptions spoil more lemmas of held-out sentences than they mend, there are none.

A language's default style has those of all its treebanks, any other style those of its own.
"""

import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, groupby
from multiprocessing import get_context
from operator import attrgetter
from typing import NamedTuple

from mtag_core.lemma_tables import exception_code, lemma_code
from mtag_core.lemmas import apply_rule
from mtag_core.tagging.tagger import Tagger
from mtag_core.training.data.train_dev_split import TreebankSplit, training_rules
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.treebank_style import treebank_language

_LOGGER = logging.getLogger(__name__)
# Of the tokens of a form that have one rule. Chosen on held-out dev files, like the next two.
_MIN_SHARE = 0.66
_N_SHUFFLES = 2
_SHUFFLED_WORDS = 7

# What is written with digits and marks has no dictionary form.
_NO_WORDS = frozenset({"NUM", "PUNCT", "SYM", "X"})

# Form, UPOS tag and lemma of each token of sentences, as a student gives them.
_Tag = Callable[[Iterable[Sequence[str]]], Iterator[tuple[str, str, str]]]


def find_exceptions(
    tagger: Tagger, split: TreebankSplit, *, default_styles: Collection[str], n_workers: int = 1
) -> dict[str, dict[int, str]]:
    """Tags sentences in each style and compares lemmas.

    The tagger is of a bundle with known lemmas and without exceptions; `default_styles` are the
    treebanks whose style is that of their language.

    Returns:
        Rules by `exception_code`, for each treebank with learnt sentences that the tagger knows.
    """
    styles = []
    for treebank in tagger.treebanks:
        is_default = treebank in default_styles
        learnt, held_out = (
            _sentences(each, treebank, is_default=is_default)
            for each in (split.learnt, split.held_out)
        )
        if learnt:
            styles.append(_Style(tagger, treebank, learnt, held_out))
    names = [style.treebank for style in styles]
    if n_workers == 1:
        return dict(zip(names, map(_of_style, styles), strict=True))
    # Spawned, since a model's threads do not survive a fork.
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        return dict(zip(names, pool.map(_of_style, styles), strict=True))


def find_known_lemmas(sentences: Iterable[LabelledSentence]) -> dict[str, set[int]]:
    """Collects the lemmas of words, by language, as `lemma_code` gives them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for sentence in sentences:
        columns = zip(sentence.forms, sentence.upos, training_rules(sentence), strict=True)
        found[treebank_language(sentence.treebank)].update(
            apply_rule(rule, form)
            for form, upos, rule in columns
            if rule is not None and upos not in _NO_WORDS
        )
    return {language: set(map(lemma_code, lemmas)) for language, lemmas in found.items()}


def languages_without_gain(
    plain: Tagger, knowing: Tagger, held_out: Iterable[LabelledSentence]
) -> set[str]:
    """Finds languages whose known lemmas mend no more held-out lemmas than they spoil.

    The bundle of `plain` has no known lemmas, that of `knowing` has them.
    """
    gains: Counter[str] = Counter()
    for treebank, sentences in groupby(held_out, attrgetter("treebank")):
        if treebank in plain.treebanks:
            language, own = treebank_language(treebank), list(sentences)
            for sign, tagger in ((-1, plain), (1, knowing)):
                tag = partial(_tagged, tagger.following([treebank]), language)
                gains[language] += sign * sum(
                    apply_rule(rule, form) == lemma
                    for (form, _, lemma), rule in _with_rules(tag, own)
                )
    return {language for language, gain in gains.items() if gain <= 0}


class _Style(NamedTuple):
    tagger: Tagger
    treebank: str
    learnt: list[LabelledSentence]
    held_out: list[LabelledSentence]


def _sentences(
    sentences: Iterable[LabelledSentence], treebank: str, *, is_default: bool
) -> list[LabelledSentence]:
    language = treebank_language(treebank)
    return [
        sentence
        for sentence in sentences
        if sentence.treebank == treebank
        or (is_default and treebank_language(sentence.treebank) == language)
    ]


def _of_style(style: _Style) -> dict[int, str]:
    tagger = style.tagger.following([style.treebank])
    tag = partial(_tagged, tagger, treebank_language(style.treebank))
    code_to_rule = _exceptions(tag, style.learnt)
    gain = _gain(tag, code_to_rule, style.held_out)
    _LOGGER.info("%s: %d exceptions of lemmas, gain %d", style.treebank, len(code_to_rule), gain)
    return code_to_rule if gain >= 0 else {}


def _tagged(
    tagger: Tagger, language: str, sentences: Iterable[Sequence[str]]
) -> Iterator[tuple[str, str, str]]:
    for tagged in tagger.tag_tokens(sentences, language=language):
        yield from zip(tagged.sentence.forms, tagged.upos, tagged.lemmas or (), strict=True)


def _exceptions(tag: _Tag, learnt: Sequence[LabelledSentence]) -> dict[int, str]:
    counts: defaultdict[int, Counter[tuple[str, bool]]] = defaultdict(Counter)
    for (form, upos, lemma), rule in _with_rules(tag, learnt):
        is_right = apply_rule(rule, form) == lemma
        counts[exception_code(form, upos)][rule, is_right] += 1
    code_to_rule, found = {}, {}
    for code, counted in counts.items():
        rule, gain = _commonest_rule(counted)
        if gain >= 0:
            code_to_rule[code] = rule
        if gain > 0:
            found[code] = rule
    forms = sorted({form for sentence in learnt for form in sentence.forms})
    for form, upos, lemma in tag(_random_sentences(forms)):
        code = exception_code(form, upos)
        if code in code_to_rule and apply_rule(code_to_rule[code], form) != lemma:
            found[code] = code_to_rule[code]
    return found


def _with_rules(
    tag: _Tag, sentences: Sequence[LabelledSentence]
) -> Iterator[tuple[tuple[str, str, str], str]]:
    rules = chain.from_iterable(map(training_rules, sentences))
    for token, rule in zip(tag(each.forms for each in sentences), rules, strict=True):
        if rule is not None:
            yield token, rule


def _commonest_rule(counted: Mapping[tuple[str, bool], int]) -> tuple[str, int]:
    """The rule, and how many lemmas it mends less those that it spoils; -1 if others are common."""
    rules: Counter[str] = Counter()
    for (rule, _), count in counted.items():
        rules[rule] += count
    best = max(rules, key=lambda rule: (rules[rule], rule))
    if rules[best] < _MIN_SHARE * rules.total():
        return best, -1
    spoilt = sum(n for (rule, is_right), n in counted.items() if is_right and rule != best)
    return best, counted.get((best, False), 0) - spoilt


def _random_sentences(forms: Sequence[str]) -> Iterator[list[str]]:
    draw = random.Random(0)
    for _ in range(_N_SHUFFLES):
        shuffled = draw.sample(forms, len(forms))
        for start in range(0, len(shuffled), _SHUFFLED_WORDS):
            yield shuffled[start : start + _SHUFFLED_WORDS]


def _gain(tag: _Tag, code_to_rule: Mapping[int, str], held_out: Sequence[LabelledSentence]) -> int:
    gain = 0
    for (form, upos, lemma), rule in _with_rules(tag, held_out):
        right, known = apply_rule(rule, form), code_to_rule.get(exception_code(form, upos))
        if known is not None:
            gain += (apply_rule(known, form) == right) - (lemma == right)
    return gain
