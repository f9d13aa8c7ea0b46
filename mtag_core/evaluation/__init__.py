"""The CoNLL 2018 metric: scores of a system against gold annotation."""

from mtag_core.evaluation.annotation import Annotation, load_annotation, parse_annotation
from mtag_core.evaluation.metrics import Score, score

__all__ = ["Annotation", "Score", "load_annotation", "parse_annotation", "score"]
