"""`gcdp-bench compare`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.alarms import say_alarms
from gcdp_bench.cli.stores import STORED_RESULTS, require_results

POINT_FORM = "RESULTS[:MODEL[@VALUE]]"


@click.command(name="compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--dataset", metavar="NAME", help="Only this dataset, where results hold several.")
@click.option("--classes/--no-classes", default=True, show_default=True, help="Per class too.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the table as CSV.")
@click.pass_context
def command(
    context: click.Context,
    a: str,
    b: str,
    dataset: str | None,
    classes: bool,
    out: Path | None,
) -> None:
    """Compare two points by paired differences on the captions that both sampled.

    Differences are A minus B. A and B are RESULTS[:MODEL[@VALUE]]: a results folder and, where it
    holds several, a model and a value of its sampling parameter (guidance scale, or truncation psi
    of a GAN). Points are paired by dataset and, where not given, by model and value.

    \b
    gcdp-bench compare results/local:reference@4 results/local:lafite@0.8
    gcdp-bench compare results/before results/after
    """
    sides = [_parse(text) for text in (a, b)]
    for results, _, _ in sides:
        require_results(results)

    from gcdp_bench.comparison.points import rows_of, select_points

    first, second = (select_points(*side, dataset=dataset) for side in sides)

    from gcdp_bench.cli.display import print_summary
    from gcdp_bench.comparison.sides import compare_points
    from gcdp_bench.comparison.text import chance_note, readable_comparison

    table = compare_points(first, second, per_class=classes)
    print_summary(readable_comparison(table))
    counts = table["verdict"].value_counts()
    click.echo(
        "  ".join(
            f"{verdict}: {counts.get(verdict, 0)}"
            for verdict in ("win", "tie", "lose", "below noise", "too few")
        )
    )
    click.echo(chance_note(table))
    if out is not None:
        from gcdp_bench.io.atomic import replacing

        with replacing(out) as temporary:
            table.to_csv(temporary, index=False)
        click.echo(f"table: {out}")
    say_alarms(context, rows_of([*first, *second]))


def _parse(text: str) -> tuple[Path, str | None, float | None]:
    """Folder, model and parameter value of RESULTS[:MODEL[@VALUE]]; rows of a store are fetched."""
    scheme, slashes, rest = text.rpartition("://")
    folder, _, point = rest.partition(":")
    model, separator, value = point.partition("@")
    if not folder or (separator and not model):
        raise click.BadParameter(f"expected {POINT_FORM}, got {text!r}")
    try:
        param_value = float(value) if separator else None
    except ValueError:
        raise click.BadParameter(
            f"expected a number, the parameter's value, after '@' as in {POINT_FORM}, got {text!r}"
        ) from None
    results = STORED_RESULTS.convert(scheme + slashes + folder, None, None)
    return results, model or None, param_value
