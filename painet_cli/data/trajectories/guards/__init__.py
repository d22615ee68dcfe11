"""From a file to a refusal: what a file says of itself is held against its bytes before it is read."""
