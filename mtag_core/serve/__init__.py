"""The tagger as an HTTP server."""
