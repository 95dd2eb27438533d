"""Means and standard deviations, by which pretrained networks take their pixels: RGB, from 0 to 1."""

RGB = tuple[float, float, float]

HALF: RGB = (0.5, 0.5, 0.5)
"""Mean and standard deviation of SigLIP's pixels alike."""
IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)
CLIP_MEAN: RGB = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: RGB = (0.26862954, 0.26130258, 0.27577711)
