"""Vertical text, as Sketch Engine and the Corpus Workbench read it: a token a line, tags between.

    <doc id="a.txt" generator="mtag 0.1.0, ...">
    <p>
    <s id="part.0.0" language="en">
    Ana     PROPN   Number=Sing     Ana
    sleeps  VERB    ...             sleep
    <g/>
    .       PUNCT   _               .
    </s>
    </p>
    </doc>

Source: the documentation of Sketch Engine, "Prepare a text corpus"; `cwb-encode -xsB` reads it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from xml.sax.saxutils import escape

from mtag_core.corpus.kept_fields import field_text
from mtag_core.tagging.tagged import TaggedRow

# What would end a line or a column.
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")
_TAKEN = frozenset({"id", "generator"})
_QUOTE = {'"': "&quot;"}


class VerticalWriter:
    """Writes sentences in documents and paragraphs.

    `fields` are the names of the documents' fields; an empty generator is not written.
    """

    def __init__(
        self, stream: BinaryIO, *, has_lemmas: bool, fields: Sequence[str] = (), generator: str = ""
    ) -> None:
        self._stream = stream
        self._has_lemmas = has_lemmas
        self._fields = list(map(attribute_name, fields))
        self._generator = generator
        self._doc_id: str | None = None

    def write(self, row: TaggedRow) -> None:
        """Writes a sentence."""
        lines = [*self._opening(row), *self._sentence(row), ""]
        self._stream.write("\n".join(lines).encode())

    def close(self) -> None:
        """Ends the last document."""
        if self._doc_id is not None:
            self._stream.write(b"</p>\n</doc>\n")

    def _opening(self, row: TaggedRow) -> Iterator[str]:
        is_new = row.index == 0 or row.doc_id != self._doc_id
        if is_new or row.starts_paragraph:
            if self._doc_id is not None:
                yield "</p>"
                yield from ["</doc>"] if is_new else []
            yield from [f"<doc{self._attributes(row)}>"] if is_new else []
            yield "<p>"
        self._doc_id = row.doc_id

    def _attributes(self, row: TaggedRow) -> str:
        attributes = {"id": row.doc_id}
        if self._generator:
            attributes["generator"] = self._generator
        for name, value in zip(self._fields, row.fields, strict=False):
            attributes[name] = "" if value is None else field_text(value)
        return "".join(f" {name}={_value(value)}" for name, value in attributes.items())

    def _sentence(self, row: TaggedRow) -> Iterator[str]:
        sentence = row.tagged.sentence
        yield f"<s id={_value(row.sent_id)} language={_value(sentence.language)}>"
        firsts = {token.first: token for token in sentence.multiword_tokens}
        lasts = {token.last for token in sentence.multiword_tokens}
        end = None
        for index, line in enumerate(self._tokens(row)):
            is_within = end is not None and sentence.starts[index] < end
            if end == sentence.starts[index] and not is_within:
                yield "<g/>"
            if index in firsts:
                yield f"<mwt form={_value(firsts[index].form)}>"
            yield line
            if index in lasts:
                yield "</mwt>"
            end = sentence.ends[index]
        yield "</s>"

    def _tokens(self, row: TaggedRow) -> Iterator[str]:
        tagged = row.tagged
        columns = [tagged.sentence.forms, tagged.upos, tagged.feats]
        if self._has_lemmas:
            columns.append(tagged.lemmas or ("_",) * len(tagged.upos))
        for values in zip(*columns, strict=True):
            yield "\t".join(escape(_BREAKS.sub(" ", value)) for value in values)


def attribute_name(field: str) -> str:
    """A field's name as an attribute of `doc`.

    Example: attribute_name("article.url") -> "article_url"
    """
    name = _NO_NAME.sub("_", field)
    is_taken = name in _TAKEN or not name[0].isalpha()
    return f"field_{name}" if is_taken else name


def _value(text: str) -> str:
    return f'"{escape(_BREAKS.sub(" ", text), _QUOTE)}"'
