"""Analyses of the paper: each makes a table and a figure."""
