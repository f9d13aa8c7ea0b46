"""Edit scripts: how a surface form becomes several tokens, and which of them fit a form."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Script:
    """How a surface form becomes several tokens.

    Attributes:
        prefix: What the form begins with and the stem does not.
        suffix: What the form ends with and the stem does not.
        before: Forms of the tokens before the stem's.
        pre: Put before the stem to make its token.
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
        return (*self.before, f"{self.pre}{self.stem(form)}{self.post}", *self.after)


# The script of a form that is one token.
WHOLE = Script("", "", (), "", "", ())


class Candidates:
    """Finds the scripts that fit a form; the first is always `WHOLE`."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = tuple(scripts)
        self._form_to_scripts: dict[str, list[Script]] = {}
        sizes_to_scripts: dict[tuple[int, int], dict[str, list[Script]]] = {}
        for script in scripts:
            known = self._form_to_scripts
            if not script.is_exact:
                sizes = (len(script.prefix), len(script.suffix))
                known = sizes_to_scripts.setdefault(sizes, {})
            known.setdefault(script.prefix + script.suffix, []).append(script)
        self._sizes_to_scripts = sorted(sizes_to_scripts.items(), key=lambda item: item[0])

    def of(self, form: str) -> list[Script]:
        """`WHOLE`, the form's own scripts and every one that leaves a stem of it."""
        found = [WHOLE, *self._form_to_scripts.get(form, ())]
        size = len(form)
        for (n_start, n_end), known in self._sizes_to_scripts:
            if n_start + n_end < size:
                found += known.get(form[:n_start] + form[size - n_end :], ())
        return found
