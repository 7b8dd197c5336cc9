"""A rehearsal: a full-size checkpoint of random weights through every stage of a sweep, measured beside the plan."""
