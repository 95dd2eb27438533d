"""What was measured and what the paper prints: tables, what they allow to say, and the project's figures.

    from infomerge.paper import figures, tables

A new figure is one function, in the module of its subject: `figures_clip`, `figures_tables`,
`figures_methods` or `figures_answers`.
"""
