"""What the stage `create_email` is made of; nothing here is a stage."""
