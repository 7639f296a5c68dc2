"""Networks that judge: features, layouts and cosines of images."""
