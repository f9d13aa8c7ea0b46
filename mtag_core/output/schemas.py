"""The Parquet schema of tagged sentences: a row a sentence, a list a token column.

The names are those of `mtag_core.records.Sentence` and `mtag_core.tagging.tagged.TaggedSentence`.
"""

import pyarrow as pa

# Raised when a column is added, renamed or changes its meaning; part of every run's configuration.
SCHEMA_VERSION = 1

MULTIWORD_TOKEN_TYPE = pa.struct(
    [
        ("first", pa.int32()),
        ("last", pa.int32()),
        ("form", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)

SENTENCE_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("sentence_index", pa.int32(), nullable=False),
        pa.field("sent_id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("forms", pa.list_(pa.string()), nullable=False),
        pa.field("starts", pa.list_(pa.int64()), nullable=False),
        pa.field("ends", pa.list_(pa.int64()), nullable=False),
        pa.field("upos", pa.list_(pa.string()), nullable=False),
        pa.field("feats", pa.list_(pa.string()), nullable=False),
        pa.field("upos_scores", pa.list_(pa.float32()), nullable=False),
        pa.field("second_upos", pa.list_(pa.string()), nullable=False),
        pa.field("feats_scores", pa.list_(pa.float32()), nullable=False),
        pa.field("multiword_tokens", pa.list_(MULTIWORD_TOKEN_TYPE), nullable=False),
    ],
    metadata={"mtag.schema": "tagged-sentences", "mtag.schema_version": str(SCHEMA_VERSION)},
)
