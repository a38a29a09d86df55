// A front end's first day, with nothing but types made from the document: signs up, lists with a filter, creates, reads,
// patches, is told all bad fields at once. Lines marked "@ts-expect-error" must not compile, or the types are too weak.
import createClient from "openapi-fetch";
import type { paths as AdminPaths } from "./admin.js";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

type Pet = components["schemas"]["Pets"];

const baseUrl = process.argv[2] ?? "";
const api = createClient<paths>({
    baseUrl,
    querySerializer: { array: { style: "form", explode: false }, object: { style: "deepObject", explode: true } },
});

function check(holds: boolean, what: unknown): asserts holds {
    if (!holds) {
        throw new Error(`not as it should be: ${JSON.stringify(what)}`);
    }
}

const email = `typed-${crypto.randomUUID()}@example.com`;
const account = await api.POST("/api/v1/auth/signup", { body: { email, password: "correct horse battery", name: "Typed" } });
check(account.data?.user.email === email, account);
const token = account.data.access_token ?? "";
api.use({ onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${token}`) });

const list = await api.GET("/api/v1/products", {
    params: {
        query: {
            "price.minor": { lte: 2000, gt: 100 },
            status: { in: "active,draft" },
            filter: 'name contains "a"',
            sort: ["-price.minor", "name"],
            fields: ["name", "price", "business"],
            expand: ["business"],
            limit: 5,
            count: true,
        },
    },
});
check(list.data !== undefined && list.data.items.length === 5 && (list.data.total ?? 0) > 5, list);
const prices = list.data.items.map((product) => product.price?.minor ?? 0);
check(prices.every((price, at) => price <= 2000 && (at === 0 || price <= (prices[at - 1] ?? 0))), prices);
check(typeof list.data.items[0]?.expand?.business?.name === "string", list.data.items[0]);
const next = await api.GET("/api/v1/products", {
    params: {
        query: {
            "price.minor": { lte: 2000, gt: 100 },
            status: { in: "active,draft" },
            filter: 'name contains "a"',
            sort: ["-price.minor", "name"],
            limit: 5,
            cursor: list.data.next_cursor ?? "",
        },
    },
});
check(next.data?.items.length === 5 && next.data.items.every((one) => !list.data.items.some((two) => two.id === one.id)), next);

const created = await api.POST("/api/v1/pets", {
    body: { name: "Momo", species: "cat", weight_g: 5200 },
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
});
check(created.response.status === 201 && created.data?.name === "Momo" && created.data.sex === "unknown", created);
// Without what it may be expanded to: a place is a pair of numbers, of which openapi-fetch makes a list in answers.
const pet: Omit<Pet, "expand"> = created.data;
const path = { id: pet.id };

const etag = created.response.headers.get("etag") ?? "";
const patched = await api.PATCH("/api/v1/pets/{id}", {
    params: { path, header: { "If-Match": etag } },
    body: { weight_g: 5400, color: null },
});
check(patched.data?.weight_g === 5400, patched);
const stale = await api.PATCH("/api/v1/pets/{id}", { params: { path, header: { "If-Match": etag } }, body: { sex: "female" } });
check(stale.response.status === 412 && stale.error?.error === "stale", stale);

const refused = await api.POST("/api/v1/pets", { body: { name: "", species: "cat", weight_g: -1, birth_date: "yesterday" } });
check(refused.response.status === 422 && refused.error?.error === "validation_failed", refused);
const pointers = (refused.error.errors ?? []).map((bad) => bad.pointer).sort();
check(pointers.join() === "/birth_date,/name,/weight_g", pointers);

const batch = await api.POST("/api/v1/batch", {
    body: {
        operations: [
            { method: "POST", table: "pets", body: { name: "Ada", species: "dog" } },
            { method: "PATCH", table: "pets", id: pet.id, body: { color: "grey" } },
            { method: "DELETE", table: "pets", id: pet.id },
        ],
    },
});
check(batch.data?.results.map((result) => result.status).join() === "201,200,204", batch);

const groups = await api.GET("/api/v1/products/aggregate", {
    params: { query: { group_by: ["price.currency"], measures: ["count", "max(price.minor)"] } },
});
check(groups.data !== undefined && groups.data.groups.length > 1 && (groups.data.groups[0]?.count ?? 0) > 0, groups);

export async function tooWeakTypesWouldCompileThis(): Promise<void> {
    const admin = createClient<AdminPaths>({ baseUrl });
    // @ts-expect-error a field that is not there
    const winged: components["schemas"]["PetsCreate"] = { name: "Rex", species: "dog", wings: 2 };
    await api.POST("/api/v1/pets", { body: winged });
    // @ts-expect-error a required field is missing
    await api.POST("/api/v1/pets", { body: { name: "Rex" } });
    // @ts-expect-error not one of the choices
    await api.POST("/api/v1/pets", { body: { name: "Rex", species: "dog", sex: "both" } });
    // @ts-expect-error only staff make species
    await api.POST("/api/v1/species", { body: { id: "dragon", name: "Dragon" } });
    // @ts-expect-error not a field to sort by
    await api.GET("/api/v1/products", { params: { query: { sort: ["wings"] } } });
    // @ts-expect-error an order of a flag
    await api.GET("/api/v1/services", { params: { query: { active: { lt: true } } } });
    // @ts-expect-error a record of another table
    await api.POST("/api/v1/batch", { body: { operations: [{ method: "POST", table: "pets", body: { title: "No" } }] } });
    await admin.POST("/api/admin/species", { body: { id: "dragon", name: "Dragon" } });
}

console.log("typed client: ok");
