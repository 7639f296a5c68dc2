"""What only a GPU can show; skipped elsewhere. Where there is one: `python -m pytest tests/gpu`."""
