// One job: its payload in words, what failed and when, the event behind it; moved to the front, and dropped.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { enter } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

export const path = "#/jobs/01a1fb00-0000-7000-8000-000000000018";

export async function use(page) {
  assert.match(await page.getByRole("region", { name: "What it is to do" }).innerText(), /Customer name\s+Clara Hoffmann/);
  assert.match(await page.getByRole("region", { name: "Attempts that failed" }).innerText(), /did not answer within 30 s[\s\S]*Attempt 1/);
  const due = async () => (await recordsOf(page.context(), "jobs", "id=01a1fb00-0000-7000-8000-000000000018"))[0].run_at;
  const before = await due();
  await enter(page, page.getByRole("button", { name: "Run now" }));
  await page.getByText("1 job moved to the front").waitFor();
  await settled(page);
  assert.ok((await due()) < before, "it is due earlier");
  await enter(page, page.getByRole("button", { name: "Drop" }));
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Drop" }));
  await page.getByText("Somebody decided against it.").waitFor();
  await enter(page, page.getByRole("link", { name: "What staff did with it" }));
  await page.locator(".trail-sentence", { hasText: "dropped the job" }).waitFor();
}
