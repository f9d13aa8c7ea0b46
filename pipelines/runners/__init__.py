"""Runners of Beam: all that mtag knows of one is in its module."""
