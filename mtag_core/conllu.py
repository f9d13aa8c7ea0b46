"""Reads and writes CoNLL-U, losing nothing.

`read` and `write` keep every comment and all ten columns of every row, so that `write(read(x))` is
`x` for a file that ends each sentence with one empty line. `format_sentence` writes a sentence of
our own; `to_sentence` turns a row-wise sentence into the columns that the tagger takes.

Source: https://universaldependencies.org/format.html.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mtag_core.errors import ConlluError
from mtag_core.records import MultiwordToken, Sentence

N_COLUMNS = 10
ID, FORM, LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL, DEPS, MISC = range(N_COLUMNS)

_BYTE_ORDER_MARK = "\ufeff"
# Nine digits are enough for any sentence; Python refuses to read numbers of some thousand.
_NUMBER = r"[1-9][0-9]{0,8}"
_ID = re.compile(rf"{_NUMBER}|{_NUMBER}-{_NUMBER}|(?:0|{_NUMBER})\.{_NUMBER}")
_MAX_SHOWN = 80
# Everything that Python or a reader of lines may take for a line end, and any other run of spaces.
# One no-break space stays: it is part of forms such as French numbers.
_SPACES = re.compile(r"\s{2,}|[^\S \u00a0\u202f\u2007\u3000]")


@dataclass(frozen=True)
class ConlluSentence:
    """One sentence as the file has it, from a line on, from 1.

    Comments have their `#`, no line ends. Rows, of ten columns each, are in file order: tokens,
    multiword tokens and empty nodes.
    """

    comments: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int = 1

    @cached_property
    def metadata(self) -> dict[str, str]:
        """Values of the `# key = value` comments; a comment without `=` has the value ``."""
        metadata: dict[str, str] = {}
        for comment in self.comments:
            key, sign, value = comment.removeprefix("#").partition("=")
            if sign and key.strip():
                metadata[key.strip()] = value.strip()
            else:
                metadata[comment.lstrip("#").strip()] = ""
        return metadata

    @property
    def starts_document(self) -> bool:
        """Whether a `# newdoc` stands before it."""
        return not self.metadata.keys().isdisjoint(("newdoc", "newdoc id"))

    @property
    def tokens(self) -> list[tuple[str, ...]]:
        """The rows that get a label: those with an integer ID."""
        return [row for row in self.rows if row[ID].isdecimal()]

    @property
    def surfaces(self) -> list[tuple[tuple[str, ...], int, int]]:
        """(row, first token, last token) of each surface token, tokens counted from 0."""
        surfaces = []
        n_tokens = covered = 0
        for row in self.rows:
            if "-" in row[ID]:
                first, covered = map(int, row[ID].split("-"))
                surfaces.append((row, first - 1, covered - 1))
            elif row[ID].isdecimal():
                n_tokens += 1
                if n_tokens > covered:
                    surfaces.append((row, n_tokens - 1, n_tokens - 1))
        return surfaces


def read(lines: Iterable[str | bytes], *, source: str = "<conllu>") -> Iterator[ConlluSentence]:
    """Reads sentences one by one from lines, with or without their ends; errors name the source.

    Raises:
        ConlluError: A line breaks the format; the message names it, the value and the expectation.
    """
    block: list[str] = []
    first = 1
    for number, raw in enumerate(lines, start=1):
        line = _decode_line(raw, f"{source}:{number}")
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line:
            first = first if block else number
            block.append(line)
        elif block:
            yield parse_sentence(block, source=source, line=first)
            block = []
    if block:
        yield parse_sentence(block, source=source, line=first)


def write(sentences: Iterable[ConlluSentence]) -> Iterator[str]:
    """Yields each sentence as text, with the empty line that ends it."""
    for sentence in sentences:
        rows = ("\t".join(row) for row in sentence.rows)
        yield "\n".join((*sentence.comments, *rows, "", ""))


def parse_sentence(block: Sequence[str], *, source: str, line: int = 1) -> ConlluSentence:
    """Parses the lines of one sentence, without their ends; `line` is the first one's number.

    Raises:
        ConlluError: A line breaks the format, or no line has an integer ID.
    """
    n_comments = next((i for i, text in enumerate(block) if not text.startswith("#")), len(block))
    rows = tuple(
        _parse_row(text, f"{source}:{line + i}")
        for i, text in enumerate(block[n_comments:], start=n_comments)
    )
    _check_ids(rows, f"{source}:{line}")
    return ConlluSentence(tuple(block[:n_comments]), rows, line)


def to_sentence(conllu: ConlluSentence, *, start: int = 0, language: str = "und") -> Sentence:
    """Turns rows into the columns that the tagger takes; empty nodes are left out.

    The sentence starts at `start` in its document, in characters.
    """
    surfaces = conllu.surfaces
    forms = [row[FORM] for row, _, _ in surfaces]
    text = conllu.metadata.get("text", "")
    spans = _find_forms(text, forms)
    if spans is None:
        text, spans = _join_forms([row for row, _, _ in surfaces])
    starts: list[int] = []
    ends: list[int] = []
    multiword_tokens = []
    for (row, first, last), (left, right) in zip(surfaces, spans, strict=True):
        starts += [start + left] * (last - first + 1)
        ends += [start + right] * (last - first + 1)
        if not row[ID].isdecimal():
            offsets = start + left, start + right
            multiword_tokens.append(MultiwordToken(first, last, row[FORM], *offsets))
    return Sentence(
        text=text,
        start=start,
        end=start + len(text),
        language=language,
        forms=tuple(row[FORM] for row in conllu.tokens),
        starts=tuple(starts),
        ends=tuple(ends),
        multiword_tokens=tuple(multiword_tokens),
        sent_id=conllu.metadata.get("sent_id") or None,
    )


def format_sentence(
    sentence: Sentence,
    *,
    upos: Sequence[str] | None = None,
    feats: Sequence[str] | None = None,
    lemmas: Sequence[str] | None = None,
    sent_id: str | None = None,
) -> str:
    """Formats one sentence as CoNLL-U, its comments first, without the empty line that ends it.

    Columns have length n_tokens; None writes `_`. The sentence's offsets give SpaceAfter and
    TokenRange; `sent_id` overrides its own.
    """
    lines = _comments(sentence, sent_id)
    upos = upos if upos is not None else ("_",) * len(sentence.forms)
    feats = feats if feats is not None else ("_",) * len(sentence.forms)
    lemmas = lemmas if lemmas is not None else ("_",) * len(sentence.forms)
    first_to_multiword = {multiword.first: multiword for multiword in sentence.multiword_tokens}
    covered = -1
    for i, form in enumerate(sentence.forms):
        multiword = first_to_multiword.get(i)
        if multiword is not None:
            covered = multiword.last
            ids = f"{i + 1}-{covered + 1}"
            misc = _misc(sentence, multiword.start, multiword.end, next_token=covered + 1)
            lines.append(f"{ids}\t{clean_column(multiword.form)}\t_\t_\t_\t_\t_\t_\t_\t{misc}\n")
        misc = "_"
        if i > covered:
            misc = _misc(sentence, sentence.starts[i], sentence.ends[i], next_token=i + 1)
        words = f"{clean_column(form)}\t{clean_column(lemmas[i])}"
        lines.append(f"{i + 1}\t{words}\t{upos[i]}\t_\t{feats[i]}\t_\t_\t_\t{misc}\n")
    return "".join(lines)


def clean_column(value: str) -> str:
    """Makes a text fit for a column or comment: one line, no tab, no run of spaces, not empty."""
    if value.isalnum():
        return value
    return _SPACES.sub(" ", value).strip() or "_"


def _comments(sentence: Sentence, sent_id: str | None) -> list[str]:
    sent_id = sentence.sent_id if sent_id is None else sent_id
    text = f"# text = {_SPACES.sub(' ', sentence.text).strip()}\n"
    return [text] if sent_id is None else [f"# sent_id = {clean_column(sent_id)}\n", text]


def _misc(sentence: Sentence, start: int, end: int, *, next_token: int) -> str:
    is_glued = next_token < len(sentence.starts) and sentence.starts[next_token] <= end
    return f"SpaceAfter=No|TokenRange={start}:{end}" if is_glued else f"TokenRange={start}:{end}"


def _decode_line(raw: str | bytes, place: str) -> str:
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            value = raw[error.start : error.end]
            raise ConlluError(f"{place}: bytes {value!r}; expected UTF-8 text") from error
    return raw.removesuffix("\n").removesuffix("\r")


def _parse_row(text: str, place: str) -> tuple[str, ...]:
    row = tuple(text.split("\t"))
    if len(row) != N_COLUMNS:
        expected = f"expected {N_COLUMNS}, separated by tabs"
        raise ConlluError(f"{place}: {len(row)} column(s) in {text[:_MAX_SHOWN]!r}; {expected}")
    if not _ID.fullmatch(row[ID]):
        raise ConlluError(
            f"{place}: ID {row[ID][:_MAX_SHOWN]!r}; expected a number, a range or a decimal"
        )
    if not all(row):
        raise ConlluError(f"{place}: column {row.index('') + 1} is empty; expected `_` or a value")
    return row


def _check_ids(rows: Sequence[tuple[str, ...]], place: str) -> None:
    n_tokens = covered = 0
    for row in rows:
        if row[ID].isdecimal():
            n_tokens += 1
            if int(row[ID]) != n_tokens:
                raise ConlluError(f"{place}: ID {row[ID]} in this sentence; expected {n_tokens}")
        elif "-" in row[ID]:
            first, last = map(int, row[ID].split("-"))
            if not (covered < first == n_tokens + 1 <= last):
                expected = f"expected a range from {n_tokens + 1}, not overlapping another"
                raise ConlluError(f"{place}: ID {row[ID]} in this sentence; {expected}")
            covered = last
    if n_tokens == 0 or covered > n_tokens:
        raise ConlluError(
            f"{place}: a sentence of {n_tokens} token(s); expected {max(covered, 1)} or more"
        )


def _find_forms(text: str, forms: Sequence[str]) -> list[tuple[int, int]] | None:
    """Finds the forms one after the other, only white space between; None when they do not fit."""
    spans = []
    position = 0
    for form in forms:
        while not text.startswith(form, position):
            if position >= len(text) or not text[position].isspace():
                return None
            position += 1
        spans.append((position, position + len(form)))
        position += len(form)
    return None if text[position:].strip() else spans


def _join_forms(rows: Sequence[tuple[str, ...]]) -> tuple[str, list[tuple[int, int]]]:
    text = ""
    spans = []
    for row in rows:
        spans.append((len(text), len(text) + len(row[FORM])))
        text += row[FORM] if "SpaceAfter=No" in row[MISC].split("|") else row[FORM] + " "
    return text.removesuffix(" "), spans
