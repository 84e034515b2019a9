"""A cloud management server that speaks the Apache CloudStack API."""

__version__ = "0.1.0"
