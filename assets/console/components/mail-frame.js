// A mail as its reader sees it: in a frame of its own where no script runs and nothing is loaded from outside.
//
// Deliberately elsewhere: why looks are taken out of the HTML first (model/mail-html.js).

import { html, useEffect, useRef } from "../vendor/preact.js";
import { withoutLooks } from "../model/mail-html.js";

/** What is in no mail of ours, and would load or send something. */
const NOT_SHOWN = "script, link, meta, base, iframe, object, embed, form, video, audio";
/** Room below the text, so that nothing scrolls. */
const SPARE_PX = 24;

/** Puts a mail into the document of a frame. @param {Document} page @param {string} text */
function fill(page, text) {
    const view = /** @type {(Window & typeof globalThis) | null} */ (page.defaultView);
    if (!view) return;
    const { html: plain, css } = withoutLooks(text);
    const mail = new DOMParser().parseFromString(plain, "text/html");
    mail.querySelectorAll(NOT_SHOWN).forEach((element) => element.remove());
    mail.querySelectorAll("img").forEach((image) => { if (!/^data:/.test(image.getAttribute("src") ?? "")) image.removeAttribute("src"); });
    mail.querySelectorAll("a").forEach((link) => { link.target = "_blank"; link.rel = "noopener noreferrer"; });
    page.body.replaceWith(page.adoptNode(mail.body));
    page.documentElement.lang = mail.documentElement.lang;
    page.querySelectorAll("[data-look]").forEach((element) => {
        /** @type {HTMLElement} */ (element).style.cssText = element.getAttribute("data-look") ?? "";
    });
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(css);
    page.adoptedStyleSheets = [sheet];
}

/** @param {{ title: string, text: string }} props `text`: the whole HTML of the mail. */
export function MailFrame({ title, text }) {
    const ref = useRef(/** @type {HTMLIFrameElement | null} */ (null));
    useEffect(() => {
        const frame = ref.current;
        const show = () => {
            const page = frame?.contentDocument;
            if (!frame || !page?.body) return;
            fill(page, text);
            frame.style.height = `${page.documentElement.scrollHeight + SPARE_PX}px`;
        };
        frame?.addEventListener("load", show);
        if (frame) frame.srcdoc = "<!doctype html><html><head><title>Mail</title></head><body></body></html>";
        return () => frame?.removeEventListener("load", show);
    }, [text]);
    return html`<iframe ref=${ref} class="mail-frame" title=${title} sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>`;
}
