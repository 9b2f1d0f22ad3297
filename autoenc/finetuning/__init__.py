"""Images in class folders, and a pretrained network -> a bundle that classifies."""
