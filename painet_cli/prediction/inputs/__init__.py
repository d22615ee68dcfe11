"""From a user's file to the particles and frames that a prediction starts from."""
