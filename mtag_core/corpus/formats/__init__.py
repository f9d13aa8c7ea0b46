"""The formats of inputs, one module each; `mtag_core.corpus.registry` knows them all."""
