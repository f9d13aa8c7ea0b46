"""None"""

import os

import pytest

from mtag_core import storage
from mtag_core.errors import InputNotFoundError, StorageError
from mtag_core.storage import split_patterns
from mtag_core.storage.listing import glob_regex
from tests.mtag_core.storage.test_http import serve


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/deep/d.txt", "x[1].txt", ".hidden/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(folder, *patterns):
    files = storage.list_files([str(folder / pattern) for pattern in patterns])
    return [file.path.removeprefix(f"{folder}/") for file in files]


def test_a_glob_is_sorted(folder):
    assert names(folder, "*.txt") == ["a.txt", "b.txt", "x[1].txt"]


def test_two_stars_match_any_depth(folder):
    assert names(folder, "**/?.txt") == ["a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt"]


def test_a_directory_means_all_below_it_but_hidden_names(folder):
    assert names(folder, "") == ["a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt", "x[1].txt"]


def test_a_path_with_brackets_is_a_path_first(folder):
    assert names(folder, "x[1].txt") == ["x[1].txt"]


def test_a_file_matched_twice_is_listed_once(folder):
    assert names(folder, "a.txt", "*.txt").count("a.txt") == 1


def test_the_pattern_that_matches_nothing_is_named(folder):
    with pytest.raises(InputNotFoundError, match=r"/\*\.xml: no file matches"):
        names(folder, "*.txt", "*.xml")


MARKERS = (
    "_SUCCESS",
    "_metadata",
    "_started_123",
    "_committed_123",
    ".part-0.crc",
    "part-0.crc",
    "_delta_log/0.json",
    "_delta_log/0.crc",
    "_temporary/0/part-0.txt",
    "_spark_metadata/0",
    "sub_$folder$",
    "x.txt._COPYING_",
)


def test_markers_of_other_programs_are_left_out(tmp_path):
    kept = ["_intro.txt", "_metadata.txt", "day=1/part-0.txt", "SUCCESS"]
    for name in (*MARKERS, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in ("", "**", "**/*"):
        assert names(tmp_path, pattern) == sorted(kept)
    assert names(tmp_path, "*") == sorted(name for name in kept if "/" not in name)


def test_what_is_named_is_listed_all_the_same(folder):
    (folder / "_SUCCESS").touch()
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / "0.json").touch()
    assert names(folder, "_SUCCESS") == ["_SUCCESS"]
    assert names(folder, "_delta_log/*.json") == ["_delta_log/0.json"]
    assert names(folder, ".hidden/*.txt", ".*/*.txt") == [".hidden/e.txt"]


def test_links_to_directories_are_followed_by_wildcards_but_in_no_circle(folder):
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "sub" / "again").symlink_to(folder / "sub")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "f.txt").touch()
    (folder / "link").symlink_to(elsewhere)
    assert names(folder, "**/[cf].txt") == ["link/f.txt", "sub/c.txt"]


def test_a_file_that_cannot_be_looked_at_has_no_size(folder):
    (folder / "circle").symlink_to("circle")
    (folder / "nowhere").symlink_to("no such file")
    for pattern in ("", "*"):
        files = storage.list_files([str(folder / pattern)])
        sizes = {file.path.rpartition("/")[2]: file.size for file in files}
        assert sizes["circle"] == sizes["nowhere"] == storage.UNKNOWN_SIZE
        assert sizes["a.txt"] == 5


def test_a_file_behind_a_closed_door_has_no_size(folder, monkeypatch):
    def stat(path, *arguments, **keywords):
        if path.endswith("b.txt"):
            raise PermissionError(13, "Permission denied")
        return os_stat(path, *arguments, **keywords)

    os_stat = os.stat
    monkeypatch.setattr(os, "stat", stat)
    files = storage.list_files([str(folder / "*.txt")])
    assert [file.size for file in files] == [5, storage.UNKNOWN_SIZE, 8]


@pytest.mark.parametrize("pattern", ["", "**/*.txt", "*/*.txt", "sub/*.txt"])
def test_a_directory_that_cannot_be_read_is_named(folder, monkeypatch, pattern):
    def scandir(path):
        if str(path).rstrip("/").endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return os_scandir(path)

    os_scandir = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(StorageError, match=r"/sub/?: cannot be listed: Permission denied"):
        names(folder, pattern)


def test_a_path_that_is_none_matches_nothing(folder):
    for pattern in ("a.txt/b", "x" * 5000, "no/*.txt", "a.txt/*"):
        with pytest.raises(InputNotFoundError, match="no file matches"):
            names(folder, pattern)


def test_size_is_told(folder):
    assert storage.list_files([str(folder / "a.txt")])[0].size == 5


def test_list_dir_is_flat_and_empty_when_absent(folder):
    assert [f.path for f in storage.list_dir(str(folder / "sub"))] == [str(folder / "sub/c.txt")]
    assert storage.list_dir(str(folder / "no")) == []


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("s3://b/*.txt", "s3://b/a.txt", True),
        ("s3://b/*.txt", "s3://b/c/a.txt", False),
        ("s3://b/**/*.txt", "s3://b/a.txt", True),
        ("s3://b/**/*.txt", "s3://b/c/d/a.txt", True),
        ("s3://b/**", "s3://b/c/d/a.txt", True),
        ("s3://b/?[!x-z].t", "s3://b/aa.t", True),
        ("s3://b/?[!x-z].t", "s3://b/ay.t", False),
        ("s3://b/a+b*", "s3://b/a+bc", True),
    ],
)
def test_object_patterns(pattern, path, is_match):
    assert bool(glob_regex(pattern).fullmatch(path)) is is_match


@pytest.fixture
def names_with_commas(tmp_path, monkeypatch):
    for name in ("Berg, Tal.txt", "a.txt", "b.txt", "a,b/c,d.txt", "1,2,3.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("a.txt,b.txt", ["a.txt", "b.txt"]),
        ("Berg, Tal.txt", ["Berg, Tal.txt"]),
        ("Berg, T*.txt", ["Berg, T*.txt"]),
        ("a.txt,Berg, Tal.txt,b.txt", ["a.txt", "Berg, Tal.txt", "b.txt"]),
        ("1,2,3.txt,a.txt", ["1,2,3.txt", "a.txt"]),
        ("a,b", ["a,b"]),
        ("a,b/", ["a,b/"]),
        ("a,b/*.xml", ["a,b/*.xml"]),
        ("a,b/c,d.txt,no.txt", ["a,b/c,d.txt", "no.txt"]),
        ("no,such", ["no", "such"]),
        (",a.txt,,", ["a.txt"]),
        ("", []),
    ],
)
def test_commas_part_patterns_but_not_names(names_with_commas, value, patterns):
    assert list(split_patterns([value])) == patterns


def test_a_url_may_hold_a_comma():
    with serve(files={"/a,b.txt": b"x", "/c.txt": b"y"}) as (_, url):
        assert split_patterns([f"{url}/a,b.txt"]) == (f"{url}/a,b.txt",)
        joined = f"{url}/c.txt,{url}/a,b.txt"
        assert split_patterns([joined]) == (f"{url}/c.txt", f"{url}/a,b.txt")


def test_a_pipe_that_is_named_is_an_error_that_says_so(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="pipe: a pipe or device; expected a file or folder"):
        storage.list_files([str(tmp_path / "pipe")])
