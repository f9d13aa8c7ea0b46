"""Builds ONNX graphs node by node, so that no tracer decides what they look like."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CONTRIB = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

# The first with RMSNormalization; ONNX Runtime has it since 1.23.
_OPSET = 23
_IR_VERSION = 11


class GraphBuilder:
    """Collects nodes and constants; every method returns names of values."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._n_nodes = 0
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._has_contrib_nodes = False

    def node(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        domain: str = "",
        **attributes: int | float | list[int],
    ) -> str:
        """Adds a node of one output."""
        return self.split_node(
            kind, *inputs, outputs=[output or f"{kind}_{self._n_nodes}"], domain=domain,
            **attributes,
        )[0]  # fmt: skip

    def split_node(
        self,
        kind: str,
        *inputs: str,
        outputs: Sequence[str],
        domain: str = "",
        **attributes: int | float | list[int],
    ) -> list[str]:
        """Adds a node of several outputs."""
        made = helper.make_node(kind, list(inputs), list(outputs), domain=domain, **attributes)  # type: ignore[arg-type]
        self._nodes.append(made)
        self._n_nodes += 1
        self._has_contrib_nodes |= domain == CONTRIB
        return list(outputs)

    def choose(
        self,
        condition: str,
        branches: Sequence[Callable[[], Mapping[str, tuple[int, Sequence[str]]]]],
        *,
        outputs: Sequence[str],
    ) -> None:
        """Adds a node that runs one of two subgraphs.

        Args:
            condition: A boolean scalar.
            branches: For true and for false; each adds its nodes, which may read every value that
                is there, and returns its outputs as `serialised` takes them.
            outputs: Names for the outputs of whichever was run.
        """
        nodes, graphs = self._nodes, []
        for name, branch in zip(("then_branch", "else_branch"), branches, strict=True):
            self._nodes = []
            values = [
                helper.make_tensor_value_info(output, kind, axes)
                for output, (kind, axes) in branch().items()
            ]
            graphs.append(helper.make_graph(self._nodes, name, [], values))
        self._nodes = nodes
        then, other = graphs
        self._nodes.append(
            helper.make_node("If", [condition], list(outputs), then_branch=then, else_branch=other)
        )

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        """Adds an initialiser, once."""
        if name not in self._initializers:
            array = np.ascontiguousarray(value)
            if isinstance(value, np.generic):
                array = array.reshape(())
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def ints(self, *lists: list[int]) -> list[str]:
        """Constant lists of whole numbers, as slices and reshapes take them."""
        return [
            self.constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))
            for values in lists
        ]

    def serialised(
        self,
        name: str,
        *,
        inputs: Mapping[str, Sequence[str | int]],
        outputs: Mapping[str, tuple[int, Sequence[str | int]]],
        half_inputs: Collection[str] = (),
    ) -> bytes:
        """Checks the graph and gives its bytes.

        Args:
            name: The graph's name.
            inputs: Name to axis names or lengths; int64 but for `half_inputs`.
            outputs: Name to element type (of `onnx.TensorProto`) and axis names.
            half_inputs: Names of the inputs that are float16.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            [
                helper.make_tensor_value_info(
                    name,
                    TensorProto.FLOAT16 if name in half_inputs else TensorProto.INT64,
                    list(axes),
                )
                for name, axes in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, kind, axes)
                for name, (kind, axes) in outputs.items()
            ],
            list(self._initializers.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        if self._has_contrib_nodes:
            opsets.append(helper.make_opsetid(CONTRIB, 1))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
