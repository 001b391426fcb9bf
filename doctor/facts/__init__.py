"""What can a probe have seen? One file a layer; `doctor.net` returns these, `doctor.checks` judges
them.

They stand here, and not beside the checks, because both rooms need them and neither may import the
other.
"""
