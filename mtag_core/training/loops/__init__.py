"""The training loop, its options, losses and scores."""
