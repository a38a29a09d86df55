// Mails: a test mail goes out and is shown; the list is narrowed by state and address; templates in two languages.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";
import { operate, recordThat } from "../records.mjs";

/** A mail first, so that there is one. */
export async function path(context) {
  const { id } = await operate(context, "POST", "mail/test");
  await recordThat(context, "mails", id, (mail) => mail.state === "sent");
  return "#/outbox";
}

export async function use(page) {
  const rows = page.locator("tbody tr");
  const before = await rows.count();
  await enter(page, page.getByRole("button", { name: "Send a test mail" }));
  await page.getByText("Kept here instead of being sent").waitFor();
  await enter(page, page.getByRole("link", { name: "Mail", exact: true }).last());
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length > count, before);
  await type(page, page.getByRole("searchbox"), "nobody-has-this");
  await page.getByRole("heading", { name: "No such mail" }).waitFor();
  await type(page, page.getByRole("searchbox"), "ADMIN@");
  await tabTo(page, page.getByRole("combobox", { name: "State" }));
  await page.keyboard.type("Sent");
  await page.waitForURL(/state=sent/);
  await settled(page);
  assert.ok((await rows.count()) > before);

  await tabTo(page, page.getByRole("tab", { name: "Mails" }));
  await page.keyboard.press("ArrowRight");
  await page.getByRole("combobox", { name: "Template" }).waitFor();
  await page.getByRole("combobox", { name: "Template" }).selectOption("reset_password");
  await settled(page);
  const english = await page.locator("#preview-title").innerText();
  await page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await page.waitForFunction((text) => document.querySelector("#preview-title")?.textContent !== text, english);
  await page.frameLocator(".mail-frame").getByText("Jane").first().waitFor();
  await settled(page);
  await inspect(page, "outbox, a template");
}
