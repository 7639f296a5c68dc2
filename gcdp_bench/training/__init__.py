"""One training loop for every network of the project."""
