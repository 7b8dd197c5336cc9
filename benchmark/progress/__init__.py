"""Events of a sweep, what people see of them, and its status."""
