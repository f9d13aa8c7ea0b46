import bz2
import gzip
import lzma

import pytest

from mtag_core.errors import InputNotFoundError
from mtag_core.storage import create_text, open_text

TEXT = "één\u2028regel\r\ntwee\n"
_COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", _COMPRESS)
def test_text_is_read_as_its_name_says(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(_COMPRESS[suffix](TEXT.encode()))
    with open_text(path) as lines:
        assert list(lines) == ["één\u2028regel\n", "twee\n"]
    with open_text(str(path), newline="\n") as lines:
        assert list(lines) == ["één\u2028regel\r\n", "twee\n"]


@pytest.mark.parametrize("suffix", _COMPRESS)
def test_what_is_written_is_read_again(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    with create_text(path) as sink:
        sink.writelines(["één\n", "twee\n"])
    with open_text(path) as lines:
        assert lines.read() == "één\ntwee\n"


def test_a_file_appears_when_it_is_whole(tmp_path):
    with pytest.raises(ZeroDivisionError), create_text(tmp_path / "a.txt.xz") as sink:
        sink.write("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"no\.txt\.xz"), open_text(tmp_path / "no.txt.xz"):
        pass
