"""Sync with the cloud over MQTT; nothing is here yet (README.md)."""
