"""GANformer (Hudson and Zitnick 2021): images alone; layouts are what the judge sees in them."""
