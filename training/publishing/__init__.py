"""From a trained adapter to one that is served: checked, converted, published, exported.

Knows files, tensors and vLLM's rules; knows nothing of how an adapter is trained. What reaches a
running desk goes over its HTTP API.
"""
