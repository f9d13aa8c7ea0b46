"""The options of the commands that make segmenters. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from mtag_core.options import option
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.options import (
    LICENCES_HELP,
    MAX_PIECES_HELP,
    PIECE_DROPOUT_HELP,
    TREEBANKS_HELP,
)

_RATES = "learning rates; a member is trained with each, their probabilities are averaged"
_EPOCHS, _BUDGET = "passes at most", "wordpieces a batch"


@dataclass(frozen=True, kw_only=True)
class LabellingOptions:
    """Options of `label boundaries` and `label splits`."""

    treebanks: Path = option("directory of CoNLL-U files, .xz or plain", metavar="DIR")
    text: Path = option("directory of LANGUAGE[_VARIETY].txt[.xz] files", metavar="DIR")
    output: Path = option("directory for what is made", metavar="DIR")
    minutes: float | None = option("limit of a language's training", None, section="training")
    peak_rates: tuple[float, ...] = option(
        _RATES, (1e-4,), formerly="peak_rate", section="training"
    )
    epochs: float = option(_EPOCHS, 9.0, section="training")
    piece_budget: int = option(_BUDGET, 1024, section="training")
    max_pieces: int = option(MAX_PIECES_HELP, 256, section="training")
    piece_dropout: float = option(PIECE_DROPOUT_HELP, 0.05, section="training")
    device: str = option("torch device", "cpu", section="training")
    seed: int = option("of everything random", 1, section="training")


@dataclass(frozen=True, kw_only=True)
class LabelBoundariesOptions(LabellingOptions):
    """Options of `label boundaries`."""

    teacher: Path = option("of `train teacher`, to fine-tune", metavar="DIR")
    languages: tuple[str, ...] = option("to learn", ("ja", "zh"), metavar="CODE")
    peak_rates: tuple[float, ...] = option(_RATES, (1e-4, 2e-4, 3e-4), section="training")
    epochs: float = option(_EPOCHS, 30.0, section="training")
    piece_budget: int = option(_BUDGET, 8192, section="training")


@dataclass(frozen=True, kw_only=True)
class LabelSplitsOptions(LabellingOptions):
    """Options of `label splits`."""

    encoder: str = option("Hugging Face directory of the encoder to fine-tune", metavar="DIR")
    segmenters: Path = option("to cut text with", DEFAULT_BUNDLE / "segmenters", metavar="DIR")
    languages: tuple[str, ...] = option("to learn and label", ("he",), metavar="CODE")
    least_probability: float = option("of a split, else the token stays unlabelled", 0.8)


@dataclass(frozen=True, kw_only=True)
class TrainSegmentersOptions:
    """Options of `train segmenters`. Two runs with the same make the same bytes."""

    treebanks: Path = option(TREEBANKS_HELP, metavar="DIR")
    output: Path = option("directory; a training that stopped goes on there", metavar="DIR")
    text: Path | None = option("directory of LANGUAGE.txt[.xz] files", None, metavar="DIR")
    labelled: Path | None = option(
        "what `label boundaries` wrote, for ja, vi, zh, and `label splits`, for ar, fr, he, ta",
        None,
        metavar="DIR",
    )
    licences: tuple[str, ...] = option(LICENCES_HELP, (), metavar="LICENCE")
    languages: tuple[str, ...] = option(
        "codes, treebanks such as it_postwita, `generic`, `words`; all if none", (), metavar="NAME"
    )
    gap_epochs: float = option("passes of the models of ja, vi, zh over what they learn", 12.0)
    device: str = option("torch device, for ja, vi, zh", "cpu")
