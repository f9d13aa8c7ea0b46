import asyncio

import pytest

from mtag_core.errors import MtagError
from mtag_core.serve import workers as module
from mtag_core.serve.tasks import Task
from mtag_core.serve.workers import Rounds, Workers
from tests.mtag_core.serve.fake_server import ServedTagger, load_no_tagger, load_served_tagger


def text(data):
    return Task(data, "generic_tokenizer", "conllu", "en", is_tagged=True)


def answers(texts, *, max_seconds=60.0, n_restarts=0):
    """The answers to texts that come together; an error's type where one is raised."""

    async def run():
        workers = Workers(load_served_tagger, 1)
        await workers.start()
        try:
            tasks = (workers.process(text(each), max_seconds=max_seconds) for each in texts)
            found = await asyncio.gather(*tasks, return_exceptions=True)
            # It still works.
            last = await workers.process(text("Last."), max_seconds=60)
            assert "Last" in last.body
            assert workers.n_restarts == n_restarts
            return found
        finally:
            workers.close()

    return asyncio.run(run())


def test_each_text_has_its_own_answer():
    texts = [f"This is word{n} of all." for n in range(50)]
    for number, answer in enumerate(answers(texts)):
        assert f"text = This is word{number} of all." in answer.body
        assert (answer.n_sentences, answer.n_tokens) == (1, 6)


def test_a_text_that_kills_the_process_fails_alone():
    found = answers(["One.", "Two abort.", "Three."], n_restarts=2)
    assert ["One" in found[0].body, "Three" in found[2].body] == [True, True]
    assert found[1].error == "the text ended the process that tagged it"


def test_a_text_that_cannot_be_tagged_fails_alone():
    found = answers(["One.", "Two poison.", "Three."])
    assert ["One" in found[0].body, "Three" in found[2].body] == [True, True]
    assert found[1].error == "ValueError: cannot tag 'poison'"


def test_a_process_that_hangs_is_replaced(monkeypatch):
    monkeypatch.setattr(module, "_GIVE_UP_S", 0.1)
    [hung] = answers(["hang"], max_seconds=0.1, n_restarts=1)
    assert isinstance(hung, TimeoutError)


def test_a_process_that_does_not_start_is_an_error():
    async def run():
        workers = Workers(load_no_tagger, 1)
        try:
            await workers.start()
        finally:
            workers.close()

    with pytest.raises(MtagError, match=r"ended before it was ready \(exit code 3\)"):
        asyncio.run(run())


def test_a_short_text_waits_for_no_long_one():
    rounds = Rounds(ServedTagger())
    rounds.add(1, text("A word. " * 1000))
    assert rounds.run() == []
    rounds.add(2, text("Short."))
    [(key, answer)] = rounds.run()
    assert key == 2 and "Short" in answer.body
    while not (done := rounds.run()):
        pass
    assert done[0][0] == 1 and done[0][1].n_sentences == 1000
    assert not rounds.has_work


def test_a_dropped_text_is_not_tagged_further():
    rounds = Rounds(ServedTagger())
    rounds.add(1, text("A word. " * 1000))
    rounds.run()
    rounds.drop(1)
    assert not rounds.has_work
