"""The models PAINET is compared with, one architecture a file."""
