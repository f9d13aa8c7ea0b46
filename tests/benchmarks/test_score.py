from typing import Any

from benchmarks.paper.score import EncoderTagger, bundle_segmenter
from mtag_core.evaluation.treebanks import EvaluationOptions, evaluate_file
from mtag_core.tagging.bundle import DEFAULT_BUNDLE


class FakeTeacher:
    """Says the truth when told the treebank; counts its calls."""

    n_calls = 0

    def best_labels(self, sentences, *, treebank=None):
        self.n_calls += 1
        upos = "X" if treebank is None else "VERB"
        return [((upos,) * len(forms), ("_",) * len(forms)) for forms in sentences]


def upos_f1(path, tagger, **options):
    return evaluate_file(str(path), tagger, EvaluationOptions(**options)).scores["UPOS"].f1


def test_an_encoder_is_told_the_treebank_of_gold_and_of_raw_text(tmp_path):
    path = tmp_path / "fr_own-ud-test.conllu"
    path.write_text("1\tchante\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n" * 2)
    teacher: Any = FakeTeacher()
    tagger = EncoderTagger(teacher, bundle_segmenter(DEFAULT_BUNDLE), treebanks=("fr_own",))
    raw = {"raw": True, "segmenter": "language"}
    assert upos_f1(path, tagger) == upos_f1(path, tagger, **raw) == 0
    assert upos_f1(path, tagger, gold_treebank=True) == 1
    assert upos_f1(path, tagger, **raw, gold_treebank=True) > 0
    assert teacher.n_calls == 4
