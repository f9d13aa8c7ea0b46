"""spaCy as a system to measure, in a Python of its own: `benchmarks.raw_cpu` talks to it.

Needs nothing of mtag. For each line on standard input it tags the text for some CPU seconds and
prints words per CPU second. Only what tagging needs is run: tok2vec, morphologizer and the rules
that complete the tags; sentences come from a rule, not from the parser.

    PYTHON benchmarks/spacy_worker.py MODEL TEXT SECONDS
"""

import sys
import time

import spacy


def main() -> None:
    """Answers each line with a measurement."""
    model, path, seconds = sys.argv[1:]
    pipeline = spacy.load(model, exclude=["parser", "ner", "lemmatizer"])
    pipeline.add_pipe("sentencizer")
    with open(path, encoding="utf-8") as stream:
        documents = stream.read().removesuffix("\n").split("\n")
    n_words = sum(len(document.split()) for document in documents)
    for _ in sys.stdin:
        started_s, n_done = time.process_time(), 0
        while time.process_time() - started_s < float(seconds):
            for _ in pipeline.pipe(documents):
                pass
            n_done += n_words
        print(n_done / (time.process_time() - started_s), flush=True)


if __name__ == "__main__":
    main()
