"""painet: 3D dynamics of many-body systems, predicted with energy-derived all-pair attention.

==================  ================================================================================
`prepare`           a raw source to a `Dataset`
`train`             a `Preset` and a dataset to a run
`evaluate`          a run to its figures
`load`              a run, a file or a checkpoint that comes with painet to a model
`predict`           a model and a system to where its particles will be
`write_prediction`  a file to a folder of files that other programs open
`windows`           a `Dataset` to batches for models of painet's, `pyg` to PyTorch Geometric's
`PAINET`            the network as a plain `torch.nn.Module`
`Preset`            one experiment: data, features, model, training, evaluation
`Dataset`           prepared frames, with what they are of and how they are split
`Callback`          someone who is told how a training goes
`registry`          models, data sources and presets to choose from
==================  ================================================================================

What is wrong with a request is a `RequestError`, what went wrong later a `PainetError`. Nothing
prints. The command line does the same by the same functions. These names, and those of
`painet.plugins` and `painet.testing`, follow semantic versioning; what else is in the house may
change with any version. `painet` is the short name of this package, `painet_cli`.

>>> import tempfile, painet
>>> folder = tempfile.mkdtemp()
>>> sample = painet.prepare("sample", data_dir=folder)
>>> atoms = sample.manifest.particles
>>> model = painet.load("sample", device="cpu")
>>> x = painet.predict(model, sample.frames[:2], types=atoms.elements, bonds=atoms.bonds)
>>> x.shape  # (steps, particles, 3), angstrom
(5, 9, 3)
"""

from lazy_loader import attach_stub

# the names stand in __init__.pyi; each is imported, with what it needs, when it is first asked for
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
__all__.remove("__version__")
