"""The registry of generators, and samples in a folder."""
