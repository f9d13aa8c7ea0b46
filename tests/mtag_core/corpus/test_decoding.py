from pathlib import Path

from mtag_core.corpus.decoding import REASONS

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"


def test_every_reason_is_documented_with_its_sentence():
    text = FORMATS.read_text()
    missing = [reason for reason, what in REASONS.items() if f"| `{reason}` | {what} |" not in text]
    assert missing == []
