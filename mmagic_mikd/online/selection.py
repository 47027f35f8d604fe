"""The choice of the teacher that a student learns from, on images that nobody is tested on."""
