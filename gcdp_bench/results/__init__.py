"""Rows: their schema, their files, pooled seeds and summaries."""
