"""Trains the student's WordPiece vocabulary on segmented text and treebanks."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from mtag_core.errors import UsageError
from mtag_core.folding import fold_form
from mtag_core.training.data.texts import read_token_lines
from mtag_core.training.data.treebanks import read_treebank, treebank_files
from mtag_core.training.options import VocabularyOptions

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# A treebank is small beside the text, and what the student is scored on.
_TREEBANK_REPEATS = 2


def run(options: VocabularyOptions) -> str:
    """Runs `train-vocabulary`.

    Raises:
        UsageError: There is nothing to learn from.
    """
    if options.text is None and options.treebanks is None:
        raise UsageError("train-vocabulary needs --text or --treebanks, or both")
    sentences = vocabulary_sentences(options.text, options.treebanks)
    if options.lower_case:
        sentences = lower_cased(sentences)
    tokenizer = train_vocabulary(sentences, n_pieces=options.n_pieces)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.output))
    return f"{tokenizer.get_vocab_size()} wordpieces  {options.output}"


def train_vocabulary(
    sentences: Iterable[tuple[str, ...]], *, n_pieces: int, alphabet_size: int = 6000
) -> Tokenizer:
    """Trains a WordPiece vocabulary that keeps letter case as it comes.

    Args:
        sentences: Forms of each sentence.
        n_pieces: Size of the vocabulary, special pieces included.
        alphabet_size: Characters kept; rarer ones become [UNK].

    Returns:
        The tokenizer. Encode with `is_pretokenized=True`; it adds no special pieces. Pieces that
        occur equally often come in another order in each training.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=n_pieces,
        min_frequency=2,
        limit_alphabet=alphabet_size,
        special_tokens=list(SPECIAL_PIECES),
        show_progress=False,
    )
    tokenizer.train_from_iterator((" ".join(forms) for forms in sentences), trainer)
    return tokenizer


def lower_cased(sentences: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Folds forms and puts them in lower case, as a word student reads them."""
    for forms in sentences:
        yield tuple(map(_lower_cased, forms))


@lru_cache(2**20)
def _lower_cased(form: str) -> str:
    return fold_form(form).lower()


def vocabulary_sentences(text: Path | None, treebanks: Path | None) -> Iterator[tuple[str, ...]]:
    """Yields the forms to learn pieces from.

    Args:
        text: Directory of `LANGUAGE.tokens` files, plain or `.xz`; None for none.
        treebanks: Directory of CoNLL-U files, of which train files are read; None for none.
    """
    if text is not None:
        for path in sorted([*text.glob("*.tokens"), *text.glob("*.tokens.xz")]):
            yield from read_token_lines(path)
    if treebanks is not None:
        for path in treebank_files(treebanks, "train"):
            for sentence in read_treebank(path):
                yield from [sentence.forms] * _TREEBANK_REPEATS
