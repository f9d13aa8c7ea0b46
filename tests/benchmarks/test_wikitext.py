import pytest

from benchmarks.wikitext import begins_small, quality, unpaired


@pytest.mark.parametrize(
    ("sentence", "is_small"),
    [
        ("A dog.", False),
        ("a dog.", True),
        (", a dog.", True),
        ("«A dog.»", False),
        ('"a dog."', True),
        ("– a dog.", True),
        ("3 dogs.", False),
        ("犬がいる。", False),
        ("", False),
    ],
)
def test_beginnings(sentence: str, is_small: bool):
    assert begins_small(sentence) is is_small


@pytest.mark.parametrize(
    ("quotes", "n"),
    [
        ('""', 0),
        ('"""', 1),
        ("«»", 0),
        ("»", 1),
        ("„“", 0),
        ("„”“”", 0),
        ("「『』」", 0),
        ("«“»", 3),
    ],
)
def test_quotes_without_partner(quotes: str, n: int):
    assert unpaired(list(quotes)) == n


def test_figures_are_shares():
    assert quality(['One  gap. two is small.\n"Three , gap."', "Four."]) == {
        "sentences": 4,
        "begins_small": 25.0,
        "has_gap": 50.0,
        "unpaired_quotes": 0.0,
    }
