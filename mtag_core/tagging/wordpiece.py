"""Splits tokens into wordpieces and sentences into windows that fit the model.

A token's pieces do not depend on its neighbours, so they
are remembered: in running text nine of ten tokens have been seen before, and a dictionary answers
ten times faster than the tokenizer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from mtag_core.errors import BundleError
from mtag_core.folding import fold
from mtag_core.tagging.windows import cut

# The longest input the student was trained on, [CLS] and [SEP] included.
MAX_PIECES = 256
# Context that both sides of a cut between two windows see, in wordpieces.
_OVERLAP_PIECES = 64
# A token of more pieces (a line of dashes, a base64 blob) keeps its first ones and its last.
_MAX_TOKEN_PIECES = 48
# Distinct tokens remembered; about 50 MB when full.
_MAX_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class PieceWindow:
    """A run of a sentence's tokens as the model reads it.

    Attributes:
        piece_ids: [CLS], the pieces of the tokens, [SEP]. Length at most `MAX_PIECES`.
        first: Index in `piece_ids` of the first piece of each token that this window tags.
        last: Index of the last piece of the same tokens.
        treebank: Number of the treebank whose convention the tags follow, 0 for none.
    """

    piece_ids: list[int]
    first: list[int]
    last: list[int]
    treebank: int = 0

    @property
    def size(self) -> int:
        """Number of wordpieces."""
        return len(self.piece_ids)

    @property
    def n_tokens(self) -> int:
        """Tokens that are tagged by this window."""
        return len(self.first)


class WordPiece:
    """A WordPiece tokenizer for tokens, with a memory."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._cls, self._sep, self._unk = (
            special_id(tokenizer, piece) for piece in ("[CLS]", "[SEP]", "[UNK]")
        )
        self._token_to_ids: dict[str, list[int]] = {}

    @classmethod
    def load(cls, path: str | Path) -> "WordPiece":
        """Reads a `tokenizer.json`.

        Raises:
            BundleError: It is missing, damaged, or has no [CLS], [SEP], [UNK].
        """
        return cls(open_tokenizer(path))

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> list[PieceWindow]:
        """Splits a sentence's tokens into wordpieces.

        A sentence that fits is one window. A longer one becomes several with an overlap, cut at
        tokens; each token is tagged by the window that shows more of what stands around it.

        Args:
            forms: The sentence's tokens, at least one.
            treebank: Of the windows.

        Returns:
            Windows whose tagged tokens, joined, are the sentence's.
        """
        known = self._token_to_ids
        token_ids = [known.get(form) or self._pieces(form) for form in forms]
        window = self._window(token_ids, tagged=range(len(forms)), treebank=treebank)
        if len(window.piece_ids) <= MAX_PIECES:
            return [window]
        return [
            self._window(
                token_ids[start:end], tagged=range(first - start, last - start), treebank=treebank
            )
            for start, end, first, last in cut(
                list(map(len, token_ids)), max_size=MAX_PIECES - 2, overlap=_OVERLAP_PIECES
            )
        ]

    def _window(
        self, token_ids: Sequence[list[int]], *, tagged: range, treebank: int
    ) -> PieceWindow:
        piece_ids = [self._cls]
        first: list[int] = []
        last: list[int] = []
        for ids in token_ids:
            first.append(len(piece_ids))
            piece_ids += ids
            last.append(len(piece_ids) - 1)
        piece_ids.append(self._sep)
        if len(tagged) < len(first):
            first, last = (row[tagged.start : tagged.stop] for row in (first, last))
        return PieceWindow(piece_ids, first, last, treebank)

    def _pieces(self, form: str) -> list[int]:
        # A form of nothing but what folding takes off stays.
        read = fold(form) or form
        encoding = self._tokenizer.encode([read], is_pretokenized=True, add_special_tokens=False)
        # A token of nothing but control characters has no pieces.
        ids = encoding.ids or [self._unk]
        if len(ids) > _MAX_TOKEN_PIECES:
            ids = [*ids[: _MAX_TOKEN_PIECES - 1], ids[-1]]
        if len(self._token_to_ids) >= _MAX_REMEMBERED:
            self._token_to_ids.clear()
        self._token_to_ids[form] = ids
        return ids


def open_tokenizer(path: str | Path) -> Tokenizer:
    """Reads a `tokenizer.json`.

    Raises:
        BundleError: It is missing or damaged.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
        # The package raises bare Exceptions.
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:
        raise BundleError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def special_id(tokenizer: Tokenizer, piece: str) -> int:
    """The id of a piece that a tokenizer must have.

    Raises:
        BundleError: It has none.
    """
    piece_id: int | None = tokenizer.token_to_id(piece)
    if piece_id is None:
        raise BundleError(f"tokenizer.json: has no piece {piece}, expected [CLS], [SEP] and [UNK]")
    return piece_id
