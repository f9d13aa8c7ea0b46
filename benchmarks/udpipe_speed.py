"""UDPipe 1 as a system to measure."""

from pathlib import Path

from ufal.udpipe import InputFormat, Model, ProcessingError, Sentence


class UdpipeTagger:
    """A UDPipe tagger, and a tokenizer model before it where one is given."""

    def __init__(self, path: Path, *, segmenter: Path | None = None) -> None:
        self._tagger = Model.load(str(path))
        self._segmenter = Model.load(str(segmenter)) if segmenter else None

    def tag(self, forms: list[str]) -> int:
        """Tags given tokens and returns their number."""
        sentence = Sentence()
        for form in forms:
            sentence.addWord(form)
        self._tagger.tag(sentence, Model.DEFAULT)
        return len(forms)

    def run(self, forms: list[str]) -> int:
        """Tokenizes and tags a text and returns the number of white-space words in it."""
        reader = (
            self._segmenter.newTokenizer(Model.DEFAULT)
            if self._segmenter
            else (InputFormat.newHorizontalInputFormat())
        )
        reader.setText(" ".join(forms))
        sentence, error = Sentence(), ProcessingError()
        while reader.nextSentence(sentence, error):
            self._tagger.tag(sentence, Model.DEFAULT)
            sentence = Sentence()
        return len(forms)
