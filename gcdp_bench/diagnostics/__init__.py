"""Checks of the installation, of missing parts and of golden numbers."""
