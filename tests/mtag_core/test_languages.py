from mtag_core.languages import (
    CODE_TO_LANGUAGE,
    LANGUAGE_NAMES,
    LANGUAGES,
    VARIANT_TO_CODE,
    language_of,
)
from mtag_core.scripts import _SCRIPT_TO_BLOCKS


def test_every_language_has_one_row():
    assert [language.code for language in LANGUAGES] == sorted(CODE_TO_LANGUAGE)
    assert LANGUAGE_NAMES["gd"] == "Scottish Gaelic"


def test_relatives_and_variants_have_rows_of_their_own():
    for language in LANGUAGES:
        named = {language.nearest, *language.variants} - {None}
        assert named <= CODE_TO_LANGUAGE.keys(), language.code
        assert language.nearest != language.code


def test_scripts_have_blocks():
    scripts = {script for language in LANGUAGES for script in language.scripts}
    assert scripts == _SCRIPT_TO_BLOCKS.keys()


def test_written_standards_share_a_code():
    assert VARIANT_TO_CODE == {"nb": "no", "nn": "no"}


def test_a_code_without_a_row_has_the_defaults():
    assert language_of("xx").scripts == ("Latin",)
    assert language_of("xx").spacing == "words"
    assert language_of("xx").nearest is None
