"""Types, configuration, random numbers and images."""
