// The bell and what it tells: counted, opened, read one by one and all at once; what is not wanted is switched off; quiet hours.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { operate } from "../records.mjs";

export async function path(context) {
  for (const type of ["job_died", "membership_added", "account_reinstated"]) await operate(context, "POST", "notifications/test", { type });
  return "#/notifications";
}

/** How many are unread, as the bell says. */
const counted = (page) => page.locator(".bell").evaluate((bell) => Number.parseInt(bell.ariaLabel.replace(/\D+/g, "") || "0", 10));
const waitFor = (page, count) => page.waitForFunction((wanted) => Number.parseInt(document.querySelector(".bell").ariaLabel.replace(/\D+/g, "") || "0", 10) === wanted, count);

export async function use(page) {
  const unread = await counted(page);
  assert.ok(unread >= 3);
  await enter(page, page.getByRole("button", { name: /^Notifications/ }));
  const panel = page.locator(".panel:popover-open");
  await panel.locator(".notice").nth(2).waitFor();
  await inspect(page, "the bell, opened");
  await enter(page, panel.getByRole("button", { name: /^Mark as read/ }).first());
  await waitFor(page, unread - 1);
  await enter(page, panel.getByRole("button", { name: "Mark all as read" }));
  await waitFor(page, 0);
  await enter(page, panel.getByRole("link", { name: "All notifications and preferences" }));
  await panel.waitFor({ state: "detached" });
  await settled(page);

  const mail = page.getByRole("group", { name: "Job given up" }).getByRole("checkbox", { name: "By e-mail" });
  await tabTo(page, mail);
  const isOn = await mail.isChecked();
  await page.keyboard.press("Space");
  await page.reload();
  await settled(page);
  assert.equal(await mail.isChecked(), !isOn);

  const quiet = page.getByRole("form", { name: "Quiet hours" });
  await tabTo(page, quiet.getByRole("checkbox"));
  if (!(await quiet.getByRole("checkbox").isChecked())) await page.keyboard.press("Space");
  await quiet.getByLabel("From").fill("21:30");
  await inspect(page, "notifications, quiet hours");
  await enter(page, quiet.getByRole("button", { name: "Save quiet hours" }));
  await page.getByText("Quiet hours saved").waitFor();
  await page.reload();
  await settled(page);
  assert.equal(await quiet.getByLabel("From").inputValue(), "21:30");
}
