"""Rows of older definitions, computed again from what the networks saw; nothing is sampled."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.provenance import git_commit, library_versions
from gcdp_bench.evaluation import FeatureCache, Scores, score_generated, score_real
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.metrics.lookup import reference_values
from gcdp_bench.results.compatibility import outdated
from gcdp_bench.results.layout import score_folder, write_per_sample
from gcdp_bench.results.object_store import fetched
from gcdp_bench.results.schema import REAL_OWN, to_frame
from gcdp_bench.results.seed_pooling import pool_seeds
from gcdp_bench.results.table import merge_rows, read_rows
from gcdp_bench.sweep.records import recalls, record, share_of_real

REMEDY = "choose another --results, or remove the folder and rerun the sweep"


def renew(
    results: Path, reference: Reference, extractors: Extractors, *, progress: Progress
) -> Path:
    """Replace a dataset's rows of older definitions, and the values per sample behind them.

    All are replaced at once.

    Args:
        results: folder of a sweep.
        reference: the real split of those rows.
        extractors: the networks that made them.
        progress: told of every point.

    Returns:
        The table's file.

    Raises:
        FileNotFoundError: what the networks saw was removed.
        ValueError: a metric is not computed from it.
    """
    rows = read_rows(results)
    own = rows[rows["dataset"] == reference.dataset.name]
    old = own[outdated(own)]
    # Points without rows of captions have values per sample all the same.
    hashes = _real_first(
        own[
            own["config_hash"].isin(old["config_hash"]) & own["seed"].notna()
            | (own["source"] == "real-vs-real")
        ]
    )
    files = {name: fetched(score_folder(results, name)) / "observed.npz" for name in hashes}
    missing = [str(file) for file in files.values() if not file.exists()]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)}: expected what the networks saw, from which the rows of older "
            f"definitions are computed again, found none; {REMEDY}"
        )
    progress.start("rows of older definitions", len(hashes), unit="point")
    frames, per_sample = [], {}
    real_recalls: dict[str, dict[str, float]] = {}  # by the captions prompted
    for name in hashes:
        point = own[own["config_hash"] == name]
        first = point.iloc[0]
        scores = _scores(point, FeatureCache.load(files[name]), reference, extractors)
        if first["model"] == REAL_OWN:
            real_recalls[first["captions"]] = recalls(scores.values)
        elif first["source"] == "generated":
            scores.values.extend(share_of_real(scores, real_recalls.get(first["captions"], {})))
        if outdated(point).any():
            frames.append(_renewed(point, scores, set(point[outdated(point)]["metric"])))
        per_sample[name] = scores.per_sample
        progress.advance()
    progress.finish()
    new = pd.concat(frames, ignore_index=True) if frames else own[:0]
    if old["seed"].isna().any():
        new = pd.concat([new, pool_seeds(new)], ignore_index=True)
    for name, table in per_sample.items():
        write_per_sample(results, name, table)
    dataset = reference.dataset.name
    merge_rows(results, new, drop=lambda held: (held["dataset"] == dataset) & outdated(held))
    return results / "results.parquet"


def _real_first(rows: pd.DataFrame) -> list[str]:
    """Points, those first by which the others are divided."""
    order = rows.assign(later=rows["model"] != REAL_OWN).sort_values("later", kind="stable")
    return list(dict.fromkeys(order["config_hash"]))


def _scores(
    point: pd.DataFrame, seen: FeatureCache, reference: Reference, extractors: Extractors
) -> Scores:
    """All scores of a point; without distances, which take long, where none is outdated."""
    source, model = point["source"].iloc[0], point["model"].iloc[0]
    distances = bool((outdated(point) & point["metric"].isin(reference_values())).any())
    if source == "generated":
        captions = bool((point["metric"] == "semantic_recall").any())
        return score_generated(seen, reference, extractors, captions=captions, distances=distances)
    everything = reference.observed
    rest = everything.part(len(seen), None) if source == "real-vs-real" else everything
    return score_real(seen, rest, reference, extractors, model, distances=distances)


def _renewed(point: pd.DataFrame, scores: Scores, metrics: set[str]) -> pd.DataFrame:
    """New rows of the metrics of a point; what does not depend on them is as it was."""
    fresh = [record(scored) for scored in scores.values if scored.value.metric in metrics]
    lacking = metrics - {line["metric"] for line in fresh}
    if lacking:
        raise ValueError(
            f"{', '.join(sorted(lacking))} of {point['model'].iloc[0]}: has another definition "
            f"now, and is not computed from what the networks saw; {REMEDY}"
        )
    context = point.iloc[0].to_dict() | {"git_commit": git_commit(), "versions": library_versions()}
    del context["schema_version"]
    alarms = {(line["metric"], line["extractor"]): line["alarm"] for _, line in point.iterrows()}
    return to_frame(
        [
            context | line | {"alarm": alarms.get((line["metric"], line["extractor"]), "none")}
            for line in fresh
        ]
    )
