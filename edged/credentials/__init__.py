"""From the text of a code to what it claims: pure, total, signed kinds only."""
