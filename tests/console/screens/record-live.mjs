// A record while somebody else changes it: looked at, it shows the new values and says so; edited, it keeps what is typed and says so.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, type } from "../keyboard.mjs";
import { operate } from "../records.mjs";

const GECKO = "species/live_gecko";

export async function path(context) {
  await operate(context, "POST", "species", { id: "live_gecko", name: "Gecko", position: 1 });
  return `#/tables/${GECKO}`;
}

export async function use(page) {
  const context = page.context();
  const note = page.locator(".changed-note");
  const change = (values) => operate(context, "PATCH", GECKO, values);
  // Changes are told from when the list of subscriptions has this one; a first change may come before.
  await change({ position: 2 });
  await note.getByText("Position: these are the new values.").waitFor();
  await page.locator(".record-values .is-changed", { hasText: "Position" }).getByText("2", { exact: true }).waitFor();
  await settled(page);
  await inspect(page, "record, changed by somebody else");
  await enter(page, note.getByRole("button", { name: "Got it" }));
  await note.locator("h2").waitFor({ state: "detached" });

  await enter(page, page.getByRole("link", { name: "Edit" }));
  const name = page.getByRole("textbox", { name: "Name" });
  await name.waitFor();
  await settled(page);
  await type(page, name, "My gecko");
  await change({ name: "Their gecko" });
  await note.getByText("Somebody saved other values of Name while you edit.").waitFor();
  assert.equal(await name.inputValue(), "My gecko");
  await inspect(page, "record, edited while somebody else saved it");
  await enter(page, note.getByRole("button", { name: "Load theirs, drop mine" }));
  await page.waitForFunction(() => document.querySelector("#record-species-name")?.value === "Their gecko");
  await note.locator("h2").waitFor({ state: "detached" });

  await type(page, name, "Our gecko");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByRole("heading", { level: 1, name: "Our gecko" }).waitFor();
  await settled(page);
  assert.equal(await note.locator("h2").count(), 0, "one's own change is no news");

  await operate(context, "DELETE", GECKO);
  await note.getByRole("heading", { name: "Deleted elsewhere" }).waitFor();
  await inspect(page, "record, deleted by somebody else");
}
