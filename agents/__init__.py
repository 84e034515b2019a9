"""What runs on a host: standard library only, and nothing of cloudapi."""
