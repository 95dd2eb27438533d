"""InfoMerge in GPU kernels, each named after what it computes and equal to the plain function that it names."""
