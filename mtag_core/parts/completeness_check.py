"""Checks that all records of a part arrive at its last step: in order, each once."""

from mtag_core.errors import CountMismatchError


class CompletenessCheck:
    """Counts documents and their sentences as they arrive; a gap or a repeat is an error.

    Attributes:
        n_documents: Documents that have arrived whole, rejected ones included.
    """

    def __init__(self, part_id: str) -> None:
        """Expects the first document.

        Args:
            part_id: Named in errors.
        """
        self.n_documents = 0
        self._part_id = part_id
        self._n_sentences = 0

    def block(self, ordinal: int, index: int, n_sentences: int, *, is_last: bool) -> None:
        """Checks a block of a document's sentences.

        Raises:
            CountMismatchError: Records were lost, doubled or swapped.
        """
        self._check_ordinal(ordinal)
        if index != self._n_sentences:
            self._raise(ordinal, f"sentence {index} came where {self._n_sentences} was due")
        self._n_sentences = 0 if is_last else index + n_sentences
        self.n_documents += is_last

    def reject(self, ordinal: int) -> None:
        """Checks a reject, which ends its document.

        Raises:
            CountMismatchError: Records were lost, doubled or swapped.
        """
        self._check_ordinal(ordinal)
        self._n_sentences = 0
        self.n_documents += 1

    def end(self, n_documents: int) -> None:
        """Checks the end of the part.

        Args:
            n_documents: Documents that the part's reader has given.

        Raises:
            CountMismatchError: Records were lost.
        """
        if self._n_sentences:
            self._raise(self.n_documents, f"ends after {self._n_sentences} sentences")
        if self.n_documents != n_documents:
            raise CountMismatchError(
                f"part {self._part_id}: {n_documents} documents read, {self.n_documents} arrived "
                "where the part is written; the runner lost records inside a stage"
            )

    def _check_ordinal(self, ordinal: int) -> None:
        if ordinal != self.n_documents:
            self._raise(ordinal, f"came where document {self.n_documents} was due")

    def _raise(self, ordinal: int, what: str) -> None:
        raise CountMismatchError(
            f"part {self._part_id}, document {ordinal}: {what}; the runner lost, doubled or "
            "swapped records inside a stage"
        )
