"""Tags a stream of texts: in this process, or in several with a tagger each."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import count, tee
from typing import Any, Protocol

from mtag_core.records import Sentence
from mtag_core.tagging.arguments import checked_text, text_and_context
from mtag_core.tagging.tagged import TaggedSentence

# A chunk of texts ends at the first of these: enough work for a message to be worth its cost.
_CHUNK_TEXTS = 256
_CHUNK_CHARACTERS = 100_000
# Of texts that are segmented together.
_TOGETHER_CHARACTERS = 32_768
# Chunks that are under way, a process: the one it tags and those that wait.
_WAITING = 2


class _Tagger(Protocol):
    def segment_many(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[list[Sentence]]: ...
    def tag_stream(
        self, pairs: Iterable[tuple[None, Sentence]]
    ) -> Iterator[tuple[None, TaggedSentence]]: ...


def tag_texts(
    tagger: _Tagger, texts: Iterable[str], *, language: str | None, n_processes: int
) -> Iterator[list[TaggedSentence]]:
    """Yields the sentences of each text, in order; several processes have a tagger each.

    Texts are read as they are needed, some ahead of what has been yielded.

    Raises:
        UsageError: A text is none; when it is read.
    """
    checked = map(checked_text, count(), texts)
    if n_processes > 1:
        return _tag_in_processes(tagger, checked, language, n_processes)
    return _tag_in_turn(tagger, checked, language)


def tag_pairs(
    tagger: _Tagger, pairs: Iterable[object], *, language: str | None, n_processes: int
) -> Iterator[tuple[list[TaggedSentence], Any]]:
    """Tags the texts of pairs of a text and anything, and gives the other back with the result.

    What is no pair raises when it is read; else as `tag_texts`.
    """
    # Some texts are ahead of what has been yielded, so that both are read from one stream.
    read, again = tee(map(text_and_context, count(), pairs))
    texts = (text for text, _ in read)
    tagged = tag_texts(tagger, texts, language=language, n_processes=n_processes)
    return zip(tagged, (context for _, context in again), strict=True)


def _tag_in_turn(
    tagger: _Tagger, texts: Iterable[str], language: str | None
) -> Iterator[list[TaggedSentence]]:
    # In batches that go across texts.
    n_sentences: deque[int] = deque()

    def sentences() -> Iterator[tuple[None, Sentence]]:
        for chunk in _chunks(texts, _TOGETHER_CHARACTERS):
            for found in tagger.segment_many(chunk, language):
                n_sentences.append(len(found))
                yield from ((None, sentence) for sentence in found)

    tagged_of_text: list[TaggedSentence] = []
    for _, tagged in tagger.tag_stream(sentences()):
        while n_sentences[0] == 0:
            n_sentences.popleft()
            yield []
        tagged_of_text.append(tagged)
        if len(tagged_of_text) == n_sentences[0]:
            n_sentences.popleft()
            yield tagged_of_text
            tagged_of_text = []
    yield from ([] for _ in n_sentences)


def _tag_in_processes(
    tagger: _Tagger, texts: Iterable[str], language: str | None, n_processes: int
) -> Iterator[list[TaggedSentence]]:
    # Spawned, since a model's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        n_processes, mp_context=context, initializer=_start, initargs=(tagger, language)
    ) as pool:
        under_way: deque[Future[list[list[TaggedSentence]]]] = deque()
        try:
            for chunk in _chunks(texts, _CHUNK_CHARACTERS):
                under_way.append(pool.submit(_tag_chunk, chunk))
                if len(under_way) > _WAITING * n_processes:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _chunks(texts: Iterable[str], most_characters: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    n_characters = 0
    for text in texts:
        chunk.append(text)
        n_characters += len(text)
        if len(chunk) == _CHUNK_TEXTS or n_characters >= most_characters:
            yield chunk
            chunk, n_characters = [], 0
    if chunk:
        yield chunk


_tag: Callable[[Sequence[str]], Iterator[list[TaggedSentence]]]


def _start(tagger: _Tagger, language: str | None) -> None:
    global _tag
    _tag = partial(_tag_in_turn, tagger, language=language)


def _tag_chunk(texts: Sequence[str]) -> list[list[TaggedSentence]]:
    return list(_tag(texts))
