import fcntl
import os
import tempfile
import time
from pathlib import Path

import pytest

from pipelines.run_folder import delete_stale_folders, run_folder, running_path


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_of_a_run_are_inside_its_folder(temporary):
    with run_folder():
        inside = Path(tempfile.mkdtemp(prefix="beam-pipeline-temp"))
        assert os.environ["TMPDIR"] == str(inside.parent)
    assert inside.parent.parent == temporary
    assert tempfile.gettempdir() == str(temporary)


def test_the_file_that_workers_watch_is_gone_at_the_end(temporary):
    with run_folder():
        watched = Path(str(running_path()))
        assert watched.exists()
    assert not watched.exists()
    assert running_path() is None


def test_a_folder_of_a_process_that_is_gone_is_removed(temporary):
    (temporary / "mtag-run-old" / "mtag-progress-1").mkdir(parents=True)
    (temporary / "mtag-run-old" / "running").touch()
    with run_folder():
        assert not (temporary / "mtag-run-old").exists()


def test_a_folder_of_a_run_that_is_on_stays(temporary):
    (temporary / "mtag-run-on").mkdir()
    with open(temporary / "mtag-run-on" / "running", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        delete_stale_folders()
        assert (temporary / "mtag-run-on" / "running").exists()


@pytest.mark.parametrize(("age_s", "is_there"), [(0, True), (7200, False)])
def test_a_folder_without_a_lock_stays_while_it_may_be_new(temporary, age_s, is_there):
    folder = temporary / "mtag-run-new"
    folder.mkdir()
    os.utime(folder, (time.time() - age_s,) * 2)
    delete_stale_folders()
    assert folder.exists() == is_there


def test_folders_of_others_and_links_stay(temporary):
    (temporary / "target").mkdir()
    (temporary / "target" / "running").touch()
    (temporary / "mtag-run-link").symlink_to(temporary / "target")
    (temporary / "beam-pipeline-temp1").mkdir()
    delete_stale_folders()
    assert (temporary / "target" / "running").exists()
    assert (temporary / "beam-pipeline-temp1").exists()
