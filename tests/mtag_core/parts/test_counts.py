from mtag_core.parts.counts import ProgressFile, Tally, read_progress


def test_the_totals_of_all_workers_are_added(tmp_path):
    for n_tokens in (5, 7):
        ProgressFile(str(tmp_path)).finish(Tally(1, 0, 2, n_tokens, 100, 1))
    assert read_progress(str(tmp_path)) == Tally(2, 0, 4, 12, 200, 2)


def test_the_item_in_work_is_shown_on_top_of_the_finished_ones(tmp_path):
    progress = ProgressFile(str(tmp_path))
    progress.show(Tally(n_tokens=3))
    assert read_progress(str(tmp_path)).n_tokens == 3
    progress.finish(Tally(n_tokens=10))
    assert read_progress(str(tmp_path)).n_tokens == 10


def test_shows_no_more_than_now_and_then(tmp_path):
    progress = ProgressFile(str(tmp_path))
    progress.show(Tally(n_tokens=3))
    progress.show(Tally(n_tokens=4))
    assert read_progress(str(tmp_path)).n_tokens == 3


def test_a_folder_that_is_gone_disturbs_nobody(tmp_path):
    progress = ProgressFile(str(tmp_path / "gone"))
    progress.finish(Tally(n_tokens=3))
    assert read_progress(str(tmp_path / "gone")) == Tally()


def test_a_file_that_is_half_written_is_left_out(tmp_path):
    (tmp_path / "1-a.json").write_text('{"n_tok', "utf-8")
    assert read_progress(str(tmp_path)) == Tally()
