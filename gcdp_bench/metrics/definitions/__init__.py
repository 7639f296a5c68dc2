"""The benchmark's metrics in words; imports no heavy package."""
