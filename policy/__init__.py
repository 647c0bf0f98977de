"""The rules: who may come in, who may leave, and why. Values in, values out."""
