"""Every file that the toolkit reads, broken and hostile: one clear error, or a correct result."""
