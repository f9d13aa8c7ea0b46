"""Imports go down the floors only, and each package of others is imported in its place."""

import pytest

from tests.source_tree import module_graph, modules, third_party, unit

# A unit imports from units on lower floors only.
FLOORS = (
    {"mtag_core.child_process", "mtag_core.errors", "mtag_core.time_limit"}
    | {"mtag_core.simplified_chinese"},
    {"mtag_core.arrays", "mtag_core.folding", "mtag_core.records"},
    {"mtag_core.options"},
    {"mtag_core.languages"},
    {"mtag_core.scripts"},
    {"mtag_core.language_words", "mtag_core.lemma_tables", "mtag_core.treebank_style"},
    {"mtag_core.conllu", "mtag_core.labels", "mtag_core.langid", "mtag_core.storage"}
    | {"mtag_core.wikipedia"},
    {"mtag_core.corpus", "mtag_core.lemmas", "mtag_core.segmentation"},
    {"mtag_core.tagging"},
    {"mtag_core.adapters", "mtag_core.evaluation", "mtag_core.output"},
    {"mtag_core", "mtag_core.parts", "mtag_core.serve", "mtag_core.spacy_component"},
    {"mtag_core.training", "mtag_core.training.options"} | {"mtag_core.training.treebank_facts"},
    {"mtag_core.training.segmenter_options"},
    {"mtag_core.training.records"},
    {"mtag_core.training.networks"},
    {"mtag_core.training.data"},
    {"mtag_core.training.logits", "mtag_core.training.loops"},
    {"mtag_core.training.langid"},
    {"mtag_core.training.export", "mtag_core.training.recipes"} | {"mtag_core.training.segmenters"},
    {"mtag_core.cli"},
    {"mtag_core.__main__"},
    # Below this line Beam is known.
    {"pipelines.process"},
    {"pipelines.commands", "pipelines.metrics"},
    {"pipelines.console", "pipelines.runners"} | {"pipelines.transforms"},
    {"pipelines", "pipelines.local_worker", "pipelines.options"},
    {"pipelines.job"},
    {"pipelines.streaming"},
    {"pipelines.annotate", "pipelines.teacher_logits"},
)

FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

# Package -> the units that import it. `training` may import all but Beam.
OWNERS = {
    "apache_beam": {name for name in FLOOR_OF if name.startswith("pipelines")},
    "backports": {"mtag_core.corpus"},
    "compression": {"mtag_core.corpus"},
    "deltalake": {"mtag_core.output"},
    "fasttext": {"mtag_core.langid"},
    "fugashi": set(),
    "google": set(),
    "numpy": {"mtag_core.arrays", "mtag_core.langid", "mtag_core.language_words"}
    | {"mtag_core.lemma_tables", "mtag_core.output", "mtag_core.scripts", "mtag_core.segmentation"}
    | {"mtag_core.tagging", "mtag_core.treebank_style"},
    "onnx": set(),
    "onnxruntime": {"mtag_core.tagging"},
    "opencc": set(),
    "pandas": {"mtag_core.adapters"},
    "prometheus_client": {"mtag_core.serve", "pipelines.metrics"},
    "pyarrow": {"mtag_core.corpus", "mtag_core.output"},
    "python_multipart": {"mtag_core.serve"},
    "regex": {"mtag_core.language_words", "mtag_core.segmentation", "mtag_core.tagging"},
    "rjieba": set(),
    "rich": {"mtag_core.cli", "pipelines.console"},
    "requests": {"mtag_core.storage"},
    "safetensors": set(),
    "smart_open": {"mtag_core.storage"},
    "starlette": {"mtag_core.serve"},
    "spacy": {"mtag_core.adapters", "mtag_core.spacy_component"},
    "tokenizers": {"mtag_core.tagging"},
    "torch": set(),
    "unidic_lite": set(),
    "uvicorn": {"mtag_core.cli"},
    "transformers": set(),
    # Comes with torch for CUDA.
    "triton": set(),
}


def _units():
    return sorted({unit(module) for module in modules()})


def test_every_module_has_a_floor():
    assert _units() == sorted(FLOOR_OF)


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_go_down(module):
    own = unit(module)
    others = {unit(name) for name in module_graph()[module]} - {own}
    wrong = sorted(name for name in others if FLOOR_OF[name] >= FLOOR_OF[own])
    assert wrong == [], f"{module} on floor {FLOOR_OF[own]} imports from its own floor or above"


def test_modules_do_not_import_each_other_in_circles():
    rest = module_graph()
    while leaves := {module for module, names in rest.items() if not names & rest.keys()}:
        rest = {module: names for module, names in rest.items() if module not in leaves}
    assert sorted(rest) == []


@pytest.mark.parametrize("module", sorted(modules()))
def test_packages_are_imported_by_their_owners(module):
    owner = unit(module)
    packages = third_party(modules()[module])
    unknown = packages - OWNERS.keys()
    assert unknown == set(), f"{module}: name the owner in OWNERS"
    if owner.startswith("mtag_core.training"):
        assert "apache_beam" not in packages
    else:
        assert {name for name in packages if owner not in OWNERS[name]} == set()


def test_the_core_never_imports_pipelines():
    graph = module_graph()
    core = {name for name in graph if name.startswith("mtag_core")}
    assert {name for name in core if any(m.startswith("pipelines") for m in graph[name])} == set()
