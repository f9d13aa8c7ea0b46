"""A toy encoder, toy treebanks and toy text, small enough to train on in seconds."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from mtag_core.labels import UPOS_LABELS
from mtag_core.records import OutputRow
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.data.text import SPECIAL_PIECES
from mtag_core.training.logits.logit_shards import ScoredSentence, ShardFormat, ShardInfo
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.logits.soft_targets import SummaryOptions, relative_logits, summarise_feats
from tests.mtag_core.training.logit_samples import sentence
from tests.mtag_core.training.toy_treebanks import ROWS, SENTENCES, write_treebank


def write_everything(folder: Path) -> None:
    """Makes `treebanks/` and `encoder/` in a folder."""
    (folder / "treebanks").mkdir()
    for treebank in ("en_toy", "en_play"):
        write_treebank(folder / "treebanks" / f"{treebank}-ud-train.conllu")
    write_treebank(folder / "treebanks" / "en_toy-ud-dev.conllu", repeats=1)
    tokenizer = toy_tokenizer()
    _write_encoder(folder / "encoder", n_pieces=tokenizer.get_vocab_size())
    tokenizer.save(str(folder / "encoder" / "tokenizer.json"))


def write_raw_text(folder: Path) -> None:
    """Makes `raw/`, the toy sentences as running text, and `segmenters/`, the generic one."""
    (folder / "raw").mkdir()
    lines = (f"{text.capitalize()}\n" for text in SENTENCES)
    (folder / "raw" / "en.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "segmenters").mkdir()
    for path in (DEFAULT_BUNDLE / "segmenters").glob("generic.*"):
        (folder / "segmenters" / path.name).write_bytes(path.read_bytes())


def toy_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer like those of `train_vocabulary`, whose ids differ from run to run."""
    letters = sorted({letter for text in SENTENCES for letter in text if letter != " "})
    pieces = [*SPECIAL_PIECES, *letters, *(f"##{letter}" for letter in letters)]
    pieces += ["##ee", "cat", "do", "dog", "sl", "sleep", "th", "the"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def write_shard(path: Path, feats: list[str]) -> None:
    """Writes the toy sentences as a shard of a teacher that is sure of its labels."""
    path.parent.mkdir(exist_ok=True)
    digest = labels_digest(UPOS_LABELS, feats)
    info = ShardInfo("toy", digest, len(UPOS_LABELS), len(feats), 3, (1.0, 2.0))
    with path.open("wb") as sink, ShardFormat(info).open(sink) as writer:
        for number, text in enumerate(SENTENCES):
            writer.write(OutputRow("toy", number, f"toy.{number}", _scored(text, feats, info)))


def _scored(text: str, feats: list[str], info: ShardInfo) -> ScoredSentence:
    """A toy sentence with its teacher's logits."""
    forms = text.split()
    rows = [ROWS[form] for form in forms]
    upos = np.zeros((len(forms), len(UPOS_LABELS)), np.float32)
    feats_logits = np.zeros((len(forms), len(feats)), np.float32)
    for index, (tag, bundle) in enumerate(rows):
        upos[index, UPOS_LABELS.index(tag)] = 9.0
        feats_logits[index, feats.index(bundle)] = 9.0
    summary = summarise_feats(feats_logits, SummaryOptions(info.top_k, info.temperatures))
    tags = tuple(tag for tag, _ in rows)
    return ScoredSentence(sentence(text), tags, relative_logits(upos), summary)


def _write_encoder(folder: Path, *, n_pieces: int) -> None:
    """Saves an untrained Hugging Face BERT of two layers and width 16."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=n_pieces,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
