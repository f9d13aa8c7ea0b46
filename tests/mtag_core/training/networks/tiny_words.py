"""A tiny word student with random weights, for tests of what is made from one."""

import torch

from mtag_core.labels import UPOS_LABELS
from mtag_core.tagging.forms import FormArrays
from mtag_core.training.networks.word_student import (
    FormBatch,
    WordBatch,
    WordStudent,
    WordStudentConfig,
)


def tiny_word_student(**changes) -> WordStudent:
    """Width 8, two heads; every parameter random, biases and norms too, adapters' row 0 zero."""
    shape = {
        "n_pieces": 40,
        "n_feats": 7,
        "n_lemma_rules": 5,
        "n_treebanks": 2,
        "hidden_size": 8,
        "n_heads": 2,
        "intermediate_size": 16,
        "ngram_width": 4,
    }
    torch.manual_seed(3)
    model = WordStudent(WordStudentConfig(**{**shape, **changes})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        model.adapters.weight[0] = 0
        model.forms.pieces.weight[0] = 0
    return model


def forms_of(*pieces: list[int]) -> FormBatch:
    """Forms with these pieces, n-grams made of them, cases in turn."""
    table = torch.zeros(len(pieces), 12, dtype=torch.long)
    for row, ids in enumerate(pieces):
        table[row, : len(ids)] = torch.tensor(ids)
    n_pieces = torch.tensor([len(ids) for ids in pieces])
    ngrams = [piece + shift for ids in pieces for piece in ids for shift in (0, 7)]
    offsets = 2 * (n_pieces.cumsum(0) - n_pieces)
    return FormBatch(table, n_pieces, torch.tensor(ngrams), offsets, torch.arange(len(pieces)) % 6)


def form_batch(arrays: FormArrays) -> FormBatch:
    """Forms as `FormFeatures` reads them."""
    offsets = arrays.ngram_offsets[:-1]
    columns = (arrays.pieces, arrays.n_pieces, arrays.ngrams, offsets, arrays.case)
    return FormBatch(*(torch.from_numpy(array).long() for array in columns))


def sentences_of(forms: FormBatch, *sentences: list[int], treebank: int = 0) -> WordBatch:
    """Sentences of these forms, by their indices, padded to the longest."""
    longest = max(map(len, sentences))
    is_token = torch.tensor([[i < len(each) for i in range(longest)] for each in sentences])
    form_index = torch.tensor([index for each in sentences for index in each])
    n_tokens = len(form_index)
    return WordBatch(
        forms,
        form_index,
        is_token.flatten().nonzero().squeeze(1),
        is_token,
        torch.full((n_tokens,), treebank),
        torch.arange(n_tokens),
    )


N_UPOS = len(UPOS_LABELS)
