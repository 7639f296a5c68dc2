"""What is installed, what is missing, and whether the numbers are right."""
