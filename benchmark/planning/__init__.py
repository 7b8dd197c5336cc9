"""What a suite will cost and what of it is missing here."""
