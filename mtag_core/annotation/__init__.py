"""What `pipelines.annotate` does, without Beam: plan parts, annotate one, finish a run."""
