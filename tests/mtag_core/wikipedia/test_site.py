import pytest

from mtag_core.wikipedia import read_site
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
