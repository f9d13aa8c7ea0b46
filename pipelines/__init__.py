"""Apache Beam pipelines over mtag_core."""
