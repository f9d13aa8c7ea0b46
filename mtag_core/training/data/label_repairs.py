"""Known faults of the training treebanks' FEATS, found by comparing train and dev inventories.

Part of the training data was projected from another annotation of the same text, and some
projections write FEATS that the treebank's dev and test files never do. Learning them costs
accuracy; here they are rewritten where the right value is certain, and left unlabelled where it is
not.
"""

from mtag_core.training.data.treebanks import LabelledSentence

# Treebank -> (wrong part of a bundle, what dev writes in its place).
_REWRITTEN = {
    # 65% of the train file's indicative verbs; dev and test have `Fh` alone.
    "lv_lvtb": [("Evident=Fh,Nfh", "Evident=Fh")],
}
# The train file has no Number, Voice, PronType or Degree; dev and test have.
_UNLABELLED_TREEBANKS = frozenset({"id_gsd"})
# Treebank -> (UPOS, bundle) that are frequent in train and next to absent in dev.
_UNLABELLED_BUNDLES = {
    "de_gsd": {("PROPN", "_"), ("PROPN", "Case=Gen|Gender=Fem|Number=Sing")},
    "la_ittb": {("ADV", "Degree=Pos"), ("PART", "_")},
    "nl_alpino": {("PROPN", "Gender=Com,Neut|Number=Sing")},
    "pt_bosque": {
        ("DET", "Definite=Def|PronType=Art"),
        ("PROPN", "Gender=Unsp|Number=Sing"),
        ("VERB", "Mood=Ind|Number=Plur|Person=3|Tense=Past|VerbForm=Fin"),
    },
    "sv_lines": {
        ("ADJ", "Case=Nom|Definite=Def|Degree=Pos|Gender=Com|Number=Sing"),
        ("ADJ", "Case=Nom|Definite=Def|Degree=Pos|Gender=Neut|Number=Sing"),
        ("PRON", "Definite=Def|Number=Plur|PronType=Prs"),
    },
}


def repaired_feats(sentence: LabelledSentence) -> tuple[str | None, ...]:
    """Gives a training sentence's FEATS with known faults repaired.

    Args:
        sentence: From a train file.

    Returns:
        One bundle a token; None where the label is not to be learnt.
    """
    if sentence.treebank in _UNLABELLED_TREEBANKS:
        return (None,) * len(sentence.feats)
    faulty = _UNLABELLED_BUNDLES.get(sentence.treebank, set())
    return tuple(
        None if (upos, feats) in faulty else _rewritten(sentence.treebank, feats)
        for upos, feats in zip(sentence.upos, sentence.feats, strict=True)
    )


def _rewritten(treebank: str, feats: str) -> str:
    """Replaces the wrong parts of one bundle."""
    for wrong, right in _REWRITTEN.get(treebank, ()):
        feats = feats.replace(wrong, right)
    return feats
