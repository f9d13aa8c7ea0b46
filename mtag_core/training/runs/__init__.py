"""Whole runs: teacher, distillation, fine-tuning, adaptation."""
