"""`gcdp-bench evaluate`."""

from __future__ import annotations

import math
from pathlib import Path

import click

from gcdp_bench.cli.alarms import raise_alarms, strict_option
from gcdp_bench.cli.evaluation_options import (
    EvaluationOptions,
    evaluation_options,
    extractor_request,
)
from gcdp_bench.cli.explain import explain_option
from gcdp_bench.cli.options import (
    count_denied_option,
    data_options,
    dataset_option,
)
from gcdp_bench.cli.stores import STORED, require_samples


@click.command(name="score")
@click.argument("folder", type=STORED)
@dataset_option
@click.option("--split", default="test", show_default=True, help="Split of the real images.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Also write the values as CSV (shares from 0 to 1), and those of each sample as "
    "FILE.per_sample.parquet.",
)
@strict_option
@evaluation_options
@count_denied_option
@data_options
@explain_option
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    dataset: str,
    split: str,
    out: Path | None,
    strict: bool,
    evaluation: EvaluationOptions,
    count_denied: bool,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Evaluate a folder of samples against a dataset.

    FOLDER has images/, captions.jsonl and, of a model that makes them, layouts/. An alarm is raised
    if a network cannot tell noise, a constant image, blurred or shuffled real images from real
    ones, or if there are too few images.
    """
    require_samples(folder)
    import pandas as pd

    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.datasets.folder import Folder, native_size
    from gcdp_bench.datasets.framing import resize_of
    from gcdp_bench.datasets.proportions import unnamed_note
    from gcdp_bench.datasets.reading import reading_of
    from gcdp_bench.datasets.registry import has_attributes, open_dataset
    from gcdp_bench.evaluation import (
        EvalOptions,
        evaluate,
        reference_statistics,
        score_controls,
    )
    from gcdp_bench.evaluation.size import evaluation_size
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.io.atomic import output_folder, replacing
    from gcdp_bench.io.cache import UserCache
    from gcdp_bench.metrics.frechet import UNDERSAMPLED
    from gcdp_bench.metrics.lookup import all_metrics
    from gcdp_bench.results.object_store import fetched
    from gcdp_bench.results.summary import in_units

    if out is not None:
        output_folder(out.parent)
    all_metrics()  # those of installed packages fail before the slow work
    attributed = has_attributes(dataset, data_root)
    request = extractor_request(evaluation, dataset, attributed=attributed, data_root=data_root)
    extractors = load_extractors(request)
    size = evaluation_size(
        native_size(fetched(folder)), extractors, resize=resize, where=str(folder), dataset=dataset
    )
    real = open_dataset(
        dataset,
        split,
        size=size,
        data_root=data_root,
        exclude=exclude,
        resize=resize,
        count_denied=count_denied,
    )
    say_size(real)
    extractors.check(real)
    has_layouts = (folder / "layouts").is_dir()
    samples = Folder(
        folder,
        split,
        image_size=size,
        resize=resize,
        require_layouts=has_layouts,
        require_captions=True,
    )
    if samples.class_names != real.class_names:
        raise ValueError(
            f"{folder}: expected the classes of {dataset} {real.class_names}, got "
            f"{samples.class_names}"
        )
    display = Display()
    cache = UserCache()
    reference = reference_statistics(real, extractors, cache, display)
    scores = evaluate(
        samples,
        reference,
        extractors,
        EvalOptions(has_layouts=has_layouts),
        progress=display,
        task=f"evaluate {folder.name}",
    )
    controls = score_controls(reference, extractors, cache, display, num_samples=len(samples))
    frame = controls.marked(scores.frame())
    frame["resize"] = samples.resize if samples.resize != "none" else resize_of(real)
    frame["reading"] = reading_of(real) or "usual"
    named = frame.loc[frame["metric"].eq("semantic_recall") & frame["class"].eq("all")]
    num = int(named["num_samples"].max())
    click.echo(unnamed_note(len(samples) - num, len(samples)))
    for line in frame[frame["class"] == "all"].to_dict("records"):
        numbers = [line[name] for name in ("value", "corrected", "ci_low", "ci_high")]
        value, corrected, low, high = in_units(line["metric"], *numbers)
        interval = "" if line["ci_method"] == "none" else f"[{low}, {high}]"
        if not math.isnan(line["corrected"]):
            interval = f"bias-corrected {corrected} {interval}"
        few = ", too few samples" if line["ci_method"].endswith(UNDERSAMPLED) else ""
        click.echo(f"{line['metric']:32s} {value:>12s}  {interval}{few}  {line['extractor']}")
    if out is not None:
        with replacing(out) as temporary:
            shared = {name: frame[name].iloc[0] for name in ("resize", "reading")}
            alarms = controls.alarm_frame().assign(**shared)
            pd.concat([frame, alarms]).to_csv(temporary, index=False)
        of_samples = out.with_name(f"{out.stem}.per_sample.parquet")
        with replacing(of_samples) as temporary:
            scores.per_sample.to_parquet(temporary, index=False)
        click.echo(f"all values, per class too: {out}; of each sample: {of_samples}")
    raise_alarms(context, (alarm.sentence for alarm in controls.alarms), strict=strict)
