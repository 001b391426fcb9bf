"""What do a cluster's objects say about pulls that fail? Pure: what the API answered in, nouns out.

The objects are foreign: any field may be missing, of another type, or larger than anybody expects,
and one odd object costs itself alone.
"""
