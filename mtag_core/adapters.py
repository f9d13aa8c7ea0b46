"""Tagged sentences as objects of other packages: a spaCy `Doc`, a pandas frame.

The packages are imported when they are asked for; mtag does not install them.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from mtag_core.errors import UsageError
from mtag_core.tagging.tagged import TaggedSentence

if TYPE_CHECKING:
    import pandas
    import spacy.tokens
    import spacy.vocab

_FRAME_COLUMNS = {
    "sentence": "int64",
    "token": "int64",
    "language": "str",
    "form": "str",
    "lemma": "str",
    "upos": "str",
    "feats": "str",
    "upos_score": "float64",
    "start": "int64",
    "end": "int64",
}


def to_spacy(
    sentences: TaggedSentence | Iterable[TaggedSentence],
    *,
    vocab: "spacy.vocab.Vocab | None" = None,
) -> "spacy.tokens.Doc":
    """Makes a spaCy document.

    A token of the document is a token of mtag, so a multiword token such as French `du` comes as
    `de le`; white space of more than one character comes as one space.

    Args:
        sentences: Of one text, in order.
        vocab: Of the spaCy pipeline that the document is for; None for a new one.

    Returns:
        A `Doc` with `pos_`, `morph`, sentence starts and, where the bundle has lemmas, `lemma_`.

    Raises:
        UsageError: spaCy is not installed.
    """
    try:
        from spacy.tokens import Doc
        from spacy.vocab import Vocab
    except ImportError as error:
        raise UsageError("to_spacy needs spaCy: pip install spacy") from error
    sentences = [sentence for sentence in _each(sentences) if len(sentence)]
    lemmas = [lemma for each in sentences for lemma in each.lemmas or ("",) * len(each)]
    return Doc(
        Vocab() if vocab is None else vocab,
        words=[form for each in sentences for form in each.sentence.forms],
        spaces=list(_is_space_after(sentences)),
        pos=[upos for each in sentences for upos in each.upos],
        morphs=["" if feats == "_" else feats for each in sentences for feats in each.feats],
        lemmas=lemmas if any(lemmas) else None,
        sent_starts=[index == 0 for each in sentences for index in range(len(each))],
    )


def to_pandas(sentences: TaggedSentence | Iterable[TaggedSentence]) -> "pandas.DataFrame":
    """Makes a frame with a row a token.

    Returns:
        Columns `sentence` and `token` (numbers from 0), `language`, `form`, `lemma`, `upos`,
        `feats`, `upos_score`, `start`, `end`. Without lemmas in the bundle `lemma` is missing.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError("to_pandas needs pandas: pip install pandas") from error
    rows = list(_rows(_each(sentences)))
    frame = pandas.DataFrame(rows, columns=list(_FRAME_COLUMNS)).astype(_FRAME_COLUMNS)
    has_lemmas = not rows or rows[0][4] is not None
    return frame if has_lemmas else frame.drop(columns="lemma")


def _each(sentences: TaggedSentence | Iterable[TaggedSentence]) -> Iterable[TaggedSentence]:
    return [sentences] if isinstance(sentences, TaggedSentence) else sentences


def _rows(sentences: Iterable[TaggedSentence]) -> Iterator[tuple[object, ...]]:
    for number, sentence in enumerate(sentences):
        for index, token in enumerate(sentence):
            tags = (token.lemma, token.upos, token.feats, token.upos_score)
            yield number, index, sentence.language, token.form, *tags, token.start, token.end


def _is_space_after(sentences: Iterable[TaggedSentence]) -> Iterator[bool]:
    """Whether a space follows each token; one does within multiword tokens and at the end."""
    spans = [
        span
        for each in sentences
        for span in zip(each.sentence.starts, each.sentence.ends, strict=True)
    ]
    for (start, end), (next_start, _) in pairwise(spans):
        yield next_start != end or next_start == start
    yield from [False] * bool(spans)
