"""What a request asks for, and the answer to it: the parameters of UDPipe's REST service.

Source: https://ufal.mff.cuni.cz/udpipe/2, "UDPipe REST API Documentation".
"""

import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mtag_core import conllu
from mtag_core.conllu import format_sentence
from mtag_core.errors import UsageError
from mtag_core.languages import normalise_language
from mtag_core.output.vertical import VerticalWriter
from mtag_core.records import OutputRow, Sentence
from mtag_core.tagging.arguments import joined_sentence
from mtag_core.tagging.tagged import TaggedSentence

MODEL = "mtag"
"""The model that finds the language of each line; others are named by a language."""
TEXT = "generic_tokenizer"
INPUTS = (TEXT, "conllu", "horizontal", "vertical")
OUTPUTS = ("conllu", "vertical", "json", "html")
_PARAMETERS = ("data", "model", "input", "tokenizer", "tagger", "output")
# What every answer in CoNLL-U has anyway.
_TOKENIZER_OPTIONS = ("", "ranges")

Result = Sentence | TaggedSentence


class TextTagger(Protocol):
    """What a server needs of `mtag_core.Tagger`."""

    def segment(self, text: str, language: str | None = None) -> Iterator[Sentence]:
        """Splits a text into sentences."""

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of sentences."""

    def tag_stream(
        self, pairs: Iterable[tuple[int, Sentence]]
    ) -> Iterator[tuple[int, TaggedSentence]]:
        """Tags sentences; each goes with a key that comes back with it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One request: a text, or sentences of tokens in the format of `INPUTS`, and one of `OUTPUTS`.

    Without a language, ISO 639, it is found for each line.
    """

    data: str
    input: str
    output: str
    language: str | None
    is_tagged: bool

    @property
    def model(self) -> str:
        """The name of the model for the answer."""
        return self.language or MODEL


def task_of(parameters: Mapping[str, str], *, languages: Collection[str]) -> Task:
    """Makes a task of a request's parameters; some languages only the bundle may know.

    Raises:
        UsageError: A parameter is missing, unknown or has a wrong value.
    """
    if "parser" in parameters:
        raise UsageError("parser: mtag does not parse; leave the parameter out")
    for name in parameters:
        if name not in _PARAMETERS:
            raise UsageError(f"{name}: unknown parameter, expected {', '.join(_PARAMETERS)}")
    if "data" not in parameters:
        raise UsageError("data: missing, expected the text")
    if "tokenizer" in parameters:
        _check("tokenizer", parameters["tokenizer"], _TOKENIZER_OPTIONS)
    _check("tagger", parameters.get("tagger", ""), ("",))
    is_text = "tokenizer" in parameters
    form = parameters.get("input", TEXT if is_text else "conllu")
    output = parameters.get("output", "conllu")
    _check("input", form, INPUTS)
    _check("output", output, OUTPUTS)
    if is_text and form != TEXT:
        raise UsageError(f"tokenizer: input {form!r} has tokens already; give one of the two")
    is_tagged = "tagger" in parameters
    if output in ("vertical", "html") and not is_tagged:
        raise UsageError(f"output: {output!r} shows tags; add the parameter tagger")
    language = _language(parameters.get("model", ""), languages)
    return Task(parameters["data"], form, output, language, is_tagged)


def _check(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        expected = ", ".join(each or "nothing" for each in allowed)
        raise UsageError(f"{name}: {value[:40]!r}, expected {expected}")


def _language(model: str, languages: Collection[str]) -> str | None:
    """UDPipe's names begin with a language, such as `english-ewt-ud-2.12`."""
    if model in ("", MODEL):
        return None
    try:
        return normalise_language(model, more_codes=languages)
    except UsageError as error:
        try:
            return normalise_language(model.partition("-")[0], more_codes=languages)
        except UsageError:
            raise UsageError(f"model: expected {MODEL} or a language; {error}") from None


def sentences_of(task: Task, tagger: TextTagger) -> Iterator[Sentence]:
    """The sentences of a task, split into tokens, one by one.

    Raises:
        MtagError: The data are not in the format that the task names.
    """
    if task.input == TEXT:
        return tagger.segment(task.data, task.language)
    read = _READERS[task.input]
    return iter(tagger.identify(list(read(task))))


def _read_conllu(task: Task) -> Iterator[Sentence]:
    position = 0
    for each in conllu.read(task.data.split("\n"), source="data"):
        sentence = conllu.to_sentence(each, start=position, language=task.language or "und")
        position = sentence.end + 1
        yield sentence


def _read_horizontal(task: Task) -> Iterator[Sentence]:
    for line in task.data.split("\n"):
        if forms := line.split():
            yield _joined(task, forms)


def _read_vertical(task: Task) -> Iterator[Sentence]:
    forms: list[str] = []
    for line in (*task.data.split("\n"), ""):
        if form := line.partition("\t")[0].strip():
            forms.append(form)
        elif forms:
            yield _joined(task, forms)
            forms = []


def _joined(task: Task, forms: list[str]) -> Sentence:
    return joined_sentence(forms, 0, language=task.language or "und", is_trained=True)


_READERS: dict[str, Callable[[Task], Iterator[Sentence]]] = {
    "conllu": _read_conllu,
    "horizontal": _read_horizontal,
    "vertical": _read_vertical,
}


def answer_of(task: Task, results: Sequence[Result]) -> str:
    """The answer as JSON, in UTF-8 when it is sent."""
    result = _WRITERS[task.output](results)
    answer = {"model": task.model, "acknowledgements": [], "result": result}
    return json.dumps(answer, ensure_ascii=False)


def _conllu(results: Sequence[Result]) -> str:
    lines = []
    for number, result in enumerate(results, start=1):
        sentence = result if isinstance(result, Sentence) else result.sentence
        own = "" if sentence.sent_id else f"# sent_id = {number}\n"
        text = format_sentence(result) if isinstance(result, Sentence) else str(result)
        lines.append(f"{own}{text}\n")
    return "".join(lines)


def _vertical(results: Sequence[Result]) -> str:
    stream = io.BytesIO()
    tagged = [each for each in results if isinstance(each, TaggedSentence)]
    has_lemmas = any(each.lemmas is not None for each in tagged)
    writer = VerticalWriter(stream, has_lemmas=has_lemmas)
    for index, each in enumerate(tagged):
        writer.write(OutputRow("data", index, str(index + 1), each))
    writer.close()
    return stream.getvalue().decode()


def _html(results: Sequence[Result]) -> str:
    return "".join(each._repr_html_() for each in results if isinstance(each, TaggedSentence))


def _json(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [_untagged(each) if isinstance(each, Sentence) else each.to_dict() for each in results]


def _untagged(sentence: Sentence) -> dict[str, Any]:
    columns = zip(sentence.forms, sentence.starts, sentence.ends, strict=True)
    return {
        "text": sentence.text,
        "start": sentence.start,
        "end": sentence.end,
        "language": sentence.language,
        "tokens": [{"form": form, "start": start, "end": end} for form, start, end in columns],
    }


_WRITERS: dict[str, Callable[[Sequence[Result]], object]] = {
    "conllu": _conllu,
    "vertical": _vertical,
    "json": _json,
    "html": _html,
}
