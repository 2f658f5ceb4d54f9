"""Speed and quality, measured beside the peer in one run: `make bench`.

Each module has `run(report)`; figures are named as the issues name them.
"""
