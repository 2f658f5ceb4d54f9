"""The server's side of training: data sets, runs and adapters as they lie on the disk, and the
commands that make them. What is in them is `training/`'s; only files pass between the two.
"""
