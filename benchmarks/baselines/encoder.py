"""Fine-tunes one encoder a treebank, on the files that UDPipe 1 learns from.

Training is resumable: a treebank whose model stands in the output directory is skipped, and one
that was cut goes on. It runs on a GPU where there is one.

    python -m benchmarks baselines.encoder --data data/ud --encoder DIR --models DIR \
        --treebanks kk_ktb,hy_armtdp
"""

import argparse
from pathlib import Path

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.options import Schedule, TeacherTrainingOptions
from mtag_core.training.recipes.label_training import train_teacher

_MOST_PIECES, _FEWEST_PIECES = 4096, 512


def main(argv: list[str] | None = None) -> int:
    """Trains what is missing."""
    args = _parser().parse_args(argv)
    for treebank in args.treebanks.split(","):
        if not (args.models / treebank / "model.safetensors").exists():
            _train(treebank, args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fine-tunes one encoder a treebank.")
    parser.add_argument("--data", type=Path, required=True, help="folder of UD_*/*.conllu.xz")
    parser.add_argument("--encoder", required=True, help="Hugging Face directory of the encoder")
    parser.add_argument("--models", type=Path, required=True, help="folder of the models")
    parser.add_argument("--treebanks", required=True, help="comma-separated, such as kk_ktb")
    parser.add_argument("--epochs", type=float, default=40.0, help="passes at most")
    parser.add_argument("--minutes", type=float, help="of training a treebank; default: no limit")
    parser.add_argument("--peak_rate", type=float, default=3e-4, help="highest learning rate")
    return parser


def _train(treebank: str, args: argparse.Namespace) -> None:
    output, corpus = args.models / treebank, args.models / f"{treebank}.corpus"
    split = read_split(args.data, only=(treebank,))
    n_tokens = sum(len(sentence.forms) for sentence in split.learnt)
    if not n_tokens:
        raise InputNotFoundError(f"{args.data}: no training file of {treebank}")
    TreebankCorpus.of(split).save(corpus)
    options = TeacherTrainingOptions(
        encoder=args.encoder,
        corpus=corpus,
        output=output,
        schedule=Schedule(
            epochs=args.epochs, minutes=args.minutes, peak_rate=args.peak_rate, n_evaluations=1
        ),
        # No more pieces a batch than the treebank has tokens, so that a small one takes many steps.
        piece_budget=min(_MOST_PIECES, max(_FEWEST_PIECES, n_tokens)),
        # There is one treebank, so nothing to tell.
        unknown_treebank=1.0,
        resume=(output / "run_config.json").exists(),
    )
    scores = train_teacher(options)
    (output / "checkpoint.pt").unlink()
    print(treebank, n_tokens, "tokens", f"dev UPOS {scores['dev_upos']:.2f}", flush=True)
