#!/usr/bin/env python3
"""Runs weft-graph and igraph on the graphs of `cargo bench -p weft-graph` and prints medians and memory.

usage: tests/bench/graph/beside_igraph.py [GRAPH...]

GRAPH is deno, 10k, 100k or 200k; without any, all are measured. MEASURE names the program that measures ours, by
default target/release/examples/measure (`cargo build --release -p weft-graph --example measure`), and IGRAPH a
directory with igraph from PyPI (`pip install --target DIRECTORY igraph`), by default what Python finds by itself. Both
work on one core, and the graph is built before a run begins; of ours so is the condensation, which metrics share.
Memory is the peak of the whole process with the graph in it, and no less than this program takes, from which it starts.
Whatever the two do not agree on is not measured. Without igraph ours is measured alone, and the program ends with 3.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GRAPHS = ["deno", "10k", "100k", "200k"]

# How often each metric is run on a graph, where it ends within a minute or so.
RUNS = {
    "dominators": dict.fromkeys(GRAPHS, 9),
    "articulation": dict.fromkeys(GRAPHS, 9),
    "closure": {"deno": 9, "10k": 9, "100k": 3, "200k": 3},
    "betweenness": {"deno": 9, "10k": 5, "100k": 1},
}

# igraph's closure of the larger graphs takes minutes.
NOT_THEIRS = {("closure", "100k"), ("closure", "200k")}

THEIRS = """
import sys, time
import igraph
path, metric, runs = sys.argv[1:]
with open(path) as lines:
    nodes, ends, roots = ([int(word) for word in line.split()] for line in lines)
[nodes] = nodes
edges = set(zip(ends[::2], ends[1::2]))
del ends
joined = metric in ("dominators", "articulation")
if joined:
    edges |= {(nodes, root) for root in roots}
graph = igraph.Graph(n=nodes + joined, edges=sorted(edges), directed=metric != "articulation")
del edges
if metric == "articulation":
    graph.simplify()
run = {
    "dominators": lambda: sum(d >= 0 and d != nodes for d in graph.dominator(nodes, mode="out")),
    "articulation": lambda: sum(point != nodes for point in graph.articulation_points()),
    "closure": lambda: sum(graph.neighborhood_size(order=nodes, mode="out")),
    "betweenness": lambda: int(sum(graph.betweenness(directed=True))),
}[metric]
for _ in range(int(runs)):
    start = time.perf_counter_ns()
    result = run()
    print(time.perf_counter_ns() - start)
print(result)
"""


def run(command, environment=None):
    """Returns the nanoseconds of each run, the result, and the peak of memory in MB."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        printed = process.stdout.read().split()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ends with {process.returncode}, so there is nothing to compare")
    unit = 1 if sys.platform == "darwin" else 1024
    return [int(word) for word in printed[:-1]], int(printed[-1]), usage.ru_maxrss * unit / 1e6


def row(metric, graph, who, walls, memory, beside=""):
    median = statistics.median(walls) / 1e6
    print(f"{metric:<13} {graph:<5} {who:<13} {median:>8.2f} ms {memory:>6.0f} MB{beside}", flush=True)


def main():
    graphs = sys.argv[1:] or GRAPHS
    if not set(graphs) <= set(GRAPHS):
        sys.exit(__doc__)
    measure = os.environ.get("MEASURE", str(Path(__file__).parents[3] / "target/release/examples/measure"))
    environment = dict(os.environ)
    if "IGRAPH" in os.environ:
        environment["PYTHONPATH"] = os.environ["IGRAPH"]
    version = [sys.executable, "-c", "import igraph; print('igraph', igraph.__version__)"]
    done = subprocess.run(version, env=environment, capture_output=True, text=True, check=False)
    theirs = done.stdout.strip() if done.returncode == 0 else None
    for graph in graphs:
        with tempfile.NamedTemporaryFile("w", suffix=".edges") as edges:
            written = subprocess.run([measure, graph, "edges"], stdout=edges, check=False)
            if written.returncode != 0:
                print(f"NOT MEASURED: {graph} is absent")
                continue
            for metric, runs in RUNS.items():
                if graph not in runs:
                    continue
                count = str(runs[graph])
                walls, result, memory = run([measure, graph, metric, count])
                row(metric, graph, "weft-graph", walls, memory)
                if not theirs or (metric, graph) in NOT_THEIRS:
                    continue
                command = [sys.executable, "-c", THEIRS, edges.name, metric, count]
                their_walls, their_result, their_memory = run(command, environment)
                if abs(result - their_result) > max(1, result / 1e6):
                    sys.exit(f"{metric} of {graph}: {result} and {their_result}, so there is nothing to compare")
                ratio = statistics.median(their_walls) / statistics.median(walls)
                row(metric, graph, theirs, their_walls, their_memory, f"   {ratio:.1f} times as long")
    if not theirs:
        print("NOT COMPARED: igraph is not installed; `pip install igraph`, or name its directory in IGRAPH")
        sys.exit(3)


if __name__ == "__main__":
    main()
