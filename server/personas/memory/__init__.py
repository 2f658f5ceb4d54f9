"""What a persona remembers: what left their prompt, summed up, and what the last words call to mind."""
