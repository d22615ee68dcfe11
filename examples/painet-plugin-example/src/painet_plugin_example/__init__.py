"""A model and a data source for painet, in a package of their own."""
