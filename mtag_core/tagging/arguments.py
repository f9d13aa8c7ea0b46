"""Checks what callers give a tagger: an error names the value, its place and what was expected."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from mtag_core.errors import UsageError
from mtag_core.records import Sentence


def joined_sentence(
    forms: Sequence[str], index: int, *, language: str, is_trained: bool
) -> Sentence:
    """The sentence of a caller's tokens; errors name its number among the caller's.

    Raises:
        UsageError: There is something else in the place of the list or of a form.
    """
    if isinstance(forms, str) or not isinstance(forms, Iterable):
        raise UsageError(f"sentence {index}: {_shown(forms)}, expected a list of forms")
    forms = tuple(forms)
    _check_forms(forms, index)
    text = " ".join(forms)
    check_text(text, what=f"sentence {index}")
    # Each starts behind the one before and a space.
    starts = [0, *accumulate(len(form) + 1 for form in forms)]
    return Sentence(
        text=text,
        start=0,
        end=len(text),
        language=language,
        forms=forms,
        starts=tuple(starts[:-1]),
        ends=tuple([start - 1 for start in starts[1:]]),
        is_trained=is_trained,
    )


def _check_forms(forms: tuple[object, ...], index: int) -> None:
    # Nearly always there is nothing to say, so that the place is not named in advance.
    if all(forms) and set(map(type, forms)) <= {str}:
        return
    for position, form in enumerate(forms):
        place = f"sentence {index}, token {position}"
        if not isinstance(form, str):
            raise UsageError(f"{place}: {_shown(form)}, expected str")
        if not form:
            raise UsageError(f"{place}: empty form, expected at least one character")


def list_of_names(values: Sequence[str], *, what: str, expected: str) -> tuple[str, ...]:
    """A list that a caller gave, as a tuple; one string is none."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"{what}: {_shown(values)}, expected a list of {expected}")
    return tuple(values)


def text_and_context(index: int, pair: object) -> tuple[Any, Any]:
    """The two of a pair that a caller gave."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UsageError(f"text {index}: {_shown(pair)}, expected a pair of a text and its context")
    text, context = pair
    return text, context


def checked_text(index: int, text: str) -> str:
    """A text among several, if it is one."""
    check_text(text, what=f"text {index}")
    return text


def check_many(values: object, *, what: str, expected: str, instead: str) -> None:
    """Raises UsageError where one text stands in the place of several, or nothing does."""
    if isinstance(values, str):
        shown = _shown(values)
        raise UsageError(f"{what}: {shown}, expected {expected}; for one text use {instead}")
    if not isinstance(values, Iterable):
        raise UsageError(f"{what}: {_shown(values)}, expected {expected}")


def check_count(value: int, *, what: str) -> None:
    """Raises UsageError for what is no whole number above 0."""
    if not isinstance(value, int) or value < 1:
        raise UsageError(f"{what}: {value!r}, expected a whole number above 0")


def _shown(value: object) -> str:
    return repr(value[:40]) if isinstance(value, str) else type(value).__name__


def check_text(text: str, *, what: str, hint: str = "") -> None:
    """Raises UsageError for what is no text, or holds a lone surrogate."""
    if not isinstance(text, str):
        raise UsageError(f"{what}: {_shown(text)}, expected str{hint}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{what}: lone surrogate {text[error.start]!r} at offset {error.start}, "
            "expected valid Unicode"
        ) from None
