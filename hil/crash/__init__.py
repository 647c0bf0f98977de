"""The disk under the journal, the rules and the identity: power cuts, and calls that fail."""
