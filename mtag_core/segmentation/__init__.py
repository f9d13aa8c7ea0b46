"""Splits raw text into sentences and tokens with character offsets."""

from mtag_core.segmentation.segmenter import Segmenter

__all__ = ["Segmenter"]
