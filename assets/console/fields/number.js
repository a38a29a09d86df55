// Whole numbers, numbers with a fraction, and exact decimals, which travel as text.

import { html, useEffect, useState } from "../vendor/preact.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    const number = Number(value);
    const isShort = typeof value === "number" && Number.isFinite(number);
    return html`<span>${isShort ? number.toLocaleString() : String(value)}</span>`;
}

/** What is sent for what was typed; text that is no number is sent as it is, so that the server says what is wrong. @param {string} text @param {string} type */
function parsed(text, type) {
    const plain = text.trim().replace(/(?<=\d),(?=\d{1,2}$)/, ".").replace(/\s/g, "");
    if (plain === "") return null;
    if (type === "decimal") return plain;
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : text;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy, isInvalid }, isDisabled, placeholder }) {
    const [text, setText] = useState(value === null || value === undefined ? "" : String(value));
    useEffect(() => {
        const isSame = parsed(text, field.type) === (value ?? null);
        if (!isSame) setText(value === null || value === undefined ? "" : String(value));
    }, [value]);
    const typed = (/** @type {any} */ event) => {
        setText(event.target.value);
        onChange(parsed(event.target.value, field.type));
    };
    return html`<input class="input input-number" id=${id} inputmode=${field.type === "integer" ? "numeric" : "decimal"} value=${text}
        disabled=${isDisabled} placeholder=${placeholder} autocomplete="off" aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null} onInput=${typed} />`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    return html`<input class="input" id=${id} inputmode="decimal" value=${value} autocomplete="off" onInput=${(/** @type {any} */ event) => onChange(event.target.value.trim())} />`;
}
