"""The options of training runs, as they are recorded with each run. Imports no torch."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TeacherTrainingOptions:
    """Options of `train-teacher`; recorded with the run.

    Attributes:
        encoder: Hugging Face name or directory.
        treebanks: Directory of CoNLL-U files.
        output: Directory for the model, checkpoints and curves.
        feats: A FEATS inventory to use, or None to build one from the train files.
        epochs: At most so many passes over the treebanks.
        minutes: At most so long; None for no limit.
        peak_rate: Highest learning rate.
        piece_budget: Wordpieces a batch.
        max_pieces: Longer sentences are left out.
        dropout: Probability.
        piece_dropout: Share of pieces replaced by the mask piece.
        unknown_treebank: Share of sentences that keep the opening piece.
        small_treebank: Treebanks under so many tokens are shown more often.
        only: Treebanks to train on; empty for all.
        train_on_dev: Train on three quarters of the dev files, too; score the rest.
        n_evaluations: Dev scores during the run.
        checkpoint_minutes: Time between checkpoints.
        n_processes: For encoding.
        seed: Of everything random.
    """

    encoder: str
    treebanks: Path
    output: Path
    feats: Path | None = None
    epochs: float = 20.0
    minutes: float | None = None
    peak_rate: float = 3e-4
    piece_budget: int = 16384
    max_pieces: int = 256
    dropout: float = 0.1
    piece_dropout: float = 0.0
    unknown_treebank: float = 0.1
    small_treebank: int = 40_000
    only: tuple[str, ...] = ()
    train_on_dev: bool = False
    n_evaluations: int = 4
    checkpoint_minutes: float = 5.0
    n_processes: int = 1
    seed: int = 1


@dataclass(frozen=True)
class StudentShape:
    """The student's architecture; the shipped one by default.

    Attributes:
        hidden_size: Width.
        n_layers: Number of layers.
        n_heads: Attention heads; divides `hidden_size`.
        intermediate_size: Width of the feed-forward layer.
        activation: `relu`, which int8 inference does for nothing, or `gelu`.
        dropout: Probability; none while distilling, where data are plenty and capacity is not.
    """

    hidden_size: int = 256
    n_layers: int = 3
    n_heads: int = 4
    intermediate_size: int = 1024
    activation: str = "relu"
    dropout: float = 0.0


@dataclass(frozen=True)
class TargetOptions:
    """How soft targets are made.

    Attributes:
        top_k: FEATS bundles kept a token.
        upos_temperature: Divides the UPOS logits.
        feats_temperature: Divides the FEATS logits.
    """

    top_k: int = 32
    upos_temperature: float = 1.0
    feats_temperature: float = 1.0


@dataclass(frozen=True)
class DistillOptions:
    """Options of `distill` and `finetune`; recorded with the run.

    Attributes:
        teachers: Model directories; several are averaged. None when learning from shards.
        text: Directory of encoded text; None when learning from shards.
        treebanks: Directory of CoNLL-U files.
        tokenizer: The student's `tokenizer.json`.
        output: Directory for the model, checkpoints and curves.
        student: A student to start from, or None for a new one.
        shape: Of a new student.
        targets: How the teachers' targets are made.
        label_share: Share of the label in a treebank token's target.
        treebank_rate: Times an epoch shows a treebank; small ones more often.
        text_rate: Times an epoch shows text of languages with treebanks; little text more often.
        other_text_rate: The same for other languages.
        small_treebank: Treebanks under so many tokens are shown more often.
        small_text: Texts under so many tokens are shown more often.
        epochs: At most so many passes.
        minutes: At most so long, without making the targets; None for no limit.
        peak_rate: Highest learning rate.
        warmup_share: Share of the run in which the rate rises.
        piece_budget: Wordpieces a batch and process.
        max_pieces: Longer sentences are left out.
        dropout: Of the student.
        n_evaluations: Dev scores during the run.
        checkpoint_minutes: Time between checkpoints.
        n_processes: For encoding.
        seed: Of everything random.
        logits: Directory of shards of teacher logits to learn from instead.
        feats: The shards' FEATS inventory.
        teacher_digest: Of the teacher whose shards they have to be; empty to take any one.
        average_decay: Of the moving average of the weights that is kept; 0 keeps the last weights.
        train_on_dev: Train on three quarters of the dev files, too; with shards, their teacher was
            trained on them. Score the rest.
        is_factored: FEATS bundles share the rows of their attributes while training.
        has_grams: Wordpieces share the rows of their first and last letters while training.
        exchange_share: Each sentence is shown once more with this share of its open-class words
            exchanged for others of their class; 0 for no such copies.
        piece_dropout: Share of the student's pieces replaced by the mask piece.
        is_text_told: Teachers annotate text by the convention of its language's largest treebank;
            else by whichever one they take a sentence to follow.
    """

    teachers: tuple[Path, ...]
    text: Path | None
    treebanks: Path
    tokenizer: Path
    output: Path
    student: Path | None = None
    shape: StudentShape = field(default_factory=StudentShape)
    targets: TargetOptions = field(default_factory=TargetOptions)
    label_share: float = 0.5
    treebank_rate: float = 1.0
    text_rate: float = 1.0
    other_text_rate: float = 0.3
    small_treebank: int = 40_000
    small_text: int = 300_000
    epochs: float = 10.0
    minutes: float | None = None
    peak_rate: float = 2e-3
    warmup_share: float = 0.04
    piece_budget: int = 32768
    max_pieces: int = 256
    dropout: float = 0.0
    n_evaluations: int = 8
    checkpoint_minutes: float = 2.0
    n_processes: int = 1
    seed: int = 1
    logits: Path | None = None
    feats: Path | None = None
    teacher_digest: str = ""
    average_decay: float = 0.0
    train_on_dev: bool = False
    is_factored: bool = False
    has_grams: bool = False
    exchange_share: float = 0.0
    piece_dropout: float = 0.0
    is_text_told: bool = True

    @property
    def feats_path(self) -> Path:
        """The FEATS inventory that teachers and student share."""
        return self.feats or self.teachers[0] / "feats.json"


@dataclass(frozen=True)
class AdaptOptions:
    """Options of `adapt`; recorded with the run.

    Attributes:
        student: Model directory to start from.
        treebanks: Directory of CoNLL-U files.
        output: Directory for the model, checkpoints and curves.
        train_on_dev: Train on three quarters of the dev files, too; score the rest.
        train_rate: Times an epoch shows a train sentence, beside dev sentences once.
        piece_dropout: Share of pieces replaced by the mask piece.
        small_treebank: Treebanks under so many tokens are shown more often.
        epochs: At most so many passes.
        minutes: At most so long; None for no limit.
        peak_rate: Highest learning rate.
        piece_budget: Wordpieces a batch.
        max_pieces: Longer sentences are left out.
        dropout: Probability.
        average_decay: Of the moving average of the weights that is kept; 0 keeps the last weights.
        has_autocast: Products in bfloat16, twice as fast on CPUs that have them.
        n_evaluations: Dev scores during the run.
        checkpoint_minutes: Time between checkpoints.
        n_processes: For encoding.
        seed: Of everything random.
    """

    student: Path
    treebanks: Path
    output: Path
    train_on_dev: bool = False
    train_rate: float = 1.0
    piece_dropout: float = 0.0
    small_treebank: int = 40_000
    epochs: float = 3.0
    minutes: float | None = None
    peak_rate: float = 2e-4
    piece_budget: int = 6000
    max_pieces: int = 256
    dropout: float = 0.1
    average_decay: float = 0.0
    has_autocast: bool = False
    n_evaluations: int = 4
    checkpoint_minutes: float = 5.0
    n_processes: int = 1
    seed: int = 1


@dataclass(frozen=True)
class ConventionsOptions:
    """Options of `learn-conventions`.

    Attributes:
        model: The student's directory, which gets the conventions.
        treebanks: Directory of CoNLL-U files.
        rank: Width of a correction's bottleneck.
        max_tokens: Tokens that each treebank is learnt from, about.
        epochs: Passes over them.
        peak_rate: Learning rate at the start; it falls to 0.
        max_pieces: Longer sentences are left out.
        seed: Of everything random.
    """

    model: Path
    treebanks: Path
    rank: int = 8
    max_tokens: int = 20_000
    epochs: float = 8.0
    peak_rate: float = 5e-3
    max_pieces: int = 256
    seed: int = 1


@dataclass(frozen=True, slots=True)
class MetaLstmTrainingOptions:
    """How a Meta-LSTM is trained; written into its directory.

    Attributes:
        n_epochs: Passes over the training set in each stage.
        learning_rate: Of Adam; falls to 0 over a stage.
        token_budget: Padded tokens of a batch at most.
        unknown_share: Share of forms trained as unknown, 0 to 1.
        min_count: Occurrences that a form needs for an embedding of its own.
        seed: Of weights, order and dropout.
        lstm_width: See `MetaLstmConfig`.
        n_layers: See `MetaLstmConfig`.
    """

    n_epochs: int = 20
    learning_rate: float = 2e-3
    token_budget: int = 200
    unknown_share: float = 0.2
    min_count: int = 1
    seed: int = 0
    lstm_width: int = 128
    n_layers: int = 1
