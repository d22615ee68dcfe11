"""How the site is built: `make docs`, strictly and without a network."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version as version_of
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "painet"
author = "the painet developers"
version = release = version_of("painet")
html_title = f"painet {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "generated",
]
exclude_patterns = ["_build", "gallery/**/*.ipynb", "gallery/**/*.py", "gallery/**/*.json"]

# Markdown, with anchors as GitHub makes them and equations between dollars
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
# "length" is an attribute of several things; tests/docs holds that links to code lead to code
suppress_warnings = ["ref.python"]

# docstrings are numpy's, and `name` in one is code
default_role = "code"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

# equations are MathML before they leave the house, type is the system's: nothing is fetched
html_math_renderer = "mathml"
html_theme = "furo"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#0072B2"},
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#56B4E9"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["painet.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
copybutton_exclude = ".linenos, .gp, .go"

# the gallery's scripts run as the site is built; one that fails fails the build
sphinx_gallery_conf = {
    "examples_dirs": [str(DOCS.parent / "examples" / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "plot_gallery": True,
    "min_reported_time": 0,
    "write_computation_times": False,
    "remove_config_comments": True,
    "image_srcset": ["2x"],
}
# PyTorch Geometric scripts a class as it is imported, which PyTorch 2.13 deprecates
warnings.filterwarnings("ignore", ".torch.jit.script. is deprecated", DeprecationWarning)
