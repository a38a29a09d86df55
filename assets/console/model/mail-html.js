// The HTML of a mail in parts that the console's policy lets through: looks apart from the document. Pure.
//
// The policy forbids looks inside of HTML, and a frame with a document of ours inherits it. So style sheets and attributes are taken
// out here, and given back as objects by whoever shows the mail (components/mail-frame.js).

/** A tag with its attributes. */
const TAG = /<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
/** An attribute with its value. */
const ATTRIBUTE = /([\s"'/])([^\s"'<>/=]+)(\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))/g;

/** A tag whose looks and scripts have names that mean nothing. @param {string} tag */
const renamed = (tag) => tag.replace(ATTRIBUTE, (_, before, /** @type {string} */ name, value) => {
    const plain = name.toLowerCase();
    return `${before}${plain === "style" ? "data-look" : plain.startsWith("on") ? "data-off" : name}${value}`;
});

/** The document without looks, its style sheets, and its `style` attributes under another name. @param {string} text @returns {{ html: string, css: string }} */
export function withoutLooks(text) {
    /** @type {string[]} */
    const sheets = [];
    const plain = text.replace(/<style[^>]*>([\s\S]*?)<\/style\s*>/gi, (_, css) => { sheets.push(css); return ""; })
        .replace(/<script[\s\S]*?<\/script\s*>/gi, "");
    return { html: plain.replace(TAG, renamed), css: sheets.join("\n") };
}
