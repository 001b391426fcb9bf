"""How does the process behave towards terminal, streams and signals, whichever command runs?"""
