import numpy as np
import onnxruntime
import pytest

from mtag_core.errors import CheckpointError
from mtag_core.tagging.form_vectors import feeds
from mtag_core.tagging.forms import FormFeatures
from mtag_core.training.networks.trained_model import read_student
from tests.mtag_core.training.tiny_teacher import write_model
from tests.mtag_core.training.tiny_word_bundle import (
    FEATS_GROUPS,
    LANGUAGE_LABELS,
    RULE_GROUPS,
    SENTENCES,
    tiny_graphs,
)
from tests.mtag_core.training.tiny_word_model import WIDTH, write_word_model

FORMS = sorted({form for sentence in SENTENCES for form in sentence})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The model's directory and its graphs in float32 and in int8, opened."""
    directory = tmp_path_factory.mktemp("model")
    trained, reference, quantised = tiny_graphs(directory)
    opened = [
        {name: onnxruntime.InferenceSession(graph) for name, graph in graphs.items()}
        for graphs in (reference, quantised)
    ]
    return directory, trained, *opened


def _vectors(session, directory, forms):
    features = FormFeatures(directory / "tokenizer.json")
    vectors = np.empty((len(forms), WIDTH), np.float16)
    for indices, feed in feeds(features(forms)):
        (vectors[indices],) = session.run(["vectors"], feed)
    return vectors


def _tags(sessions, vectors, treebank=0):
    numbers = np.full(len(vectors), treebank)
    feed = {"vectors": vectors, "treebanks": numbers}
    (tokens,) = sessions["tagger.onnx"].run(["tokens"], feed)
    heads = sessions["heads.onnx"]
    names = [output.name for output in heads.get_outputs()]
    found = heads.run(names, {"tokens": tokens, "treebank": np.array(treebank)})
    return dict(zip(names, found, strict=True))


def test_float_graphs_give_what_torch_gives(model):
    torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
    from mtag_core.training.networks.model_files import Network
    from tests.mtag_core.training.networks.tiny_words import form_batch, sentences_of

    directory, _, reference, _ = model
    network = Network.load(directory, device=torch.device("cpu"))
    student, metadata = network.model, network.metadata
    forms = form_batch(FormFeatures(directory / "tokenizer.json")(FORMS))
    vectors = _vectors(reference["forms.onnx"], directory, FORMS)
    student.eval()
    with torch.no_grad():
        np.testing.assert_allclose(vectors, student.forms(forms).numpy(), atol=2e-3)
        for sentence in SENTENCES:
            ids = [FORMS.index(form) for form in sentence]
            for treebank in (0, 1, 2):
                logits = student(sentences_of(forms, ids, treebank=treebank))
                found = _tags(reference, vectors[None, ids], treebank)
                upos = logits["upos"].numpy()
                assert found["upos"].tolist() == upos.argmax(1).tolist()
                assert found["second_upos"].tolist() == np.argsort(-upos)[:, 1].tolist()
                is_language = treebank == 1
                heads = {
                    "feats": (logits["feats"], [FEATS_GROUPS, *LANGUAGE_LABELS.feats][is_language]),
                    "lemmas": (
                        logits["lemmas"],
                        [RULE_GROUPS, *LANGUAGE_LABELS.lemmas][is_language],
                    ),
                }
                for head, (of_head, groups) in heads.items():
                    for token, label in enumerate(found["upos"]):
                        group = list(groups[label])
                        assert found[head][token] == group[of_head[token, group].argmax()]
                groups = heads["lemmas"][1]
                for token, label in enumerate(found["upos"]):
                    expected = _nearly_as_good(logits["lemmas"][token].tolist(), groups[label])
                    assert found["next_lemmas"][token].tolist() == expected[1:]
                probs = (logits["upos"] / metadata.temperatures["upos"]).softmax(-1).max(-1).values
                np.testing.assert_allclose(found["upos_score"], probs.numpy(), atol=1e-4)


def _nearly_as_good(logits, group):
    """Labels of a group by their logits, the best in the place of those that are far below it."""
    ordered = sorted(group, key=lambda label: -logits[label])
    near = [label for label in ordered[:6] if logits[label] >= logits[ordered[0]] - 3.5]
    return near + [ordered[0]] * (6 - len(near))


def test_int8_is_close_to_float(model):
    directory, _, reference, quantised = model
    exact = _vectors(reference["forms.onnx"], directory, FORMS)
    rounded = _vectors(quantised["forms.onnx"], directory, FORMS)
    assert np.abs(exact - rounded).mean() < 0.05
    ids = [FORMS.index(form) for form in SENTENCES[2]]
    found, expected = (
        _tags(graphs, vectors[None, ids])["upos_score"]
        for graphs, vectors in ((quantised, rounded), (reference, exact))
    )
    assert np.abs(found - expected).mean() < 0.1


def test_a_form_has_one_vector_whatever_is_beside_it(model):
    directory, _, _, quantised = model
    together = _vectors(quantised["forms.onnx"], directory, FORMS)
    for index, form in enumerate(FORMS):
        alone = _vectors(quantised["forms.onnx"], directory, [form])
        assert alone[0].tolist() == together[index].tolist()


def test_a_sentence_has_the_same_tags_whatever_is_beside_it(model):
    directory, _, _, quantised = model
    vectors = _vectors(quantised["forms.onnx"], directory, FORMS)
    ids = [FORMS.index(form) for form in SENTENCES[2]]
    batch = vectors[np.array([ids, ids[::-1], ids])]
    together = _tags(quantised, batch, treebank=1)
    alone = _tags(quantised, batch[:1], treebank=1)
    for name, values in alone.items():
        assert together[name].tolist()[: len(ids)] == values.tolist()
        assert together[name].tolist()[-len(ids) :] == values.tolist()


def test_a_graph_without_labels_of_languages_scores_all_of_them(tmp_path):
    _, _, without = tiny_graphs(tmp_path, languages=None)
    sessions = {name: onnxruntime.InferenceSession(graph) for name, graph in without.items()}
    vectors = np.random.default_rng(3).normal(size=(2, 5, WIDTH)).astype(np.float16)
    assert set(_tags(sessions, vectors, treebank=1)["lemmas"]) - {
        label for group in LANGUAGE_LABELS.lemmas[0] for label in group
    }


def test_a_treebank_changes_tags(model):
    directory, _, _, quantised = model
    vectors = _vectors(quantised["forms.onnx"], directory, FORMS)[None]
    scores = [_tags(quantised, vectors, number)["feats_score"].tolist() for number in range(3)]
    assert scores[0] != scores[1] != scores[2]


def test_models_of_wordpieces_are_refused(tmp_path):
    write_model(tmp_path)
    with pytest.raises(CheckpointError, match="a model of wordpieces, expected a student of words"):
        read_student(tmp_path)


def test_weights_and_lemma_rules_must_fit(tmp_path):
    write_word_model(tmp_path)
    (tmp_path / "lemma_rules.json").write_text('["l|0+|0+"]')
    with pytest.raises(CheckpointError, match="10 labels of lemmas in the weights, 1 in its list"):
        read_student(tmp_path)
