import json

import pytest

from mtag_core.errors import UsageError
from mtag_core.serve.tasks import answer_of, sentences_of, task_of
from tests.fake_tagger import tagged_sentences
from tests.mtag_core.serve.fake_server import ServedTagger


def task(**parameters):
    return task_of({"data": "Ana sleeps.", **parameters}, languages=[])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"parser": ""}, "parser: mtag does not parse"),
        ({"x": ""}, "x: unknown parameter, expected data, model"),
        ({"tokenizer": "presegmented"}, "tokenizer: 'presegmented', expected nothing, ranges"),
        ({"tagger": "x"}, "tagger: 'x', expected nothing"),
        ({"input": "x"}, "input: 'x', expected generic_tokenizer, conllu"),
        ({"output": "epe"}, "output: 'epe', expected conllu, vertical, json, html"),
        ({"input": "conllu", "tokenizer": ""}, "tokenizer: input 'conllu' has tokens"),
        ({"output": "vertical"}, "output: 'vertical' shows tags; add the parameter tagger"),
        ({"model": "frenhc"}, "model: expected mtag or a language; .*French"),
    ],
)
def test_a_wrong_parameter_is_named(parameters, message):
    with pytest.raises(UsageError, match=message):
        task(**parameters)


def test_data_are_needed():
    with pytest.raises(UsageError, match="data: missing"):
        task_of({"tokenizer": ""}, languages=[])


@pytest.mark.parametrize(
    ("model", "language"),
    [("mtag", None), ("", None), ("fr", "fr"), ("English", "en"), ("english-ewt-ud-2.12", "en")],
)
def test_a_model_is_named_by_its_language(model, language):
    assert task(model=model).language == language


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("generic_tokenizer", "Ana sleeps. Why not."),
        ("horizontal", "Ana sleeps .\n\nWhy not .\n"),
        ("vertical", "Ana\tNOUN\nsleeps\n.\n\n\nWhy\nnot\n."),
        (
            "conllu",
            "".join(
                "".join(f"{i}\t{form}" + "\t_" * 8 + "\n" for i, form in enumerate(forms, 1)) + "\n"
                for forms in (["Ana", "sleeps", "."], ["Why", "not", "."])
            ),
        ),
    ],
)
def test_each_input_has_the_same_tokens(form, data):
    sentences = sentences_of(task(data=data, input=form), ServedTagger())
    assert [each.forms for each in sentences] == [("Ana", "sleeps", "."), ("Why", "not", ".")]


@pytest.mark.parametrize("model", ["mtag", "fr"])
def test_sentences_of_one_request_are_one_document(model):
    documents = []

    class Identifying(ServedTagger):
        def identify(self, sentences):
            documents.append([each.language for each in sentences])
            return sentences

    asked = task(data="Ana\n\nWhy", input="horizontal", model=model)
    assert len(list(sentences_of(asked, Identifying()))) == 2
    assert documents == [["fr" if model == "fr" else "und"] * 2]


@pytest.mark.parametrize("output", ["conllu", "json"])
def test_tokens_alone_have_no_tags(output):
    asked = task(tokenizer="", output=output)
    answer = json.loads(answer_of(asked, list(sentences_of(asked, ServedTagger()))))
    assert "NOUN" not in str(answer) and "sleeps" in str(answer["result"])


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("conllu", "# sent_id = 1\n# text = Ana & Bo.\n1\tAna\t_\tPUNCT\t"),
        ("vertical", '<doc id="data">\n<p>\n<s id="1" language="en">\nAna\tPUNCT\t'),
        ("html", "&amp;<small"),
    ],
)
def test_each_output_shows_the_tags(output, expected):
    asked = task(tokenizer="", tagger="", output=output)
    assert expected in json.loads(answer_of(asked, tagged_sentences("Ana & Bo.")))["result"]
