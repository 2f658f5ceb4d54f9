"""Training sets: read from and written to what others use, put in order, kept as folders."""
