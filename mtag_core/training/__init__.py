"""What makes models: teacher, distillation, export, segmenters, language identification."""
