"""GANformer (Hudson and Zitnick 2021): images alone; the evaluating segmenter gives layouts."""
