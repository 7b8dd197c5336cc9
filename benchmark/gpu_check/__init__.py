"""`amrg gpu-check`: on a GPU, with random weights of full size, whether all that was built without one holds there."""
