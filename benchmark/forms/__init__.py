"""What people write and what is stored, as typed models: a suite with its grid and protocol, and records."""
