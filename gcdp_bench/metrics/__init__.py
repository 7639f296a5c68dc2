"""Definitions: features and layouts in, numbers out. No network is called here."""
