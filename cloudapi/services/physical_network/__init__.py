"""Physical networks: their traffic, their providers and the VLANs that they have."""
