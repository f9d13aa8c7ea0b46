"""The figures that Tsai et al. 2019 report (ACL D19-1374), as they stand in their tables.

All are CoNLL F1 on raw test text segmented by UDPipe 2.2, UPOS and FEATS, in percent.
"""

MACRO = {
    "Meta-LSTM, one a language": (94.5, 92.5),
    "Meta-LSTM, multilingual": (91.1, 82.9),
    "BERT, one a language": (95.1, 93.0),
    "BERT, multilingual": (94.5, 91.0),
    "MiniBERT, multilingual": (93.7, 88.6),
}
"""Tables 1 and 4."""

_TREEBANKS = ("kk_ktb", "hy_armtdp", "lt_hse", "be_hse", "mr_ufal", "ta_ttb")


def _row(upos: str, feats: str) -> dict[str, tuple[float, float]]:
    pairs = zip(map(float, upos.split()), map(float, feats.split()), strict=True)
    return dict(zip(_TREEBANKS, pairs, strict=True))


LOW_RESOURCE = {
    "Meta-LSTM, one a language": _row(
        "61.7 75.4 81.4 91.1 72.1 72.7", "48.5 54.5 69.7 74.0 59.1 71.0"
    ),
    "BERT, one a language": _row("75.9 84.4 88.9 94.8 77.5 75.7", "47.8 44.8 75.2 82.8 64.0 72.9"),
    "BERT, multilingual": _row("81.4 86.6 90.0 95.0 75.9 74.3", "64.6 51.1 73.6 87.5 64.2 73.8"),
    "Meta-LSTM, multilingual": _row(
        "52.9 63.8 65.6 87.6 65.5 61.5", "25.6 36.6 42.5 59.2 33.6 46.9"
    ),
    "MiniBERT, multilingual": _row(
        "76.6 86.0 86.9 95.0 75.4 74.6", "59.7 47.6 64.8 81.6 59.4 71.7"
    ),
}
"""Table 5."""

CODE_MIXED = {
    "BERT, supervised": 90.6,
    "Meta-LSTM, English": 47.7,
    "Meta-LSTM, Hindi": 53.8,
    "Meta-LSTM, multilingual": 83.4,
    "BERT, multilingual": 82.9,
    "MiniBERT, multilingual": 79.5,
}
"""Table 6: UPOS accuracy on Hindi-English tweets."""

SPEED = {
    "Meta-LSTM": {"CPU": (6.8, 2.3), "GPU": (0.8, 0.2)},
    "MiniBERT": {"CPU": (27.7, 14.0), "GPU": (4.3, 2.6)},
}
"""Table 3: speed over BERT's at 32 and at 128 words."""

SIZES = {
    "Meta-LSTM": "300 x 1.2M + 8M",
    "BERT": "768 x 120k + 87M",
    "MiniBERT": "256 x 120k + 2M",
}
"""Table 2: width x vocabulary of the embeddings, plus the other weights."""

N_MORPHOLOGY_LABELS = 18_334
