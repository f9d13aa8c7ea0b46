import pytest

from mtag_core import storage
from mtag_core.errors import InputNotFoundError
from mtag_core.storage.listing import glob_regex


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
