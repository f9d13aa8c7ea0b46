"""The directory of a tiny word student with random weights, written without torch."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from mtag_core.labels import UPOS_LABELS
from mtag_core.tagging.forms import CASES, MAX_FORM_PIECES, N_NGRAM_ROWS
from mtag_core.tagging.words import MAX_WORDS

N_FEATS = 40
TREEBANKS = ("de_x", "en_y")
RULES = ("l|0+|0+", *(f"l|0+|{cut}+{added}" for cut in (1, 2, 3) for added in "aeo"))
LETTERS = "abcdefghij.,"
PIECES = ["[PAD]", "[UNK]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), "##ab"]
WIDTH, INNER, NGRAM_WIDTH, N_LAYERS = 8, 16, 4, 2


def write_word_model(directory: Path) -> Path:
    """Writes what `mtag_core.training.networks.model_files` reads."""
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "architecture": "words",
        "n_pieces": len(PIECES),
        "n_feats": N_FEATS,
        "n_lemma_rules": len(RULES),
        "n_treebanks": len(TREEBANKS),
        "n_context_layers": N_LAYERS,
        "hidden_size": WIDTH,
        "n_heads": 2,
        "intermediate_size": INNER,
        "ngram_width": NGRAM_WIDTH,
        "max_tokens": MAX_WORDS,
        "treebanks": TREEBANKS,
        "styles": {"en": "en_y"},
        "temperatures": {"upos": 2.0, "feats": 0.5, "lemmas": 1.0},
        "is_trained_on_dev": False,
    }
    lists = {"feats.json": ["_", *(f"F=V{i}" for i in range(1, N_FEATS))]}
    lists |= {"lemma_rules.json": list(RULES)}
    for name, value in {"config.json": config, **lists}.items():
        (directory / name).write_text(json.dumps(value))
    save_file(_weights(), directory / "model.safetensors")
    tokenizer = Tokenizer(
        WordPiece({piece: index for index, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(size=shape, scale=0.5).astype(np.float16)

    def linear(name: str, n_out: int, n_in: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": random(n_out, n_in), f"{name}.bias": random(n_out)}

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": random(WIDTH) + np.float16(1), f"{name}.bias": random(WIDTH)}

    weights = {
        "forms.pieces.weight": random(len(PIECES), WIDTH),
        "forms.positions.weight": random(MAX_FORM_PIECES, WIDTH),
        "forms.ngrams.weight": random(N_NGRAM_ROWS, NGRAM_WIDTH),
        "forms.ngram_projection.weight": random(WIDTH, NGRAM_WIDTH),
        "forms.case.weight": random(len(CASES), WIDTH),
        "context.positions.weight": random(MAX_WORDS, WIDTH),
        "adapters.weight": random(1 + len(TREEBANKS), WIDTH),
    }
    weights["adapters.weight"][0] = 0
    weights |= norm("forms.piece_norm") | norm("forms.norm") | norm("context.norm")
    weights |= linear("forms.ends", WIDTH, 2 * WIDTH)
    for head, n_labels in (("upos", len(UPOS_LABELS)), ("feats", N_FEATS), ("lemmas", len(RULES))):
        weights |= linear(head, n_labels, WIDTH)
    layers = ["forms.layers.0", *(f"context.layers.{index}" for index in range(N_LAYERS))]
    for layer in layers:
        for part in ("query", "key", "value"):
            weights |= linear(f"{layer}.attention.self.{part}", WIDTH, WIDTH)
        weights |= linear(f"{layer}.attention.output.dense", WIDTH, WIDTH)
        weights |= linear(f"{layer}.intermediate.dense", INNER, WIDTH)
        weights |= linear(f"{layer}.output.dense", WIDTH, INNER)
        weights |= norm(f"{layer}.attention.output.LayerNorm") | norm(f"{layer}.output.LayerNorm")
    return weights
