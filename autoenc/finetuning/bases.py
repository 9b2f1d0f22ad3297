"""The pretrained networks that can be fine-tuned, and where the top blocks of each begin."""

from __future__ import annotations

TOPS = {
    "mobilenet": "conv_pw_11_relu",
    "mobilenetv3": "expanded_conv_11_add",
    "resnet50": "conv4_block6_out",
    "efficientnetb0": "block6d_add",
    "vgg16": "block4_pool",
}
"""Name of a base -> the last layer that stays frozen. All that follows sees the image through its output alone."""
