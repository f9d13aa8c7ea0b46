"""The options of the commands that make a student that reads words, and of `mtag train bundle`.

Needs no torch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtag_core.options import group, option
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.options import (
    CORRECTION_SCHEDULE,
    MAX_PIECES_HELP,
    N_PROCESSES_HELP,
    OUTPUT_HELP,
    PIECE_DROPOUT_HELP,
    RESUME_HELP,
    TRAIN_ON_DEV_HELP,
    TREEBANKS_HELP,
    Schedule,
    TargetOptions,
)

_CORPUS = "directory that stage `treebanks` wrote"
_FORMS = "forms.npz that stage `forms` wrote"


@dataclass(frozen=True, kw_only=True)
class WordCorpusOptions:
    """Options of `read-treebanks`."""

    treebanks: Path = option(TREEBANKS_HELP)
    output: Path = option("directory for the corpus")
    train_on_dev: bool = option(TRAIN_ON_DEV_HELP, False)
    licences: tuple[str, ...] = option(
        "learn only treebanks whose licence in INDEX.tsv is one of these", (), metavar="LICENCE"
    )


@dataclass(frozen=True, kw_only=True)
class WordTextOptions:
    """Options of `prepare-text`."""

    corpus: Path = option(_CORPUS)
    text: Path = option("directory of LANGUAGE.txt[.xz] files, a sentence a line")
    encoder: Path = option("directory of the teachers' encoder, for its tokenizer.json")
    output: Path = option("directory for tokens, vocabulary and arrays")
    segmenters: Path = option("segmenters to cut text with", DEFAULT_BUNDLE / "segmenters")
    n_pieces: int = option("wordpieces of the student, special ones included", 16_000)
    max_tokens: int = option("tokens of a language at most", 1_000_000)
    max_pieces: int = option(MAX_PIECES_HELP, 256)
    n_processes: int = option(N_PROCESSES_HELP, 1)


@dataclass(frozen=True, kw_only=True)
class WordTargetOptions:
    """Options of `label-words`."""

    teachers: tuple[Path, ...] = option("model directories, averaged")
    text: Path = option("directory that stage `text` wrote")
    output: Path = option("directory of the shards")
    shard: int = option("which part of the sentences, from 0", 0)
    n_shards: int = option("parts that the sentences are labelled in", 1)
    max_pieces: int = option(MAX_PIECES_HELP, 256)
    substitution_share: float = option(
        "label a copy of each sentence with this share of its open-class words substituted", 0.3
    )
    targets: TargetOptions = group(
        TargetOptions(top_k=16, upos_temperature=2.0, feats_temperature=2.0), section="targets"
    )
    seed: int = option("of everything random", 1)


@dataclass(frozen=True, kw_only=True)
class WordDistillOptions:
    """Options of `distill-words` and `finetune-words`.

    Treebanks under `small_treebank` and texts under `small_text` tokens are sampled more often.
    """

    corpus: Path = option(_CORPUS)
    labelled: Path = option("directory of shards that label-words wrote")
    forms: Path = option(_FORMS)
    tokenizer: Path = option("the student's tokenizer.json")
    output: Path = option(OUTPUT_HELP)
    resume: bool = option(RESUME_HELP, False)
    student: Path | None = option("model directory to start from; a new student if none", None)
    hidden_size: int = option("width of a new student", 256)
    n_layers: int = option("layers over the words of a new student", 2)
    targets: TargetOptions = group(
        TargetOptions(top_k=16, upos_temperature=2.0, feats_temperature=2.0), section="targets"
    )
    label_share: float = option("share of the label in a treebank token's target", 0.5)
    treebank_rate: float = option("times that an epoch goes through a treebank", 1.0)
    text_rate: float = option("the same for text", 1.0)
    changed_share: float = option(
        "sentences in capitals, in lower case, without diacritics and so on", 0.3
    )
    named_share: float = option("treebank sentences that have their treebank's adapter", 0.2)
    piece_dropout: float = option(PIECE_DROPOUT_HELP, 0.03)
    dropout: float = option("of the student", 0.05)
    share_feats: bool = option("FEATS bundles share weights by attribute while training", True)
    token_budget: int = option("tokens a batch and process", 32768)
    schedule: Schedule = group(
        Schedule(epochs=200.0, peak_rate=2e-3, warmup_share=0.04, checkpoint_minutes=2.0),
        section="schedule",
    )
    small_treebank: int = 40_000
    small_text: int = 300_000


@dataclass(frozen=True, kw_only=True)
class WordAdapterOptions:
    """Options of `fit-adapters`."""

    model: Path = option("the student's directory")
    corpus: Path = option(_CORPUS)
    forms: Path = option(_FORMS)
    output: Path = option("directory for the student with its adapters")
    max_tokens: int = option("tokens of each treebank that are trained on, about", 20_000)
    schedule: Schedule = group(CORRECTION_SCHEDULE, section="schedule")


@dataclass(frozen=True, kw_only=True)
class BundleTrainingOptions:
    """Options of `train bundle`."""

    treebanks: Path = option(TREEBANKS_HELP, metavar="DIR")
    text: Path = option("directory of LANGUAGE.txt[.xz] files, a sentence a line", metavar="DIR")
    encoder: Path = option("Hugging Face directory of the teachers' encoder", metavar="DIR")
    output: Path = option("the bundle to write; missing or empty", metavar="DIR")
    work: Path | None = option(
        "directory for what stages leave; OUTPUT.work if none", None, metavar="DIR"
    )
    stages: tuple[str, ...] = option("stages to run; all if none is named", (), metavar="STAGE")
    architecture: Literal["words", "minibert"] = option("of the student", "words")
    device: Literal["cpu", "cuda"] = option("where networks are trained; all GPUs there are", "cpu")
    train_on_dev: bool = option(TRAIN_ON_DEV_HELP, False)
    licences: tuple[str, ...] = option(
        "learn only treebanks whose licence in INDEX.tsv is one of these", (), metavar="LICENCE"
    )
    segmenters: Path = option(
        "segmenters of the bundle", DEFAULT_BUNDLE / "segmenters", metavar="DIR"
    )
    langid: Path = option("a fastText model", DEFAULT_BUNDLE / "langid.ftz", metavar="FILE")
    n_teachers: int = option("teachers, which label together", 2)
    teacher_minutes: float = option("of each teacher's training", 6.0)
    student_minutes: float = option("of the student's training", 10.0)
    finetune_minutes: float = option("of training on treebanks above all", 1.0)
    n_processes: int = option("processes that segment, encode and score", 1)
    seed: int = option("of everything random", 1)
    epochs: float | None = option("end each training after so many passes", None, section="sizes")
    hidden_size: int = option("width of the student", 256, section="sizes")
    n_layers: int = option("layers of the student over a sentence", 2, section="sizes")
    n_pieces: int = option(
        "wordpieces of a word student; a MiniBERT has six times as many", 16_000, section="sizes"
    )
    max_tokens: int = option("tokens of a language's text at most", 1_000_000, section="sizes")
    max_pieces: int = option(MAX_PIECES_HELP, 256, section="sizes")
    budget: int = option("wordpieces or tokens a batch and process", 32_768, section="sizes")

    @property
    def working(self) -> Path:
        """Where stages leave their products."""
        return self.work or self.output.with_name(f"{self.output.name}.work")
