"""Panels: what can be operated where someone is watching, and a static view everywhere else."""
