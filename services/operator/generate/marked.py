"""The part of a page that a command writes, between two lines that say so."""


def between(page: str, begin: str, end: str, inside: str) -> str:
    """The page with this part as it is now; ValueError if one of its two lines is gone."""
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no longer the lines {begin} and {end}")
    return f"{before}{begin}\n\n{inside}\n\n{end}{after}"
