"""Complete files, locks and checked readers."""
