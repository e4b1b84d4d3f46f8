"""The client: it stands alone on httpx, and is made to be read."""
