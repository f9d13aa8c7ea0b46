"""Every reader takes time in proportion to its input, whatever the input is."""

import gzip
import json
import time

import pytest

from mtag_core.storage import list_files
from tests.mtag_core.corpus.conftest import read_path

ROW = "\t_" * 8
# Four times the input may take six times as long: caches and allocators are not linear.
MAX_RATIO = 6
# Shorter times than this say nothing, and nothing that grows faster stays within it.
NOISE_S = 0.05
# Other programs on the machine may double a time; what is not linear fails each time.
N_TRIES = 3

INPUTS = {
    "newdoc and blanks.conllu": lambda n: f"# newdoc id ={' ' * n}x\n1\ta{ROW}\n\n",
    "newdoc between blanks.conllu": lambda n: f"#{' ' * n}newdoc{' ' * n}id{' ' * n}= x\n\n",
    "text and blanks.conllu": lambda n: f"# text = a{' ' * n}x\n1\ta{ROW}\n\n",
    "text and tabs.conllu": lambda n: f"# text{chr(9) * n}b\n1\ta{ROW}\n\n",
    "many equal signs.conllu": lambda n: f"# {'= ' * n}\n1\ta{ROW}\n\n",
    "many hashes.conllu": lambda n: f"{'#' * n}\n1\ta{ROW}\n\n",
    "long language.conllu": lambda n: f"# language = {'-a' * n}\n1\ta{ROW}\n\n",
    "many comments.conllu": lambda n: "# a = b\n" * (n // 8) + f"1\ta{ROW}\n\n",
    "many columns.conllu": lambda n: "1\ta" + "\t_" * n + "\n\n",
    "long id.conllu": lambda n: f"{'1' * n}\ta{ROW}\n\n",
    "long range.conllu": lambda n: f"1-{'9' * n}\ta{ROW}\n1\ta{ROW}\n\n",
    "many tokens.conllu": lambda n: "".join(f"{i}\ta{ROW}\n" for i in range(1, n // 30)) + "\n",
    "many ranges.conllu": lambda n: (
        "".join(f"{i}-{i}\ta{ROW}\n{i}\ta{ROW}\n" for i in range(1, n // 60)) + "\n"
    ),
    "text that does not fit.conllu": lambda n: (
        f"# text = {'a ' * (n // 40)}b\n"
        + "".join(f"{i}\ta{ROW}\n" for i in range(1, n // 40))
        + "\n"
    ),
    "many empty nodes.conllu": lambda n: (
        f"1\ta{ROW}\n" + "".join(f"1.{i}\ta{ROW}\n" for i in range(1, n // 30)) + "\n"
    ),
    "many sentences.conllu": lambda n: f"1\ta{ROW}\n\n" * (n // 30),
    "short lines.txt": lambda n: "a\n" * (n // 2),
    "empty lines.txt": lambda n: "\n" * n,
    "blank lines.txt": lambda n: " \t\n" * (n // 3),
    "blanks.txt": lambda n: "\n" + " " * n + "a",
    "carriage returns.txt": lambda n: "\r" * n + "\n",
    "one line.txt": lambda n: "a" * n,
    "many marks.txt": lambda n: "\ufeff" * (n // 3),
    "short records.jsonl": lambda n: '{"text":"a"}\n' * (n // 13),
    "escapes.jsonl": lambda n: '{"text":"' + "\\u0041" * (n // 6) + '"}\n',
    "brackets.jsonl": lambda n: "[" * n + "\n",
    "braces.jsonl": lambda n: "{" * n + "\n",
    "nested.jsonl": lambda n: '{"a":' * (n // 5) + "\n",
    "digits.jsonl": lambda n: '{"text": ' + "9" * n + "}\n",
    "many fields.jsonl": lambda n: json.dumps({f"f{i}": {"a": 1} for i in range(n // 16)}) + "\n",
    "many dots.jsonl": lambda n: '{"' + "." * n + '": {}}\n',
    "array.json": lambda n: "[\n" + '{"text": "a"},\n' * (n // 15) + "]",
    "array of numbers.json": lambda n: "[\n" + "1,\n" * (n // 3) + "]",
    "array of arrays.json": lambda n: "[\n" * (n // 2),
    "array of one string.json": lambda n: '[\n"' + '\\"' * (n // 2) + '"]',
    "open braces.json": lambda n: "[\n" + "{" * n,
    "spread records.json": lambda n: '{\n"text": "a"\n}\n' * (n // 16),
}
OPTIONS = {"txt": [{"document": kind} for kind in ("file", "line", "paragraph")]}


def cpu_s(path, options):
    times = []
    for _ in range(2):
        started_s = time.process_time()
        read_path(str(path), **options)
        times.append(time.process_time() - started_s)
    return min(times)


def assert_linear(tmp_path, name, make, options):
    n = 60_000
    for factor in (1, 4):
        (tmp_path / f"{factor} {name}").write_bytes(make(n * factor))
    measured = []
    for _ in range(N_TRIES):
        measured.append([cpu_s(tmp_path / f"{factor} {name}", options) for factor in (1, 4)])
        if is_linear(*measured[-1]):
            return
    pytest.fail(f"seconds for n and 4n: {measured}")


def is_linear(short_s, long_s):
    return long_s < max(MAX_RATIO * short_s, NOISE_S)


@pytest.mark.parametrize("name", INPUTS)
def test_four_times_the_input_takes_four_times_as_long(tmp_path, name):
    for options in OPTIONS.get(name.rpartition(".")[2], [{}]):
        assert_linear(tmp_path, name, lambda n: INPUTS[name](n).encode(), options)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("members.txt.gz", lambda n: gzip.compress(b"a", mtime=0) * (n // 21)),
        ("padding.txt.gz", lambda n: gzip.compress(b"a", mtime=0) + b"\0" * n),
        ("utf16.txt", lambda n: ("a\n" * (n // 4)).encode("utf-16")),
        ("surrogates.txt", lambda n: b"\xff\xfe" + b"\x00\xd8" * (n // 2)),
    ],
)
def test_decoding_takes_time_in_proportion_too(tmp_path, name, make):
    assert_linear(tmp_path, name, make, {})


def test_listing_takes_time_in_proportion_too(tmp_path):
    def listing_s(n_files):
        folder = tmp_path / str(n_files)
        folder.mkdir()
        for number in range(n_files):
            (folder / f"{number}.txt").touch()
        started_s = time.process_time()
        for pattern in ("/", "/*", "/**/*.txt"):
            list_files([f"{folder}{pattern}"])
        return time.process_time() - started_s

    assert is_linear(listing_s(500), listing_s(2000))
