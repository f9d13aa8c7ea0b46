"""What dictionaries say of Japanese and Chinese text, an aid of `label boundaries`.

A treebank shows few words, a dictionary many, but it cuts text by rules of its own. So its words
are no labels: an encoder that is fine-tuned on a treebank reads them, and learns what they are
worth. The only place that imports fugashi with unidic_lite (MeCab), rjieba and OpenCC.

A file of tags has a line for each sentence or line of text: for each unit the tag of the word that
ends there, `-` where none ends: `- n v - nr`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from mtag_core.errors import FormatError
from mtag_core.languages import language_of
from mtag_core.segmentation.gap_network import UnitTable, find_units
from mtag_core.storage import create_text
from mtag_core.training.data.treebanks import read_lines, read_sentences, sentence_text
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelDictionaryOptions
from mtag_core.training.segmenters import treebanks

NOT_ASKED = ""
"""Tag of units of which no dictionary was asked."""
_INSIDE = "-"

Analyse = Callable[[str], Iterable[tuple[str, str]]]
"""Gives the words of a text, blanks included, and their tags."""


class TaggedText(NamedTuple):
    """A text, its units, the offsets after them, their tags and labels.

    A label is 0 inside a token, 1 at its end and 2 at a sentence's, too; 0 where none is known.
    """

    text: str
    units: list[str]
    ends: list[int]
    tags: list[str]
    labels: list[int]


def run(options: LabelDictionaryOptions) -> str:
    """Runs `label dictionary`: asks about all that `label boundaries` reads of some languages.

    Raises:
        InputNotFoundError: There is no treebank, or no text.
    """
    files: list[Path] = []
    for language in options.languages:
        analyse = ANALYSERS[language]()
        for path in chain.from_iterable(treebanks.label_sources(options, [language])):
            files.append(_tag_file(options.output, path))
            with create_text(files[-1]) as sink:
                for text, _ in _texts(path):
                    table = find_units(text, has_spaces=False)
                    sink.write(" ".join(unit_tags(table, analyse(text))) + "\n")
    return list_files(files)


def unit_tags(table: UnitTable, words: Iterable[tuple[str, str]]) -> list[str]:
    """Gives each unit of a text the tag of the word that ends with it."""
    end_to_tag: dict[int, str] = {}
    end = 0
    for form, tag in words:
        end += len(form)
        end_to_tag[end] = tag
    return [end_to_tag.get(end, _INSIDE) for end in table.ends]


def tagged_texts(path: Path, directory: Path | None) -> Iterator[TaggedText]:
    """Yields the sentences of a treebank or the lines of a text with the tags of their units.

    Args:
        path: Their file.
        directory: Of `label dictionary`; None, or a language without dictionary: `NOT_ASKED`.

    Raises:
        FormatError: The tags were made from another text.
        InputNotFoundError: There is no file of tags.
    """
    language = treebanks.text_language(path)
    source = _tag_file(directory, path) if directory and language in ANALYSERS else None
    lines = read_lines(source) if source else iter(())
    for number, (text, token_ends) in enumerate(_texts(path), start=1):
        table = find_units(text, has_spaces=language_of(language).spacing == "syllables")
        n_units = len(table.ends)
        tags = next(lines, "").split() if source else [NOT_ASKED] * n_units
        if len(tags) != n_units:
            raise FormatError(
                f"{source}:{number}: {len(tags)} tags; expected {n_units}, one a unit of {path}: "
                "make them anew with label dictionary"
            )
        units = [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]
        labels = [(end in token_ends) * (1 + (end == len(text))) for end in table.ends]
        yield TaggedText(text, units, table.ends, tags, labels)


def _texts(path: Path) -> list[tuple[str, list[int]]]:
    if ".conllu" in path.suffixes:
        return list(map(sentence_text, read_sentences(path)))
    return [(line, []) for line in treebanks.text_lines(path)]


def _tag_file(directory: Path, path: Path) -> Path:
    return directory / f"{treebanks.text_name(path)}.tags.txt.xz"


def in_both_scripts(
    sentences: Iterable[treebanks.MarkedSentence],
) -> Iterator[treebanks.MarkedSentence]:
    """Yields Chinese sentences, then all of them again in traditional characters.

    Text is mostly in simplified ones, treebanks in traditional ones.
    """
    import opencc

    convert = opencc.OpenCC("s2tw").convert
    kept = list(sentences)
    yield from kept
    pairs = ((convert(text), (text, ends)) for text, ends in kept)
    yield from ((new, ends) for new, (text, ends) in pairs if len(new) == len(text))


def _mecab() -> Analyse:
    import fugashi
    import unidic_lite

    tagger = fugashi.Tagger(f'-r "{unidic_lite.DICDIR}/mecabrc" -d "{unidic_lite.DICDIR}"')

    def words(text: str) -> Iterator[tuple[str, str]]:
        for word in tagger(text):
            feature = word.feature
            yield word.white_space + word.surface, f"{feature.pos1}/{feature.pos2}"

    return words


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
