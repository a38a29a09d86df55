"""PocketBase: how it is started, loaded, and asked. Collections, rules and indexes mean what Pawbase's tables mean."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import quote

from . import catalogue
from .server import Failure, Server

_ADMIN = ("admin@shop.example", "admin-of-the-benchmark")
_RECORDS = "/api/collections/products/records"

# The memberships of the caller. Of the ways to write this rule, the fastest one: see README.md.
_MEMBER = ('@request.auth.memberships_via_user.business ?= business'
           ' && @request.auth.memberships_via_user.status ?= "active"')
_KEEPER = _MEMBER + (' && (@request.auth.memberships_via_user.role ?= "owner"'
                     ' || @request.auth.memberships_via_user.role ?= "manager"'
                     ' || @request.auth.memberships_via_user.role ?= "stock_keeper")')
_RULES = {
    "listRule": f'status = "active" || ({_MEMBER})',
    "viewRule": f'status = "active" || ({_MEMBER})',
    "createRule": _KEEPER,
    "updateRule": _KEEPER + " && (@request.body.business:isset = false || @request.body.business = business)",
    "deleteRule": _KEEPER,
}


class PocketBase(Server):
    """One PocketBase process with its data folder."""

    name = "PocketBase"
    ready_path = "/api/health"

    def __init__(self, binary: Path, data: Path, schemas: Path):
        super().__init__(binary, data)
        self.schemas = schemas
        self._admin_token = ""

    def command(self) -> list[str]:
        return [str(self.binary), "serve", "--dir", str(self.data), "--http", f"127.0.0.1:{self.port}"]

    def prepare(self) -> None:
        """Makes the superuser, before the first start."""
        done = subprocess.run([self.binary, "superuser", "upsert", *_ADMIN, "--dir", self.data],
                              cwd=self.data.parent, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"pocketbase superuser upsert: {done.stdout}{done.stderr}")

    def _admin(self, method: str, path: str, body=None):
        if not self._admin_token:
            login = {"identity": _ADMIN[0], "password": _ADMIN[1]}
            path_in = "/api/collections/_superusers/auth-with-password"
            self._admin_token = self.client.want(200, "POST", path_in, login)["token"]
        return self.client.want(200, method, path, body, self._admin_token)

    def _record(self, collection: str, body: dict) -> str:
        return self._admin("POST", f"/api/collections/{collection}/records", body)["id"]

    def sign_up(self, email: str, name: str) -> str:
        """A new account; answers its id."""
        return self._record("users", {"email": email, "name": name, "password": catalogue.PASSWORD,
                                      "passwordConfirm": catalogue.PASSWORD})

    def seed(self, products: list[catalogue.Product]) -> dict:
        """Loads everything into the empty installation; answers the ids."""
        self._define()
        ids = {"species": self._record("species", {"name": "Dog"}), "businesses": [], "categories": [], "products": []}
        for at in range(catalogue.CATEGORIES):
            ids["categories"].append(self._record("product_categories", {"name": catalogue.category_name(at)}))
        for at in range(catalogue.BUSINESSES):
            user = self.sign_up(catalogue.email(at), f"Owner {at}")
            body = {"name": catalogue.business_name(at), "slug": f"shop-{at}", "kinds": ["shop"], "city": "Berlin",
                    "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR", "status": "active",
                    "description": "A shop for everything that an animal needs."}
            ids["businesses"].append(self._record("businesses", body))
            body = {"user": user, "business": ids["businesses"][-1], "role": "owner", "status": "active"}
            self._record("memberships", body)
        for at in range(0, len(products), catalogue.RUN_LENGTH):
            self.refresh_tokens()
            run = products[at:at + catalogue.RUN_LENGTH]
            ids["products"] += self.create_all(run[0].business, [_body(ids, product) for product in run])
        return ids

    def create_all(self, business: int, bodies: list[dict]) -> list[str]:
        """Creates records in one batch as the owner; answers their ids."""
        return self.batch_ids(self.client.want(200, "POST", "/api/batch", _batch(bodies), self.tokens[business]))

    def sign_in_owners(self) -> list[str]:
        tokens = []
        for at in range(catalogue.BUSINESSES):
            _, path, body = self.login(catalogue.email(at))
            tokens.append(self.client.want(200, "POST", path, body)["token"])
        return tokens

    def count(self) -> int:
        """How many products there are."""
        return self._admin("GET", f"{_RECORDS}?perPage=1&fields=id")["totalItems"]

    def _define(self) -> None:
        """The collections. Batches are off by default, so they are switched on; nothing else is changed."""
        self._admin("PATCH", "/api/settings", {"batch": {"enabled": True}})
        users = self._admin("GET", "/api/collections/users")["id"]
        public = {"listRule": "", "viewRule": ""}
        self._define_one("species", [_text("name", 100)], public)
        categories = self._define_one("product_categories", [_text("name", 100), _number("position")], public)
        businesses = self._define_one("businesses", [
            _text("name", 120), _text("slug", 80, "^[a-z0-9]+(-[a-z0-9]+)*$"), _select("kinds", ["shop", "groomer"], 2),
            _text("description", 5000), _text("city", 100), _text("country", 2, "^[A-Z]{2}$"), _text("timezone", 64),
            _text("currency", 3, "^[A-Z]{3}$"), _select("status", ["draft", "active", "inactive"]), *_dates()],
            {"listRule": 'status = "active"', "viewRule": 'status = "active"'})
        self._define_one("memberships", [
            _link("user", users), _link("business", businesses),
            _select("role", ["owner", "manager", "receptionist", "stock_keeper"]),
            _select("status", ["invited", "active", "disabled"]), *_dates()],
            {"listRule": "user = @request.auth.id", "viewRule": "user = @request.auth.id"})
        species = self._admin("GET", "/api/collections/species")["id"]
        self._define_one("products", [
            _link("business", businesses), _link("category", categories), _text("name", 200),
            _text("sku", 40, "^[A-Za-z0-9][A-Za-z0-9._-]*$"), _text("barcode", 14, "^[0-9]*$", required=False),
            _text("brand", 100, required=False), _text("description", 5000, required=False),
            _link("species", species, 20, required=False), _number("price_minor"), _text("price_currency", 3, "^[A-Z]{3}$"),
            _number("weight_g"), {"name": "tags", "type": "json"},
            _select("status", ["draft", "active", "inactive", "discontinued"]), *_dates()], _RULES)

    def _define_one(self, name: str, fields: list[dict], rules: dict) -> str:
        own = indexes(self.schemas, name, {field["name"] for field in fields})
        body = {"name": name, "type": "base", "fields": fields, "indexes": own, **rules}
        return self._admin("POST", "/api/collections", body)["id"]

    def open_products(self) -> None:
        """Lets everybody see all products, without a rule that is evaluated for each reader."""
        self._admin("PATCH", "/api/collections/products", {"listRule": "", "viewRule": ""})

    # What is measured: method, path, body.

    def read_id(self, id: str):
        return "GET", f"{_RECORDS}/{id}", None

    def list(self, category: str, limit: int, total: bool = False, expand: bool = False):
        extra = ("" if total else "&skipTotal=1") + ("&expand=business" if expand else "")
        return "GET", f"{_RECORDS}?filter={_quoted('category', '=', category)}&sort=-price_minor&perPage={limit}{extra}", None

    def page(self, at: int, size: int, cursors: dict[int, str]):
        return "GET", f"{_RECORDS}?sort=-price_minor&perPage={size}&page={at}&skipTotal=1", None

    def search(self, word: str):
        either = f"{_quoted('name', '~', word)}{quote('||')}{_quoted('description', '~', word)}"
        return "GET", f"{_RECORDS}?filter={either}&perPage=30&skipTotal=1", None

    def create(self, ids: dict, business: int, product: catalogue.Product):
        return "POST", _RECORDS, _body(ids, product, business)

    def update(self, id: str, price_minor: int, brand: str):
        return "PATCH", f"{_RECORDS}/{id}", {"price_minor": price_minor, "brand": brand}

    def delete(self, id: str):
        return "DELETE", f"{_RECORDS}/{id}", None

    def batch(self, ids: dict, business: int, products: list[catalogue.Product]):
        return "POST", "/api/batch", _batch([_body(ids, product, business) for product in products])

    def login(self, email: str):
        body = {"identity": email, "password": catalogue.PASSWORD}
        return "POST", "/api/collections/users/auth-with-password", body

    # The parts of an answer that both sides must agree on.

    deleted_status = 204
    created_status = 200

    def page_cursors(self, size: int, first: int, count: int, token: str | None) -> dict[int, str]:
        """Pages have numbers here."""
        return {}

    def items(self, answer) -> list[dict]:
        return answer["items"]

    def total(self, answer) -> int | None:
        return answer["totalItems"] if answer["totalItems"] >= 0 else None

    def price(self, item: dict) -> int:
        return item["price_minor"]

    def expanded(self, item: dict) -> str:
        return item["expand"]["business"]["name"]

    def batch_ids(self, answer) -> list[str]:
        return [result["body"]["id"] for result in answer]

    def batch_statuses(self, answer) -> list[int]:
        return [201 if result["status"] == 200 else result["status"] for result in answer]


def indexes(schemas: Path, table: str, known: set[str]) -> list[str]:
    """The indexes of Pawbase's table, as SQL: read from its schema files, so that neither side has one more.

    Full-text indexes are left out, because PocketBase has none; it searches with LIKE.
    """
    found = []
    for file in sorted(schemas.glob("*.surql")):
        for name, fields, rest in re.findall(rf"DEFINE INDEX (\w+) ON {table} FIELDS ([^;]*?)( UNIQUE| FULLTEXT[^;]*)?;",
                                             file.read_text()):
            if "FULLTEXT" in rest:
                continue
            columns = [field.strip().replace(".", "_") for field in fields.split(",")]
            if known.issuperset(columns):
                found.append(f"CREATE {rest.strip()} INDEX `{name}` ON `{table}` ({', '.join(columns)})")
    return found


def _quoted(field: str, operator: str, value: str) -> str:
    return quote(f'{field}{operator}"{value}"')


def _text(name: str, longest: int, pattern: str = "", required: bool = True) -> dict:
    return {"name": name, "type": "text", "max": longest, "pattern": pattern, "required": required}


def _number(name: str) -> dict:
    return {"name": name, "type": "number", "onlyInt": True, "min": 0, "max": 1_000_000_000_000}


def _select(name: str, values: list[str], most: int = 1) -> dict:
    return {"name": name, "type": "select", "values": values, "maxSelect": most, "required": True}


def _link(name: str, collection: str, most: int = 1, required: bool = True) -> dict:
    return {"name": name, "type": "relation", "collectionId": collection, "maxSelect": most, "required": required}


def _dates() -> list[dict]:
    return [{"name": "created_at", "type": "autodate", "onCreate": True, "onUpdate": False},
            {"name": "updated_at", "type": "autodate", "onCreate": True, "onUpdate": True}]


def _body(ids: dict, product: catalogue.Product, business: int | None = None) -> dict:
    return {
        "business": ids["businesses"][product.business if business is None else business],
        "category": ids["categories"][product.category], "name": product.name, "sku": product.sku,
        "brand": product.brand, "description": product.description, "species": [ids["species"]],
        "price_minor": product.price_minor, "price_currency": "EUR",
        "weight_g": product.weight_g, "tags": list(product.tags), "status": product.status,
    }


def _batch(bodies: list[dict]) -> dict:
    return {"requests": [{"method": "POST", "url": _RECORDS, "body": body} for body in bodies]}
