"""Where everything comes from and where it went: backward to the captures, forward to every model and score."""

from datacards.lineage.backward import Node, captures, document, lineage, read_jsonl, sources, walk
from datacards.lineage.versions import Graph, Link, Version, graph

__all__ = [
    "Graph",
    "Link",
    "Node",
    "Version",
    "captures",
    "document",
    "graph",
    "lineage",
    "read_jsonl",
    "sources",
    "walk",
]
