// The pages that links in mails lead to. Opening one does nothing: mail scanners follow links. The button posts the token, which stands
// behind the # of the address, so that no server and no log has seen it before.

import { pages, words } from "./words.js";

const language = navigator.languages.some((name) => name.toLowerCase().startsWith("de"))
    && !(navigator.languages[0] ?? "").toLowerCase().startsWith("en") ? "de" : "en";
const say = words[language];
const name = location.pathname.split("/").pop() ?? "";
const page = pages[name];
const text = say[name];
const api = document.documentElement.dataset.api;
const card = document.getElementById("card");
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";

// The token stays out of the history and of what is shared from here.
if (token) history.replaceState(null, "", location.pathname);
document.documentElement.lang = language;

/** An element with properties and children. */
function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
        if (key in made && !key.includes("-")) made[key] = value;
        else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
}

/** Shows a heading and what is below it, and says so to who does not see it. */
function show(heading, ...below) {
    document.title = heading;
    const title = element("h1", { tabIndex: -1 }, heading);
    card.replaceChildren(title, ...below);
    return title;
}

/** Where to go on: another mail, or the console. */
function after(kind) {
    const links = [];
    if (kind === "gone" && page.again) {
        links.push(element("a", { href: `/account/${page.again}` }, say.again[page.again]));
    }
    if (kind === "done" && api.endsWith("/admin")) links.push(element("a", { href: "/" }, say.toConsole));
    return links.map((link) => element("p", { className: "after" }, link));
}

/** Sends what the page is for. Cookies stay away: the token alone says who it is. */
async function send(body) {
    const answer = await fetch(`${api}${page.path}`, {
        method: "POST",
        credentials: "omit",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    const problem = await answer.json().catch(() => ({}));
    return { status: answer.status, message: problem.errors?.[0]?.message ?? problem.detail ?? say.failed };
}

/** The field of a page that has one, with its label and hint. */
function field() {
    if (!page.field) return { parts: [], input: null };
    const isPassword = page.field === "password";
    const hint = element("p", { id: "hint", className: "hint" }, say.hints[page.field]);
    const input = element("input", {
        id: "field", name: page.field, type: isPassword ? "password" : "email", required: true,
        autocomplete: isPassword ? "new-password" : "email", maxLength: isPassword ? 128 : 254, "aria-describedby": "hint problem",
    });
    const parts = [element("label", { htmlFor: "field" }, say.fields[page.field]), input, hint];
    if (isPassword) {
        const box = element("input", { type: "checkbox", id: "show" });
        box.addEventListener("change", () => { input.type = box.checked ? "text" : "password"; });
        parts.push(element("label", { className: "show", htmlFor: "show" }, box, say.show));
    }
    return { parts, input };
}

/** The form: a button, perhaps a field, and what went wrong. */
function form() {
    const { parts, input } = field();
    const problem = element("p", { id: "problem", className: "problem", role: "alert", hidden: true });
    const button = element("button", { type: "submit" }, text.button);
    const made = element("form", { noValidate: true }, problem, ...parts, button);
    const fail = (message) => {
        problem.textContent = message;
        problem.hidden = false;
        button.removeAttribute("aria-disabled");
        if (input) {
            input.setAttribute("aria-invalid", "true");
            input.focus();
        }
    };
    made.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (button.getAttribute("aria-disabled")) return;
        if (input && !input.value) return fail(say.required);
        button.setAttribute("aria-disabled", "true");
        problem.hidden = true;
        const body = page.token === false ? {} : { token };
        if (input) body[page.field] = input.value;
        try {
            const failure = await send(body);
            if (!failure) show(text.done, element("p", {}, text.doneText), ...after("done")).focus();
            else if (failure.status === 410) show(say.gone, element("p", {}, say.goneText), ...after("gone")).focus();
            else fail(failure.status === 429 ? say.tooMany : failure.message);
        } catch {
            fail(say.offline);
        }
    });
    return made;
}

if (!page || !text) {
    show(say.nothing);
} else if (page.token !== false && !token) {
    show(say.gone, element("p", {}, say.brokenText), ...after("gone"));
} else {
    show(text.title, element("p", {}, text.text), form());
}
