"""One recipe a module: teacher, distillation and fine-tuning, adaptation, conventions."""
