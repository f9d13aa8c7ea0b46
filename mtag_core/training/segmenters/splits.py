"""Trains the model that splits surface tokens (see `mtag_core.segmentation.splits`).

Edit scripts are learnt from the multiword tokens of treebanks; a log-linear model chooses among
those of each token.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import spread
from mtag_core.segmentation import split_features
from mtag_core.segmentation.split_features import N_SCRIPT_COLUMNS, Counts
from mtag_core.segmentation.splits import NO_FORM, WHOLE, Candidates, Script, SplitModel
from mtag_core.training.data.treebanks import Sentences
from mtag_core.training.loops.linear import Floats, descend

# A script seen once is one form's oddity, and one of fewer forms may say nothing about others.
_MIN_COUNT, _MIN_FORMS = 2, 3
# Forms whose tokens have no forms share an ending where so many end in it.
_MIN_ENDINGS = 5
# Features of a neighbourhood are kept apart by rows of so large a table.
_N_APART = 1 << 41
# A neighbour seen with a script less often says more about the text than about the script.
_MIN_SEEN = 4
# A labeller errs more often than a treebank.
_LABELLED_WEIGHT = 0.3
_LEARNING_RATE, _N_STEPS, _N_LEVELS = 0.1, 100, 31
_L2, _NEIGHBOUR_L2 = 0.5, 3.0
# Shares of tokens that are fitted without features of the whole form, so that forms never seen are
# split by their parts, and without their neighbours, which must not explain what the form does.
_WITHOUT_IDENTITY, _WITHOUT_NEIGHBOURS = 0.2, 0.3


# A form and its tokens.
_Pair = tuple[str, tuple[str, ...]]


class SplitShape(NamedTuple):
    """Sizes of a split model's tables, powers of 2, and what is learnt.

    Attributes:
        are_closed: As in `learn_scripts`.
        n_rows: Weights.
        n_counts: Counts of forms.
        min_count: Forms that are rarer in running text are not counted.
    """

    are_closed: bool
    n_rows: int
    n_counts: int
    min_count: int


# Prefixes and pronouns are written into any word.
OPEN = SplitShape(are_closed=False, n_rows=1 << 19, n_counts=1 << 18, min_count=2)
# Some words end in others, such as particles and copulas.
CLITICS = SplitShape(are_closed=False, n_rows=1 << 17, n_counts=1 << 14, min_count=5)
# Some words stand for two, such as a preposition and an article: what is around says which.
CLOSED = SplitShape(are_closed=True, n_rows=1 << 15, n_counts=1 << 12, min_count=20)


class _Examples(NamedTuple):
    """Tokens with a right script and wrong ones, the scripts of one after those of another.

    Attributes:
        rows: Features of each script; n_rows for what does not count. Shape (n_scripts, n).
        is_right: Whether it makes the token's tokens. Shape (n_scripts,).
        sizes: Scripts of each token. Shape (n_tokens,).
        weights: How much each token counts. Shape (n_tokens,).
    """

    rows: NDArray[np.int32]
    is_right: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    weights: Floats


def train_split_model(
    sentences: Sentences, labelled: Sentences, lines: Iterable[str], shape: SplitShape
) -> SplitModel:
    """Trains a model; the same input gives the same bytes.

    Args:
        sentences: Of treebanks.
        labelled: Sentences that a labeller split, whose tokens count less; those it was not sure of
            have no tokens.
        lines: Running text, where forms are counted.
        shape: How large the model is.
    """
    scripts = learn_scripts(sentences, are_closed=shape.are_closed)
    counts = log_counts(lines, shape)
    weights = np.repeat([1.0, _LABELLED_WEIGHT], [len(sentences), len(labelled)])
    examples = _lay_out(sentences + labelled, weights, Candidates(scripts), counts, shape.n_rows)
    fitted = _fit(examples, shape.n_rows) if examples else np.zeros(shape.n_rows)
    # Only which sum of weights is larger counts; few levels compress well.
    scale = _N_LEVELS / max(float(np.abs(fitted).max()), 1e-9)
    return SplitModel(scripts, np.round(fitted * scale).astype(np.int8), counts)


def _lay_out(
    sentences: Sentences,
    weights: NDArray[np.float64],
    candidates: Candidates,
    counts: Counts,
    n_rows: int,
) -> _Examples | None:
    surfaces = [*chain.from_iterable(sentences)]
    form_to_options = {
        form: candidates.of(form) for form in dict.fromkeys(s.form for s in surfaces)
    }
    form_to_made = {f: [s.apply(f) for s in some] for f, some in form_to_options.items()}
    form_sizes = np.array(list(map(len, form_to_options.values())))
    form_to_number = dict(zip(form_to_options, range(len(form_sizes)), strict=True))
    numbers = np.array([form_to_number[form] for form, _, _ in surfaces])
    sizes = form_sizes[numbers]
    is_right = np.array([t == tokens for form, tokens, _ in surfaces for t in form_to_made[form]])
    # Tokens that no script makes right are there for their neighbours alone.
    is_asked = (sizes > 1) & np.logical_or.reduceat(is_right, sizes.cumsum() - sizes)
    asked, is_right = np.flatnonzero(is_asked), is_right[is_asked.repeat(sizes)]
    if not len(asked):
        return None
    sizes = sizes[asked]
    lengths = np.array(list(map(len, sentences)))
    weights = weights.repeat(lengths)[asked]
    # Two rows of nothing before, between and after sentences.
    padded = np.insert(numbers, np.cumsum([0, *lengths]).repeat(2), len(form_sizes))
    around = np.flatnonzero(padded < len(form_sizes))[asked][:, None] + np.arange(-2, 3)
    forms = list(form_to_options)
    known = split_features.neighbour_codes(forms, counts)
    seen = np.concatenate([known, np.array([split_features.NOTHING], np.uint64)])
    contexts = split_features.context_codes(seen[padded[around]]).repeat(sizes, axis=0)
    facts = np.array([s.facts for some in form_to_options.values() for s in some], np.uint64)
    codes = split_features.script_codes(forms, form_sizes, facts, counts)
    codes = codes[spread(sizes, (form_sizes.cumsum() - form_sizes)[numbers[asked]])]
    seeds = split_features.context_seeds(codes[:, 0])
    of_context = split_features.context_rows(seeds, contexts, n_rows=_N_APART)
    of_context = _without_rare(of_context, is_right * weights.repeat(sizes), n_rows=n_rows)
    rows = np.concatenate([split_features.script_rows(codes, n_rows=n_rows), of_context], axis=1)
    return _Examples(rows.astype(np.int32), is_right, sizes, weights.astype(np.float32))


def _without_rare(
    features: NDArray[np.int64], rightness: NDArray[np.float64], *, n_rows: int
) -> NDArray[np.int64]:
    """The rows of features that were kept apart, n_rows for those of rarely right scripts."""
    is_right = rightness > 0
    seen, place = np.unique(features[is_right], return_inverse=True)
    counts = np.bincount(place.ravel(), np.repeat(rightness[is_right], features.shape[1]))
    is_rare = ~np.isin(features, seen[counts >= _MIN_SEEN])
    rows = (features - _N_APART // 2) // (_N_APART // n_rows) + n_rows // 2
    return np.where(is_rare, n_rows, rows)


def _fit(examples: _Examples, n_rows: int) -> Floats:
    penalties = np.full(n_rows + 1, _L2)
    penalties[n_rows // 2 :] = _NEIGHBOUR_L2
    generator = np.random.default_rng(1)
    sizes = examples.sizes
    starts = sizes.cumsum() - sizes

    def gradient_at(weights: Floats) -> NDArray[np.float64]:
        rows = examples.rows.copy()
        is_thinned = (generator.random(len(sizes)) < _WITHOUT_IDENTITY).repeat(sizes)
        rows[np.ix_(is_thinned, split_features.IDENTITY_COLUMNS)] = n_rows
        is_thinned = (generator.random(len(sizes)) < _WITHOUT_NEIGHBOURS).repeat(sizes)
        rows[is_thinned, N_SCRIPT_COLUMNS:] = n_rows
        scores = weights[rows].sum(axis=1)
        probs = np.exp(scores - np.maximum.reduceat(scores, starts).repeat(sizes))
        probs /= np.add.reduceat(probs, starts).repeat(sizes)
        right = np.where(examples.is_right, probs, 0)
        totals = np.maximum(np.add.reduceat(right, starts), 1e-9)
        errors = (probs - right / totals.repeat(sizes)) * examples.weights.repeat(sizes)
        sums = np.bincount(rows.ravel(), errors.repeat(rows.shape[1]), minlength=n_rows + 1)
        gradient: NDArray[np.float64] = sums + penalties * weights
        # One row more stands for the features that are left out.
        gradient[n_rows] = 0
        return gradient

    return descend(gradient_at, n_rows + 1, n_steps=_N_STEPS, rate=_LEARNING_RATE)[:n_rows]


def learn_scripts(sentences: Sentences, *, are_closed: bool) -> list[Script]:
    """Finds the scripts of multiword tokens, in an order that does not depend on theirs.

    Args:
        sentences: Of treebanks.
        are_closed: Most multiword tokens are a list of words, so that a script of few forms stays
            with them.
    """
    pairs = Counter((form, tokens) for s in sentences for form, tokens, _ in s if len(tokens) > 1)
    by_ending = _scripts_by_ending(pairs)
    script_to_pairs: defaultdict[Script, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        script_to_pairs[by_ending.get(pair) or script_of(*pair)].append(pair)
    scripts: set[Script] = set()
    alone: set[_Pair] = set()
    for script, own in script_to_pairs.items():
        if are_closed and len({form.lower() for form, _ in own}) < _MIN_FORMS:
            alone.update(own)
        elif sum(map(pairs.__getitem__, own)) >= _MIN_COUNT:
            scripts.add(script)
    known = {form for form, _ in alone}
    capitals = {(_capital(form), (_capital(first), *rest)) for form, (first, *rest) in alone}
    alone |= {pair for pair in capitals if pair[0] not in known}
    return sorted({*scripts, *(exact_script(*pair) for pair in alone)}, key=repr)


def _scripts_by_ending(pairs: Iterable[_Pair]) -> dict[_Pair, Script]:
    """For tokens without forms, the script of the longest ending that enough of them share."""
    hidden = [(form, tokens) for form, tokens in pairs if set(tokens) == {NO_FORM}]
    endings = {pair: [pair[0][start:] for start in range(1, len(pair[0]))] for pair in hidden}
    n_forms = Counter((each, len(pair[1])) for pair, some in endings.items() for each in some)
    scripts = {}
    for pair, some in endings.items():
        shared = (each for each in some if n_forms[each, len(pair[1])] >= _MIN_ENDINGS)
        if ending := next(shared, ""):
            scripts[pair] = Script("", ending, (), NO_FORM, "", pair[1][1:])
    return scripts


def _capital(form: str) -> str:
    return form[:1].upper() + form[1:]


def script_of(form: str, parts: tuple[str, ...]) -> Script:
    """The script that makes a form's tokens, around the token that shares most with the form."""
    if len(parts) == 1:
        return WHOLE
    matchers = (SequenceMatcher(None, form, part, autojunk=False) for part in parts)
    matches = [matcher.find_longest_match() for matcher in matchers]
    stem = max(range(len(parts)), key=lambda index: (matches[index].size, index))
    match, part = matches[stem], parts[stem]
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


def log_counts(lines: Iterable[str], shape: SplitShape) -> Counts:
    """Counts the forms of running text, as powers of 2: the counts of a `SplitModel`."""
    counts = np.zeros(shape.n_counts, np.int64)
    forms = Counter(form.strip(".,;:!?\"'()[]«»،؛؟-") for line in lines for form in line.split())
    for form, count in forms.items():
        if count >= shape.min_count:
            counts[split_features.count_row(form, n_counts=shape.n_counts)] += count
    return np.ceil(np.log2(counts + 1)).astype(np.uint8)
