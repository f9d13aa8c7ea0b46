"""Tags text of about 50 languages with universal parts of speech and features, on one CPU core."""

__version__ = "0.1.0"
