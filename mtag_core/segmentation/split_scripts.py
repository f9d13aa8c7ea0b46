"""Edit scripts: how a surface form becomes several tokens, and which of them fit a form."""

import zlib
from collections.abc import Iterator, Sequence
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
    """

    prefix: str
    suffix: str
    before: tuple[str, ...]
    pre: str
    post: str
    after: tuple[str, ...]
    is_exact: bool = False
    code: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the code, which is asked for with each form that the script fits."""
        object.__setattr__(self, "code", zlib.crc32(repr(self).encode("utf-8", "replace")))

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
        self._ends_to_scripts: dict[tuple[str, str], list[Script]] = {}
        for script in scripts:
            if script.is_exact:
                self._form_to_scripts.setdefault(script.prefix, []).append(script)
            else:
                ends = (script.prefix, script.suffix)
                self._ends_to_scripts.setdefault(ends, []).append(script)
        self._lengths = sorted({(len(start), len(end)) for start, end in self._ends_to_scripts})

    def of(self, form: str) -> Iterator[Script]:
        """Yields `WHOLE`, the form's own scripts and every one that leaves a stem of it."""
        yield WHOLE
        yield from self._form_to_scripts.get(form, ())
        for n_start, n_end in self._lengths:
            if n_start + n_end < len(form):
                ends = (form[:n_start], form[len(form) - n_end :])
                yield from self._ends_to_scripts.get(ends, ())
