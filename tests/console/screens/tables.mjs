// All tables: one is found by a word and opened.
import { enter, type } from "../keyboard.mjs";

export const path = "#/tables";

export async function use(page) {
  await type(page, page.getByRole("searchbox", { name: "Find a table" }), "categor");
  const table = page.getByRole("region", { name: "Tables" }).getByRole("link", { name: "Product categories", exact: true });
  await page.getByRole("region", { name: "Tables" }).getByRole("link", { name: "Pets", exact: true }).waitFor({ state: "detached" });
  await enter(page, table);
  await page.getByRole("heading", { level: 1, name: "Product categories" }).waitFor();
}
