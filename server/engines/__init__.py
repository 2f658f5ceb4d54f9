"""What writes: vLLM behind a tiny protocol, or a scripted fake that says so."""
