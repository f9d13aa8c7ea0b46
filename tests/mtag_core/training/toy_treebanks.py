"""Toy treebanks of four sentences, written again and again. Needs no torch."""

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
SENTENCES = ("the cat sleeps .", "the dogs sleep .", "a dog sleeps .", "the cats sleep .")


def write_treebank(path: Path, *, repeats: int = 8) -> None:
    """Writes the toy sentences as CoNLL-U."""
    blocks = []
    for text in SENTENCES * repeats:
        lines = [
            f"{number}\t{form}\t_\t{ROWS[form][0]}\t_\t{ROWS[form][1]}\t_\t_\t_\t_"
            for number, form in enumerate(text.split(), start=1)
        ]
        blocks.append("\n".join(["# toy", *lines]) + "\n\n")
    path.write_text("".join(blocks), encoding="utf-8")
