"""The formats of inputs: `mtag_core.corpus.registry` finds the `FORMATS` of each module."""
