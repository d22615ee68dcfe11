"""PAINET and the models it is compared with, behind one interface."""
