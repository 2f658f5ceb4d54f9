"""From a file to a work: preview first, then one transaction that makes all of it or nothing."""
