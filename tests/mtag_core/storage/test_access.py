"""None"""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mtag_core import storage
from mtag_core.errors import InputNotFoundError, LockHeldError, StorageError
from mtag_core.storage import create_text, open_text

TEXT = "één\u2028regel\r\ntwee\n"
_COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def test_reading_starts_where_asked(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    with storage.open_read(str(path), start=7) as stream:
        assert stream.read() == b"789"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"/no: no such file"):
        storage.open_read(str(tmp_path / "no"))


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(StorageError, match="not a regular file"):
        storage.stat(str(tmp_path))


def test_a_version_changes_with_the_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    os.utime(path, ns=(1, 1))
    before = storage.stat(str(path))
    path.write_bytes(b"2")
    assert storage.stat(str(path)).version != before.version


def test_a_written_file_appears_whole_with_its_directories(tmp_path):
    path = tmp_path / "b" / "c" / "a"
    with storage.atomic_writer(str(path)) as stream:
        stream.write(b"x")
        assert not path.exists()
    assert path.read_bytes() == b"x"
    assert [entry.name for entry in path.parent.iterdir()] == ["a"]


def test_nothing_appears_when_writing_fails(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(KeyError), storage.atomic_writer(str(path)) as stream:
        stream.write(b"x")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


KILLED_WRITER = """
import os, signal, sys
from mtag_core import storage
with storage.atomic_writer(sys.argv[1]) as stream:
    stream.write(b"half of it" * 100000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_not_listed_and_goes_with_the_next(tmp_path):
    command = [sys.executable, "-c", KILLED_WRITER, str(tmp_path / "a")]
    subprocess.run(command, timeout=60, cwd=Path(__file__).parents[3])
    assert len(os.listdir(tmp_path)) == 1
    assert storage.list_dir(str(tmp_path)) == []
    with storage.atomic_writer(str(tmp_path / "a")) as stream:
        stream.write(b"x")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"x")]


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = str(tmp_path / "a")
    with storage.atomic_writer(path) as first:
        first.write(b"one" * 10)
        with storage.atomic_writer(path) as second:
            second.write(b"two")
        assert storage.read_bytes(path) == b"two"
        first.write(b"!")
    assert storage.read_bytes(path) == b"one" * 10 + b"!"
    assert os.listdir(tmp_path) == ["a"]


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path):
    path = str(tmp_path / "a")

    def write(letter):
        for _ in range(50):
            with storage.atomic_writer(path) as stream:
                stream.write(letter * 1000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [b"a", b"b", b"c", b"d"]))
    assert len(set(storage.read_bytes(path))) == 1
    assert len(storage.read_bytes(path)) == 1000
    assert os.listdir(tmp_path) == ["a"]


def test_deleting_twice_is_no_error(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    storage.delete(str(path))
    storage.delete(str(path))
    assert not storage.exists(str(path))


def test_file_urls_are_local_paths(tmp_path):
    (tmp_path / "a b").write_bytes(b"x")
    assert storage.read_bytes(f"file://{tmp_path}/a%20b") == b"x"


def test_names_join_to_paths_and_urls():
    assert storage.join("a", "b", "c") == os.path.join("a", "b", "c")
    assert storage.join("s3://bucket/a/", "b") == "s3://bucket/a/b"


def test_leftovers_of_killed_writers_are_deleted_and_files_in_work_are_not(tmp_path):
    (tmp_path / ".old.mtag-tmp").write_bytes(b"half")
    (tmp_path / ".mine").write_bytes(b"not ours")
    with storage.atomic_writer(str(tmp_path / "a")) as stream:
        stream.write(b"in work")
        assert storage.delete_leftovers(str(tmp_path)) == 1
    assert sorted(os.listdir(tmp_path)) == [".mine", "a"]


def test_a_copy_has_the_content_and_takes_the_place_of_a_file(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    target = tmp_path / "folder" / "copy"
    for name in ("one", "two", "two"):
        storage.copy(str(tmp_path / name), str(target))
        assert target.read_text() == name
        assert os.listdir(target.parent) == ["copy"]
    storage.delete(str(tmp_path / "two"))
    assert target.read_text() == "two"
    with pytest.raises(InputNotFoundError):
        storage.copy(str(tmp_path / "none"), str(target))
    assert target.read_text() == "two"


def test_an_absent_directory_has_no_leftovers(tmp_path):
    assert storage.delete_leftovers(str(tmp_path / "no")) == 0
    assert storage.delete_leftovers("s3://bucket/folder") == 0


def test_a_lock_can_be_held_once(tmp_path):
    path = str(tmp_path / "lock")
    with storage.exclusive(path):
        with pytest.raises(LockHeldError, match="held by another process"), storage.exclusive(path):
            pass
        assert storage.exists(path)
    with storage.exclusive(path):
        pass


def test_a_lock_leaves_nothing_behind(tmp_path):
    with storage.exclusive(str(tmp_path / "new" / "deep" / "lock")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_leaves_what_others_made(tmp_path):
    with storage.exclusive(str(tmp_path / "new" / "lock")):
        (tmp_path / "new" / "file").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_an_error_in_a_locked_block_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="mine"), storage.exclusive(str(tmp_path / "lock")):
        raise FileNotFoundError("mine")


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


def test_a_missing_text_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"no\.txt\.xz"), open_text(tmp_path / "no.txt.xz"):
        pass


def test_a_lock_in_what_is_a_file_says_so(tmp_path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="out: a file; expected a folder"):
        with storage.exclusive(str(tmp_path / "out" / ".lock")):
            pass
