"""The declared settings, one file per subject.

To add a setting: one `Setting(...)` in the file of its subject, and a service that reads it.
"""
