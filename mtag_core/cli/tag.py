"""`tag`: tags a text, a file or standard input."""

import argparse
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mtag_core import storage
from mtag_core.corpus.sniffing import sniffed
from mtag_core.errors import FormatError, UsageError
from mtag_core.options import Flags, group, option
from mtag_core.records import Sentence
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.bundle import BUNDLE_HELP
from mtag_core.tagging.tagged import TaggedSentence, visible
from mtag_core.treebank_style import unused_styles

_CHUNK_BYTES = 2**20
_FORMATS = ("table", "conllu")
# Wide enough for the longest bundles; narrower terminals fold the cells.
_TABLE_COLUMNS = ("token", "UPOS", "FEATS", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOptions:
    """Options of `tag`."""

    text: str | None = option(
        "the text; standard input for `-` or none", None, is_positional=True, section="input"
    )
    file: str | None = option(
        "a text file, path or URL, instead", None, metavar="FILE", section="input"
    )
    allow_redirects: bool = option(
        "follow a server that sends us to another host for a file", False, section="input"
    )
    bundle: str | None = option(BUNDLE_HELP, None, metavar="DIR", section="model")
    tagger: TaggerOptions = group(section="languages")
    format: str | None = option(
        "table for a text, conllu for files if left out", None, choices=_FORMATS, section="output"
    )


_FLAGS = Flags(TagOptions)
add_arguments = _FLAGS.add_to


def run(args: argparse.Namespace) -> int:
    """Tags and prints."""
    options = _FLAGS.parse(args)
    if options.text is not None and options.file is not None:
        raise UsageError("give either a text or --file FILE, not both")
    if options.text == "-":
        options = replace(options, text=None)
    access = replace(storage.http_access(), allow_redirects=options.allow_redirects)
    storage.use_http_access(access)
    text = _text(options)
    # Opening the model takes half a second: what is wrong with the call is said before.
    from mtag_core.tagging.tagger import Tagger

    tagger = Tagger.load(options.bundle, **asdict(options.tagger))
    languages: set[str] = set()
    sentences = _noted(tagger.segment(text), languages)
    tagged = (tagged for _, tagged in tagger.tag_stream((None, s) for s in sentences))
    if (options.format or ("conllu" if options.text is None else "table")) == "conllu":
        for index, sentence in enumerate(tagged, start=1):
            print(f"# sent_id = {index}\n{sentence}")
    else:
        _print_tables(tagged)
    for name in unused_styles(options.tagger.treebank_style, languages=languages):
        found = ", ".join(sorted(languages)) or "none"
        message = f"--treebank_style {name} changed nothing: no sentence is in its language"
        print(f"mtag: {message}, found: {found}; --language names it", file=sys.stderr)
    return 0


def _noted(sentences: Iterable[Sentence], languages: set[str]) -> Iterator[Sentence]:
    for sentence in sentences:
        languages.add(sentence.language)
        yield sentence


def _text(options: TagOptions) -> str:
    if options.text is not None:
        if len(options.text) < 256 and Path(options.text).is_file():
            print(f"mtag: to tag the file's content: --file {options.text}", file=sys.stderr)
        return options.text
    if options.file is not None:
        return _decoded(storage.read_bytes(options.file), source=options.file)
    if sys.stdin.isatty():
        raise UsageError('give a text in quotes, --file FILE, or pipe a text: tag "Hello world."')
    return _decoded(sys.stdin.buffer.read(), source="standard input")


def _decoded(data: bytes, *, source: str) -> str:
    stream = sniffed(io.BytesIO(data))
    try:
        plain = b"".join(iter(lambda: stream.read(_CHUNK_BYTES), b""))
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {plain[error.start]:#04x} at offset {error.start}"
        raise FormatError(f"{source}: {place}, expected UTF-8") from error
    except FormatError as error:
        raise FormatError(f"{source}: {error}") from error


def _print_tables(sentences: Iterable[TaggedSentence]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for sentence in sentences:
        title = f"{visible(sentence.text)}  [{sentence.sentence.language}]"
        table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
        form, *tags = _TABLE_COLUMNS
        for column in (form, "lemma", *tags) if sentence.lemmas else _TABLE_COLUMNS:
            table.add_column(column, justify="right" if column == "score" else "left")
        for token in sentence:
            feats = "" if token.feats == "_" else token.feats.replace("|", " ")
            words = map(visible, filter(None, (token.form, token.lemma)))
            cells = (*words, token.upos, feats, f"{token.upos_score:.2f}")
            # As Text, so that square brackets in a form are no markup.
            table.add_row(*map(Text, cells))
        console.print(table)
        console.print()
