"""The command line's verbs; `yanchi.py` joins them. Text on stdout, progress on stderr."""
