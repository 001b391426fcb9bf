"""How would each client go about a pull? Its credentials, its proxy decision, its trust and its
mirrors, from local configuration alone.

One file a client, beside it the files that several of them read. Everything takes the `Machine` it
looks at: nothing here knows which machine runs it.
"""
