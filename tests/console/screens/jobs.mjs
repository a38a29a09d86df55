// Jobs by state: what was given up comes first; one is retried, one dropped after a question, and what is left all at once.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

export const path = "#/jobs?kind=tests.remind";

const KIND = "kind=tests.remind&limit=100";
const counted = async (page, state) => (await recordsOf(page.context(), "jobs", `${KIND}&state=${state}`)).length;

export async function use(page) {
  const [waiting, dropped] = [await counted(page, "waiting"), await counted(page, "dropped")];
  const rows = page.locator("tbody tr");
  const tab = (name) => page.getByRole("tab", { name });
  assert.equal(await tab("Given up 3").getAttribute("aria-selected"), "true");
  assert.equal(await rows.count(), 3);

  await enter(page, rows.first().getByRole("button", { name: "Retry" }));
  await page.getByText("1 job begun anew").waitFor();
  await tab("Given up 2").waitFor();
  await settled(page);
  assert.equal(await counted(page, "waiting"), waiting + 1);

  await tabTo(page, rows.first().getByRole("checkbox"));
  await page.keyboard.press("Space");
  await enter(page, page.getByRole("group", { name: "Selected jobs" }).getByRole("button", { name: "Drop" }));
  const dialog = page.getByRole("dialog", { name: "Drop this job?" });
  await dialog.waitFor();
  await inspect(page, "jobs, about to drop one");
  await enter(page, dialog.getByRole("button", { name: "Drop" }));
  await page.getByText("1 job dropped").waitFor();
  await tab("Given up 1").waitFor();

  await enter(page, page.getByRole("button", { name: "Retry all" }));
  await enter(page, page.getByRole("dialog", { name: "Retry 1 job?" }).getByRole("button", { name: "Retry all" }));
  await page.getByRole("heading", { name: "Nothing was given up" }).waitFor();
  assert.deepEqual([await counted(page, "waiting"), await counted(page, "dropped"), await counted(page, "dead")], [waiting + 2, dropped + 1, 0]);

  await tabTo(page, page.getByRole("tab", { selected: true }));
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/state=waiting/);
  await settled(page);
  assert.ok((await page.locator("tbody").innerText()).includes("Run now"));
  await enter(page, page.getByRole("combobox", { name: "Kind" }));
  await page.keyboard.type("Clear out old");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Nothing waits" }).waitFor();
}
