import pytest

from mtag_core.output.visible import visible


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\ud800\x00\u202e", "\ufffd" * 3),
        ("می‌خواهم", "می‌خواهم"),
        ("a\u00a0b", "a b"),
    ],
)
def test_invisible_characters_are_shown(value, shown):
    assert visible(value) == shown
    visible(value).encode()
