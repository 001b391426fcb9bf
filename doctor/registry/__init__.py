"""What do registries say, and what is known of them? Headers, documents and tokens read by their
own specifications, without I/O; and a profile of each registry whose particulars are known.
"""
