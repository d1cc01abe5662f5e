"""A masked-diffusion denoiser small enough to train here, and the study of constraints on it."""
