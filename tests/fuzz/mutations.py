"""Seeded inputs for fuzzing: what once failed, and what mutation makes of it."""

import random
from collections.abc import Iterator, Sequence

# Pieces that readers and segmenters treat in a way of their own.
_TOKENS = [
    *(b"\n", b"\r\n", b"\0", b"\t", b" " * 300, b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80"),
    *("\u2028", "\u0085", "\u200f", "\ufeff", "\U0001f469\u200d\U0001f4bb", "e\u0301", "שלום"),
    *(b"&#" + b"9" * 30 + b";", b"{{", b"}}", b"[[", b"]]", b"{|", b"|}", b"<ref", b"<!--", b"-{"),
    *(
        b'{"text": "',
        b'"}',
        b"\\ud800",
        b"[",
        b"]",
        b"# newdoc id = ",
        b"# text = ",
        b"1-2\t",
        b"_",
    ),
    *(
        b"<page>",
        b"</page>",
        b"<text>",
        b"]]>",
        b"<!DOCTYPE x>",
        b"PAR1",
        b"9" * 400,
        b"z.B.",
        b"...",
    ),
]
TOKENS = [token.encode() if isinstance(token, str) else token for token in _TOKENS]


def mutated(target: str, index: int, seeds: Sequence[bytes]) -> bytes:
    """The input of a number: the same in every run; the first ones are the seeds themselves."""
    if index < len(seeds):
        return seeds[index]
    rng = random.Random(f"{target} {index}")
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        data = rng.choice(_MUTATIONS)(rng, data, seeds)
    return data


def _flip(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data or b"\0")
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _insert(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 3)) + data[at:]


def _cut(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(rng, data)
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(rng, data)
    return data[:end] + data[start:end][:200] * rng.choice((1, 2, 20)) + data[end:]


def _splice(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _end(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: rng.randint(0, len(data))]


def _range(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 10, 100)))


_MUTATIONS = (_flip, _flip, _insert, _insert, _cut, _repeat, _splice, _end)


def inputs(target: str, seeds: Sequence[bytes], n_inputs: int) -> Iterator[bytes]:
    """The first inputs of a target."""
    return (mutated(target, index, seeds) for index in range(n_inputs))
