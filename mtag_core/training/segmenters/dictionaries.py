"""What dictionaries say of Japanese and Chinese text, an aid of `label boundaries`.

A treebank shows few words, a dictionary many, but it cuts text by rules of its own. So its words
are no labels: an encoder that is fine-tuned on a treebank reads them, and learns what they are
worth. The only place that imports fugashi with unidic_lite (MeCab) and rjieba.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from mtag_core.training.segmenters.treebanks import MarkedSentence

Analyse = Callable[[str], Iterable[tuple[str, str]]]
"""Gives the words of a text, blanks included, and their tags."""


def unit_tags(words: Iterable[tuple[str, str]], ends: Sequence[int]) -> list[str]:
    """Gives units, by the offsets after them, the tag of the word that ends there, `-` if none."""
    word_end, end_to_tag = 0, dict[int, str]()
    for form, tag in words:
        word_end += len(form)
        end_to_tag[word_end] = tag
    return [end_to_tag.get(end, "-") for end in ends]


def in_both_scripts(sentences: Iterable[MarkedSentence]) -> Iterator[MarkedSentence]:
    """Yields Chinese sentences, then all again in traditional characters, those of treebanks."""
    import opencc

    convert, kept = opencc.OpenCC("s2tw").convert, list(sentences)
    yield from kept
    for text, ends in kept:
        if len(new := convert(text)) == len(text):
            yield new, ends


def _mecab() -> Analyse:
    import fugashi
    import unidic_lite

    tagger = fugashi.Tagger(f'-r "{unidic_lite.DICDIR}/mecabrc" -d "{unidic_lite.DICDIR}"')

    return lambda text: (
        (word.white_space + word.surface, f"{word.feature.pos1}/{word.feature.pos2}")
        for word in tagger(text)
    )


def _jieba() -> Analyse:
    import opencc
    import rjieba

    simplify = opencc.OpenCC("t2s").convert

    def words(text: str) -> Iterator[tuple[str, str]]:
        simple = simplify(text)
        # Without guesses of unknown words, which agree less with the treebank.
        yield from rjieba.tag(simple if len(simple) == len(text) else text, False)

    return words


ANALYSERS: dict[str, Callable[[], Analyse]] = {"ja": _mecab, "zh": _jieba}
"""Language of a text to what analyses it."""
