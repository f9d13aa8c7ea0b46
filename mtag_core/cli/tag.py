"""`tag`: tags a text, a file or standard input."""

import argparse
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mtag_core import storage
from mtag_core.conventions import split_names, unused_conventions
from mtag_core.corpus.sniffing import SniffedStream
from mtag_core.errors import FormatError, UsageError
from mtag_core.output.visible import visible
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import TaggedSentence

_CHUNK_BYTES = 2**20
_FORMATS = ("table", "conllu")
# Wide enough for the longest bundles; narrower terminals fold the cells.
_TABLE_COLUMNS = ("token", "UPOS", "FEATS", "score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("text", nargs="?", help="the text; standard input where it is left out")
    parser.add_argument("--file", metavar="FILE", help="a UTF-8 text file, path or URL, instead")
    parser.add_argument("--bundle", metavar="DIR", help="the model; default: the shipped one")
    parser.add_argument(
        "--language",
        metavar="CODE",
        help="such as fr, fr-FR or French; default: found for each line",
    )
    parser.add_argument(
        "--conventions",
        action="append",
        default=[],
        metavar="TREEBANK",
        help="tag the treebank's language as it does, such as pl_lfg; several with commas",
    )
    parser.add_argument(
        "--format", choices=_FORMATS, help="default: table for a text, conllu for files"
    )


def run(args: argparse.Namespace) -> int:
    """Tags and prints."""
    if args.text is not None and args.file is not None:
        raise UsageError("give either a text or --file FILE, not both")
    conventions = split_names(args.conventions) if args.conventions else ()
    text = _text(args)
    # Opening the model takes half a second: what is wrong with the call is said before.
    from mtag_core.tagging.tagger import Tagger

    tagger = Tagger.load(args.bundle, conventions=conventions)
    languages: set[str] = set()
    sentences = _noted(tagger.segment(text, args.language), languages)
    tagged = (tagged for _, tagged in tagger.tag_stream((None, s) for s in sentences))
    if (args.format or ("conllu" if args.text is None else "table")) == "conllu":
        for index, sentence in enumerate(tagged, start=1):
            print(f"# sent_id = {index}\n{sentence}")
    else:
        _print_tables(tagged)
    for name in unused_conventions(conventions, languages=languages):
        found = ", ".join(sorted(languages)) or "none"
        message = f"--conventions {name} changed nothing: no sentence is in its language"
        print(f"mtag: {message}, found: {found}; --language names it", file=sys.stderr)
    return 0


def _noted(sentences: Iterable[Sentence], languages: set[str]) -> Iterator[Sentence]:
    for sentence in sentences:
        languages.add(sentence.language)
        yield sentence


def _text(args: argparse.Namespace) -> str:
    """Reads what is to be tagged."""
    if args.text is not None:
        if len(args.text) < 256 and Path(args.text).is_file():
            print(f"mtag: to tag the file's content: --file {args.text}", file=sys.stderr)
        return str(args.text)
    if args.file is not None:
        return _decoded(storage.read_bytes(args.file), source=args.file)
    if sys.stdin.isatty():
        raise UsageError('give a text in quotes, --file FILE, or pipe a text: tag "Hello world."')
    return _decoded(sys.stdin.buffer.read(), source="standard input")


def _decoded(data: bytes, *, source: str) -> str:
    """Decodes UTF-8, or UTF-16 and UTF-32 with a byte order mark; compressed text, too."""
    stream = SniffedStream(io.BytesIO(data))
    try:
        plain = b"".join(iter(lambda: stream.read(_CHUNK_BYTES), b""))
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {plain[error.start]:#04x} at offset {error.start}"
        raise FormatError(f"{source}: {place}, expected UTF-8") from error
    except FormatError as error:
        raise FormatError(f"{source}: {error}") from error


def _print_tables(sentences: Iterable[TaggedSentence]) -> None:
    """Prints a table a sentence."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for sentence in sentences:
        title = f"{visible(sentence.text)}  [{sentence.sentence.language}]"
        table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
        for column in _TABLE_COLUMNS:
            table.add_column(column, justify="right" if column == "score" else "left")
        for token in sentence:
            feats = "" if token.feats == "_" else token.feats.replace("|", " ")
            cells = (visible(token.form), token.upos, feats, f"{token.upos_score:.2f}")
            # As Text, so that square brackets in a form are no markup.
            table.add_row(*map(Text, cells))
        console.print(table)
        console.print()
