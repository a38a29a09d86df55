// Schedules: said in words, run now, paused and resumed, and the job that came of it.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { enter } from "../keyboard.mjs";

export const path = "#/schedules";

export async function use(page) {
  const row = page.locator("tbody tr", { hasText: "Clear out old events and jobs" });
  assert.match(await row.innerText(), /Every day at 03:41 UTC/);
  await enter(page, row.getByRole("button", { name: "Pause" }));
  await page.getByText("is paused").waitFor();
  await row.getByText("Paused", { exact: true }).waitFor();
  await enter(page, row.getByRole("button", { name: "Resume" }));
  await row.getByRole("button", { name: "Pause" }).waitFor();
  await enter(page, row.getByRole("button", { name: "Run now" }));
  await page.getByText("is run now").waitFor();
  await enter(page, row.getByRole("link"));
  await page.waitForURL(/#\/jobs\?kind=work\.forget/);
  await settled(page);
  await page.locator("tbody tr", { hasText: "Done" }).first().waitFor();
}
