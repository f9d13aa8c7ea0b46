"""What segmenters with a dictionary say about a text: hints for labelling, not labels.

Their words follow conventions of their own, so a treebank has to say what to make of them. The
only place that knows fugashi (MeCab with UniDic), jieba and OpenCC, the extra `dictionaries`.
"""

from collections.abc import Callable
from typing import NamedTuple

from mtag_core.errors import UsageError


class Word(NamedTuple):
    """A word of a dictionary segmenter.

    Attributes:
        end: Offset after it.
        tag: Part of speech.
        length: In characters.
    """

    end: int
    tag: str
    length: int


class Dictionary(NamedTuple):
    """How to read a language with a dictionary.

    Attributes:
        words: Gives the words of a text in order.
        in_treebank_script: Writes a text in the script of the language's treebank.
    """

    words: Callable[[str], list[Word]]
    in_treebank_script: Callable[[str], str]


def load_dictionary(language: str) -> Dictionary:
    """Loads a language's dictionary.

    Raises:
        UsageError: There is none for the language, or its package is not installed.
    """
    loaders = {"ja": _japanese, "zh": _chinese}
    if language not in loaders:
        raise UsageError(f"{language}: no dictionary; there are {', '.join(loaders)}")
    try:
        return loaders[language]()
    except ImportError as error:
        raise UsageError(
            f"{language}: {error}; install them with pip install 'mtag[dictionaries]'"
        ) from error


def _japanese() -> Dictionary:
    import fugashi

    tagger = fugashi.Tagger()

    def words(text: str) -> list[Word]:
        found, offset = [], 0
        for word in tagger(text):
            offset += len(word.white_space) + len(word.surface)
            tag = f"{word.feature.pos1}/{word.feature.pos2}"
            found.append(Word(offset, tag, len(word.surface)))
        return found

    return Dictionary(words, str)


def _chinese() -> Dictionary:
    """Jieba, which knows simplified characters; the treebank's are traditional."""
    import jieba
    import opencc
    from jieba import posseg

    jieba.setLogLevel("ERROR")
    simplify, complicate = opencc.OpenCC("t2s"), opencc.OpenCC("s2t")

    def words(text: str) -> list[Word]:
        found, offset = [], 0
        for word in posseg.cut(_same_length(text, simplify.convert(text))):
            offset += len(word.word)
            found.append(Word(offset, word.flag, len(word.word)))
        return found

    return Dictionary(words, lambda text: _same_length(text, complicate.convert(text)))


def _same_length(text: str, converted: str) -> str:
    """The converted text, where offsets in it hold for both."""
    return converted if len(converted) == len(text) else text
