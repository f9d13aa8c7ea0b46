"""Labels text with split teachers, for `train-segmenters --labelled`."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mtag_core.errors import InputNotFoundError
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.languages import GENERIC
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.storage import create_text
from mtag_core.training.data.treebanks import treebank_files
from mtag_core.training.segmenter_options import LabelSplitsOptions
from mtag_core.training.segmenters.labelled_text import SPLITS, split_line
from mtag_core.training.segmenters.split_choices import ChoiceTable
from mtag_core.training.segmenters.split_scripts import log_counts
from mtag_core.training.segmenters.split_teacher import (
    SplitSentences,
    SplitTeacher,
    guess_splits,
    tokenizer_path,
    train_split_teacher,
)
from mtag_core.training.segmenters.splits import OPEN
from mtag_core.training.segmenters.training import listed, text_lines
from mtag_core.training.segmenters.treebanks import (
    Sentences,
    Surface,
    joined_letters,
    read_sentences,
)

_LOGGER = logging.getLogger(__name__)
_GROUP_SENTENCES = 2000


def run(options: LabelSplitsOptions) -> str:
    """Runs `label splits`."""
    return listed(label_splits(options))


def label_splits(config: LabelSplitsOptions) -> list[Path]:
    """Trains a split teacher for each language and labels the language's text.

    Args:
        config: What to do.

    Returns:
        The labelled files.

    Raises:
        BundleError: A language has no segmenter to cut its text.
        InputNotFoundError: A language has no treebank or no text.
    """
    return [_label(config, language) for language in config.languages]


def _label(config: LabelSplitsOptions, language: str) -> Path:
    """Labels the text of one language; the file appears when it is whole."""
    source = config.text / f"{language}.txt.xz"
    if not source.exists():
        raise InputNotFoundError(f"{source}: no text to label")
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(config.segmenters / f"{name}.linear.npz") for name in names]
    tokenizer = SpacedTokenizer(layers)
    train, dev = (_treebank(config.treebanks, part, language) for part in ("train", "dev"))
    table = ChoiceTable(
        (token for sentence in train for token in sentence),
        log_counts(text_lines(source), n_counts=OPEN.n_counts, min_count=OPEN.min_count),
        tokenizer_path(config),
    )
    teacher = train_split_teacher(
        config, language, SplitSentences(train, table, config), SplitSentences(dev, table, config)
    )
    output = config.output / f"{language}{SPLITS}"
    n_tokens = 0
    with create_text(output) as sink:
        text = _surface_sentences(source, tokenizer)
        while group := list(islice(text, _GROUP_SENTENCES)):
            sentences = SplitSentences(group, table, config)
            sink.writelines(_labelled(teacher, sentences, config.least_probability))
            n_tokens += len(sentences.tokens)
            _LOGGER.info("%s: %d tokens labelled", language, n_tokens)
    return output


def _treebank(treebanks: Path, part: str, language: str) -> Sentences:
    paths = [p for p in treebank_files(treebanks, part) if p.name.startswith(f"{language}_")]
    if not paths:
        raise InputNotFoundError(f"{treebanks}: no {part} file of {language}")
    return [joined_letters(sentence) for path in paths for sentence in read_sentences(path)]


def _surface_sentences(source: Path, tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, text_lines(source)):
        block = tokenizer.tokenize(line, [(0, len(line))])
        first = 0
        for last in block.sentence_ends:
            yield [Surface(form, (), has_space=True) for form in block.forms[first:last]]
            first = last


def _labelled(
    teacher: SplitTeacher, sentences: SplitSentences, least_probability: float
) -> Iterator[str]:
    guesses = iter(guess_splits(teacher, sentences))
    for sentence in sentences.sentences:
        # The sentence ends first, and leaves the other guesses where they are.
        yield split_line(
            [
                token._replace(tokens=parts if probability >= least_probability else ())
                for token, (parts, probability) in zip(sentence, guesses, strict=False)
            ]
        )
