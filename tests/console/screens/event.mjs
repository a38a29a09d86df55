// One event: what it tells in words, as JSON when asked for, and the way to its jobs.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { enter } from "../keyboard.mjs";

export const path = "#/events/01a1fb00-0000-7000-8000-000000000001";

export async function use(page) {
  const told = page.getByRole("region", { name: "What it tells" });
  assert.match(await told.innerText(), /Place city\s+Berlin[\s\S]*Reasons\s+rain, late/);
  assert.equal(await page.getByText('"room": 2').isVisible(), false);
  await enter(page, told.getByText("As JSON"));
  await page.getByText('"room": 2').waitFor();
  await inspect(page, "event, with JSON");
  assert.equal(await page.locator("tbody tr").count(), 6);
  await enter(page, page.getByRole("link", { name: "Tests: remind" }).last());
  await page.getByRole("heading", { name: "This job was given up" }).waitFor();
}
