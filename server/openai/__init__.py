"""The OpenAI-compatible API below `/v1`: other people's programs, unchanged.

errors     the protocol's error shape, and ours in it      schemas    what a request may hold
door       request ids, keys, limits, their headers        keys       who may come in
limits     requests and tokens a minute                    usage      what was used, kept
models     which names there are, and what they mean       choosing   who answers a request
prepared   a prompt of ours in the protocol                personas   a persona's prompt
works      a work's prompt                                 window     conversations over the window
upstream   the engine in its own protocol                  spoken     an engine without one, spoken to
events     bytes of an answer, looked at as they pass      relay      an answer on its way out
answers    one request from bytes to bytes                 embeddings vectors
"""
