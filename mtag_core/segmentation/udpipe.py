"""UDPipe's tokenizer as a function from text to sentences of tokens with offsets.

The only module that imports ufal.udpipe. Its objects cost about 2 microseconds a token to read
through SWIG, so the sentences are read from the CoNLL-U text that UDPipe writes.
Source: Straka and Strakova 2017 (ACL K17-3009).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ufal.udpipe import (
    InputFormat,
    Model,
    OutputFormat,
    ProcessingError,
    Sentences,
    Trainer,
)
from ufal.udpipe import Sentence as UdpipeSentence

from mtag_core.errors import BundleError, FormatError
from mtag_core.segmentation.raw import RawSentence, Split

# One line of UDPipe's CoNLL-U: id, last id of a multiword token, form, start and end. The tokens of
# a multiword token have no range of their own.
_LINE = re.compile(
    r"^(\d+)(?:-(\d+))?\t([^\t\n]*)\t.*?(?:TokenRange=(\d+):(\d+))?$",
    re.MULTILINE,
)


class UdpipeTokenizer:
    """A loaded tokenizer model."""

    def __init__(self, path: Path) -> None:
        """Opens a `.udpipe` file.

        Raises:
            BundleError: The file is missing or holds no tokenizer.
        """
        model = Model.load(str(path)) if path.is_file() else None
        if model is None or model.newTokenizer("ranges") is None:
            raise BundleError(f"{path}: expected a UDPipe model with a tokenizer")
        self._model = model

    def tokenize(self, text: str) -> Iterator[RawSentence]:
        """Yields the sentences of cleaned text in order."""
        tokenizer: InputFormat = self._model.newTokenizer("ranges")
        tokenizer.setText(text)
        output = OutputFormat.newOutputFormat("conllu")
        sentence = UdpipeSentence()
        while tokenizer.nextSentence(sentence):
            yield _parse(output.writeSentence(sentence))


def train_tokenizer(
    conllu: str, *, width: int, n_epochs: int, learning_rate: float, dropout: float
) -> bytes:
    """Trains a tokenizer.

    Args:
        conllu: Sentences whose forms and `SpaceAfter` are right.
        width: Of the recurrent layer.
        n_epochs: Passes over the sentences.
        learning_rate: At the start.
        dropout: From 0 to 1.

    Returns:
        The content of a `.udpipe` file.

    Raises:
        FormatError: UDPipe cannot read or learn from the sentences.
    """
    error = ProcessingError()
    reader = InputFormat.newConlluInputFormat()
    reader.setText(conllu)
    sentences = Sentences()
    sentence = UdpipeSentence()
    while reader.nextSentence(sentence, error):
        sentences.push_back(sentence)
        sentence = UdpipeSentence()
    options = (
        f"dimension={width};epochs={n_epochs};learning_rate={learning_rate};dropout={dropout};"
        "early_stopping=0"
    )
    if not error.occurred():
        model = Trainer.train(
            "morphodita_parsito", sentences, Sentences(), options, "none", "none", error
        )
    if error.occurred():
        raise FormatError(f"UDPipe cannot train on these sentences: {error.message}")
    # SWIG hands bytes over as a str.
    return model if isinstance(model, bytes) else model.encode("utf-8", "surrogateescape")


def _parse(conllu: str) -> RawSentence:
    """Reads a sentence from UDPipe's own CoNLL-U, whose shape is known."""
    forms: list[str | None] = []
    starts: list[int] = []
    ends: list[int] = []
    splits: list[Split] = []
    surface_start, surface_end = 0, 0
    for first, last, form, start, end in _LINE.findall(conllu):
        if last:
            splits.append(Split(int(first) - 1, int(last) - 1))
            surface_start, surface_end = int(start), int(end)
        elif start:
            forms.append(None)
            starts.append(int(start))
            ends.append(int(end))
        else:
            forms.append(form)
            starts.append(surface_start)
            ends.append(surface_end)
    return RawSentence(forms, starts, ends, splits)
