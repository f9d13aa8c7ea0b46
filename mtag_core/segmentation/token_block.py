"""The tokens of a stretch of a document in columns, as tokenizers hand them on."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class TokenBlock:
    """Surface tokens and where sentences end.

    Attributes:
        forms: One a token.
        starts: Offsets in the document.
        ends: Likewise.
        sentence_ends: Index after the last token of each sentence; the last is the number of
            tokens.
    """

    forms: list[str]
    starts: list[int]
    ends: list[int]
    sentence_ends: list[int]

    def without_last_sentence(self) -> "TokenBlock":
        """The sentences but the last of two or more."""
        end = self.sentence_ends[-2]
        return TokenBlock(
            self.forms[:end], self.starts[:end], self.ends[:end], self.sentence_ends[:-1]
        )

    def joined(self, text: str, indices: Sequence[int]) -> "TokenBlock":
        """Joins tokens with the ones before them.

        Args:
            text: The document.
            indices: In order; none is the first token of a sentence.
        """
        if not indices:
            return self
        gone = set(indices)
        kept = [index for index in range(len(self.forms)) if index not in gone]
        forms = [self.forms[index] for index in kept]
        starts = [self.starts[index] for index in kept]
        ends = [self.ends[after - 1] for after in [*kept[1:], len(self.forms)]]
        for new, (old, after) in enumerate(zip(kept, [*kept[1:], len(self.forms)], strict=True)):
            if after - old > 1:
                forms[new] = text[starts[new] : ends[new]]
        n_gone_before = [0] * (len(self.forms) + 1)
        for index in range(len(self.forms)):
            n_gone_before[index + 1] = n_gone_before[index] + (index in gone)
        sentence_ends = [end - n_gone_before[end] for end in self.sentence_ends]
        return TokenBlock(forms, starts, ends, sentence_ends)

    def parted(self, indices: Sequence[int]) -> "TokenBlock":
        """Parts the last character of tokens off.

        Args:
            indices: In order; each token has two characters or more.
        """
        if not indices:
            return self
        forms, starts, ends = list(self.forms), list(self.starts), list(self.ends)
        for index in reversed(indices):
            forms[index : index + 1] = [forms[index][:-1], forms[index][-1]]
            starts.insert(index + 1, ends[index] - 1)
            ends.insert(index, ends[index] - 1)
        sentence_ends = [end + bisect_left(indices, end) for end in self.sentence_ends]
        return TokenBlock(forms, starts, ends, sentence_ends)
