// What every screen is held to: no accessibility violation, nothing cut off or wider than the window, everything within
// reach of the keyboard with a visible focus, and not a word in the browser's error log.
import assert from "node:assert/strict";
import { faultsOf } from "./browser.mjs";

/** Nothing has gone wrong on the page so far. */
export async function assertQuiet(page) {
  assert.deepEqual(await faultsOf(page), [], `on ${page.url()}`);
}

/** axe finds nothing, in all its rules but those that only advise. */
export async function assertAccessible(page, where) {
  const found = await page.evaluate(async () => {
    // What lies below a heading that stays in place, after scrolling, is not too small.
    window.scrollTo(0, 0);
    for (const element of document.querySelectorAll("*")) if (element.scrollTop > 0) element.scrollTop = 0;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    // In the frame of a mail no script runs, so axe does not either.
    const result = await window.axe.run(document, { iframes: false, runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return result.violations.map((rule) => `${rule.id}: ${rule.help}\n    ${rule.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)} ${node.any.map((check) => check.message).join(" ")}`).join("\n    ")}`);
  });
  assert.deepEqual(found, [], `${where}: axe finds something`);
}

/** The page is not wider than its window. Wide things scroll inside a region of their own. */
export async function assertFits(page, where) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const isTooWide = (element) => element.getBoundingClientRect().right > room + 1;
    return [...document.body.querySelectorAll("*")].filter(isTooWide).slice(-5).map((element) => element.outerHTML.slice(0, 160));
  });
  assert.deepEqual(wide, [], `${where}: wider than the window`);
}

/** Runs in the page: what a person can act on now. */
function actionable() {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  const root = open ?? document.body;
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && !element.closest("[inert]");
  const isOn = (element) => !element.disabled && element.tabIndex >= 0 && element.type !== "hidden";
  // Of a group of radio buttons Tab reaches one.
  const isGrouped = (element) => element.type === "radio" && !element.checked;
  return [...root.querySelectorAll(kinds)].filter((element) => isShown(element) && isOn(element) && !isGrouped(element));
}

/** Runs in the page: how an element looks. The ring of the focus may be drawn by what is around it or by its first part. */
function looks(element) {
  const names = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor", "backgroundColor", "stroke", "strokeWidth"];
  const parts = [element, element.parentElement, element.firstElementChild].filter(Boolean);
  return parts.map((part) => getComputedStyle(part)).flatMap((style) => names.map((name) => style[name])).join("|");
}

/** Tab reaches all that can be acted on, shows where it is, and never gets stuck. */
export async function assertKeyboard(page, where) {
  await page.evaluate(`window.actionable = ${actionable}; window.looks = ${looks};`);
  const plain = await page.evaluate(() => {
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    const all = window.actionable();
    window.plain = new Map(all.map((element) => [element, window.looks(element)]));
    window.reached = new Set();
    window.marked = new Set();
    return all.length;
  });
  // Some fields take several steps: a date has a day, a month and a year.
  const most = 4 * plain + 20;
  for (let step = 0, left = plain; step < most && left > 0; step++) {
    await page.keyboard.press("Tab");
    left = await page.evaluate(() => {
      const element = document.activeElement ?? document.body;
      window.reached.add(element);
      if (element.matches(":focus-visible") && window.plain.get(element) !== window.looks(element)) window.marked.add(element);
      return [...window.plain.keys()].filter((one) => one.isConnected && !window.reached.has(one)).length;
    });
  }
  const { missed, unseen } = await page.evaluate(() => {
    const all = [...window.plain.keys()].filter((element) => element.isConnected);
    const told = (elements) => elements.map((element) => element.outerHTML.slice(0, 160));
    return {
      missed: told(all.filter((element) => !window.reached.has(element))),
      unseen: told(all.filter((element) => window.reached.has(element) && !window.marked.has(element))),
    };
  });
  assert.deepEqual(missed, [], `${where}: not within reach of Tab`);
  assert.deepEqual(unseen, [], `${where}: focus cannot be seen`);
}

/** All of it, as the page stands. */
export async function inspect(page, where) {
  await assertAccessible(page, where);
  await assertFits(page, where);
  await assertQuiet(page);
}
