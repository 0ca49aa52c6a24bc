"""The page: a Dash application that talks to the API."""
