"""A worker process: tags the sentences of all tasks it has, some of each in turn.

So a short text waits for no long one, and sentences of many requests are in one batch.
"""

import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from mtag_core.errors import MtagError
from mtag_core.records import Sentence
from mtag_core.serve.tasks import Result, Task, TextTagger, answer_of, sentences_of
from mtag_core.tagging.tagged import TaggedSentence

# A round is about half a second of a core.
_ROUND_SENTENCES = 256


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What became of a task.

    Attributes:
        body: JSON; empty where the task failed.
        error: One line; empty where it did not.
        is_callers_fault: Whether the error says what is wrong with the data.
        n_sentences: Sentences in the answer.
        n_tokens: Tokens in them.
    """

    body: str = ""
    error: str = ""
    is_callers_fault: bool = False
    n_sentences: int = 0
    n_tokens: int = 0


READY = TaskAnswer()
"""Comes first, for no task: the model is loaded."""


@dataclass(slots=True)
class _Open:
    task: Task
    rest: Iterator[Sentence]
    results: list[Result] = field(default_factory=list)
    is_read: bool = False


class Rounds:
    """The tasks that a tagger has under way."""

    def __init__(self, tagger: TextTagger) -> None:
        self._tagger = tagger
        self._open: dict[int, _Open] = {}
        self._failed: list[tuple[int, TaskAnswer]] = []

    @property
    def has_work(self) -> bool:
        """Whether a round would do something."""
        return bool(self._open or self._failed)

    def add(self, key: int, task: Task) -> None:
        """Takes a task in; a mistake in its data is the answer of the next round."""
        try:
            self._open[key] = _Open(task, sentences_of(task, self._tagger))
        except Exception as error:
            self._failed.append((key, _failure(error)))

    def drop(self, key: int) -> None:
        """Forgets a task that nobody waits for."""
        self._open.pop(key, None)

    def run(self) -> list[tuple[int, TaskAnswer]]:
        """Does a round: some sentences of each task.

        Returns:
            Keys and answers of the tasks that are done.
        """
        done, self._failed = self._failed, []
        n_each = max(1, _ROUND_SENTENCES // max(1, len(self._open)))
        taken: list[tuple[int, Sentence]] = []
        for key, each in list(self._open.items()):
            try:
                sentences = list(itertools.islice(each.rest, n_each))
            except Exception as error:
                del self._open[key]
                done.append((key, _failure(error)))
                continue
            each.is_read = len(sentences) < n_each
            if each.task.is_tagged:
                taken += [(key, sentence) for sentence in sentences]
            else:
                each.results += sentences
        done += self._tag(taken)
        for key in [key for key, each in self._open.items() if each.is_read]:
            done.append((key, _answered(self._open.pop(key))))
        return done

    def _tag(self, taken: Sequence[tuple[int, Sentence]]) -> Iterator[tuple[int, TaskAnswer]]:
        try:
            tagged = list(self._tagger.tag_stream(taken))
        except Exception as error:
            yield from self._tag_apart(taken, error)
            return
        self._keep(tagged)

    def _tag_apart(
        self, taken: Sequence[tuple[int, Sentence]], error: Exception
    ) -> Iterator[tuple[int, TaskAnswer]]:
        """One task's sentences must not fail those of others."""
        keys = dict.fromkeys(key for key, _ in taken)
        if len(keys) == 1:
            (key,) = keys
            del self._open[key]
            yield key, _failure(error)
            return
        for key in keys:
            yield from self._tag([pair for pair in taken if pair[0] == key])

    def _keep(self, tagged: Sequence[tuple[int, TaggedSentence]]) -> None:
        for key, sentence in tagged:
            self._open[key].results.append(sentence)


def _answered(done: _Open) -> TaskAnswer:
    try:
        body = answer_of(done.task, done.results)
    except Exception as error:
        return _failure(error)
    sentences = [each if isinstance(each, Sentence) else each.sentence for each in done.results]
    n_tokens = sum(len(sentence.forms) for sentence in sentences)
    return TaskAnswer(body, n_sentences=len(sentences), n_tokens=n_tokens)


def _failure(error: Exception) -> TaskAnswer:
    if isinstance(error, MtagError):
        return TaskAnswer(error=str(error), is_callers_fault=True)
    return TaskAnswer(error=f"{type(error).__name__}: {error}".split("\n")[0])


def work(connection: Connection, load: Callable[[], TextTagger]) -> None:
    """Runs a worker process until the other end of the connection is closed.

    Args:
        connection: Brings pairs of a key and a task, or None for a task to forget; takes pairs of
            a key and an answer. To the key of what was forgotten comes an answer, too.
        load: Loads the tagger.
    """
    # Both are for the server, which lets open requests end and then closes the connection.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    rounds = Rounds(load())
    connection.send((0, READY))
    try:
        while True:
            while connection.poll(0 if rounds.has_work else None):
                key, task = connection.recv()
                if task is None:
                    rounds.drop(key)
                    connection.send((key, TaskAnswer(error="given up")))
                else:
                    rounds.add(key, task)
            for key, answer in rounds.run():
                connection.send((key, answer))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
