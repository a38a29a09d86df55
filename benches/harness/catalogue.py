"""The shop that both sides are loaded with: made from a fixed seed, so always the same. Knows no server."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

BUSINESSES = 20
CATEGORIES = 40
# Consecutive products of one business: one batch of the load is one business's, on both sides.
RUN_LENGTH = 50
ACTIVE_SHARE = 0.95
PASSWORD = "measured-twice-cut-once"

_THINGS = ["Kibble", "Collar", "Leash", "Blanket", "Feeder", "Brush", "Harness", "Treats", "Litter", "Carrier"]
_STYLES = ["Classic", "Natural", "Compact", "Deluxe", "Gentle", "Sturdy", "Fresh", "Light"]
_BRANDS = ["Northpaw", "Whiskerly", "Barkwell", "Featherstone", "Aquaria", "Hutchmade"]
# Words to search for: no two alike, none part of another or of any word above.
LINES = [a + b + "x" for a, b in itertools.product(
    ["zal", "zem", "zir", "zol", "zun", "qual", "quem", "quir", "quol", "quon"],
    ["aba", "ebe", "ibi", "obo", "ubu", "aka", "eke", "iki", "oko", "uku",
     "ada", "ede", "idi", "odo", "udu", "ava", "eve", "ivi", "ovo", "uvu"])]


@dataclass(frozen=True)
class Product:
    """A product, in the words of neither side."""

    business: int
    category: int
    name: str
    sku: str
    brand: str
    description: str
    price_minor: int
    cost_minor: int
    weight_g: int
    tags: tuple[str, ...]
    status: str


def email(business: int) -> str:
    """The account of a business's owner."""
    return f"owner{business}@shop.example"


def business_name(business: int) -> str:
    """Name of a business."""
    return f"Shop Number {business}"


def category_name(category: int) -> str:
    """Name of a category."""
    return f"Category {category}"


def products(count: int) -> list[Product]:
    """The first `count` products."""
    source = random.Random(20_000)
    return [_product(source, at) for at in range(count)]


def _product(source: random.Random, at: int) -> Product:
    price = source.randint(199, 99_999)
    style, thing, line = source.choice(_STYLES), source.choice(_THINGS), source.choice(LINES)
    words = ", ".join(source.sample(LINES, 3))
    return Product(
        business=at // RUN_LENGTH % BUSINESSES,
        category=source.randrange(CATEGORIES),
        name=f"{style} {line} {thing} {at}",
        sku=f"P-{at:07d}",
        brand=source.choice(_BRANDS),
        description=f"{style} {thing.lower()} for animals of every age, made with care and tested at home. "
                    f"Goes well with {words}. Washable, sturdy, and kind to fur, feather and scale.",
        price_minor=price,
        cost_minor=price * 6 // 10,
        weight_g=source.randint(50, 20_000),
        tags=(thing.lower(), style.lower()),
        status="active" if source.random() < ACTIVE_SHARE else "inactive",
    )
