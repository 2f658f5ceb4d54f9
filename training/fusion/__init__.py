"""The recipe of the weights in `data/models/yanchi-rank`: books and queries in, weights out.

Stages: tasks (what is asked of which book) → samples (the features of every candidate, as the
desk itself computes them) → fit (a listwise linear model) → report (each book measured with
weights that have not seen it). Knows nothing of the desk's storage.
"""
