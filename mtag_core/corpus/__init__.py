"""Reading of corpora: storage, compression, work items and one reader a format."""
