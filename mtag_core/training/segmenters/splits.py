"""Trains the model that splits surface tokens (see `mtag_core.segmentation.splits`).

Edit scripts are learnt from the multiword tokens of treebanks; a log-linear model chooses among
those of each token.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import spread
from mtag_core.segmentation import split_features
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.split_features import N_SCRIPT_COLUMNS, Counts
from mtag_core.segmentation.splits import NO_FORM, Candidates, Script, SplitModel
from mtag_core.training.data.treebanks import Sentences, Surface
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
    """What a split model learns, and the sizes of its tables of weights and counts, powers of 2.

    Where most multiword tokens are a list of words, `are_closed`, a script of few forms stays with
    those; where there are compounds, scripts are around each of a form's tokens. Forms that are
    rarer than `min_count` in running text are not counted.
    """

    are_closed: bool
    n_rows: int
    n_counts: int
    min_count: int
    has_compounds: bool = False


# Prefixes and pronouns are written into any word.
OPEN = SplitShape(are_closed=False, n_rows=1 << 19, n_counts=1 << 18, min_count=2)
# Some words end in others, such as particles and copulas.
CLITICS = SplitShape(are_closed=False, n_rows=1 << 17, n_counts=1 << 14, min_count=5)
# Besides, auxiliaries are written to verbs.
COMPOUNDS = CLITICS._replace(n_counts=1 << 17, min_count=2, has_compounds=True)
# Some words stand for two, such as a preposition and an article: what is around says which.
CLOSED = SplitShape(are_closed=True, n_rows=1 << 15, n_counts=1 << 12, min_count=20)

LANGUAGE_TO_SHAPE = (
    dict.fromkeys(("ar", "he"), OPEN)
    | {"es": CLITICS._replace(are_closed=True), "kk": CLITICS, "ta": COMPOUNDS, "tr": CLITICS}
    | dict.fromkeys("ca cs de el fa fi fr gl hy it mr pl pt uk".split(), CLOSED)
)
"""The languages that get a split model."""


class Choices(NamedTuple):
    """The scripts that fit surface tokens, those of one token after those of another.

    Of each script what it makes, its codes as `script_codes` gives them, (n_scripts, 1 +
    N_SCRIPT_COLUMNS), and whether it is right, (n_scripts,); sizes are how many each surface token
    has, (n_tokens,).
    """

    tokens: list[tuple[str, ...]]
    codes: Codes
    sizes: NDArray[np.int64]
    is_right: NDArray[np.bool_]

    def some(self, chosen: NDArray[np.int64]) -> "Choices":
        """Those of the chosen tokens."""
        sizes = self.sizes[chosen]
        rows = spread(sizes, (self.sizes.cumsum() - self.sizes)[chosen])
        tokens = list(map(self.tokens.__getitem__, rows.tolist()))
        return Choices(tokens, self.codes[rows], sizes, self.is_right[rows])


def train_split_model(
    sentences: Sentences, labelled: Sentences, lines: Iterable[str], shape: SplitShape
) -> SplitModel:
    """Trains a model; the same input gives the same bytes.

    Args:
        sentences: Of treebanks.
        labelled: Split by a labeller: they count less; where it was unsure there are no tokens.
        lines: Running text, where forms are counted.
        shape: How large the model is.
    """
    scripts = learn_scripts(sentences, shape)
    counts = log_counts(lines, shape)
    surfaces = [*chain.from_iterable(sentences + labelled)]
    choices = choices_of(surfaces, Candidates(scripts), counts)
    is_right_in = np.logical_or.reduceat(choices.is_right, choices.sizes.cumsum() - choices.sizes)
    # Tokens that no script makes right are there for their neighbours alone.
    asked = np.flatnonzero((choices.sizes > 1) & is_right_in)
    weights = np.ones(len(surfaces))
    weights[sum(map(len, sentences)) :] = _LABELLED_WEIGHT
    known = split_features.neighbour_codes([surface.form for surface in surfaces], counts)
    known = np.insert(known, 0, split_features.NOTHING, axis=0)
    ends = [*accumulate(map(len, sentences + labelled))]
    around = known[split_features.rows_around(1 + np.arange(len(surfaces)), asked, ends)]
    fitted = _fit(choices.some(asked), around, weights[asked], shape.n_rows)
    # Only which sum of weights is larger counts; few levels compress well.
    scale = _N_LEVELS / max(float(np.abs(fitted).max()), 1e-9)
    return SplitModel(scripts, np.round(fitted * scale).astype(np.int8), counts)


def choices_of(surfaces: Sequence[Surface], candidates: Candidates, counts: Counts) -> Choices:
    """Lays out the scripts of surface tokens, one or more; `counts` as in `SplitModel`."""
    forms = [*dict.fromkeys(surface.form for surface in surfaces)]
    scripts = list(map(candidates.of, forms))
    form_sizes = np.array(list(map(len, scripts)))
    facts = np.array([script.facts for some in scripts for script in some], np.uint64)
    codes = split_features.script_codes(forms, form_sizes, facts, counts)
    made = [[s.apply(form) for s in some] for form, some in zip(forms, scripts, strict=True)]
    form_to_number = {form: number for number, form in enumerate(forms)}
    numbers = [form_to_number[surface.form] for surface in surfaces]
    sizes, firsts = form_sizes[numbers], (form_sizes.cumsum() - form_sizes)[numbers]
    tokens = [each for number in numbers for each in made[number]]
    pairs = zip(surfaces, numbers, strict=True)
    is_right = [each == surface.tokens for surface, number in pairs for each in made[number]]
    return Choices(tokens, codes[spread(sizes, firsts)], sizes, np.array(is_right))


def _rows(
    choices: Choices, around: Codes, weights: NDArray[np.float64], n_rows: int
) -> NDArray[np.int32]:
    """Features of scripts; n_rows for those of a neighbourhood that a script is rarely right in."""
    seeds = split_features.context_seeds(choices.codes[:, 0])
    contexts = split_features.context_codes(around).repeat(choices.sizes, axis=0)
    apart = split_features.context_rows(seeds, contexts, n_rows=_N_APART)
    right = weights.repeat(choices.sizes)[choices.is_right]
    seen, place = np.unique(apart[choices.is_right], return_inverse=True)
    counts = np.bincount(place.ravel(), right.repeat(apart.shape[1]))
    of_context = (apart - _N_APART // 2) // (_N_APART // n_rows) + n_rows // 2
    of_context[~np.isin(apart, seen[counts >= _MIN_SEEN])] = n_rows
    of_script = split_features.script_rows(choices.codes, n_rows=n_rows)
    return np.hstack([of_script, of_context]).astype(np.int32)


def _fit(choices: Choices, around: Codes, weights: NDArray[np.float64], n_rows: int) -> Floats:
    sizes, all_rows = choices.sizes, _rows(choices, around, weights, n_rows)
    of_script = weights.astype(np.float32).repeat(sizes)
    penalties = np.full(n_rows + 1, _L2)
    penalties[n_rows // 2 :] = _NEIGHBOUR_L2
    generator = np.random.default_rng(1)
    starts = sizes.cumsum() - sizes

    def gradient_at(weights: Floats) -> NDArray[np.float64]:
        rows = all_rows.copy()
        is_thinned = (generator.random(len(sizes)) < _WITHOUT_IDENTITY).repeat(sizes)
        rows[np.ix_(is_thinned, split_features.IDENTITY_COLUMNS)] = n_rows
        is_thinned = (generator.random(len(sizes)) < _WITHOUT_NEIGHBOURS).repeat(sizes)
        rows[is_thinned, N_SCRIPT_COLUMNS:] = n_rows
        scores = weights[rows].sum(axis=1)
        probs = np.exp(scores - np.maximum.reduceat(scores, starts).repeat(sizes))
        probs /= np.add.reduceat(probs, starts).repeat(sizes)
        right = np.where(choices.is_right, probs, 0)
        totals = np.maximum(np.add.reduceat(right, starts), 1e-9)
        errors = (probs - right / totals.repeat(sizes)) * of_script
        sums = np.bincount(rows.ravel(), errors.repeat(rows.shape[1]), minlength=n_rows + 1)
        gradient: NDArray[np.float64] = sums + penalties * weights
        # One row more stands for the features that are left out.
        gradient[n_rows] = 0
        return gradient

    return descend(gradient_at, n_rows + 1, n_steps=_N_STEPS, rate=_LEARNING_RATE)[:n_rows]


def learn_scripts(sentences: Sentences, shape: SplitShape) -> list[Script]:
    """Finds the scripts of multiword tokens, in an order that does not depend on that of these."""
    pairs = Counter((form, tokens) for s in sentences for form, tokens, _ in s if len(tokens) > 1)
    by_ending = _scripts_by_ending(pairs)
    script_to_pairs: defaultdict[Script, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        around = [by_ending[pair]] if pair in by_ending else scripts_of(*pair)
        for script in around if shape.has_compounds else around[:1]:
            script_to_pairs[script].append(pair)
    scripts, alone = set[Script](), set[_Pair]()
    for script, own in script_to_pairs.items():
        if shape.are_closed and len({form.lower() for form, _ in own}) < _MIN_FORMS:
            alone.update(own)
        elif sum(map(pairs.__getitem__, own)) >= _MIN_COUNT:
            scripts.add(script)
    known = {form for form, _ in alone}
    capitals = {(_capital(form), (_capital(first), *rest)) for form, (first, *rest) in alone}
    alone |= {pair for pair in capitals if pair[0] not in known}
    exact = (Script(form, "", (*rest,), "", last, (), True) for form, (*rest, last) in alone)
    return sorted({*scripts, *exact}, key=repr)


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


def scripts_of(form: str, parts: tuple[str, ...]) -> list[Script]:
    """The scripts that make a form's tokens, first around the one that shares most with it."""
    scripts = []
    for stem, part in enumerate(parts):
        match = SequenceMatcher(None, form, part, autojunk=False).find_longest_match()
        rest, post = form[match.a + match.size :], part[match.b + match.size :]
        ends = (form[: match.a], rest, parts[:stem], part[: match.b], post, parts[stem + 1 :])
        scripts.append(Script(*ends))
    return sorted(reversed(scripts), key=lambda script: len(script.prefix + script.suffix))


def log_counts(lines: Iterable[str], shape: SplitShape) -> Counts:
    """Counts the forms of running text, as powers of 2: the counts of a `SplitModel`."""
    counts = np.zeros(shape.n_counts, np.int64)
    forms = Counter(form.strip(".,;:!?\"'()[]«»،؛؟-") for line in lines for form in line.split())
    for form, count in forms.items():
        if count >= shape.min_count:
            counts[split_features.count_row(form, n_counts=shape.n_counts)] += count
    return np.ceil(np.log2(counts + 1)).astype(np.uint8)
