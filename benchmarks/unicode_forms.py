"""Whether tags depend on the form that text is written in: capitals, NFD, other keyboards' marks.

Our own texts (`sample_data/text`) are tagged as they are and rewritten in each form; their
languages are found both times. What is measured is the share of tokens of the usual text that are
tokens in the other, too, with the same UPOS.

    python -m benchmarks unicode_forms
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from statistics import mean

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.tagging.tagger import Tagger

_TEXTS = Path(__file__).parents[1] / "sample_data" / "text"
_FULL_WIDTH = {point: point + 0xFEE0 for point in range(0x21, 0x7F)}
_LIGATURES = {"ffi": "\ufb03", "ffl": "\ufb04", "ff": "\ufb00", "fi": "\ufb01", "fl": "\ufb02"}
_LAST_VOWEL = re.compile(r"(?<=[^\W\d_]{2})[аеиоуыэюяіє](?=[бвгджзклмнпрстфхцчшщй]*\b)")
# Persian letters as Arabic keyboards have them.
_ARABIC = str.maketrans("\u06cc\u06a9", "\u064a\u0643")
_SAME = str.maketrans("\u2019\u02bc\u064a\u0643", "''\u06cc\u06a9", "\u0301\u0307")

Tags = Sequence[tuple[str, str]]
"""Form and UPOS of each token."""


def _ligatures(text: str) -> str:
    for letters, ligature in _LIGATURES.items():
        text = text.replace(letters, ligature)
    return text


def _capitals(text: str) -> str:
    """Capitals; Turkish keeps the dots of its letters."""
    is_turkish = "\u0131" in text
    return text.translate({0x69: 0x130} if is_turkish else {}).upper()


def _stressed(text: str) -> str:
    """Russian and Ukrainian words with a mark of stress on their last vowel, as in a dictionary."""
    return _LAST_VOWEL.sub("\\g<0>\u0301", text)


FORMS: dict[str, Callable[[str], str]] = {
    "capitals": _capitals,
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: text.translate(_FULL_WIDTH),
    "ligatures": _ligatures,
    "curly apostrophes": lambda text: text.replace("'", "\u2019"),
    "letter apostrophes": lambda text: text.replace("'", "\u02bc"),
    "stress marks": _stressed,
    "Arabic letters": lambda text: text.translate(_ARABIC if "\u06cc" in text else {}),
}


def main(argv: list[str] | None = None) -> int:
    """Measures every form and writes the shares."""
    parser = benchmark_parser("unicode_forms", "UPOS of text in other Unicode forms.")
    parser.add_argument("--text", type=Path, default=_TEXTS, help="a folder of text files")
    return run_benchmark(
        parser, lambda args: shares(Tagger.load(), sorted(args.text.glob("*.txt"))), argv
    )


def shares(tagger: Tagger, paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Percent of the tokens of each file that keep their UPOS, by form; files that it changes.

    Returns:
        Form to file to share, and to the mean of all files under `mean`.
    """
    record: dict[str, dict[str, float]] = {}
    for name, rewrite in FORMS.items():
        found = {}
        for path in paths:
            text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
            if rewrite(text) != text:
                usual, other = _tags(tagger, text), _tags(tagger, rewrite(text))
                found[path.stem] = round(100 * _share(_folded(usual), _folded(other)), 1)
        record[name] = {"mean": round(mean(found.values()), 1), **found}
    return record


def _tags(tagger: Tagger, text: str) -> Tags:
    return [(token.form, token.upos) for sentence in tagger.tag(text) for token in sentence]


def _folded(tags: Tags) -> Tags:
    """Forms that are the same in all forms of text; what is compared are tokens, not letters."""
    return [
        (unicodedata.normalize("NFKD", form).translate(_SAME).upper().translate(_SAME), upos)
        for form, upos in tags
    ]


def _share(wanted: Tags, found: Tags) -> float:
    matcher = SequenceMatcher(a=wanted, b=found, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(wanted)
