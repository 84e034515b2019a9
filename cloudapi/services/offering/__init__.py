"""Service and disk offerings: what they say, for whom and where they are."""
