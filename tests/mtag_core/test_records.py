import pickle

import pytest

from mtag_core.records import Block, Document, MultiwordToken, Sentence
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.tagging.windows import EncodedSentence, Window

_DU = MultiwordToken(0, 1, "du", 3, 5)
_SENTENCE = Sentence("du", 3, 5, "fr", ("de", "le"), (3, 3), (5, 5), (_DU,), "s1", False, "fr_gsd")
_TAGGED = TaggedSentence(_SENTENCE, ("ADP", "DET"), ("_", "_"), (0.5, 1.0), ("X", "X"), (1.0, 0.5))
_ENCODED = EncodedSentence(_SENTENCE, [Window(("de", "le"), 0, 2, 7)])
_BLOCK = Block(Document("d", "A du", "in.txt"), 4, (_TAGGED,), is_last=True)


@pytest.mark.parametrize("record", [_SENTENCE, _TAGGED, _ENCODED, _BLOCK])
def test_a_record_pickles(record):
    assert pickle.loads(pickle.dumps(record)) == record
