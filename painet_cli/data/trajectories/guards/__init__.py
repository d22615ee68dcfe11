"""From a file to its refusal, where it says of itself what its bytes cannot hold."""
