"""The daemon at simulated GPIO lines of a real kernel, in a virtual machine."""
