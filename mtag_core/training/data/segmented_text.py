"""Cuts text into sentences and tokens with a bundle's segmenters, in several processes."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, repeat
from pathlib import Path

from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation.segmenter import Segmenter
from mtag_core.storage import open_text

_JOB_LINES = 2000
_MAX_CHARACTERS_A_TOKEN = 7
_SUFFIXES = (".txt", ".txt.xz")


def segment_text(
    text: Path,
    output: Path,
    *,
    segmenters: Path,
    languages: Sequence[str],
    max_tokens: int,
    n_processes: int,
) -> None:
    """Writes `LANGUAGE.tokens` files: a sentence a line, tokens between tabs.

    Args:
        text: Directory of `LANGUAGE.txt` files, plain or `.xz`, a sentence a line.
        output: Directory for the segmented text; a file that is there stays.
        segmenters: Directory of segmenters.
        languages: Those to segment, where there is text.
        max_tokens: Of a language, about; the first lines are read.
        n_processes: Worker processes.
    """
    output.mkdir(parents=True, exist_ok=True)
    paths = [text / f"{language}{suffix}" for language in languages for suffix in _SUFFIXES]
    with ProcessPoolExecutor(n_processes) as pool:
        for path in [path for path in paths if path.exists()]:
            language = path.name.split(".")[0]
            target = output / f"{language}.tokens"
            if target.exists():
                continue
            jobs = list(_jobs(path, max_tokens * _MAX_CHARACTERS_A_TOKEN))
            parts = pool.map(_segmented, jobs, repeat(language), repeat(segmenters))
            temporary = target.with_suffix(".tmp")
            temporary.write_text("".join(parts), encoding="utf-8")
            temporary.replace(target)


def _jobs(path: Path, n_characters: int) -> Iterator[list[str]]:
    with open_text(path) as lines:
        left = (line.rstrip("\n") for line in lines)
        while n_characters > 0 and (job := list(islice(left, _JOB_LINES))):
            n_characters -= sum(map(len, job))
            yield job


def _segmented(lines: list[str], language: str, segmenters: Path) -> str:
    os.environ["OMP_NUM_THREADS"] = "1"
    segmenter = _segmenter(segmenters)
    # A sentence never crosses a blank line.
    sentences = segmenter.segment("\n\n".join(lines), language)
    rows = ("\t".join(form.replace("\t", " ") for form in each.forms) for each in sentences)
    return "".join(f"{row}\n" for row in rows if "\n" not in row)


_SEGMENTERS: dict[Path, Segmenter] = {}


def _segmenter(directory: Path) -> Segmenter:
    if directory not in _SEGMENTERS:
        _SEGMENTERS[directory] = Segmenter.load(directory, _NoIdentifier())
    return _SEGMENTERS[directory]


class _NoIdentifier(LanguageIdentifier):
    """Stands where languages are identified; the language of each text is known."""

    def __init__(self) -> None:
        pass
