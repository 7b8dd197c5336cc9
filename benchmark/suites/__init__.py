"""Suite files that come with the project, and how one is read."""
