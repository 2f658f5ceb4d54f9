"""From a recipe and data sets to an adapter: masks, batches, trainers, runs that can be resumed."""
