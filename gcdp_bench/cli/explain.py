"""`gcdp-bench evaluate --explain METRIC`: a metric in words."""

from __future__ import annotations

import textwrap

import click

LABEL_WIDTH, TEXT_WIDTH = 15, 80


def explain_option(function):
    """Print a metric's definition instead of scoring; needs neither samples nor a dataset."""
    return click.option(
        "--explain",
        metavar="METRIC",
        is_eager=True,
        expose_value=False,
        callback=_explain,
        help="Print what METRIC is, how it is made and what to beware of, and stop; 'all' lists "
        "every metric.",
    )(function)


def explanation(metric: str) -> str:
    """Definition of a metric as lines of text.

    Raises:
        ValueError: no such metric.
    """
    from gcdp_bench.metrics.lookup import lookup

    definition = lookup(metric)
    lines = [f"{metric}: {definition.title}"]
    for label, text in (
        ("formula", definition.formula),
        ("unit", definition.unit),
        ("direction", definition.direction),
        ("source", definition.source),
        ("extractor", definition.extractor),
        ("resize", definition.resize),
        ("compared with", definition.compared_with),
        ("interval", definition.interval),
    ):
        lines += _labelled(label, text)
    for place, trap in enumerate(definition.traps):
        lines += _labelled("beware" if place == 0 else "", trap)
    return "\n".join(lines)


def listing() -> str:
    """One line per metric: name, direction, title; of an installed package's, name and package."""
    from gcdp_bench.core.plugins import METRICS, described, named
    from gcdp_bench.metrics.registry import DEFINITIONS

    arrows = {True: "↑", False: "↓", None: " "}
    width = max(map(len, DEFINITIONS))
    lines = [
        f"{name:{width}s} {arrows[definition.higher_is_better]} {definition.title}"
        for name, definition in DEFINITIONS.items()
    ]
    lines += [f"{name:{width}s}   {described(entry)}" for name, entry in named(METRICS).items()]
    return "\n".join(lines)


def _explain(ctx: click.Context, _: click.Parameter, metric: str | None) -> None:
    if metric is None or ctx.resilient_parsing:
        return
    try:
        click.echo(listing() if metric == "all" else explanation(metric))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--explain") from error
    ctx.exit()


def _labelled(label: str, text: str) -> list[str]:
    """Text in a column beside its label."""
    return textwrap.wrap(
        text,
        LABEL_WIDTH + TEXT_WIDTH,
        initial_indent=f"  {label:{LABEL_WIDTH}s}",
        subsequent_indent=" " * (LABEL_WIDTH + 2),
        break_on_hyphens=False,
    )
