"""The device's own network: settings that confirm themselves by reaching the broker, or go back."""
