"""The figures and tables of the book: tidy data, a drawing and an alt text for each.

A figure NAME is three functions of the module of that name: `NAME_data(...)`, a tidy frame;
`draw_NAME(frame)`, which draws it; and `alt_NAME(frame)`, the same numbers in words. Nothing is
computed here that is not in the frame.
"""
