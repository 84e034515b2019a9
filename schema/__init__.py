"""Tables, numbered upgrades and seed data."""
