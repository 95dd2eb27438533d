"""The deck: the slides of one Markdown file as one HTML page that opens offline and asks the network for nothing."""

from infomerge.course.slides.deck import Slide, deck_page, read_slides, write_deck

__all__ = ["Slide", "deck_page", "read_slides", "write_deck"]
