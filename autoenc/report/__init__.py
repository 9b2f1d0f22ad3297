"""What people look at: contact sheets, plots, and one HTML page about a comparison."""
