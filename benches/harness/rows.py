"""The rows of the comparison: what is asked, of which records, and what a right answer is."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Callable

from . import catalogue
from .load import NUMBER, Request
from .server import Failure

PREPARED = 4000
HOT = 8
BATCH = 50
# Records on a page by price: with more there would be no page 1,000 of 10,000 products, some of them not visible.
PAGE = 9
DEEP_PAGE = 1000
# Pages around the deep one, so that not all requests are the same.
DEEP_PAGES = 10


@dataclass
class Side:
    """A started server with what was loaded into it."""

    server: object
    ids: dict
    products: list[catalogue.Product]
    # The cursors of the deep pages, for users and for guests.
    cursors: dict[bool, dict[int, str]]
    # Products made for deletion and not yet deleted, by their business's owner.
    doomed: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    @cached_property
    def visible(self) -> list[int]:
        """Products that everybody may see."""
        return [at for at, product in enumerate(self.products) if product.status == "active"]

    def product_id(self, at: int) -> str:
        """The key of a product on this side."""
        return self.ids["products"][at]

    def token(self, is_user: bool, business: int) -> str | None:
        """The owner's token, or none for a guest."""
        return self.server.tokens[business] if is_user else None

    def ask(self, request: Request):
        """Status, headers and body of one request, outside the measurement."""
        headers = {"If-None-Match": request.etag} if request.etag else None
        return self.server.client.send(request.method, request.path, request.body, request.token, headers)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    title: str
    # read, write or cached.
    group: str
    # The requests of a side; True means as a signed-in user.
    prepare: Callable[[Side, bool, random.Random], list[Request]]
    # What both sides must agree on, from an answer: any comparable value.
    essence: Callable[[Side, int, object], object]
    callers: tuple[str, ...] = ("user", "guest")
    # The least ratio wanted, for each number of clients; 1 where nothing is said.
    bars: tuple[tuple[int, float], ...] = ()
    # How much a request that succeeds changes the number of products.
    adds: int = 0

    def bar(self, clients: int) -> float:
        """The least ratio wanted."""
        return dict(self.bars).get(clients, dict(self.bars).get(0, 1.0))


def _signed(server_request, token: str | None) -> Request:
    return Request(*server_request, token=token)


def _reads(make: Callable[[Side, random.Random], tuple], hot: bool = False, matching: bool = False):
    """Requests that read: many different ones, or a few over and over; with the ETag of their answer if so wanted."""

    def prepare(side: Side, is_user: bool, source: random.Random) -> list[Request]:
        made = []
        for at in range(HOT if hot else PREPARED):
            request = _signed(make(side, source), side.token(is_user, at % catalogue.BUSINESSES))
            if matching:
                _, headers, _ = side.ask(request)
                request = dataclasses.replace(request, etag=headers.get("ETag"))
            made.append(request)
        return made

    return prepare


def _read_id(side: Side, source: random.Random):
    return side.server.read_id(side.product_id(source.choice(side.visible)))


def _list(total: bool = False, expand: bool = False):
    return lambda side, source: side.server.list(source.choice(side.ids["categories"]), 30, total, expand)


def _pages(first: int, count: int):
    """Requests for pages of one caller, because where a page begins depends on what the caller may see."""

    def prepare(side: Side, is_user: bool, source: random.Random) -> list[Request]:
        pages = [source.randrange(first, first + count) for _ in range(PREPARED)]
        return [_signed(side.server.page(page, PAGE, side.cursors.get(is_user, {})), side.token(is_user, 0))
                for page in pages]

    return prepare


def _search(side: Side, source: random.Random):
    return side.server.search(source.choice(catalogue.LINES))


def _new(source: random.Random, at: int) -> catalogue.Product:
    """A product whose name and number become unique as the request is sent."""
    return dataclasses.replace(
        catalogue.products(1)[0], category=source.randrange(catalogue.CATEGORIES), name=f"New product {NUMBER}",
        sku=f"N{at}-{NUMBER}", price_minor=source.randint(199, 99_999), status="active")


def _creates(side: Side, is_user: bool, source: random.Random) -> list[Request]:
    businesses = [source.randrange(catalogue.BUSINESSES) for _ in range(PREPARED)]
    return [_signed(side.server.create(side.ids, business, _new(source, 0)), side.token(is_user, business))
            for business in businesses]


def _batches(side: Side, is_user: bool, source: random.Random) -> list[Request]:
    businesses = [source.randrange(catalogue.BUSINESSES) for _ in range(200)]
    return [_signed(side.server.batch(side.ids, business, [_new(source, at) for at in range(BATCH)]),
                    side.token(is_user, business)) for business in businesses]


def _updates(side: Side, is_user: bool, source: random.Random) -> list[Request]:
    made = []
    for at in source.choices(range(len(side.products)), k=PREPARED):
        request = side.server.update(side.product_id(at), source.randint(199, 99_999), f"Brand {NUMBER}")
        made.append(_signed(request, side.token(is_user, side.products[at].business)))
    return made


def _deletes(side: Side, is_user: bool, _: random.Random) -> list[Request]:
    return [_signed(side.server.delete(id), side.token(is_user, business)) for id, business in side.doomed]


def doom(side: Side, count: int, source: random.Random, next_number: Callable[[], int]) -> None:
    """Makes products to be deleted, until there are `count` of them."""
    while len(side.doomed) < count:
        business = source.randrange(catalogue.BUSINESSES)
        products = [dataclasses.replace(_new(source, 0), name="Doomed product", sku=f"D-{next_number()}")
                    for _ in range(BATCH)]
        method, path, body = side.server.batch(side.ids, business, products)
        status, _, answer = side.server.client.send(method, path, body, side.server.tokens[business])
        if status != 200:
            raise Failure(f"{side.server.name}: batch: {status}: {str(answer)[:300]}")
        side.doomed += [(id, business) for id in side.server.batch_ids(answer)]
    source.shuffle(side.doomed)


def _want(side: Side, status: int, wanted: int, answer) -> None:
    if status != wanted:
        raise Failure(f"{side.server.name}: {status} instead of {wanted}: {str(answer)[:600]}")


def _one(side: Side, status: int, answer):
    _want(side, status, 200, answer)
    return side.server.price(answer), answer["name"], answer["description"]


def _prices(side: Side, status: int, answer):
    """Prices in order, with the total if there is one."""
    _want(side, status, 200, answer)
    items = side.server.items(answer)
    if not items:
        raise Failure(f"{side.server.name}: an empty page")
    return [side.server.price(item) for item in items], side.server.total(answer)


def _total(side: Side, status: int, answer):
    prices, total = _prices(side, status, answer)
    if total is None:
        raise Failure(f"{side.server.name}: no total")
    return prices, total


def _expanded(side: Side, status: int, answer):
    prices, _ = _prices(side, status, answer)
    names = {side.server.expanded(item) for item in side.server.items(answer)}
    if not all(name.startswith("Shop Number") for name in names):
        raise Failure(f"{side.server.name}: not expanded: {names}")
    return prices


def _found(side: Side, status: int, answer):
    """How many were found; the order of a search is each side's own."""
    return len(_prices(side, status, answer)[0])


def _created(side: Side, status: int, answer):
    _want(side, status, side.server.created_status, answer)
    return answer["status"], answer["description"]


def _updated(side: Side, status: int, answer):
    _want(side, status, 200, answer)
    return side.server.price(answer)


def _deleted(side: Side, status: int, answer):
    _want(side, status, side.server.deleted_status, answer)


def _batched(side: Side, status: int, answer):
    _want(side, status, 200, answer)
    return side.server.batch_statuses(answer)


def _matched(side: Side, status: int, answer):
    """304 where the server knows ETags, otherwise the whole answer."""
    if status not in (200, 304):
        _want(side, status, 304, answer)


_ID, _LISTS, _WRITES, _CACHED = ((0, 2.0),), ((0, 4.0),), ((16, 1.2), (64, 2.0)), ((0, 8.0),)
_GUEST = ("guest",)
_USER = ("user",)

ROWS = [
    Row("read_id", "Read by id", "read", _reads(_read_id), _one, bars=_ID),
    Row("list30", "List 30, filtered and sorted", "read", _reads(_list()), _prices, bars=_LISTS),
    Row("list30_total", "List 30 with total", "read", _reads(_list(total=True)), _total, bars=_LISTS),
    Row("page_1", "Page 1 by price", "read", _pages(1, 1), _prices, bars=_LISTS),
    Row("page_1000", "Page 1,000 by price", "read", _pages(DEEP_PAGE, DEEP_PAGES), _prices, bars=_LISTS),
    Row("search", "Text search", "read", _reads(_search), _found),
    Row("expand", "List 30, one level expanded", "read", _reads(_list(expand=True)), _expanded, bars=_LISTS),
    Row("update", "Update", "write", _updates, _updated, _USER, _WRITES),
    Row("delete", "Delete", "write", _deletes, _deleted, _USER, _WRITES, adds=-1),
    Row("create", "Create", "write", _creates, _created, _USER, _WRITES, adds=1),
    Row("batch50", "Batch of 50 creates", "write", _batches, _batched, _USER, _WRITES, adds=BATCH),
    Row("read_id_hot", "Read by id, few records", "cached", _reads(_read_id, hot=True), _one, _GUEST, _CACHED),
    Row("list30_hot", "List 30, few lists", "cached", _reads(_list(), hot=True), _prices, _GUEST, _CACHED),
    Row("read_id_304", "Read by id, If-None-Match", "cached", _reads(_read_id, True, True), _matched, _GUEST, _CACHED),
    Row("list30_304", "List 30, If-None-Match", "cached", _reads(_list(), True, True), _matched, _GUEST, _CACHED),
]
