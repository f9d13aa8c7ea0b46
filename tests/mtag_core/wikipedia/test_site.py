import pytest

from mtag_core.wikipedia.site import declared_encoding, is_known, keeps_ascii, read_site
from tests.mtag_core.wikipedia.dumps import HEAD


def head(language: str = "", name: str = "", base: str = "") -> bytes:
    attribute = f' xml:lang="{language}"' if language else ""
    return (
        f"<mediawiki{attribute}>\n<siteinfo><dbname>{name}</dbname><base>{base}</base>"
        '<namespaces><namespace key="1">Discuter &amp; c</namespace></namespaces></siteinfo>'
    ).encode()


@pytest.mark.parametrize(
    ("xml", "language"),
    [
        (head("fr"), "fr"),
        (head("zh-Hant"), "zh"),
        (head("", "brwiki"), "br"),
        (head("", "be_x_oldwiki"), "be"),
        (head("", "simplewiktionary"), "en"),
        (head("", "commonswiki"), None),
        (head("", "tmp-wp", "https://ltg.wikipedia.org/wiki/X"), "ltg"),
        (head("sr", "enwiki", "https://de.wikipedia.org/wiki/X"), "sr"),
        (b'<mediawiki version="0.3" xml:lang="eo"><page>', "eo"),
        (b"<page>", None),
    ],
)
def test_language_is_what_the_dump_states_first(xml: bytes, language: str | None):
    assert read_site(xml).language == language


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("/data/eowiki-2023-pages.xml.bz2", "eo"),
        ("s3://b/zh_min_nanwiki.xml", "nan"),
        ("a.xml", None),
    ],
)
def test_language_is_in_the_files_name_where_the_dump_says_nothing(name: str, language: str | None):
    assert read_site(b"<page>", name=name).language == language


@pytest.mark.parametrize(
    ("title", "number"),
    [("Heron", 0), ("Diskuto:Heron", 0), ("Aro:X", 14), ("talk:X", 1), ("Bildo talk:X", 0)],
)
def test_namespaces_are_the_dumps_and_the_common_ones(title: str, number: int):
    assert read_site(HEAD.encode()).namespace_of(title) == number


def test_names_with_entities_are_read():
    assert read_site(head()).namespace_of("Discuter & c:X") == 1


def test_links_that_show_nothing_have_the_wikis_names():
    assert {"bildo", "aro", "file"} <= read_site(HEAD.encode()).silent_names


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_encodings_are_known_by_their_first_bytes(encoding: str):
    head = '<?xml version="1.0"?><mediawiki>'.encode(encoding)
    assert head.decode(declared_encoding(head)).endswith("<mediawiki>")


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        (b"<mediawiki>", "utf-8"),
        (b'<?xml version="1.0"?>', "utf-8"),
        (b"<?xml version='1.0' encoding='ISO-8859-2' ?>", "iso-8859-2"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>', "utf-8"),
        (b'<?xml version="1.0" encoding="UTF-16"?>', "utf-8"),
        (b'<?xml version="1.0" encoding="x-none"?>', "x-none"),
    ],
)
def test_declarations_are_read_unless_the_bytes_contradict(declaration: bytes, encoding: str):
    assert declared_encoding(declaration) == encoding


def test_only_encodings_of_text_are_known():
    names = ("koi8-r", "x-none", "base64", "x\0y")
    assert [is_known(name) for name in names] == [True, False, False, False]


def test_files_are_cut_in_encodings_that_keep_ascii():
    assert [keeps_ascii(name) for name in ("koi8-r", "big5", "utf-16")] == [True, True, False]
