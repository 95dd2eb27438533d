"""What compression costs, saves and keeps."""
