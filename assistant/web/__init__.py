"""The page: a chat, a search box and a text check in the browser, on this machine only."""
