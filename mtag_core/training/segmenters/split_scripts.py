"""Learns edit scripts from the multiword tokens of treebanks, and counts forms of running text."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

import numpy as np

from mtag_core.segmentation.split_features import Counts, count_row
from mtag_core.segmentation.split_scripts import WHOLE, Script
from mtag_core.training.segmenters.treebanks import Sentences

# A script seen once is one form's oddity, and one of fewer forms may say nothing about others.
_MIN_COUNT = 2
_MIN_FORMS = 3


def learn_scripts(sentences: Sentences, *, are_closed: bool) -> list[Script]:
    """Finds the scripts of multiword tokens, in an order that does not depend on theirs.

    Args:
        sentences: Of treebanks.
        are_closed: Most multiword tokens are a list of words, so that a script of few forms stays
            with them.
    """
    pairs = Counter((surface.form, surface.tokens) for s in sentences for surface in s)
    script_to_pairs: defaultdict[Script, Counter[tuple[str, tuple[str, ...]]]] = defaultdict(
        Counter
    )
    for pair, count in pairs.items():
        if len(pair[1]) > 1:
            script_to_pairs[script_of(*pair)][pair] += count
    scripts: set[Script] = set()
    for script, pair_to_count in script_to_pairs.items():
        n_forms = len({form.lower() for form, _ in pair_to_count})
        if are_closed and n_forms < _MIN_FORMS:
            scripts.update(exact_script(form, parts) for form, parts in pair_to_count)
        elif pair_to_count.total() >= _MIN_COUNT:
            scripts.add(script)
    return sorted(_with_capitals(scripts), key=repr)


def script_of(form: str, parts: tuple[str, ...]) -> Script:
    """The script that makes a form's tokens, around the token that shares most with the form."""
    if len(parts) == 1:
        return WHOLE
    matches = [
        SequenceMatcher(None, form, part, autojunk=False).find_longest_match() for part in parts
    ]
    stem = max(range(len(parts)), key=lambda index: (matches[index].size, index))
    match = matches[stem]
    part = parts[stem]
    return Script(
        prefix=form[: match.a],
        suffix=form[match.a + match.size :],
        before=parts[:stem],
        pre=part[: match.b],
        post=part[match.b + match.size :],
        after=parts[stem + 1 :],
    )


def exact_script(form: str, parts: tuple[str, ...]) -> Script:
    """The script that makes the tokens of one form alone."""
    return Script(form, "", parts[:-1], "", parts[-1], (), is_exact=True)


def log_counts(lines: Iterable[str], *, n_counts: int, min_count: int) -> Counts:
    """Counts the forms of running text, as powers of 2: the counts of a `SplitModel`."""
    counts = np.zeros(n_counts, np.int64)
    form_to_count = Counter(
        form.strip(".,;:!?\"'()[]«»،؛؟-") for line in lines for form in line.split()
    )
    for form, count in form_to_count.items():
        if count >= min_count:
            counts[count_row(form, n_counts=n_counts)] += count
    return np.ceil(np.log2(counts + 1)).astype(np.uint8)


def _with_capitals(scripts: set[Script]) -> set[Script]:
    known = {script.prefix for script in scripts if script.is_exact}
    more = set()
    for script in scripts:
        form = script.prefix[:1].upper() + script.prefix[1:]
        if script.is_exact and form not in known:
            parts = script.apply(script.prefix)
            more.add(exact_script(form, (parts[0][:1].upper() + parts[0][1:], *parts[1:])))
    return scripts | more
