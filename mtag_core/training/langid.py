"""Trains the language identifier on a directory of texts and measures it on sentences held back.

One text a language, a sentence a line. A sentence is held back by a hash of its letters, so that
its copies, which collections share, are never on both sides.
"""

import hashlib
import json
import logging
import lzma
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import fasttext

from mtag_core.errors import CheckpointError, InputNotFoundError
from mtag_core.langid import LanguageIdentifier, normalise
from mtag_core.languages import STANDARD_TO_CODE

_LOGGER = logging.getLogger(__name__)

# fastText fills a tenth of its input matrix a thread, and what no thread fills stays as the memory
# was: with fewer than 11 threads training starts from whatever lay there and can end in "NaN".
_N_THREADS = 11

_MIN_SCORED_CHARACTERS = 20

# Headings, list items and cells are as long as this; what is written without spaces is cut by
# characters.
_MOST_SNIPPET_WORDS = 4
_MOST_SNIPPET_CHARACTERS = 12


@dataclass(frozen=True)
class LangidOptions:
    """What a training run is made of.

    Attributes:
        n_sentences: Sentences a language, at most.
        snippet_share: Share of them that also give a snippet of one to four words.
        held_back_every: One sentence in so many is held back.
        n_scored: Held-back sentences scored a language, at most.
        width: Of the vectors.
        min_characters: Of a character n-gram.
        max_characters: Of a character n-gram.
        min_count: A whole word rarer than this is known by its n-grams only.
        n_buckets: The n-grams are hashed into so many rows before the cut.
        n_epochs: Passes over the sentences.
        learning_rate: At the start; falls to 0.
        n_kept: Rows kept by the quantised model, those of the largest norm.
        seed: Chooses and orders sentences. fastText's threads write without locks, so that two
            runs give models of equal quality, not equal bytes.
    """

    n_sentences: int = 30_000
    snippet_share: float = 0.5
    held_back_every: int = 25
    n_scored: int = 1_000
    width: int = 16
    min_characters: int = 2
    max_characters: int = 5
    min_count: int = 200
    n_buckets: int = 1_000_000
    n_epochs: int = 4
    learning_rate: float = 0.4
    n_kept: int = 60_000
    seed: int = 1


def train_langid(text: Path, output: Path, *, options: LangidOptions) -> Path:
    """Trains, quantises and scores a model; a stage whose file stands is not done again.

    Args:
        text: Directory of `<code>.txt` or `<code>.txt.xz` files, a sentence a line.
        output: Gets `langid.ftz`, `config.json`, `scores.json` and what the stages leave.
        options: Recorded in `config.json`.

    Returns:
        The path of `langid.ftz`.

    Raises:
        InputNotFoundError: The directory holds no text.
        CheckpointError: `output` belongs to a run with other options.
    """
    files = sorted([*text.glob("*.txt"), *text.glob("*.txt.xz")])
    if not files:
        raise InputNotFoundError(f"{text}: no *.txt or *.txt.xz file; expected one a language")
    output.mkdir(parents=True, exist_ok=True)
    record_config(output / "config.json", {"text": str(text), **asdict(options)})
    train, held_back = output / "train.txt", output / "held-back.tsv"
    if not held_back.exists():
        _write_sentences(files, train=train, held_back=held_back, options=options)
    model = output / "langid.ftz"
    if not model.exists():
        _train(train, output, options=options)
    scores = score(LanguageIdentifier.load(model), held_back)
    (output / "scores.json").write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    return model


def record_config(path: Path, config: dict[str, object]) -> None:
    """Writes a run's config, or checks that it is the one that is there.

    Raises:
        CheckpointError: The file holds another config.
    """
    if path.exists():
        recorded = json.loads(path.read_text())
        if recorded != config:
            differing = sorted(key for key in config if recorded.get(key) != config[key])
            raise CheckpointError(
                f"{path}: recorded by a run with other {', '.join(differing)};"
                " resume with the same flags or choose another output directory"
            )
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def score(langid: LanguageIdentifier, held_back: Path) -> dict[str, object]:
    """Scores a model on held-back sentences.

    Args:
        langid: The model.
        held_back: Lines of a code, a tab and a sentence.

    Returns:
        `accuracy` (over all sentences), `languages` (code to accuracy) and `confusions` (the most
        frequent, "right -> wrong" to count).
    """
    pairs = [line.split("\t", 1) for line in held_back.read_text(encoding="utf-8").splitlines()]
    guesses = langid.predict([sentence for _, sentence in pairs])
    n_right: Counter[str] = Counter()
    n_all: Counter[str] = Counter()
    confusions: Counter[str] = Counter()
    for (language, _), (guess, _) in zip(pairs, guesses, strict=True):
        n_all[language] += 1
        n_right[language] += guess == language
        if guess != language:
            confusions[f"{language} -> {guess}"] += 1
    return {
        "accuracy": n_right.total() / max(n_all.total(), 1),
        "languages": {code: n_right[code] / n_all[code] for code in sorted(n_all)},
        "confusions": dict(confusions.most_common(50)),
    }


def _write_sentences(
    files: list[Path], *, train: Path, held_back: Path, options: LangidOptions
) -> None:
    """Writes the sentences to train on and those held back; the latter file appears last."""
    rng = random.Random(options.seed)
    training: list[str] = []
    scored: dict[str, list[str]] = defaultdict(list)
    for path in files:
        code = path.name.split(".")[0]
        language = STANDARD_TO_CODE.get(code, code)
        kept = []
        for sentence, is_held_back in _sentences(path, options.held_back_every):
            if not is_held_back:
                kept.append(normalise(sentence))
            elif len(sentence) >= _MIN_SCORED_CHARACTERS:
                scored[language].append(f"{language}\t{sentence}")
        rng.shuffle(kept)
        kept = kept[: options.n_sentences]
        kept += [_snippet(s, rng) for s in kept if rng.random() < options.snippet_share]
        training += [f"__label__{language} {sentence}" for sentence in kept]
        _LOGGER.info("%s: %d sentences and snippets to train on", code, len(kept))
    rng.shuffle(training)
    train.write_text("\n".join([*training, ""]), encoding="utf-8")
    lines = [
        line for rows in scored.values() for line in rng.sample(rows, len(rows))[: options.n_scored]
    ]
    part = held_back.with_suffix(".part")
    part.write_text("\n".join([*lines, ""]), encoding="utf-8")
    part.rename(held_back)


def _snippet(sentence: str, rng: random.Random) -> str:
    """Cuts a few words out of a sentence."""
    words = sentence.split()
    n_words = rng.randint(1, _MOST_SNIPPET_WORDS)
    first = rng.randrange(max(1, len(words) - n_words + 1))
    snippet = " ".join(words[first : first + n_words])
    if any(ord(char) > 0x2E80 for char in snippet):
        return snippet[: rng.randint(2, _MOST_SNIPPET_CHARACTERS)]
    return snippet


def _sentences(path: Path, held_back_every: int) -> Iterator[tuple[str, bool]]:
    """Yields the different sentences of a text and whether each is held back."""
    seen = set()
    opened = lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open()
    with opened as stream:
        for line in stream:
            letters = "".join(filter(str.isalpha, normalise(line)))
            digest = hashlib.blake2b(letters.encode(), digest_size=8).digest()
            if letters and digest not in seen:
                seen.add(digest)
                is_held_back = int.from_bytes(digest, "big") % held_back_every == 0
                yield " ".join(line.split()), is_held_back


def _train(train: Path, output: Path, *, options: LangidOptions) -> None:
    """Trains the full model and writes the quantised one, which appears when it is whole."""
    model = fasttext.train_supervised(
        str(train),
        dim=options.width,
        minn=options.min_characters,
        maxn=options.max_characters,
        minCount=options.min_count,
        bucket=options.n_buckets,
        epoch=options.n_epochs,
        lr=options.learning_rate,
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
        lr=options.learning_rate / 4,
        qnorm=True,
        dsub=2,
        thread=_N_THREADS,
        verbose=0,
    )
    part = output / "langid.part"
    model.save_model(str(part))
    part.rename(output / "langid.ftz")
