"""Toy treebanks of four sentences, written again and again. Needs no torch."""

from collections.abc import Mapping
from pathlib import Path

ROWS = {
    "the": ("DET", "Definite=Def|PronType=Art"),
    "a": ("DET", "Definite=Ind|PronType=Art"),
    "cat": ("NOUN", "Number=Sing"),
    "cats": ("NOUN", "Number=Plur"),
    "dog": ("NOUN", "Number=Sing"),
    "dogs": ("NOUN", "Number=Plur"),
    "sleeps": ("VERB", "Number=Sing|Person=3"),
    "sleep": ("VERB", "Number=Plur"),
    ".": ("PUNCT", "_"),
}
LEMMAS = {"cats": "cat", "dogs": "dog", "sleeps": "sleep"}
SENTENCES = ("the cat sleeps .", "the dogs sleep .", "a dog sleeps .", "the cats sleep .")


def write_treebank(
    path: Path, *, repeats: int = 8, lemmas: Mapping[str, str] | None = None
) -> None:
    """Writes the toy sentences as CoNLL-U; with lemmas, those of other forms are the forms."""
    blocks = []
    for text in SENTENCES * repeats:
        lines = [
            "\t".join([str(number), form, _lemma(form, lemmas), tag, "_", feats, *"____"])
            for number, form in enumerate(text.split(), start=1)
            for tag, feats in [ROWS[form]]
        ]
        blocks.append("\n".join(["# toy", *lines]) + "\n\n")
    path.write_text("".join(blocks), encoding="utf-8")


def _lemma(form: str, lemmas: Mapping[str, str] | None) -> str:
    return "_" if lemmas is None else lemmas.get(form, form)
