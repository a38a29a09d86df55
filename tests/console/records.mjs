// What tests look up in the demo before they open a screen.

/** The newest records of a table that fit a query. */
export async function recordsOf(context, table, query = "limit=1") {
  const reply = await context.request.get(`/api/admin/${table}?${query}`);
  if (!reply.ok()) throw new Error(`${table}?${query}: ${reply.status()} ${await reply.text()}`);
  return (await reply.json()).items;
}
