"""Floor 2: one class per thing a user wants. They know domain, analysis and ports, never an adapter.

Those that only ask or change the catalogue are synchronous (the command line calls them straight, the servers through
`Lanes`); those that live as long as the daemon are asynchronous.
"""
