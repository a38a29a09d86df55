// What tests look up in the demo, or make, before they open a screen.
import { forgeryHeader } from "./browser.mjs";

/** The newest records of a table that fit a query. */
export async function recordsOf(context, table, query = "limit=1") {
  const reply = await context.request.get(`/api/admin/${table}?${query}`);
  if (!reply.ok()) throw new Error(`${table}?${query}: ${reply.status()} ${await reply.text()}`);
  return (await reply.json()).items;
}

/** The answer to an operation of the admin API. */
export async function operate(context, method, path, data) {
  const reply = await context.request.fetch(`/api/admin/${path}`, { method, headers: await forgeryHeader(context), data });
  if (!reply.ok()) throw new Error(`${method} ${path}: ${reply.status()} ${await reply.text()}`);
  const text = await reply.text();
  return text ? JSON.parse(text) : null;
}

/** The record when it is as wished for: what happens behind the scenes takes a moment. */
export async function recordThat(context, table, id, isRight) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const [record] = await recordsOf(context, table, `id=${id}`);
    if (record && isRight(record)) return record;
    if (Date.now() > deadline) throw new Error(`${table}:${id} is still ${JSON.stringify(record)}`);
    await new Promise((later) => setTimeout(later, 100));
  }
}
