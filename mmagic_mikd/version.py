"""The version of this package: CHANGELOG.md says what is new in it."""

__version__ = '0.2.0'
