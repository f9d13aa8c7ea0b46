import numpy as np
import onnxruntime
import pytest
from onnx import helper

from mtag_core.errors import BundleError
from mtag_core.labels import UPOS_LABELS
from mtag_core.tagging.forms import FormFeatures
from mtag_core.training.logits.logit_teachers import (
    UPOS_LOGITS,
    feats_logits_name,
    with_logit_outputs,
)
from tests.mtag_core.training.tiny_word_bundle import FEATS_GROUPS, LANGUAGE_LABELS, tiny_graphs
from tests.mtag_core.training.tiny_word_model import N_FEATS

OUTPUTS = [UPOS_LOGITS, *map(feats_logits_name, UPOS_LABELS)]
FORMS = ["abc", "de", "j", "hij", "deaf"]


@pytest.mark.parametrize("languages", [None, LANGUAGE_LABELS])
def test_float_graph_gives_the_logits_of_the_whole_inventory(tmp_path, languages):
    torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
    from mtag_core.training.networks.model_files import Network
    from tests.mtag_core.training.networks.tiny_words import form_batch, sentences_of

    _, graphs, _ = tiny_graphs(tmp_path, languages=languages)
    changed = with_logit_outputs(graphs["heads.onnx"], UPOS_LABELS, source="g")
    layers, heads = map(onnxruntime.InferenceSession, (graphs["tagger.onnx"], changed))
    network = Network.load(tmp_path, device=torch.device("cpu"))
    forms = form_batch(FormFeatures(tmp_path / "tokenizer.json")(FORMS))
    for treebank in (0, 1):
        batch = sentences_of(forms, list(range(len(FORMS))), treebank=treebank)
        with torch.no_grad():
            vectors = network.model.eval().forms(forms)[None].half().numpy()
            expected = network.model(batch)
        number = np.array(treebank)
        (tokens,) = layers.run(["tokens"], {"vectors": vectors, "treebanks": number[None]})
        upos, *by_tag = heads.run(OUTPUTS, {"tokens": tokens, "treebank": number})
        # What calibrates probabilities divides the weights of the graph.
        temperatures = network.metadata.temperatures
        np.testing.assert_allclose(upos * temperatures["upos"], expected["upos"], atol=2e-2)
        feats = np.full((len(FORMS), N_FEATS), np.nan, np.float32)
        for ids, logits in zip(FEATS_GROUPS, by_tag, strict=True):
            feats[:, ids] = logits
        np.testing.assert_allclose(feats * temperatures["feats"], expected["feats"], atol=2e-2)


def test_another_graph_is_refused():
    node = helper.make_node("Identity", ["vectors"], ["same"])
    values = [helper.make_tensor_value_info(name, 1, ["n"]) for name in ("vectors", "same")]
    graph = helper.make_model(helper.make_graph([node], "other", values[:1], values[1:]))
    graph = graph.SerializeToString()
    with pytest.raises(BundleError, match=r"t.onnx: KeyError: 'upos_top_probs', expected a graph"):
        with_logit_outputs(graph, UPOS_LABELS, source="t.onnx")


@pytest.mark.parametrize("content", [b"", b"no protocol buffer"])
def test_another_file_is_refused(content):
    with pytest.raises(BundleError, match=r"t.onnx: .*, expected a graph that `export` writes"):
        with_logit_outputs(content, UPOS_LABELS, source="t.onnx")
