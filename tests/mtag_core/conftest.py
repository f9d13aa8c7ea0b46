from collections.abc import Sequence
from pathlib import Path

import pytest

import mtag_core
from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation import Segmenter


class FakeIdentifier(LanguageIdentifier):
    """Knows a language by its script, and nothing of a text of fewer than five letters."""

    def __init__(self) -> None:
        pass

    def predict_top(self, texts: Sequence[str], *, n_best: int) -> list[list[tuple[str, float]]]:
        return [_guess(text) for text in texts]


def _guess(text: str) -> list[tuple[str, float]]:
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return []
    language = (
        "el"
        if "\u03b1" <= letters[0] <= "\u03c9"
        else "ru"
        if "\u0430" <= letters[0] <= "\u044f"
        else "en"
    )
    prob = 0.95 if len(letters) >= 5 else 0.4
    return [(language, prob), ("fr", 1 - prob)]


@pytest.fixture(scope="session")
def fake_langid() -> FakeIdentifier:
    return FakeIdentifier()


@pytest.fixture(scope="session")
def default_langid(bundled_segmenters) -> LanguageIdentifier:
    """The language identification that the package ships."""
    return LanguageIdentifier.load(bundled_segmenters.parent / "langid.ftz")


@pytest.fixture(scope="session")
def bundled_segmenters() -> Path:
    """The directory of the segmenters that the package ships."""
    return Path(mtag_core.__file__).parent / "bundles" / "default" / "segmenters"


@pytest.fixture(scope="session")
def bundled_segmenter(bundled_segmenters, fake_langid) -> Segmenter:
    """The segmenters that the package ships."""
    return Segmenter.load(bundled_segmenters, fake_langid)
