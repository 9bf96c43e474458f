"""Asks faiss or usearch for the ten nearest: ``vector_peer.py KIND VECTORS.npy QUERIES.npy``, one JSON object out.

Vectors and queries are float32 of unit length. KIND is faiss-flat, usearch-exact (int8) or usearch-hnsw (float16).
"""

import json
import resource
import sys
import time

import numpy as np


def main() -> None:
    kind, vectors_path, queries_path = sys.argv[1:4]
    vectors, queries = np.load(vectors_path, mmap_mode="r"), np.load(queries_path)
    began_s = time.process_time()
    ask = {"faiss-flat": faiss_flat, "usearch-exact": usearch_exact, "usearch-hnsw": usearch_hnsw}[kind](vectors)
    built_s = time.process_time() - began_s
    wall_ms, cpu_ms, found = [], [], []
    for query in queries:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        found.append(ask(query))
        wall_ms.append((time.perf_counter() - wall_s) * 1e3)
        cpu_ms.append((time.process_time() - cpu_s) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    json.dump({"wall_ms": wall_ms, "cpu_ms": cpu_ms, "found": found, "built_s": built_s, "peak_mb": peak}, sys.stdout)


def faiss_flat(vectors):
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    for start in range(0, len(vectors), 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    return lambda query: index.search(query[np.newaxis], 10)[1][0].tolist()


def usearch_exact(vectors):
    from usearch.index import MetricKind, search

    codes = np.empty(vectors.shape, np.int8)
    for start in range(0, len(vectors), 50_000):
        piece = vectors[start : start + 50_000]
        codes[start : start + 50_000] = np.rint(piece * (127 / np.abs(piece).max(axis=1, keepdims=True)))

    def ask(query):
        wanted = np.rint(query * (127 / np.abs(query).max())).astype(np.int8)
        return search(codes, wanted, 10, MetricKind.Cos, exact=True, threads=1).keys.tolist()

    return ask


def usearch_hnsw(vectors):
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
    index.add(np.arange(len(vectors)), np.ascontiguousarray(vectors), threads=2)
    return lambda query: index.search(query, 10, threads=1).keys.tolist()


if __name__ == "__main__":
    main()
