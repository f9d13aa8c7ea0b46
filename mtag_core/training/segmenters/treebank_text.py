"""Finds treebanks' training files and reads what segmenters learn from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtag_core.storage import open_text
from mtag_core.training.segmenters.joining import joined
from mtag_core.training.segmenters.spacing import tightened
from mtag_core.training.treebank_facts import facts_of

_FILE = re.compile(r"^(?P<language>[a-z]+)_(?P<treebank>\w+)-ud-(?P<split>\w+)\.conllu(\.xz)?$")

# Where there is running text, each of them gives at most this part of the tokens: enough for marks
# that nothing else shows.
_SPARE_PART = 24

# A treebank with fewer tokens does not say enough about the language's words.
_FEW_TOKENS = 10_000


def training_files(treebanks: Path) -> dict[str, list[Path]]:
    """Finds each language's training files below a directory, sorted."""
    files: dict[str, list[Path]] = {}
    for path in sorted(treebanks.rglob("*.conllu*")):
        match = _FILE.match(path.name)
        is_dev_wanted = match is not None and not facts_of(treebank_of(path)).has_train_spacing
        if match and match["split"] == ("dev" if is_dev_wanted else "train"):
            files.setdefault(match["language"], []).append(path)
    return dict(sorted(files.items()))


def treebank_of(path: Path) -> str:
    """The treebank of a file that is named as UD names them, such as `fr_sequoia`."""
    return path.name.partition("-ud-")[0]


def running_text(paths: Sequence[Path]) -> list[Path]:
    """Leaves out speech and tweets, where a language has anything else."""
    return [path for path in paths if facts_of(treebank_of(path)).is_edited_text] or list(paths)


def language_sentences(paths: Sequence[Path], n_tokens: int) -> Iterator[str]:
    """Yields CoNLL-U sentences of a language, as many tokens from each file where they have them.

    What a small file lacks the others give. Where a language has running text, speech and tweets
    are a small part, their sentences joined.

    Args:
        paths: The language's training files.
        n_tokens: Roughly how many tokens, at most.
    """
    running = running_text(paths)
    blocks = {path: list(read_sentences([path])) for path in paths}
    sizes = {path: sum(map(_n_rows, sentences)) for path, sentences in blocks.items()}
    sizes |= {
        path: min(size, n_tokens // _SPARE_PART)
        for path, size in sizes.items()
        if path not in running
    }
    for path, share in _shares(sizes, n_tokens).items():
        sentences = _first(blocks[path], share)
        yield from sentences if path in running else joined(sentences)


def treebank_sentences(treebank: str, paths: Sequence[Path], n_tokens: int) -> Iterator[str]:
    """Yields CoNLL-U sentences of a treebank as they are, after them others where they are few.

    Args:
        treebank: Such as `it_postwita`.
        paths: Training files of its language, its own among them.
        n_tokens: Roughly how many tokens of its own, at most.
    """
    own = list(_first(read_sentences([p for p in paths if treebank_of(p) == treebank]), n_tokens))
    yield from own
    n_lacking = _FEW_TOKENS - sum(map(_n_rows, own))
    mates = [path for path in paths if treebank_of(path) != treebank]
    if n_lacking > 0 and mates:
        yield from language_sentences(mates, n_lacking)


def read_sentences(paths: Sequence[Path]) -> Iterator[str]:
    """Yields the CoNLL-U sentences of files; closing marks stand by their words in some of them."""
    for path in paths:
        with open_text(path, newline="\n") as lines:
            blocks = [block.strip("\n") for block in lines.read().split("\n\n")]
        yield from tightened([block for block in blocks if block])


def read_surface_sentences(paths: Sequence[Path]) -> Iterator[list[tuple[str, bool]]]:
    """Yields the surface forms of each sentence, each with whether a space stands after it."""
    for sentence in read_sentences(paths):
        yield [(form, is_space_after) for form, _, is_space_after in surface_tokens(sentence)]


def read_splits(paths: Sequence[Path]) -> Iterator[list[tuple[str, tuple[str, ...]]]]:
    """Yields the surface forms of each sentence, each with its tokens.

    A cut between two letters is a split, as it is where other treebanks mark it as one.
    """
    for sentence in read_sentences(paths):
        pairs: list[tuple[str, tuple[str, ...]]] = []
        is_glued = False
        for form, parts, has_space in surface_tokens(sentence):
            if is_glued and pairs[-1][0][-1].isalpha() and form[0].isalpha():
                pairs[-1] = (pairs[-1][0] + form, pairs[-1][1] + parts)
            else:
                pairs.append((form, parts))
            is_glued = not has_space
        yield pairs


def joined_letters(sentence: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Joins surface tokens that a treebank cuts between two letters, as Polish `byl` and `em`."""
    joined: list[tuple[str, bool]] = []
    for form, has_space in sentence:
        if joined and not joined[-1][1] and joined[-1][0][-1].isalpha() and form[0].isalpha():
            joined[-1] = (joined[-1][0] + form, has_space)
        else:
            joined.append((form, has_space))
    return joined


def text_language(path: Path) -> str:
    """The language of a file of running or labelled text: `zh_hant.txt.xz` -> `zh`."""
    return path.name.split(".")[0].split("_")[0]


def surface_tokens(sentence: str) -> list[tuple[str, tuple[str, ...], bool]]:
    """Reads the surface tokens of a CoNLL-U sentence.

    Returns:
        For each its form, its tokens' forms and whether a space stands after it.
    """
    surfaces: list[tuple[str, list[str], bool]] = []
    last = 0
    for line in sentence.splitlines():
        columns = line.split("\t")
        if line.startswith("#") or len(columns) != 10 or "." in columns[0]:
            continue
        first, _, end = columns[0].partition("-")
        is_space_after = "SpaceAfter=No" not in columns[9]
        if end:
            surfaces.append((columns[1], [], is_space_after))
            last = int(end)
        elif int(first) <= last:
            surfaces[-1][1].append(columns[1])
        else:
            surfaces.append((columns[1], [columns[1]], is_space_after))
    return [(form, tuple(parts), is_space) for form, parts, is_space in surfaces]


def _shares(sizes: Mapping[Path, int], n_tokens: int) -> dict[Path, int]:
    """How many tokens each file gives: an equal part, or all that it has."""
    shares: dict[Path, int] = {}
    n_left = n_tokens
    for n_done, path in enumerate(sorted(sizes, key=lambda path: sizes[path])):
        shares[path] = min(sizes[path], n_left // (len(sizes) - n_done))
        n_left -= shares[path]
    return {path: shares[path] for path in sizes}


def _first(sentences: Iterator[str] | Sequence[str], n_tokens: int) -> Iterator[str]:
    """Yields sentences until they have so many tokens."""
    n_left = n_tokens
    for sentence in sentences:
        if n_left <= 0:
            return
        n_left -= _n_rows(sentence)
        yield sentence


def _n_rows(sentence: str) -> int:
    return sum(not line.startswith("#") for line in sentence.splitlines())
