// A list narrowed by filters, with columns of one's own, kept as a view; then several records changed at once after a preview.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

export const path = "#/tables/products?status=draft&price.minor[lte]=5000";

export async function use(page) {
  const panel = page.locator(".panel:popover-open");
  await page.getByRole("group", { name: "Filters" }).getByText("Price at most 50.00").waitFor();

  await enter(page, page.getByRole("button", { name: "Filter", exact: true }));
  await panel.getByLabel("Field").selectOption("brand");
  await panel.getByLabel("Comparison").selectOption("null");
  await panel.getByLabel("Answer").selectOption("false");
  await inspect(page, "records, filter open");
  await enter(page, panel.getByRole("button", { name: "Add filter" }));
  await page.waitForURL(/brand\[null\]=false/);

  await enter(page, page.getByRole("button", { name: "Columns" }));
  await panel.getByLabel("Barcode").press("Space");
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "Barcode" }).waitFor();
  await settled(page);

  await enter(page, page.getByRole("button", { name: "Views" }));
  await panel.getByLabel("Save this list as").fill("Cheap drafts");
  await page.keyboard.press("Enter");
  await panel.getByRole("button", { name: "Cheap drafts ✓" }).waitFor();
  const saved = page.url();
  await panel.getByRole("button", { name: "All records" }).click();
  await page.waitForURL(/#\/tables\/products$/);
  await settled(page);
  await enter(page, page.getByRole("button", { name: "Views" }));
  await enter(page, panel.getByRole("button", { name: "Cheap drafts", exact: true }));
  await page.waitForURL(saved);
  await settled(page);

  const names = await page.locator("tbody th").allInnerTexts();
  for (const index of [1, 2]) await page.getByRole("checkbox").nth(index).press("Space");
  await enter(page, page.getByRole("group", { name: "Selected records" }).getByRole("button", { name: "Edit" }));
  const dialog = page.getByRole("dialog", { name: "Edit 2 records" });
  await dialog.getByLabel("Field").selectOption("brand");
  await dialog.getByLabel("New value").fill("Changed together");
  await dialog.getByText("2 of 2 would change").waitFor();
  await inspect(page, "records, changes shown before");
  await enter(page, dialog.getByRole("button", { name: "Change 2" }));
  await page.getByText("2 records changed").waitFor();
  const changed = await recordsOf(page.context(), "products", "brand=Changed%20together&fields=name&limit=10");
  assert.deepEqual(changed.map((record) => record.name).sort(), names.slice(0, 2).sort());
}
