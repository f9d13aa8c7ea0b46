"""What teachers say about text, as shards."""
