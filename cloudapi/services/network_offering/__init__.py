"""Network offerings: the services of a network, who provides them, and how."""
