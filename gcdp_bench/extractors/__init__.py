"""Networks that evaluate images: features, layouts and cosines."""
