"""How requests travel to agents."""
