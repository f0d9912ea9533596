"""What is asked of the API again and again, each thing at its own pace.

A module here may import `api` and the mapping, and no Home Assistant.
"""
