"""The CoNLL 2018 metric: scores of a system against gold annotation."""
