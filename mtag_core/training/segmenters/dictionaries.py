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


def run(options: LabelDictionaryOptions) -> str:
    """Runs `label dictionary`: asks about all that `label boundaries` reads of some languages.

    Raises:
        InputNotFoundError: There is no treebank, or no text.
    """
    return list_files(chain.from_iterable(_tag_files(options, name) for name in options.languages))


def _tag_files(options: LabelDictionaryOptions, language: str) -> Iterator[Path]:
    analyse = ANALYSERS[language]()
    texts: dict[Path, Iterable[str]] = {
        path: (sentence_text(sentence)[0] for sentence in read_sentences(path))
        for part in ("train", "dev")
        for path in treebanks.files_of(options.treebanks, part, [language])
    }
    for path in treebanks.texts_of(options.text, [language]).values():
        texts[path] = treebanks.text_lines(path)
    for path, lines in texts.items():
        output = _tag_file(options.output, path)
        with create_text(output) as sink:
            for line in lines:
                table = find_units(line, has_spaces=False)
                sink.write(" ".join(unit_tags(table, analyse(line))) + "\n")
        yield output


def unit_tags(table: UnitTable, words: Iterable[tuple[str, str]]) -> list[str]:
    """Gives each unit of a text the tag of the word that ends with it."""
    end_to_tag: dict[int, str] = {}
    end = 0
    for form, tag in words:
        end += len(form)
        end_to_tag[end] = tag
    return [end_to_tag.get(end, _INSIDE) for end in table.ends]


class TaggedText(NamedTuple):
    """A text, its units, the offsets after them, and their tags."""

    text: str
    units: list[str]
    ends: list[int]
    tags: list[str]


def tagged_texts(texts: Iterable[str], path: Path, directory: Path | None) -> Iterator[TaggedText]:
    """Yields texts with the tags of their units.

    Args:
        texts: Sentences of a treebank or lines of text, all in order.
        path: Their file.
        directory: Of `label dictionary`; None, or a language without dictionary: `NOT_ASKED`.

    Raises:
        FormatError: The tags were made from another text.
        InputNotFoundError: There is no file of tags.
    """
    language = treebanks.text_language(path)
    source = _tag_file(directory, path) if directory and language in ANALYSERS else None
    lines = read_lines(source) if source else iter(())
    for number, text in enumerate(texts, start=1):
        table = find_units(text, has_spaces=language in treebanks.SPACED_INSIDE)
        n_units = len(table.ends)
        tags = next(lines, "").split() if source else [NOT_ASKED] * n_units
        if len(tags) != n_units:
            raise FormatError(
                f"{source}:{number}: {len(tags)} tags; expected {n_units}, one a unit of {path}: "
                "make them anew with label dictionary"
            )
        units = [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]
        yield TaggedText(text, units, table.ends, tags)


def _tag_file(directory: Path, path: Path) -> Path:
    return directory / f"{path.name.split('.')[0]}.tags.txt.xz"


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
    for text, ends in kept:
        converted = convert(text)
        if len(converted) == len(text):
            yield converted, ends


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

    def words(text: str) -> list[tuple[str, str]]:
        simple = simplify(text)
        # Without guesses of unknown words, which agree less with the treebank.
        found: list[tuple[str, str]] = rjieba.tag(
            simple if len(simple) == len(text) else text, False
        )
        return found

    return words


ANALYSERS: dict[str, Callable[[], Analyse]] = {"ja": _mecab, "zh": _jieba}
"""Language of a text to what analyses it."""
