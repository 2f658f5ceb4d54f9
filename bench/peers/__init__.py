"""Other people's ways of finding a passage, each measured in the run that measures ours."""
