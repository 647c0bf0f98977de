"""Who this device is at the broker: its keys and certificates, got, renewed and given up."""
