"""GANformer (Hudson and Zitnick 2021): images alone; layouts are what the extractor sees in
them."""
