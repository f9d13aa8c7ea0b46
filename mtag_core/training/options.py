"""The options of the training commands, as each is recorded beside what it made. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtag_core.options import group, option
from mtag_core.tagging.bundle import DEFAULT_BUNDLE

TREEBANKS_HELP = "directory of *-train and *-dev .conllu[.xz] files, at any depth"
TEXTS_HELP = "directory of LANGUAGE.txt[.xz] files, a sentence a line"
TRAIN_ON_DEV_HELP = "train on three quarters of the dev files, too; score the rest"
LICENCES_HELP = "learn only treebanks whose licence in INDEX.tsv is one of these"
MAX_PIECES_HELP = "longer sentences are left out, in wordpieces"
N_PROCESSES_HELP = "processes that encode"
PIECE_DROPOUT_HELP = "share of wordpieces replaced by the mask piece"
_CORPUS = "directory that stage `corpus` wrote"
_TEXT = "directory that stage `text` wrote"
_START = "model directory to start from"
_LABEL_SHARE = "share of the label in a treebank token's target"
_TEXT_RATE = "times that an epoch goes through text"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast a model learns.

    The rate rises from zero in `warmup_share` of the training and falls to zero by half a cosine or
    a line. Gradients are scaled down to `clip_norm`, if there is one; weights outside the model's
    `encoder` learn `head_factor` times as fast.
    """

    epochs: float = option("passes at most", 10.0)
    minutes: float | None = option("end, with the rate at zero, after so many", None)
    peak_rate: float = option("highest learning rate", 1e-3)
    n_evaluations: int = option("dev scores during the training", 4)
    seed: int = option("of everything random", 1)
    warmup_share: float = 0.06
    decay: Literal["cosine", "linear"] = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    checkpoint_minutes: float = 5.0
    head_factor: float = 1.0


DISTILLING = Schedule(epochs=200.0, peak_rate=2e-3, warmup_share=0.04, checkpoint_minutes=2.0)
FINETUNING = Schedule(epochs=12.0, peak_rate=4e-4, warmup_share=0.1, checkpoint_minutes=2.0)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How sentences are changed while a model learns them."""

    changed_share: float = option("sentences in capitals, without diacritics and so on", 0.3)
    named_share: float = option("treebank sentences whose treebank is named", 0.2)
    piece_dropout: float = option(PIECE_DROPOUT_HELP, 0.03)


@dataclass(frozen=True, kw_only=True)
class StudentShape:
    """The architecture of a new student."""

    architecture: Literal["words", "minibert"] = option("of a new student", "words")
    hidden_size: int = option("width of a new student", 256)
    n_layers: int = option("layers of a new student over a sentence", 2)


@dataclass(frozen=True, kw_only=True)
class Temperatures:
    """What soft targets are made at, and learnt at."""

    upos_temperature: float = option("divides the UPOS logits", 2.0)
    feats_temperature: float = option("divides the FEATS logits", 2.0)
    lemma_temperature: float = 1.0

    @property
    def of_heads(self) -> dict[str, float]:
        """By head."""
        upos_and_feats = {"upos": self.upos_temperature, "feats": self.feats_temperature}
        return {**upos_and_feats, "lemmas": self.lemma_temperature}


@dataclass(frozen=True, kw_only=True)
class TargetOptions(Temperatures):
    """How soft targets are made."""

    top_k: int = option("FEATS bundles kept a token", 16)
    top_k_lemmas: int = 8


@dataclass(frozen=True, kw_only=True)
class CorpusOptions:
    """Options of `train corpus`."""

    treebanks: Path = option(TREEBANKS_HELP)
    output: Path = option("directory for the corpus")
    train_on_dev: bool = option(TRAIN_ON_DEV_HELP, False)
    licences: tuple[str, ...] = option(LICENCES_HELP, (), metavar="LICENCE")
    feats: Path | None = option("a teacher's feats.json; FEATS of the train files if none", None)


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """Options of `train text`."""

    corpus: Path = option(_CORPUS)
    text: Path = option(TEXTS_HELP)
    encoder: Path = option("directory of the teachers' encoder, for its tokenizer.json")
    output: Path = option("directory for tokens, vocabulary and arrays")
    segmenters: Path = option("segmenters to cut text with", DEFAULT_BUNDLE / "segmenters")
    architecture: Literal["words", "minibert"] = option("of the student", "words")
    n_pieces: int = option("wordpieces of the student, special ones included", 20_000)
    max_tokens: int = option("tokens of a language at most", 1_000_000)
    max_pieces: int = option(MAX_PIECES_HELP, 256)
    n_processes: int = option(N_PROCESSES_HELP, 1)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options of what trains."""

    output: Path = option("directory for the model, checkpoints and curves")
    resume: bool = option("go on from the checkpoint in --output", False)
    max_pieces: int = option(MAX_PIECES_HELP, 256)
    n_processes: int = option(N_PROCESSES_HELP, 1)
    schedule: Schedule = group(Schedule(), section="schedule")


@dataclass(frozen=True, kw_only=True)
class TeacherTrainingOptions(TrainingOptions):
    """Options of `train teacher`."""

    encoder: str = option("Hugging Face directory or name of the encoder")
    corpus: Path = option(_CORPUS)
    piece_dropout: float = option(PIECE_DROPOUT_HELP, 0.0)
    unknown_treebank: float = option("share of sentences without their treebank's token", 0.1)
    piece_budget: int = option("wordpieces a batch and process", 16384)
    schedule: Schedule = group(Schedule(epochs=20.0, peak_rate=3e-4), section="schedule")
    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Options of `train labels`."""

    teachers: tuple[Path, ...] = option("model directories, averaged")
    text: Path = option(_TEXT)
    output: Path = option("directory of the shards")
    shard: int = option("which part of the sentences, from 0", 0)
    n_shards: int = option("parts that the sentences are labelled in", 1)
    max_pieces: int = option(MAX_PIECES_HELP, 256)
    substitution_share: float = option("share of open-class words that copies substitute", 0.3)
    targets: TargetOptions = group(TargetOptions(), section="targets")
    seed: int = option("of everything random", 1)


@dataclass(frozen=True, kw_only=True)
class DistillOptions(TrainingOptions):
    """Options of `train distill`."""

    corpus: Path = option(_CORPUS)
    labelled: Path | None = option("directory of shards that stage `labels` wrote", None)
    logits: Path | None = option("directory of shards of logits, in place of --labelled", None)
    text: Path | None = option(_TEXT + "; not needed with --logits", None)
    student: Path | None = option(f"{_START}; a new student if none", None)
    shape: StudentShape = group(StudentShape(), section="new student")
    n_pieces: int = option("wordpieces to learn without --text", 20_000, section="new student")
    targets: Temperatures = group(Temperatures(), section="targets")
    label_share: float = option(_LABEL_SHARE, 0.5)
    treebank_rate: float = option("times that an epoch goes through a treebank", 1.0)
    text_rate: float = option(_TEXT_RATE, 1.0)
    noise: Noise = group(Noise(), section="noise")
    dropout: float = option("of the student", 0.05)
    budget: int = option("wordpieces or tokens a batch and process", 32_768)
    schedule: Schedule = group(DISTILLING, section="schedule")


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(DistillOptions):
    """Options of `train finetune`, which goes through treebanks above all."""

    student: Path = option(_START)
    label_share: float = option(_LABEL_SHARE, 0.7)
    text_rate: float = option(_TEXT_RATE, 0.05)
    schedule: Schedule = group(FINETUNING, section="schedule")


@dataclass(frozen=True, kw_only=True)
class AdaptOptions(TrainingOptions):
    """Options of `train adapt`; small batches make some hundred steps of as many sentences."""

    student: Path = option(_START)
    treebanks: Path = option(TREEBANKS_HELP)
    train_on_dev: bool = option(TRAIN_ON_DEV_HELP, False)
    noise: Noise = group(Noise(changed_share=0.1, named_share=0.0, piece_dropout=0.0))
    dropout: float = option("of the student", 0.1)
    budget: int = option("wordpieces or tokens a batch", 600)
    schedule: Schedule = group(Schedule(epochs=3.0, peak_rate=3e-4), section="schedule")


@dataclass(frozen=True, kw_only=True)
class AdapterOptions:
    """Options of `train adapters`."""

    model: Path = option("the student's directory")
    corpus: Path | None = option(_CORPUS, None)
    treebanks: Path | None = option(f"{TREEBANKS_HELP}; in the place of --corpus", None)
    text: Path | None = option(f"{_TEXT}; saves time", None)
    output: Path = option("directory for the student with its adapters")
    max_tokens: int = option("tokens of each treebank that are trained on, about", 20_000)
    schedule: Schedule = group(
        Schedule(epochs=8.0, peak_rate=5e-3, warmup_share=0.0, decay="linear", clip_norm=None),
        section="schedule",
    )


@dataclass(frozen=True, kw_only=True)
class AverageOptions:
    """Options of `average-models`."""

    first: Path = option("a trained model directory")
    second: Path = option("another that started from the same weights")
    output: Path = option("model directory to write")
    share: float = option("of the second, from 0 to 1", 0.5)


@dataclass(frozen=True, kw_only=True)
class LangidOptions:
    """Options of `train-langid`; two trainings give equal quality, not equal bytes."""

    text: Path = option(TEXTS_HELP)
    output: Path = option("directory; a training that stopped goes on there")
    n_sentences: int = option("sentences a language at most", 30_000)
    held_back_every: int = option("one sentence in so many is held out", 25)
    min_count: int = option("rarer words are known by their n-grams only", 200)
    n_buckets: int = option("rows that n-grams are hashed into before the cut", 1_000_000)
    n_epochs: int = option("passes over the sentences", 4)
    n_kept: int = option("rows of the quantised model; 60,000 make about 1.1 MB", 60_000)
    seed: int = option("chooses and orders sentences", 1)


@dataclass(frozen=True, kw_only=True)
class BundleTrainingOptions:
    """Options of `train bundle`."""

    treebanks: Path = option(TREEBANKS_HELP, metavar="DIR")
    text: Path = option(TEXTS_HELP, metavar="DIR")
    encoder: Path = option("Hugging Face directory of the teachers' encoder", metavar="DIR")
    output: Path = option("the bundle to write; missing or empty", metavar="DIR")
    work: Path | None = option("for what stages leave; OUTPUT.work if none", None, metavar="DIR")
    stages: tuple[str, ...] = option("stages to run; all if none is named", (), metavar="STAGE")
    architecture: Literal["words", "minibert"] = option("of the student", "words")
    device: Literal["cpu", "cuda"] = option("where networks are trained; all GPUs there are", "cpu")
    train_on_dev: bool = option(TRAIN_ON_DEV_HELP, False)
    licences: tuple[str, ...] = option(LICENCES_HELP, (), metavar="LICENCE")
    segmenters: Path | None = option("finished ones; trained if none", None, metavar="DIR")
    labelled: Path | None = option("what `label` wrote, for segmenters", None, metavar="DIR")
    langid: Path | None = option("a fastText model; trained if none", None, metavar="FILE")
    n_teachers: int = option("teachers, which label together", 2)
    teacher_minutes: float = option("of each teacher's training", 6.0)
    student_minutes: float = option("of the student's training", 11.5)
    finetune_minutes: float = option("of training on treebanks above all", 1.4)
    n_processes: int = option("processes that segment, encode and score", 1)
    seed: int = option("of everything random", 1)
    epochs: float | None = option("end each training after so many passes", None, section="sizes")
    hidden_size: int = option("width of the student", 256, section="sizes")
    n_layers: int = option("layers of the student over a sentence", 2, section="sizes")
    n_pieces: int = option("wordpieces; times 6 of a MiniBERT", 20_000, section="sizes")
    max_tokens: int = option("tokens of a language's text at most", 1_000_000, section="sizes")
    max_pieces: int = option(MAX_PIECES_HELP, 256, section="sizes")
    budget: int = option("wordpieces or tokens a batch and process", 32_768, section="sizes")


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `export`."""

    model: Path = option("a trained model directory", metavar="DIR")
    treebanks: Path = option("train files calibrate, dev and test files score", metavar="DIR")
    output: Path = option("the bundle to write; missing or empty", metavar="DIR")
    segmenters: Path = option("of the bundle", DEFAULT_BUNDLE / "segmenters", metavar="DIR")
    langid: Path = option("a fastText model", DEFAULT_BUNDLE / "langid.ftz", metavar="FILE")
    licences: tuple[str, ...] = option(LICENCES_HELP, (), metavar="LICENCE")
    notes: Path | None = option("Markdown for the model card", None, metavar="FILE")
    n_workers: int = option("processes that tag and score", 1, metavar="N")
    skip_scores: bool = option("write no scores into the model card", False)


@dataclass(frozen=True, kw_only=True)
class UnpackBundleOptions:
    """Options of `unpack-bundle`."""

    bundle: str | None = option("directory or URL of a bundle; the shipped one if none", None)
    output: Path = option("model directory to write")
