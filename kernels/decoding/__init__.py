"""Decoding steps that stay on the device. ``gpu_decoder`` holds the one class; torch is imported there."""
