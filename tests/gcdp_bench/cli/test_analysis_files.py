"""The folder of an analysis."""

from pathlib import Path

from gcdp_bench.cli.analysis_files import folder_of


def test_a_dataset_named_in_rows_does_not_lead_out_of_the_results():
    folder = folder_of(None, "classes", "../../escaped", Path("results"))
    assert folder == Path("results/analysis/classes-.._.._escaped")
    assert folder_of(None, "classes", "synth-city-25", Path("a")).name == "classes-synth-city-25"
    assert folder_of(Path("here"), "classes", "stripes") == Path("here")
