"""`gcdp-bench data list`, `check`, `stats`, `subset` and `prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.groups import FullHelp
from gcdp_bench.cli.names import DATASET
from gcdp_bench.cli.options import data_root_option

name_argument = click.argument("name", type=DATASET, metavar="NAME|FOLDER")


@click.group(name="data", cls=FullHelp)
def command() -> None:
    """List, check, measure and prepare datasets."""


@command.command(name="list")
@data_root_option
def list_command(data_root: Path | None) -> None:
    """List every dataset: available or not, where it is searched for, its number of items."""
    from gcdp_bench.cli.data_tables import availability_table, print_table
    from gcdp_bench.datasets.manage import available_datasets

    entries = available_datasets(data_root)
    print_table(availability_table(entries))
    problems = dict.fromkeys(
        entry.problem for entry in entries if entry.problem and entry.problem != entry.places
    )
    for problem in problems:
        click.echo(problem)


@command.command(name="check")
@name_argument
@data_root_option
@click.option("--split", "splits", multiple=True, help="Only this split; may be repeated.")
@click.option("--partial", is_flag=True, help="Do not expect the dataset's official counts.")
@click.option(
    "--faulty",
    type=click.Path(path_type=Path),
    help="Write the faulty items to PATH, which other commands leave out.",
)
@click.pass_context
def check_command(
    context: click.Context,
    name: str,
    data_root: Path | None,
    splits: tuple[str, ...],
    partial: bool,
    faulty: Path | None,
) -> None:
    """Open every file of a dataset and list all faults; exit code 1 if there are any."""
    from gcdp_bench.cli.data_tables import fault_table, print_table
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.manage import check_files, missing_for_commands
    from gcdp_bench.datasets.views import write_excluded

    report = check_files(
        name, data_root=data_root, splits=splits, partial=partial, progress=Display()
    )
    if report.faults:
        print_table(fault_table(report))
    if faulty is not None:
        write_excluded(faulty, report.of_items)
        num = len({(split, fault.id) for split, fault in report.of_items})
        click.echo(f"{num} items in {faulty}; leave them out: gcdp-bench sweep --exclude {faulty}")
    whole = report.counts and not splits
    for note in (*report.notes, *(missing_for_commands(name, report.counts) if whole else ())):
        click.echo(note)
    if report.faults:
        num = len(report.faults)
        place = f" in {report.num_items} items" if report.counts else ": no item could be listed"
        click.echo(f"{num} fault{'s' * (num != 1)}{place}")
        context.exit(1)
    click.echo(f"no fault in {report.num_items} items")


@command.command(name="stats")
@name_argument
@data_root_option
@click.option("--split", default="train", show_default=True, help="Split to measure.")
def stats_command(name: str, data_root: Path | None, split: str) -> None:
    """Show the share of each class in a split, of pixels and of images."""
    from gcdp_bench.cli.data_tables import print_table, proportion_table
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.disk import template_note_of
    from gcdp_bench.datasets.manage import open_split
    from gcdp_bench.datasets.proportions import class_proportions

    dataset = open_split(name, split, data_root=data_root)
    proportions = class_proportions(dataset, Display())
    print_table(proportion_table(proportions))
    click.echo(f"{dataset.name} {split}: {proportions.num_items} items, {proportions.unnamed}")
    click.echo(
        "% ignored: pixels of value 255 in the images whose captions name the class; in the "
        "last line, in all"
    )
    for sentence in (template_note_of(dataset), *proportions.missing(), proportions.ignored_note()):
        if sentence:
            click.echo(sentence)


@command.command(name="subset")
@name_argument
@data_root_option
@click.option("--split", default="train", show_default=True, help="Split to list.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
def subset_command(name: str, data_root: Path | None, split: str, out: Path) -> None:
    """Write the ids of a split, one per line."""
    from gcdp_bench.datasets.manifest import write_ids
    from gcdp_bench.datasets.registry import open_faulty

    ids = open_faulty(name, split, data_root=data_root).ids
    write_ids(out, ids)
    click.echo(f"{len(ids)} ids of {name} {split} in {out}")


@command.command(name="split")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder to write.")
@click.option("--val", default=0.1, show_default=True, help="Share of the validation split.")
@click.option("--test", default=0.2, show_default=True, help="Share of the test split.")
@click.option("--seed", default=0, show_default=True, help="Seed of the random split.")
@click.option(
    "--group",
    metavar="REGEX",
    help="Keep ids that match alike in one split, e.g. '^[^_]+' for the part before '_'.",
)
@click.option("--link", is_flag=True, help="Write hard links instead of copies.")
def split_command(
    folder: Path, out: Path, val: float, test: float, seed: int, group: str | None, link: bool
) -> None:
    """Split FOLDER, or its train split, into train, val and test in a new folder.

    FOLDER is not changed; a folder that holds something is not written to.
    """
    from gcdp_bench.io.atomic import no_such_folder

    if not folder.is_dir():
        raise FileNotFoundError(no_such_folder(folder))

    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.splitting import split_folder

    shares = {"val": val, "test": test}
    counts = split_folder(
        folder, out, shares, seed=seed, group=group, link=link, progress=Display()
    )
    listed = ", ".join(f"{num} {split}" for split, num in counts.items())
    click.echo(f"{listed} in {out}; check it: gcdp-bench data check {out}")


@command.command(name="prepare")
@name_argument
@data_root_option
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    envvar="GCDP_CACHE",
    show_envvar=True,
    help="Folder of these files, if the folder of the data cannot be written.",
)
def prepare_command(name: str, data_root: Path | None, cache: Path | None) -> None:
    """Make the files that a dataset needs once (celeba: merged layouts); rerun to continue."""
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.manage import prepare_files

    num = prepare_files(name, data_root=data_root, cache=cache, progress=Display())
    click.echo(f"{name}: {num} files made, the others were there")
    if cache is not None:
        click.echo(f"they are found while GCDP_CACHE={cache} is set")
