"""The sentences that tokenizers hand to the segmenter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """A surface form that stands for several tokens.

    Attributes:
        first: Index of the first token, from 0, in its sentence.
        last: Index of the last token, inclusive.
    """

    first: int
    last: int


@dataclass(slots=True)
class RawSentence:
    """A sentence in offsets of the text the tokenizer was given.

    Attributes:
        forms: One a token; None where the form is the text between start and end.
        starts: One a token.
        ends: One a token.
        splits: The multiword tokens.
    """

    forms: list[str | None]
    starts: list[int]
    ends: list[int]
    splits: list[Split]

    def surface_ranges(self) -> list[tuple[int, int]]:
        """The ranges of the surface tokens: one for all the tokens of a multiword token."""
        ranges = zip(self.starts, self.ends, strict=True)
        if not self.splits:
            return list(ranges)
        inner = {i for split in self.splits for i in range(split.first + 1, split.last + 1)}
        return [span for index, span in enumerate(ranges) if index not in inner]
