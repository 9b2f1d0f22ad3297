"""The saved model, and those that come with the package."""
