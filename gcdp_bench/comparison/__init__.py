"""Two points on the same captions: paired differences with bootstrap intervals."""
