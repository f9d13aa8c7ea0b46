"""Trains the language identifier on a directory of texts and measures it on sentences held back.

One text a language, a sentence a line. A sentence is held back by a hash of its letters, so that
its copies, which collections share, are never on both sides. Also counts what weighs its guesses:
the common words of languages, and what parts Croatian and Serbian.
"""

import hashlib
import json
import logging
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from numpy.typing import NDArray

from mtag_core.langid import LanguageIdentifier, normalise, open_model
from mtag_core.language_words import FLOOR, LanguageWords, ngram_rows, words_of
from mtag_core.languages import STANDARD_TO_CODE
from mtag_core.scripts import is_latin
from mtag_core.training.data.treebanks import read_lines, text_files
from mtag_core.training.loops.linear import Floats, descend
from mtag_core.training.options import LangidOptions
from mtag_core.training.records import record_options

_LOGGER = logging.getLogger(__name__)

# fastText fills a tenth of its input matrix a thread, and what no thread fills stays as the memory
# was: with fewer than 11 threads training starts from whatever lay there and can end in "NaN".
_N_THREADS = 11

_WIDTH = 16
_FEWEST_CHARACTERS, _MOST_CHARACTERS = 2, 5
_LEARNING_RATE = 0.4
_MIN_SCORED_CHARACTERS = 20
# Held-out sentences a language at most.
_N_SCORED = 1_000
# Share of sentences that also give a snippet of a few words.
_SNIPPET_SHARE = 0.5

# Headings, list items and cells are as long as this; what is written without spaces is cut by
# characters.
_MOST_SNIPPET_WORDS = 4
_MOST_SNIPPET_CHARACTERS = 12

_N_LINES, _N_WORDS = 40_000, 1_500
_MIN_WORD_COUNT, _MIN_SHARE = 3, 0.05

# Written without spaces: nothing says where words end.
_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})

# Of each language: lines of text, how much each says, and how much all treebank sentences say.
_N_PARTED_LINES = 25_000
_LINE_WEIGHT = 0.3
_TREEBANK_WEIGHT = 4_000
_CHARACTERS = 250
_N_ODDS_ROWS = 1 << 17
_N_STEPS, _RATE, _L2 = 60, 0.1, 2.0

# Serbian text is in both alphabets, mostly in this one; what it says holds for the other.
_SERBIAN = str.maketrans(
    dict(
        zip(
            "абвгдђежзијклљмнњопрстћуфхцчџш",
            "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split(),
            strict=True,
        )
    )
)


def run(options: LangidOptions) -> str:
    """Runs `train-langid`: trains, quantises and scores; what is there already stays.

    Raises:
        InputNotFoundError: The directory holds no text.
        CheckpointError: The output belongs to a training with other options.
    """
    output = options.output
    files = text_files(options.text)
    record_options(output / "config.json", options, may_differ=("output",))
    train, held_back = output / "train.txt", output / "held-back.tsv"
    if not held_back.exists():
        _write_sentences(files, train=train, held_back=held_back, options=options)
    model = output / "langid.ftz"
    if not model.exists():
        _train(train, output, options=options)
    scores = score(LanguageIdentifier(open_model(model)), held_back)
    (output / "scores.json").write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    worst = sorted(scores["languages"].items(), key=lambda pair: pair[1])[:5]
    return (
        f"{model}: {model.stat().st_size:,} bytes, accuracy {scores['accuracy']:.4f}\n"
        "weakest: " + ", ".join(f"{code} {accuracy:.3f}" for code, accuracy in worst)
    )


def score(langid: LanguageIdentifier, held_back: Path) -> dict[str, Any]:
    """Scores a model on held-back sentences: lines of a code, a tab and a sentence.

    Gives the accuracy, those of languages, and the most frequent confusions, "right -> wrong".
    """
    pairs = [line.rstrip("\n").split("\t", 1) for line in read_lines(held_back)]
    guesses = (guess for guess, _ in langid.predict([sentence for _, sentence in pairs]))
    codes = [code for code, _ in pairs]
    counts = Counter(zip(codes, guesses, strict=True))
    confusions = Counter({f"{a} -> {b}": n for (a, b), n in counts.items() if a != b})
    return {
        "accuracy": sum(counts[code, code] for code in set(codes)) / max(len(codes), 1),
        "languages": {code: counts[code, code] / n for code, n in sorted(Counter(codes).items())},
        "confusions": dict(confusions.most_common(50)),
    }


def _write_sentences(
    files: dict[str, Path], *, train: Path, held_back: Path, options: LangidOptions
) -> None:
    rng = random.Random(options.seed)
    training: list[str] = []
    scored: defaultdict[str, list[str]] = defaultdict(list)
    for code, path in files.items():
        language = STANDARD_TO_CODE.get(code, code)
        kept = []
        for sentence, is_held_back in _sentences(path, options.held_back_every):
            if not is_held_back:
                kept.append(normalise(sentence))
            elif len(sentence) >= _MIN_SCORED_CHARACTERS:
                scored[language].append(f"{language}\t{sentence}")
        rng.shuffle(kept)
        kept = kept[: options.n_sentences]
        kept += [_snippet(s, rng) for s in kept if rng.random() < _SNIPPET_SHARE]
        training += [f"__label__{language} {sentence}" for sentence in kept]
        _LOGGER.info("%s: %d sentences and snippets to train on", code, len(kept))
    rng.shuffle(training)
    train.write_text("\n".join([*training, ""]), encoding="utf-8")
    lines = [line for rows in scored.values() for line in rng.sample(rows, len(rows))[:_N_SCORED]]
    part = held_back.with_suffix(".part")
    part.write_text("\n".join([*lines, ""]), encoding="utf-8")
    part.rename(held_back)


def _snippet(sentence: str, rng: random.Random) -> str:
    words = sentence.split()
    n_words = rng.randint(1, _MOST_SNIPPET_WORDS)
    first = rng.randrange(max(1, len(words) - n_words + 1))
    snippet = " ".join(words[first : first + n_words])
    if any(ord(char) > 0x2E80 for char in snippet):
        return snippet[: rng.randint(2, _MOST_SNIPPET_CHARACTERS)]
    return snippet


def _sentences(path: Path, held_back_every: int) -> Iterator[tuple[str, bool]]:
    seen = set()
    for line in read_lines(path):
        letters = "".join(filter(str.isalpha, normalise(line)))
        digest = hashlib.blake2b(letters.encode(), digest_size=8).digest()
        if letters and digest not in seen:
            seen.add(digest)
            is_held_back = int.from_bytes(digest, "big") % held_back_every == 0
            yield " ".join(line.split()), is_held_back


def _train(train: Path, output: Path, *, options: LangidOptions) -> None:
    model = fasttext.train_supervised(
        str(train),
        dim=_WIDTH,
        minn=_FEWEST_CHARACTERS,
        maxn=_MOST_CHARACTERS,
        minCount=options.min_count,
        bucket=options.n_buckets,
        epoch=options.n_epochs,
        lr=_LEARNING_RATE,
        loss="softmax",
        thread=_N_THREADS,
        seed=options.seed,
        verbose=0,
    )
    _LOGGER.info("trained; quantising to %d rows", options.n_kept)
    n_rows = model.get_input_matrix().shape[0]
    model.quantize(
        input=str(train),
        cutoff=options.n_kept if options.n_kept < n_rows else 0,
        retrain=True,
        epoch=max(1, options.n_epochs // 2),
        lr=_LEARNING_RATE / 4,
        qnorm=True,
        dsub=2,
        thread=_N_THREADS,
        verbose=0,
    )
    part = output / "langid.part"
    model.save_model(str(part))
    part.rename(output / "langid.ftz")


def count_language_words(text: Path, treebanks: Mapping[str, Sequence[str]]) -> LanguageWords:
    """Counts the words of texts, and of treebank sentences of some languages."""
    language_to_counts: dict[str, Counter[str]] = {}
    texts: dict[str, list[str]] = {}
    for code, path in text_files(text).items():
        if code in _UNSPACED:
            continue
        language = STANDARD_TO_CODE.get(code, code)
        counts = language_to_counts.setdefault(language, Counter())
        lines = list(islice(read_lines(path), _N_LINES))
        if language in ("hr", "sr"):
            texts[language] = lines
        _count([*lines, *treebanks.get(language, ())], counts, is_serbian=language == "sr")
    return LanguageWords.of(
        {language: _logarithms(counts) for language, counts in language_to_counts.items()},
        _croatian_odds(texts, treebanks) if len(texts) == 2 else None,
    )


def _croatian_odds(
    texts: Mapping[str, list[str]], treebanks: Mapping[str, Sequence[str]]
) -> NDArray[np.float64]:
    generator = random.Random(1)
    rows: list[list[int]] = []
    targets: list[float] = []
    weights: list[float] = []
    for is_croatian, language in enumerate(("sr", "hr")):
        lines = generator.sample(texts[language], min(_N_PARTED_LINES, len(texts[language])))
        sentences = treebanks.get(language, ())
        for some, weight in (
            (lines, _LINE_WEIGHT),
            (sentences, _TREEBANK_WEIGHT / max(1, len(sentences))),
        ):
            latin = (normalise(line)[:_CHARACTERS].translate(_SERBIAN) for line in some)
            rows += [ngram_rows(line, n_rows=_N_ODDS_ROWS) for line in latin]
            targets += [float(is_croatian)] * len(some)
            weights += [weight] * len(some)
    flat = np.array([row for of_line in rows for row in of_line])
    line = np.repeat(np.arange(len(rows)), list(map(len, rows)))

    def gradient_at(odds: Floats) -> NDArray[np.float64]:
        scores = np.bincount(line, odds[flat], minlength=len(rows))
        errors = (1 / (1 + np.exp(-np.clip(scores, -30, 30))) - targets) * weights
        return np.bincount(flat, errors[line], minlength=_N_ODDS_ROWS) + _L2 * odds

    odds = descend(gradient_at, _N_ODDS_ROWS, n_steps=_N_STEPS, rate=_RATE)
    return odds.astype(np.float64)


def _count(lines: Iterable[str], counts: Counter[str], *, is_serbian: bool) -> None:
    for line in lines:
        words = words_of(line)
        counts.update(words)
        if is_serbian and not is_latin(line):
            counts.update(word.translate(_SERBIAN) for word in words)


def _logarithms(counts: Counter[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for of_script in (True, False):
        words = Counter({w: n for w, n in counts.items() if is_latin(w) == of_script})
        total = words.total()
        if total >= _MIN_SHARE * counts.total():
            found |= {
                word: max(FLOOR, math.log(count / total))
                for word, count in words.most_common(_N_WORDS)
                if count >= _MIN_WORD_COUNT
            }
    return found
