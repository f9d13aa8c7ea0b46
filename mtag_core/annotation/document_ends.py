"""Checks what comes out of the tagger against what went in, document by document."""

from collections import deque

from mtag_core.errors import CountMismatchError


class DocumentEnds:
    """Checks that each document's sentences all arrive, in order, and once."""

    def __init__(self, part_id: str) -> None:
        """Expects nothing yet; errors name `part_id`."""
        self._part_id = part_id
        # Documents whose sentences all went in, and how many: (ordinal, n_sentences).
        self._expected: deque[tuple[int, int]] = deque()
        self._ordinal, self._n_received = -1, 0

    def expect(self, ordinal: int, n_sentences: int) -> None:
        """Notes that all sentences of a document have gone into the tagger."""
        self._expected.append((ordinal, n_sentences))

    def received(self, ordinal: int, index: int) -> int:
        """Notes a sentence that came out; returns how many documents are now complete.

        Raises:
            CountMismatchError: A sentence was lost, doubled or swapped.
        """
        n_complete = 0
        if ordinal != self._ordinal:
            n_complete = self._close(before=ordinal)
            self._ordinal, self._n_received = ordinal, 0
        if index != self._n_received:
            self._raise(ordinal, f"sentence {index} came where {self._n_received} was due")
        self._n_received += 1
        return n_complete

    def finish(self) -> int:
        """Closes what is left; returns how many documents that completes.

        Raises:
            CountMismatchError: A sentence was lost.
        """
        return self._close(before=None)

    def _close(self, *, before: int | None) -> int:
        """Checks off the documents up to an ordinal."""
        n_complete = 0
        while self._expected and (before is None or self._expected[0][0] < before):
            ordinal, n_sentences = self._expected.popleft()
            n_received = self._n_received if ordinal == self._ordinal else 0
            if n_received != n_sentences:
                self._raise(ordinal, f"{n_received} of {n_sentences} sentences came out")
            n_complete += 1
        return n_complete

    def _raise(self, ordinal: int, what: str) -> None:
        """Stops the run: sentences were lost, doubled or swapped."""
        raise CountMismatchError(f"part {self._part_id}, document {ordinal}: {what}")
