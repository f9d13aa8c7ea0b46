import lzma

import pytest

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.treebanks import text_files
from mtag_core.training.langid import count_language_words


def test_plain_and_compressed_texts_give_the_same_words(tmp_path):
    plain, compressed = tmp_path / "plain", tmp_path / "compressed"
    plain.mkdir()
    compressed.mkdir()
    for code, line in (("en", "the cat and the dog\n"), ("de", "der Hund und die Katze\n")):
        (plain / f"{code}.txt").write_text(20 * line)
        with lzma.open(compressed / f"{code}.txt.xz", "wt") as sink:
            sink.write(20 * line)
    contents = []
    for directory in (plain, compressed):
        words = count_language_words(directory, {})
        words.save(tmp_path / "words.npz")
        contents.append((tmp_path / "words.npz").read_bytes())
    assert contents[0] == contents[1]
    assert text_files(plain) == {name: plain / f"{name}.txt" for name in ("de", "en")}


def test_directory_without_text_is_an_error(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"no \*.txt or \*.txt.xz file"):
        text_files(tmp_path)
