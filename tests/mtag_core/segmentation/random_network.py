"""A gap network with random weights."""

import numpy as np

from mtag_core.segmentation.gap_network import (
    N_KINDS,
    GapNetwork,
    InputTables,
    Quantised,
    find_units,
)

KNOWN = "猫がいるabc。"


def random_network(*, n_layers=3, width=8, bias=0.0):
    rng = np.random.default_rng(0)

    def matrix(n_rows, n_columns):
        levels = rng.integers(-20, 20, (n_rows, n_columns), np.int8)
        return Quantised(levels, rng.random(n_columns, np.float32) / 20)

    codes = find_units(KNOWN, has_spaces=False).codes
    tables = InputTables(np.sort(np.array(codes, np.uint32)), 4, 64)
    matrices = {
        "units": matrix(tables.n_units, width),
        "kinds": matrix(N_KINDS, width),
        "pairs": matrix(64, 2),
        "output": matrix(width, 2),
        "output_bias": np.array([bias, bias], np.float32),
    }
    for number in range(n_layers):
        n_inputs = 3 * width if number else 4 * width + 3 * 2
        matrices[f"layer{number}"] = matrix(n_inputs, width)
        matrices[f"layer{number}_bias"] = rng.random(width, np.float32)
    return GapNetwork(tables, matrices)
