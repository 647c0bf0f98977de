"""Scenarios: what people do at a site, and what must be seen, on every bench that can show it."""
