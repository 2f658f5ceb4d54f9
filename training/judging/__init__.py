"""What an adapter is worth: measured on what was held out, beside the base, and told in a report.

Likelihood needs weights, overlap and repetition need answers, the judge needs an engine; each
part stands alone. Knows runs, adapters and data sets as files; nothing of how they are made.
"""
