// The permission overview: every table is there in words, fields with rules of their own unfold, a word finds tables.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { tabTo, type } from "../keyboard.mjs";

export const path = "#/permissions";

export async function use(page) {
  const rows = page.locator("tbody tr");
  assert.ok((await rows.count()) > 15);
  for (const text of await page.locator("tbody td").allInnerTexts()) assert.ok(text.trim().length > 3, "a rule without words");
  const species = page.locator("tr", { has: page.getByRole("link", { name: "Species", exact: true }) });
  assert.match(await species.innerText(), /Everybody[\s\S]*Staff only/);
  await type(page, page.getByRole("searchbox"), "catalog of nothing");
  await page.getByRole("heading", { name: "No table fits" }).waitFor();
  await type(page, page.getByRole("searchbox"), "products");
  const unfold = page.locator("tr", { has: page.getByRole("link", { name: "Products", exact: true }) }).locator("summary");
  await tabTo(page, unfold);
  await page.keyboard.press("Enter");
  await page.getByText("Cost", { exact: false }).first().waitFor();
  await inspect(page, "permissions with field rules");
}
