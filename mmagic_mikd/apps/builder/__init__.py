"""From a teacher's config and a size to its student's config."""
