"""The cluster half: the platform's own objects and node pools at a real API server."""
