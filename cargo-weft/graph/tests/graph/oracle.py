#!/usr/bin/env python3
"""Answers with networkx, for each graph on standard input, what weft-graph is asked too.

A graph is four lines of numbers: how many nodes it has; the ends of each edge, one edge after another; its roots; its
sinks. The answer is five lines: the immediate dominator of each node (the smallest member of its component, -1 for the
super-root and -2 where no root leads), the articulation points, each node's betweenness, how many nodes each reaches,
and what the cheapest cut between roots and sinks costs, where node n costs 1 + n mod 4 and roots cannot be cut, or -1.
"""

import sys

import networkx


def read(lines):
    for line in lines:
        edges, roots, sinks = ([int(word) for word in next(lines).split()] for _ in range(3))
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(int(line)))
        # What weft-graph merges and drops changes none of the answers but here.
        graph.add_edges_from((a, b) for a, b in zip(edges[::2], edges[1::2]) if a != b)
        yield graph, roots, sinks


def with_super_root(graph, roots):
    joined = graph.copy()
    joined.add_node(len(graph))
    joined.add_edges_from((len(graph), root) for root in roots)
    return joined


def dominators(graph, roots):
    condensed = networkx.condensation(with_super_root(graph, roots))
    component = condensed.graph["mapping"]
    immediate = networkx.immediate_dominators(condensed, component[len(graph)])
    name = {c: min(members) for c, members in condensed.nodes("members")}
    name[component[len(graph)]] = -1
    return [name[immediate[component[n]]] if component[n] in immediate else -2 for n in range(len(graph))]


def articulation_points(graph, roots):
    points = networkx.articulation_points(with_super_root(graph, roots).to_undirected())
    return sorted(point for point in points if point < len(graph))


def betweenness(graph):
    values = networkx.betweenness_centrality(graph, normalized=False)
    return [values[n] for n in range(len(graph))]


def closure(graph):
    return [1 + len(networkx.descendants(graph, n)) for n in range(len(graph))]


def cut(graph, roots, sinks):
    network = networkx.DiGraph()
    network.add_nodes_from(["source", "sink"])
    for n in graph:
        capacity = {} if n in roots else {"capacity": 1 + n % 4}
        network.add_edge(("in", n), ("out", n), **capacity)
    network.add_edges_from((("out", a), ("in", b)) for a, b in graph.edges)
    network.add_edges_from(("source", ("in", root)) for root in roots)
    network.add_edges_from((("out", sink), "sink") for sink in sinks)
    flow = networkx.algorithms.flow.dinitz
    try:
        return networkx.maximum_flow_value(network, "source", "sink", flow_func=flow)
    except networkx.NetworkXUnbounded:
        return -1


def main():
    for graph, roots, sinks in read(sys.stdin):
        print(*dominators(graph, roots))
        print(*articulation_points(graph, roots))
        print(*betweenness(graph))
        print(*closure(graph))
        print(cut(graph, roots, sinks))


if __name__ == "__main__":
    main()
