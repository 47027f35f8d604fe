"""Real-ESRGAN made small, from the published weights to a file that ships."""
