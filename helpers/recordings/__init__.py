"""Recordings: httpx transports that replay the answers of a file, or write it."""
