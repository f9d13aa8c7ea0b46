"""Teacher and student as torch modules and as files."""
