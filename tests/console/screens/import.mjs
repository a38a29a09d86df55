// An import: a spreadsheet with semicolons is matched, checked, and refused row by row; the good rows go in.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter, tabTo } from "../keyboard.mjs";

export const path = "#/tables/species/import";

const FILE = "ID;Name;Colour\r\naxolotl;Axolotl;pink\r\nNot a key;Nobody;\r\nyak;\"Yak; or grunting ox\";brown\r\n";

export async function use(page) {
  await tabTo(page, page.locator("input[type=file]"));
  await page.locator("input[type=file]").setInputFiles({ name: "species.csv", mimeType: "text/csv", buffer: Buffer.from(FILE) });
  await page.getByText("1 column is left out.").waitFor();
  assert.equal(await page.getByLabel("ID", { exact: true }).inputValue(), "id");
  assert.equal(await page.getByLabel("Colour").inputValue(), "-");
  await inspect(page, "import, matching columns");
  await enter(page, page.getByRole("button", { name: "Check 3 rows" }));
  await page.getByRole("heading", { name: "1 row is not good, 2 of 3 are" }).waitFor();
  const errors = page.getByRole("region", { name: "Rows that are not good" });
  assert.match(await errors.innerText(), /2\s+ID[\s\S]*Not a key/);
  await inspect(page, "import with a bad row");
  await tabTo(page, page.getByRole("radio", { name: /Import nothing/ }), "Shift+Tab");
  await page.keyboard.press("ArrowDown");
  await enter(page, page.getByRole("button", { name: "Import 2 records" }));
  await page.getByRole("heading", { name: "2 records are imported" }).waitFor();
  await enter(page, page.getByRole("link", { name: "See the records" }));
  await page.getByRole("link", { name: "Yak; or grunting ox" }).waitFor();
  await settled(page);
}
