from mtag_core.training.segmenters.joining import joined

_BLANK = "\t_" * 4
_SPOKEN = f"# text = va au\n1\tva{_BLANK}\t2\tdep\t_\t_\n2-3\tau{_BLANK}\t_\t_\t_\t_\n"
_SPOKEN += f"2\tà{_BLANK}\t0\troot\t_\t_\n3\tle{_BLANK}\t2\tdep\t_\t_\n3.1\tx{_BLANK}\t_\t_\t_\t_"
_CLOSED = f"1\tOui{_BLANK}\t0\troot\t_\t_\n2\t!{_BLANK}\t1\tpunct\t_\t_"


def _columns(sentence):
    return [tuple(line.split("\t")[:2]) for line in sentence.splitlines()]


def test_sentences_without_a_closing_mark_are_joined_to_the_next():
    long, short = joined([_SPOKEN, _CLOSED, _CLOSED])
    ids = [("1", "va"), ("2-3", "au"), ("2", "à"), ("3", "le"), ("4", "Oui"), ("5", "!")]
    assert _columns(long) == ids
    assert _columns(short) == [("1", "Oui"), ("2", "!")]


def test_a_mark_before_a_small_letter_ends_nothing():
    assert [len(_columns(sentence)) for sentence in joined([_CLOSED, _SPOKEN])] == [6]


def test_a_tweet_of_two_sentences_is_cut():
    (tweet, *_) = joined([_SPOKEN, _CLOSED.replace("Oui", "oui")])
    tweet += f"\n6-7\tAux{_BLANK}\t_\t_\t_\t_\n6\tÀ{_BLANK}\t_\t_\t_\t_\n7\tles{_BLANK}\t_\t_\t_\t_"
    _, second = joined([tweet, _SPOKEN])
    ids = [("1-2", "Aux"), ("1", "À"), ("2", "les"), ("3", "va"), ("4-5", "au"), ("4", "à")]
    assert _columns(second) == [*ids, ("5", "le")]


def test_joined_rows_have_no_syntax_that_would_point_elsewhere():
    (sentence,) = joined([_SPOKEN])
    assert {tuple(line.split("\t")[6:9]) for line in sentence.splitlines()} == {("_", "_", "_")}
