"""annotate where the user says languages: for all, a document, to choose among, not trained."""

import json

import pytest

from pipelines.annotate import main

RECORDS = [
    {"text": "Das Haus ist sehr alt und steht am Fluss.", "lang": "German"},
    {"text": "The old bridge was closed for repairs.", "lang": None},
    {"text": "Watoto wanacheza mpira katika uwanja wa shule yetu.", "lang": "sw"},
]


@pytest.fixture
def corpus(tmp_path) -> str:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), "utf-8")
    return str(path)


def _annotate(corpus, output, *flags):
    arguments = [f"--input={corpus}", f"--output={output}", "--format=jsonl", "--compression=none"]
    assert main([*arguments, *flags]) == 0
    lines = [line for path in (output / "parts").iterdir() for line in path.open(encoding="utf-8")]
    rows = [json.loads(line) for line in lines]
    return {row["doc_id"].split("#")[1]: row for row in rows}, json.loads(
        (output / "run.json").read_text()
    )


def test_one_language_for_all(corpus, tmp_path):
    rows, report = _annotate(corpus, tmp_path / "out", "--language=French")
    assert {row["language"] for row in rows.values()} == {"fr"}
    assert report["config"]["language"] == "fr"


def test_languages_to_choose_among(corpus, tmp_path):
    rows, _ = _annotate(corpus, tmp_path / "out", "--languages=de,fr")
    assert {row["language"] for row in rows.values()} <= {"de", "fr"}
    assert rows["0"]["language"] == "de"


def test_untrained_languages_are_marked_and_counted(corpus, tmp_path):
    rows, report = _annotate(corpus, tmp_path / "out", "--language_field=lang")
    found = [(row["language"], row["is_trained"]) for row in rows.values()]
    assert sorted(found) == [("de", True), ("en", True), ("sw", False)]
    assert list(report["untrained_tokens_by_language"]) == ["sw"]


def test_untrained_languages_can_be_left_out(corpus, tmp_path):
    rows, report = _annotate(corpus, tmp_path / "out", "--untrained=skip")
    assert sorted(row["language"] for row in rows.values()) == ["de", "en"]
    assert report["counts"]["tagged"] == 3
    assert report["untrained_tokens_by_language"] == {}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--language=Frensh"], "did you mean fr (French)?"),
        (["--languages=de,xx"], "language 'xx': unknown"),
        (["--language=de", "--languages=fr"], "give either the language of all texts"),
    ],
)
def test_languages_that_mean_nothing_leave_nothing(corpus, tmp_path, capsys, flags, message):
    output = tmp_path / "out"
    assert main([f"--input={corpus}", f"--output={output}", *flags]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_a_dump_says_the_language_of_its_pages(tmp_path):
    pages = ["Bonjour.", "Ha!", "Die Brücke ist sehr alt und steht am Fluss."]
    path = tmp_path / "dump.xml"
    path.write_text(
        '<mediawiki xml:lang="fr">'
        + "".join(
            f"<page><title>T</title><ns>0</ns><id>{number}</id><revision><id>1</id>"
            f"<model>wikitext</model><text>{page}</text></revision></page>"
            for number, page in enumerate(pages, start=1)
        )
        + "</mediawiki>",
        "utf-8",
    )
    rows, _ = _annotate(str(path), tmp_path / "out")
    assert [rows[str(number)]["language"] for number in (1, 2, 3)] == ["fr", "fr", "de"]
