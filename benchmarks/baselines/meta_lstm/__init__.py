"""The Meta-LSTM baseline."""
