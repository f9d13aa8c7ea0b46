"""The worker processes of a server: tasks go to them, answers come back, none is lost.

A worker tags the sentences of all tasks it has, some of each in turn: so a short text waits for no
long one, and sentences of many requests are in one batch.
"""

import asyncio
import contextlib
import itertools
import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from mtag_core.errors import MtagError
from mtag_core.records import Sentence
from mtag_core.serve.tasks import Result, Task, TextTagger, answer_of, sentences_of

# A round is about half a second of a core.
_ROUND_SENTENCES = 256
_LOGGER = logging.getLogger(__name__)
# A worker forgets a task between two rounds; one that takes longer hangs, and is killed.
_GIVE_UP_S = 10.0
_START_S = 120.0


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What became of a task: a body, or one line of an error and whether the data are at fault."""

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
        """Tags some sentences of each task; gives keys and answers of the tasks that are done."""
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
        for key, sentence in tagged:
            self._open[key].results.append(sentence)

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

    The connection brings pairs of a key and a task, or None for a task to forget, and takes pairs
    of a key and an answer. To the key of what was forgotten comes an answer, too.
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


@dataclass(slots=True, eq=False)
class _Job:
    key: int
    task: Task
    answer: "asyncio.Future[TaskAnswer]"


class Worker:
    """One process. One that dies is started again with the tasks that it had, one by one.

    The task that kills it a second time, alone, fails. `load` must pickle.
    """

    def __init__(self, load: Callable[[], TextTagger]) -> None:
        self._load = load
        self._waiting: deque[_Job] = deque()
        self._running: dict[int, _Job] = {}
        self._keys = itertools.count(1)
        # Sends in order, and never makes the server wait for a worker that does not read.
        self._sender = ThreadPoolExecutor(1)
        # After a death: one task at a time, to find the one that kills.
        self._is_careful = False
        self._is_closed = False
        self._is_up = False
        self._started: asyncio.Future[None] | None = None
        self.n_restarts = 0

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        return self._is_up

    @property
    def n_tasks(self) -> int:
        """Tasks without an answer."""
        return len(self._waiting) + len(self._running)

    async def start(self) -> None:
        """Starts the process and waits until the model is loaded.

        Raises:
            MtagError: It ended instead; what it said is on standard error.
        """
        self._started = asyncio.get_running_loop().create_future()
        self._spawn()
        await asyncio.wait_for(self._started, _START_S)

    async def process(self, task: Task, *, max_seconds: float) -> TaskAnswer:
        """Does a task.

        Raises:
            TimeoutError: It took longer.
        """
        job = _Job(next(self._keys), task, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._process.exitcode is not None and not self._is_up:
            self._spawn()
        self._pump()
        try:
            return await asyncio.wait_for(job.answer, max_seconds)
        finally:
            if job.key in self._running:
                self._forget(job)
            elif job in self._waiting:
                self._waiting.remove(job)

    def close(self) -> None:
        """Ends the process, which has no tasks any more."""
        self._is_closed = True
        self._is_up = False
        self._unwatch()
        self._sender.shutdown(wait=True)
        self._connection.close()
        self._process.join(_GIVE_UP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, self._load), daemon=True)
        self._process.start()
        theirs.close()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._connection.fileno(), self._receive)

    def _unwatch(self) -> None:
        with contextlib.suppress(OSError):
            asyncio.get_running_loop().remove_reader(self._connection.fileno())

    def _receive(self) -> None:
        try:
            while self._connection.poll():
                self._take(*self._connection.recv())
        except (EOFError, OSError):
            self._died()

    def _take(self, key: int, answer: TaskAnswer) -> None:
        if key == 0:
            self._is_up = True
            if self._started is not None and not self._started.done():
                self._started.set_result(None)
        job = self._running.pop(key, None)
        if job is not None and not job.answer.done():
            job.answer.set_result(answer)
        self._pump()

    def _pump(self) -> None:
        if not self._is_up:
            return
        if self._is_careful and not self.n_tasks:
            self._is_careful = False
        while self._waiting and not (self._is_careful and self._running):
            job = self._waiting.popleft()
            self._running[job.key] = job
            self._send(job.key, job.task)

    def _send(self, key: int, task: Task | None) -> None:
        def send(connection: Connection) -> None:
            # Of a worker that died in between the reader hears.
            with contextlib.suppress(OSError):
                connection.send((key, task))

        self._sender.submit(send, self._connection)

    def _forget(self, job: _Job) -> None:
        self._send(job.key, None)

        def kill() -> None:
            if self._running.get(job.key) is job and not self._is_closed:
                _LOGGER.warning("a worker hangs and is killed")
                self._process.kill()

        asyncio.get_running_loop().call_later(_GIVE_UP_S, kill)

    def _died(self) -> None:
        self._unwatch()
        self._connection.close()
        self._process.join()
        code = self._process.exitcode
        if not self._is_up:
            self._failed_to_start(code)
            return
        self._is_up = False
        jobs = [job for job in self._running.values() if not job.answer.done()]
        self._running.clear()
        _LOGGER.warning("a worker process died (exit code %s), %d tasks on it", code, len(jobs))
        if self._is_careful:
            self._fail(jobs, "the text ended the process that tagged it")
        else:
            self._waiting.extendleft(reversed(jobs))
        self._is_careful = bool(self._waiting)
        self.n_restarts += 1
        self._spawn()

    def _failed_to_start(self, code: int | None) -> None:
        message = f"a worker process ended before it was ready (exit code {code})"
        if self._started is not None and not self._started.done():
            self._started.set_exception(MtagError(message))
        self._fail(list(self._waiting), message)
        self._waiting.clear()

    def _fail(self, jobs: list[_Job], error: str) -> None:
        for job in jobs:
            if not job.answer.done():
                job.answer.set_result(TaskAnswer(error=error))


class Workers:
    """Some worker processes, each with a model of its own; a task goes to the least busy one."""

    def __init__(self, load: Callable[[], TextTagger], n_workers: int) -> None:
        self._workers = [Worker(load) for _ in range(n_workers)]

    @property
    def are_ready(self) -> bool:
        """Whether all models are loaded."""
        return all(worker.is_ready for worker in self._workers)

    @property
    def n_restarts(self) -> int:
        """How often a process died and was started again."""
        return sum(worker.n_restarts for worker in self._workers)

    async def start(self) -> None:
        """Starts all processes.

        Raises:
            MtagError: One does not start.
        """
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def process(self, task: Task, *, max_seconds: float) -> TaskAnswer:
        """Does a task; as `Worker.process`."""
        worker = min(self._workers, key=lambda each: each.n_tasks)
        return await worker.process(task, max_seconds=max_seconds)

    def close(self) -> None:
        """Ends all processes."""
        for worker in self._workers:
            worker.close()
