"""What operators made of a grid, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping

from vizcore.upsampling.linear_map import UpsamplingTrace


def output_rows(traces: Mapping[str, UpsamplingTrace]) -> list[dict[str, str | int | float]]:
    """One row for each output cell, in reading order: operator, row, column and value.

    Args:
        traces: of one grid, by the name the page gives them.
    """
    return [
        {"operator": name, "row": row, "column": column, "value": float(trace.output[row, column])}
        for name, trace in traces.items()
        for row in range(trace.output.shape[0])
        for column in range(trace.output.shape[1])
    ]
