import importlib.util
import sys
from pathlib import Path
from typing import get_args

import pytest

from mtag_core import languages
from mtag_core.errors import UsageError
from mtag_core.labels import load_labels
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import (
    LANGUAGES,
    STANDARD_TO_CODE,
    Language,
    Spacing,
    find_language,
    language_of,
    normalise_language,
    written_standards,
)
from mtag_core.scripts import _SCRIPT_TO_BLOCKS
from mtag_core.tagging.bundle import DEFAULT_BUNDLE


@pytest.mark.parametrize(
    ("called", "code"),
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("fra", "fr"),
        ("fre", "fr"),
        ("fr-FR", "fr"),
        ("fr_CA.UTF-8", "fr"),
        ("french", "fr"),
        (" French ", "fr"),
        ("zho", "zh"),
        ("cmn", "zh"),
        ("zh-Hant-TW", "zh"),
        ("zh-yue", "yue"),
        ("es-419", "es"),
        ("sr-Latn", "sr"),
        ("Norwegian Bokmal", "nb"),
        ("norwegian", "no"),
        ("Farsi", "fa"),
        ("iw", "he"),
        ("mul", "und"),
        ("qtd", "qtd"),
    ],
)
def test_a_language_has_many_names_and_one_code(called, code):
    assert normalise_language(called) == code


@pytest.mark.parametrize(
    ("called", "hint"),
    [
        ("frensh", r"did you mean fr \(French\)\?"),
        ("xx", "known are af am ar"),
        ("fr_sequoia", "did you mean --language fr --treebank_style fr_sequoia"),
        ("zh-xyz", "known are"),
        ("", "known are"),
        ("fr,de", "known are"),
    ],
)
def test_an_unknown_language_is_an_error_with_a_suggestion(called, hint):
    with pytest.raises(UsageError, match=f"language {called!r}: unknown; .*{hint}"):
        normalise_language(called)


def test_a_bundle_may_know_more_languages():
    assert find_language("yo") is None
    assert [find_language(called, more_codes={"yo"}) for called in ("yo", "YO-NG")] == ["yo", "yo"]


def test_no_two_languages_share_a_name_or_a_code():
    called_to_codes = {}
    for code, language in LANGUAGES.items():
        for called in (code, language.name, *language.other_codes, *language.other_names):
            called_to_codes.setdefault(called.casefold(), set()).add(code)
    assert [called for called, codes in called_to_codes.items() if len(codes) > 1] == []


def test_every_language_of_the_shipped_bundle_is_known():
    langid = LanguageIdentifier.load(DEFAULT_BUNDLE / "langid.ftz")
    treebanks = load_labels(DEFAULT_BUNDLE).treebanks
    names = {path.name.split(".")[0] for path in (DEFAULT_BUNDLE / "segmenters").iterdir()}
    segmenters = {name for name in names if "_" not in name} - {"generic"}
    used = {*langid.languages, *segmenters, *(name.split("_")[0] for name in treebanks)}
    assert used <= set(LANGUAGES)
    relatives = {language.relative for language in LANGUAGES.values()} - {None}
    assert relatives <= segmenters


def test_names_are_whole():
    assert LANGUAGES["gd"].name == "Scottish Gaelic"
    assert all(language.name for language in LANGUAGES.values())


def test_scripts_have_blocks():
    scripts = {script for language in LANGUAGES.values() for script in language.scripts}
    assert scripts == _SCRIPT_TO_BLOCKS.keys()


def test_spaces_part_words_unless_the_table_says_so():
    assert {LANGUAGES[code].spacing for code in ("ja", "yue", "zh")} == {"none"}
    assert {language.spacing for language in LANGUAGES.values()} == set(get_args(Spacing))


def test_written_standards_are_put_under_one_code():
    assert written_standards("no") == ("nb", "nn")
    assert set(STANDARD_TO_CODE.values()) <= LANGUAGES.keys()


def test_a_code_without_a_row_has_the_defaults():
    assert language_of("xx") == Language("xx", "xx")


def test_a_row_is_all_that_a_language_needs(tmp_path):
    source = Path(languages.__file__).read_text(encoding="utf-8")
    row = "qu | que quz | Quechua, Runasimi | es | Latin"
    path = tmp_path / "languages.py"
    path.write_text(source.replace("\nrm | roh", f"\n{row}\nrm | roh"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("languages_with_quechua", path)
    assert spec and spec.loader
    added = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        # Dataclasses look their module up.
        patch.setitem(sys.modules, spec.name, added)
        spec.loader.exec_module(added)
    assert find_language("Quechua") is None
    assert {added.find_language(called) for called in ("qu", "que", "Runasimi", "qu-PE")} == {"qu"}
    assert added.language_of("qu").relative == "es"
