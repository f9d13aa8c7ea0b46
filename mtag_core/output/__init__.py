"""Writing of parts: formats, manifests and rejects."""
