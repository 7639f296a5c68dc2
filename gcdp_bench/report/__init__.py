"""Tables, figures and one page from a results folder; needs neither models nor datasets."""

from gcdp_bench.report.build import Report, build_report, build_table_1

__all__ = ["Report", "build_report", "build_table_1"]
