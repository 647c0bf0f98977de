"""Sync with the cloud over MQTT: audit and use up; rules, use and commands down (README.md)."""
