"""annotate over what aborts the process: it costs one document when the command is repeated."""

import json
import subprocess
import sys

import pytest

_TIMEOUT_S = 240


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in {"a": "Ana reads.", "b": "They abort it.", "c": "Bo sleeps."}.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def _annotate(corpus, *flags):
    command = [sys.executable, "-m", "tests.pipelines.annotate_aborting", "--input", f"{corpus}/*"]
    output = corpus.parent / "out"
    done = subprocess.run(
        [*command, "--output", str(output), "--format=jsonl", "--compression=none", *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=_TIMEOUT_S,
    )
    return done.returncode, done.stderr, output


@pytest.mark.parametrize(("flags", "code"), [((), -6), (("--direct_num_workers=2",), 1)])
def test_a_document_that_aborts_is_rejected_when_the_command_is_repeated(corpus, flags, code):
    returned, log, output = _annotate(corpus, *flags)
    assert returned == code, log
    assert len(list((output / "attempts").iterdir())) == 1, log
    returned, log, _ = _annotate(corpus, *flags)
    assert returned == 0, log
    [reject] = _rows(output / "rejects")
    assert (reject["reason"], reject["source"]) == ("crashed", f"{corpus}/b.txt")
    assert reject["input"] == "They abort it."
    assert "SIGABRT" in reject["detail"]
    assert sorted(row["text"] for row in _rows(output / "parts")) == ["Ana reads.", "Bo sleeps."]
    assert list((output / "attempts").iterdir()) == []


def _rows(folder):
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return list(map(json.loads, lines))
