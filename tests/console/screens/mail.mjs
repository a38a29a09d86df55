// One mail: shown in a frame with its looks and without scripts, as plain text, and sent once more.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { operate, recordThat } from "../records.mjs";

export async function path(context) {
  const { id } = await operate(context, "POST", "mail/test");
  await recordThat(context, "mails", id, (mail) => mail.state === "sent");
  return `#/outbox/${id}`;
}

export async function use(page) {
  const frame = page.locator(".mail-frame");
  assert.doesNotMatch(await frame.getAttribute("sandbox"), /allow-scripts/);
  const shown = page.frameLocator(".mail-frame").locator("body");
  await shown.getByText("Alex").first().waitFor();
  assert.ok(await shown.evaluate((body) => [...body.querySelectorAll("*")].some((element) => element.style.length > 0) || document.adoptedStyleSheets.some((sheet) => sheet.cssRules.length > 0)),
    "it has its looks");
  await tabTo(page, page.getByRole("tab", { name: "As it looks" }));
  await page.keyboard.press("ArrowRight");
  await page.locator(".mail-text").waitFor();
  await inspect(page, "mail, as text");
  const before = page.url();
  await enter(page, page.getByRole("button", { name: "Send once more" }));
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Send" }));
  await page.waitForURL((url) => url.href !== before);
  await page.getByText("Kept here instead of being sent").waitFor();
  await page.getByRole("link", { name: "an earlier mail" }).waitFor();
}
