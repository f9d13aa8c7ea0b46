"""Edit scripts: how a surface form becomes several tokens, and which of them fit a form."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

NO_FORM = "_"
"""What stands for the forms that a treebank does not give, as in Marathi's multiword tokens."""

_MAX_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Script:
    """How a surface form becomes several tokens.

    Attributes:
        prefix: What the form begins with and the stem does not.
        suffix: What the form ends with and the stem does not.
        before: Forms of the tokens before the stem's.
        pre: Put before the stem to make its token; of tokens without forms, `NO_FORM` in its place.
        post: Put after it.
        after: Forms of the tokens after the stem's.
        is_exact: The prefix is the whole form, and nothing is left for a stem.
        code: A number of 32 bits made of the others.
        facts: The code, the sizes of prefix and suffix, and how many tokens are before and after.
    """

    prefix: str
    suffix: str
    before: tuple[str, ...]
    pre: str
    post: str
    after: tuple[str, ...]
    is_exact: bool = False
    code: int = field(init=False, compare=False, repr=False)
    facts: tuple[int, int, int, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the facts, which are asked for with each form that the script fits."""
        code = zlib.crc32(repr(self).encode("utf-8", "replace"))
        n_tokens = len(self.before) << 4 | len(self.after)
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "facts", (code, len(self.prefix), len(self.suffix), n_tokens))

    def stem(self, form: str) -> str:
        """What the script leaves of a form that it fits."""
        return form[len(self.prefix) : len(form) - len(self.suffix)]

    def apply(self, form: str) -> tuple[str, ...]:
        """The tokens of a form that the script fits."""
        if self.after and {self.pre, *self.before, *self.after} == {NO_FORM}:
            return (self.pre, *self.after)
        return (*self.before, f"{self.pre}{self.stem(form)}{self.post}", *self.after)


# The script of a form that is one token.
WHOLE = Script("", "", (), "", "", ())


# Sizes of a prefix and of a suffix; both together to the numbers of their scripts.
_Table = tuple[int, int, dict[str, list[int]]]


class Candidates:
    """Finds the scripts that fit a form; the first is always `WHOLE`.

    Attributes:
        scripts: By number. `WHOLE` is number 0, those that were given follow.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = (WHOLE, *scripts)
        self._form_to_numbers: dict[str, list[int]] = {}
        sizes_to_numbers: dict[tuple[int, int], dict[str, list[int]]] = {}
        for number, script in enumerate(scripts, start=1):
            known = self._form_to_numbers
            if not script.is_exact:
                sizes = (len(script.prefix), len(script.suffix))
                known = sizes_to_numbers.setdefault(sizes, {})
            known.setdefault(script.prefix + script.suffix, []).append(number)
        self._fitting_all = sizes_to_numbers.pop((0, 0), {}).get("", [])
        # By the first letter of a prefix, or by the last one of a suffix alone.
        self._first_to_tables: dict[str, list[_Table]] = {}
        self._last_to_tables: dict[str, list[_Table]] = {}
        for (n_start, n_end), key_to_numbers in sorted(sizes_to_numbers.items()):
            letter_to_tables = self._first_to_tables if n_start else self._last_to_tables
            letter_to_keys: dict[str, dict[str, list[int]]] = {}
            for key, numbers in key_to_numbers.items():
                letter_to_keys.setdefault(key[0 if n_start else -1], {})[key] = numbers
            for letter, known in letter_to_keys.items():
                letter_to_tables.setdefault(letter, []).append((n_start, n_end, known))

    def of(self, form: str) -> list[Script]:
        """`WHOLE`, the form's own scripts and every one that leaves a stem of it.

        Only `WHOLE` for what is no word.
        """
        return [self.scripts[number] for number in self.numbers(form)]

    def numbers(self, form: str) -> list[int]:
        """The numbers of `of`."""
        size = len(form)
        if size > _MAX_CHARACTERS or not (form.isalpha() or any(map(str.isalpha, form))):
            return [0]
        found = [0, *self._form_to_numbers.get(form, ()), *self._fitting_all]
        for _, n_end, known in self._last_to_tables.get(form[-1], ()):
            if n_end < size:
                found += known.get(form[size - n_end :], ())
        for n_start, n_end, known in self._first_to_tables.get(form[0], ()):
            if n_start + n_end < size:
                found += known.get(form[:n_start] + form[size - n_end :], ())
        return found
