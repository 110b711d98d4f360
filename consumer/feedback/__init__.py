"""What providers report after they accepted an email: heard, asked for, and written to tracking."""
