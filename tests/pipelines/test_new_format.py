"""A format that is not in mtag, in one module: annotate reads it."""

import json
import sys

import pytest

from mtag_core.corpus import formats, registry
from pipelines.annotate import main
from tests.pipelines.trees import annotate

MODULE = """
import csv
import io

from mtag_core.corpus.items import Format
from mtag_core.corpus.source import Source
from mtag_core.records import Document


def read_rows(span, options, _pages):
    with Source(span, options) as source:
        rows = csv.DictReader(io.StringIO(source.read_exactly(10**6).decode()))
        for number, row in enumerate(rows):
            doc_id = f"{source.path}#{number}"
            yield Document(doc_id, row[options.text_field], source.path, number)
        yield from source.rejects()


FORMATS = (
    Format(
        name="rows",
        title="rows",
        extensions=(".rows", ".dsv"),
        read=read_rows,
        options=("text_field",),
    ),
)
"""


@pytest.fixture
def registered(monkeypatch, tmp_path_factory):
    for name in ("_NAME_TO_FORMAT", "_EXTENSION_TO_FORMAT"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    folder = tmp_path_factory.mktemp("formats")
    (folder / "rows.py").write_text(MODULE)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])
    registry.register_modules()
    yield
    del sys.modules[f"{formats.__name__}.rows"]


@pytest.mark.parametrize("name", ["a.rows", "a.dsv", "a.data"])
def test_a_registered_format_is_read(registered, tmp_path, capsys, name):
    (tmp_path / name).write_text("title,body\nt,Ana reads.\nu,It is fine.\n")
    flags = ["--text_field=body", *(["--input_format=rows"] if name == "a.data" else [])]
    assert annotate(str(tmp_path / name), tmp_path / "out", *flags) == 0
    counts = json.loads((tmp_path / "out" / "run.json").read_text())["counts"]
    assert (counts["documents"], counts["tagged"], counts["sentences"]) == (2, 2, 2)
    assert "changes nothing" not in capsys.readouterr().err


def test_the_help_names_it(registered, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "{auto,conllu,csv,html,warc,jsonl,mediawiki,parquet,text,rows}" in printed
    assert "nested one (CSV, JSON, Parquet, rows) (default: text)" in printed


def test_it_is_unknown_again_afterwards(tmp_path, capsys):
    assert annotate(str(tmp_path), tmp_path / "out", "--input_format=rows") == 2
    assert "invalid choice: 'rows'" in capsys.readouterr().err
