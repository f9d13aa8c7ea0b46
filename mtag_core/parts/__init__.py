"""One work item, made into one part exactly once: the steps of `annotate`, without Beam."""
