"""A teacher of two layers and width 8 with random weights."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

WIDTH, INNER, LAYERS, N_FEATS = 8, 16, 2, 40
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghij",
    *(f"##{c}" for c in "abcdefghij"),
]


def write_model(directory: Path, **config: object) -> Path:
    """Writes a trained model directory as training leaves it."""
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(size=shape, scale=0.5).astype(np.float16)

    weights = {
        "embeddings.word_embeddings.weight": random(len(PIECES) + 2, WIDTH),
        "embeddings.position_embeddings.weight": random(64, WIDTH),
        "embeddings.token_type_embeddings.weight": random(2, WIDTH),
        "embeddings.LayerNorm.weight": random(WIDTH) + np.float16(1),
        "embeddings.LayerNorm.bias": random(WIDTH),
        "upos.weight": random(17, WIDTH),
        "upos.bias": random(17),
        "feats.weight": random(N_FEATS, WIDTH),
        "feats.bias": random(N_FEATS),
    }
    weights |= {"combine.weight": random(WIDTH, 2 * WIDTH), "combine.bias": random(WIDTH)}
    shapes = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, shape in shapes.items():
            weights |= {prefix + name + ".weight": random(*shape)}
            weights |= {prefix + name + ".bias": random(shape[0])}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights |= {prefix + name + ".weight": random(WIDTH) + np.float16(1)}
            weights |= {prefix + name + ".bias": random(WIDTH)}
    directory.mkdir(parents=True, exist_ok=True)
    save_file(weights, directory / "model.safetensors")
    fields = {
        "encoder": "bert",
        "vocab_size": len(PIECES) + 2,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": INNER,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "pad_token_id": 0,
        "dropout": 0.1,
        "n_feats": N_FEATS,
        "max_pieces": 32,
        "treebanks": ["de_x", "en_y"],
        "first_treebank_piece": len(PIECES),
        "conventions": {"de": "de_x", "en": "en_y"},
    } | config
    (directory / "config.json").write_text(json.dumps(fields))
    (directory / "feats.json").write_text(
        json.dumps(["_", *(f"F=V{i}" for i in range(1, N_FEATS))])
    )
    tokenizer = Tokenizer(
        WordPiece({piece: index for index, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory
