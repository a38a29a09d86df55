"""Pawbase: how it is started, loaded, and asked. Its tables are the ones it ships; only the rate limit is off."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

from . import catalogue
from .server import Client, Failure, Server, free_port

_ADMIN = ("admin@shop.example", "admin-of-the-benchmark")


class Pawbase(Server):
    """One Pawbase process with its data folder."""

    name = "Pawbase"
    ready_path = "/ready"

    def __init__(self, binary: Path, data: Path, extra: dict[str, str] | None = None):
        super().__init__(binary, data)
        self.admin_port = free_port()
        self.extra = extra or {}
        self._admin_client: Client | None = None
        self._admin_token = ""

    def command(self) -> list[str]:
        return [str(self.binary), "serve", "--data", str(self.data),
                "--public", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}"]

    def environment(self) -> dict[str, str]:
        return {"PAWBASE_LIMITS__RATE_LIMIT": "false", **self.extra}

    def start(self) -> float:
        took = super().start()
        self._admin_client = Client(self.admin_port)
        return took

    def prepare(self) -> None:
        """Makes the administrator, before the first start."""
        done = subprocess.run(
            [self.binary, "admin", "create", _ADMIN[0], "--data", str(self.data)], cwd=self.data.parent,
            env={**os.environ, **self.environment(), "PAWBASE_ADMIN_PASSWORD": _ADMIN[1]}, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"pawbase admin create: {done.stderr}")

    def _admin(self, status: int, method: str, path: str, body=None):
        got, _, answer = self._admin_client.send(method, path, body, self._admin_token)
        if got == 401:
            self._sign_in_admin()
            got, _, answer = self._admin_client.send(method, path, body, self._admin_token)
        if got != status:
            raise Failure(f"{method} {path}: {got} instead of {status}: {str(answer)[:600]}")
        return answer

    def _sign_in_admin(self) -> None:
        login = {"email": _ADMIN[0], "password": _ADMIN[1]}
        self._admin_token = self._admin_client.want(200, "POST", "/api/admin/auth/login", login)["access_token"]

    def sign_up(self, email: str, name: str) -> str:
        """A new account; answers its id."""
        body = {"email": email, "name": name, "password": catalogue.PASSWORD}
        return self.client.want(201, "POST", "/api/v1/auth/signup", body)["user"]["id"]

    def seed(self, products: list[catalogue.Product]) -> dict:
        """Loads everything into the empty installation; answers the ids."""
        self._admin(201, "POST", "/api/admin/species", {"id": "dog", "name": "Dog"})
        businesses, categories = [], []
        for at in range(catalogue.CATEGORIES):
            body = {"id": f"category_{at}", "name": catalogue.category_name(at)}
            categories.append(self._admin(201, "POST", "/api/admin/product_categories", body)["id"])
        for at in range(catalogue.BUSINESSES):
            user = self.sign_up(catalogue.email(at), f"Owner {at}")
            body = {"name": catalogue.business_name(at), "slug": f"shop-{at}", "kinds": ["shop"], "city": "Berlin",
                    "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR", "status": "active",
                    "description": "A shop for everything that an animal needs."}
            businesses.append(self._admin(201, "POST", "/api/admin/businesses", body)["id"])
            body = {"user": user, "business": businesses[-1], "role": "owner"}
            self._admin(201, "POST", "/api/admin/memberships", body)
        ids = {"businesses": businesses, "categories": categories, "products": []}
        for at in range(0, len(products), catalogue.RUN_LENGTH):
            self.refresh_tokens()
            run = products[at:at + catalogue.RUN_LENGTH]
            ids["products"] += self.create_all(run[0].business, [_body(ids, product) for product in run])
        return ids

    def create_all(self, business: int, bodies: list[dict]) -> list[str]:
        """Creates records in one batch as the owner; answers their ids."""
        return self.batch_ids(self.client.want(200, "POST", "/api/v1/batch", _batch(bodies), self.tokens[business]))

    def sign_in_owners(self) -> list[str]:
        tokens = []
        for at in range(catalogue.BUSINESSES):
            _, path, body = self.login(catalogue.email(at))
            tokens.append(self.client.want(200, "POST", path, body)["access_token"])
        return tokens

    def count(self) -> int:
        """How many products there are."""
        return self._admin(200, "GET", "/api/admin/products?limit=1&fields=id&count=true")["total"]

    # What is measured: method, path, body.

    def read_id(self, id: str):
        return "GET", f"/api/v1/products/{id}", None

    def list(self, category: str, limit: int, total: bool = False, expand: bool = False):
        extra = ("&count=true" if total else "") + ("&expand=business" if expand else "")
        return "GET", f"/api/v1/products?category={category}&sort=-price.minor&limit={limit}{extra}", None

    def page(self, at: int, size: int, cursors: dict[int, str]):
        cursor = f"&cursor={quote(cursors[at])}" if at > 1 else ""
        return "GET", f"/api/v1/products?sort=-price.minor&limit={size}{cursor}", None

    def search(self, word: str):
        return "GET", f"/api/v1/products?q={word}&limit=30", None

    def create(self, ids: dict, business: int, product: catalogue.Product):
        return "POST", "/api/v1/products", _body(ids, product, business)

    def update(self, id: str, price_minor: int, brand: str):
        return "PATCH", f"/api/v1/products/{id}", {"price": {"minor": price_minor}, "brand": brand}

    def delete(self, id: str):
        return "DELETE", f"/api/v1/products/{id}", None

    def batch(self, ids: dict, business: int, products: list[catalogue.Product]):
        return "POST", "/api/v1/batch", _batch([_body(ids, product, business) for product in products])

    def login(self, email: str):
        return "POST", "/api/v1/auth/login", {"email": email, "password": catalogue.PASSWORD}

    # The parts of an answer that both sides must agree on.

    deleted_status = 204
    created_status = 201

    def page_cursors(self, size: int, first: int, count: int, token: str | None) -> dict[int, str]:
        """The cursors that lead to `count` pages of `size` from page `first`: each from the last row before its page."""
        path = "/api/v1/products?sort=-price.minor&fields=id&limit=1&offset="
        rows = {page: (page - 1) * size - 1 for page in range(first, first + count)}
        return {page: self.client.want(200, "GET", f"{path}{row}", token=token)["next_cursor"] for page, row in rows.items()}

    def items(self, answer) -> list[dict]:
        return answer["items"]

    def total(self, answer) -> int | None:
        return answer.get("total")

    def price(self, item: dict) -> int:
        return item["price"]["minor"]

    def expanded(self, item: dict) -> str:
        return item["expand"]["business"]["name"]

    def batch_ids(self, answer) -> list[str]:
        return [result["body"]["id"] for result in answer["results"]]

    def batch_statuses(self, answer) -> list[int]:
        return [result["status"] for result in answer["results"]]


def _body(ids: dict, product: catalogue.Product, business: int | None = None) -> dict:
    return {
        "business": ids["businesses"][product.business if business is None else business],
        "category": ids["categories"][product.category], "name": product.name, "sku": product.sku,
        "brand": product.brand, "description": product.description, "species": ["dog"],
        "price": {"minor": product.price_minor, "currency": "EUR"},
        "cost": {"minor": product.cost_minor, "currency": "EUR"},
        "weight_g": product.weight_g, "tags": list(product.tags), "status": product.status,
    }


def _batch(bodies: list[dict]) -> dict:
    return {"operations": [{"method": "POST", "table": "products", "body": body} for body in bodies]}
